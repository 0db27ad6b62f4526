//! The command line.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use thiserror::Error;
use url::Url;

use crate::{
    Delivery, Fanout, Format, Join, MatchScript, Options, Script, Ticket, Ticks, Transport,
};

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// To run bots.
    Run {
        /// Which.
        options: Box<Options>,
        /// Where the report goes as JSON, if anywhere; `-` is the standard output, without the table.
        json: Option<PathBuf>,
    },
    /// This text.
    Help(&'static str),
}

/// What is wrong with the command line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FlagError {
    /// There is no such flag.
    #[error("bots has no flag {0}; `bots --help` lists them all")]
    Unknown(String),
    /// The flag has no value.
    #[error("--{0} needs a value")]
    NoValue(String),
    /// The value is none.
    #[error("--{flag} cannot be `{value}`; {advice}")]
    BadValue {
        /// The flag.
        flag: String,
        /// What was written.
        value: String,
        /// What could be.
        advice: String,
    },
    /// These do not go together.
    #[error("{0}")]
    Contradiction(&'static str),
}

/// Reads the command line, without the words before the flags.
///
/// # Errors
///
/// [`FlagError`]; its text is one sentence for whoever wrote it.
pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Asked, FlagError> {
    let mut given = Given::default();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix("--") else {
            if word == "-h" {
                return Ok(Asked::Help(HELP));
            }
            return Err(FlagError::Unknown(word));
        };
        if name == "help" {
            return Ok(Asked::Help(HELP));
        }
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (name.to_owned(), None),
        };
        if SWITCHES.contains(&&*name) {
            given
                .0
                .insert(name, vec![value.unwrap_or_else(|| "true".into())]);
            continue;
        }
        if !VALUES.contains(&&*name) {
            return Err(FlagError::Unknown(word));
        }
        let value = value.or_else(|| words.next());
        let value = value.ok_or_else(|| FlagError::NoValue(name.clone()))?;
        given.0.entry(name).or_default().push(value);
    }
    given.options()
}

const SWITCHES: [&str; 5] = ["relayed", "idle", "storm", "fresh", "tickets"];

const VALUES: [&str; 31] = [
    "server",
    "server-key",
    "clients",
    "threads",
    "transport",
    "format",
    "match",
    "join",
    "players",
    "rate",
    "size",
    "op-code",
    "delivery",
    "fanout",
    "tick-rate",
    "tick-op-code",
    "create-rpc",
    "create-payload",
    "match-id",
    "chat",
    "query",
    "min",
    "max",
    "connect-rate",
    "warmup",
    "seconds",
    "drain",
    "network",
    "json",
    "source",
    "seed",
];

/// What a kind of match is like, for kinds that are known.
struct Kind {
    name: &'static str,
    rpc: &'static str,
    payload: &'static str,
    players: usize,
    fanout: Fanout,
    ticks: Option<Ticks>,
}

const BENCH: Kind = Kind {
    name: "echo",
    rpc: "bench_create_matches",
    payload: "",
    players: 8,
    fanout: Fanout::All,
    ticks: None,
};

const KINDS: [Kind; 6] = [
    BENCH,
    Kind {
        name: "aggregate",
        ticks: Some(Ticks {
            op_code: 2,
            rate: 30.0,
            has_records: true,
        }),
        ..BENCH
    },
    Kind {
        name: "pingpong",
        rpc: "pingpong_create",
        fanout: Fanout::Sender,
        ..BENCH
    },
    Kind {
        name: "arena",
        rpc: "arena_create",
        fanout: Fanout::Nobody,
        ticks: Some(Ticks {
            op_code: 10,
            rate: 30.0,
            has_records: false,
        }),
        ..BENCH
    },
    Kind {
        name: "xoxo",
        rpc: "xoxo_create",
        players: 2,
        fanout: Fanout::Nobody,
        ..BENCH
    },
    Kind {
        name: "words",
        rpc: "words_create",
        players: 4,
        fanout: Fanout::Nobody,
        ..BENCH
    },
];

/// Flags by name.
#[derive(Default)]
struct Given(BTreeMap<String, Vec<String>>);

impl Given {
    fn text(&self, flag: &str) -> Option<&str> {
        self.0.get(flag)?.last().map(String::as_str)
    }

    fn is_on(&self, flag: &str) -> bool {
        self.text(flag) == Some("true")
    }

    fn value<T: FromStr>(&self, flag: &str, default: T) -> Result<T, FlagError> {
        self.parsed(flag, "it is a number", |text| text.parse().ok())
            .map(|value| value.unwrap_or(default))
    }

    fn parsed<T>(
        &self,
        flag: &str,
        advice: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, FlagError> {
        let Some(text) = self.text(flag) else {
            return Ok(None);
        };
        parse(text).map(Some).ok_or_else(|| bad(flag, text, advice))
    }

    fn choice<T: Copy>(
        &self,
        flag: &str,
        default: T,
        choices: &[(&str, T)],
    ) -> Result<T, FlagError> {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let advice = format!("it is one of {}", names.join(", "));
        let choose = |text: &str| {
            let found = choices.iter().find(|(name, _)| *name == text);
            found.map(|(_, choice)| *choice)
        };
        let chosen = self.parsed(flag, &advice, choose)?;
        Ok(chosen.unwrap_or(default))
    }

    fn seconds(&self, flag: &str, default: Duration) -> Result<Duration, FlagError> {
        let parse = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok();
        let seconds = self.parsed(flag, "it is a number of seconds", parse)?;
        Ok(seconds.unwrap_or(default))
    }

    fn options(&self) -> Result<Asked, FlagError> {
        let default = Options::default();
        let options = Options {
            server: self
                .parsed("server", "it is like http://127.0.0.1:7350", server)?
                .unwrap_or(default.server),
            server_key: self
                .text("server-key")
                .map_or(default.server_key, str::to_owned),
            clients: self.value("clients", default.clients)?,
            threads: self.value("threads", default.threads)?,
            transport: self.choice("transport", default.transport, &TRANSPORTS)?,
            format: self.choice("format", default.format, &FORMATS)?,
            rate: self.value("rate", default.rate)?,
            size: self.value("size", default.size)?,
            connect_rate: self.value("connect-rate", default.connect_rate)?,
            warmup: self.seconds("warmup", default.warmup)?,
            duration: self.seconds("seconds", default.duration)?,
            drain: self.seconds("drain", default.drain)?,
            network: self.network()?,
            sources: self
                .parsed(
                    "source",
                    "it is like 127.0.0.2-127.0.0.9 or 127.0.0.2,127.0.0.3",
                    sources,
                )?
                .unwrap_or_default(),
            seed: self.value("seed", default.seed)?,
            script: self.script()?,
        };
        Ok(Asked::Run {
            options: Box::new(options),
            json: self.text("json").map(PathBuf::from),
        })
    }

    fn network(&self) -> Result<Option<tiltyard_link::Profile>, FlagError> {
        let Some(text) = self.text("network") else {
            return Ok(None);
        };
        let profile = text.parse::<tiltyard_link::Profile>();
        profile
            .map(Some)
            .map_err(|error| bad("network", text, &error.to_string()))
    }

    fn script(&self) -> Result<Script, FlagError> {
        let chat = self.text("chat");
        let chosen = [
            self.is_on("idle"),
            self.is_on("storm"),
            self.is_on("tickets"),
            chat.is_some(),
        ];
        if chosen.iter().filter(|is_chosen| **is_chosen).count() > 1 {
            return Err(FlagError::Contradiction(
                "bots do one of --idle, --storm, --tickets and --chat",
            ));
        }
        if let Some(room) = chat {
            return Ok(Script::Chat { room: room.into() });
        }
        if self.is_on("idle") {
            return Ok(Script::Idle);
        }
        if self.is_on("tickets") {
            return Ok(Script::Tickets(self.ticket()?));
        }
        if self.is_on("storm") {
            let names_match = ["match", "join", "match-id", "create-rpc", "relayed"];
            let joins = names_match.iter().any(|flag| self.text(flag).is_some());
            return Ok(Script::Storm {
                fresh: self.is_on("fresh"),
                join: joins.then(|| self.matches()).transpose()?,
            });
        }
        Ok(Script::Match(self.matches()?))
    }

    fn ticket(&self) -> Result<Ticket, FlagError> {
        Ok(Ticket {
            query: self.text("query").unwrap_or("*").into(),
            min_count: self.value("min", 2)?,
            max_count: self.value("max", 2)?,
        })
    }

    fn matches(&self) -> Result<MatchScript, FlagError> {
        let default = MatchScript::default();
        let name = self.text("match").filter(|_| !self.is_on("relayed"));
        let kind = KINDS.iter().find(|kind| Some(kind.name) == name);
        let players = kind.map_or(default.players, |kind| kind.players);
        let join = self.join(name, kind)?;
        let fanout = match (kind, &join) {
            (Some(kind), _) => kind.fanout,
            (None, Join::Relayed | Join::Matchmaker(_)) => Fanout::Others,
            (None, _) => Fanout::Nobody,
        };
        Ok(MatchScript {
            join,
            players: self.value("players", players)?,
            op_code: self.value("op-code", default.op_code)?,
            delivery: self.choice("delivery", default.delivery, &DELIVERIES)?,
            fanout: self.choice("fanout", fanout, &FANOUTS)?,
            ticks: self.ticks(kind.and_then(|kind| kind.ticks))?,
        })
    }

    fn ticks(&self, default: Option<Ticks>) -> Result<Option<Ticks>, FlagError> {
        if default.is_none() && self.text("tick-op-code").is_none() {
            return Ok(None);
        }
        let default = default.unwrap_or(Ticks {
            op_code: 0,
            rate: 30.0,
            has_records: false,
        });
        Ok(Some(Ticks {
            op_code: self.value("tick-op-code", default.op_code)?,
            rate: self.value("tick-rate", default.rate)?,
            has_records: default.has_records,
        }))
    }

    fn join(&self, name: Option<&str>, kind: Option<&Kind>) -> Result<Join, FlagError> {
        let ids: Vec<String> = self.0.get("match-id").cloned().unwrap_or_default();
        let default = match name {
            _ if !ids.is_empty() => "ids",
            Some(_) => "create",
            None if self.text("create-rpc").is_some() => "create",
            None => "relayed",
        };
        let query = || match (self.text("query"), name) {
            (Some(query), _) => query.to_owned(),
            (None, Some(name)) => format!("+label.game:{name}"),
            (None, None) => String::new(),
        };
        Ok(match self.text("join").unwrap_or(default) {
            "relayed" => Join::Relayed,
            "ids" if ids.is_empty() => {
                return Err(FlagError::Contradiction(
                    "--join ids needs --match-id, once or more",
                ));
            }
            "ids" => Join::Ids(ids),
            "list" => Join::List { query: query() },
            "matchmaker" => Join::Matchmaker(self.ticket()?),
            "create" if name.is_none() && self.text("create-rpc").is_none() => Join::Relayed,
            "create" => Join::Create {
                rpc: match (self.text("create-rpc"), kind, name) {
                    (Some(rpc), ..) => rpc.into(),
                    (None, Some(kind), _) => kind.rpc.into(),
                    (None, None, name) => format!("{}_create", name.unwrap_or_default()),
                },
                payload: self.payload(kind)?,
            },
            other => {
                let advice = "it is one of create, list, matchmaker, ids, relayed";
                return Err(bad("join", other, advice));
            }
        })
    }

    fn payload(&self, kind: Option<&Kind>) -> Result<String, FlagError> {
        if let Some(payload) = self.text("create-payload") {
            return Ok(payload.into());
        }
        let Some(kind) = kind.filter(|kind| kind.rpc == BENCH.rpc) else {
            return Ok(kind.map_or("", |kind| kind.payload).into());
        };
        let tick_rate: f64 = self.value("tick-rate", 30.0)?;
        let mode = kind.name;
        // In a storm, a match is empty now and then.
        let stop_when_empty = !self.is_on("storm");
        Ok(format!(
            r#"{{"count":1,"tick_rate":{tick_rate},"mode":"{mode}","stop_when_empty":{stop_when_empty},"return_ids":true}}"#
        ))
    }
}

const TRANSPORTS: [(&str, Transport); 3] = [
    ("websocket", Transport::WebSocket),
    ("quic", Transport::Quic),
    ("webtransport", Transport::WebTransport),
];
const FORMATS: [(&str, Format); 2] = [("json", Format::Json), ("protobuf", Format::Protobuf)];
const DELIVERIES: [(&str, Delivery); 3] = [
    ("reliable", Delivery::Reliable),
    ("unreliable", Delivery::Unreliable),
    ("newest", Delivery::Newest),
];
const FANOUTS: [(&str, Fanout); 4] = [
    ("all", Fanout::All),
    ("others", Fanout::Others),
    ("sender", Fanout::Sender),
    ("nobody", Fanout::Nobody),
];

fn bad(flag: &str, value: &str, advice: &str) -> FlagError {
    FlagError::BadValue {
        flag: flag.into(),
        value: value.into(),
        advice: advice.into(),
    }
}

fn server(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_http = matches!(url.scheme(), "http" | "https");
    (is_http && url.host_str().is_some()).then_some(url)
}

fn sources(text: &str) -> Option<Vec<IpAddr>> {
    let mut all = Vec::new();
    for part in text.split(',') {
        let Some((first, last)) = part.split_once('-') else {
            all.push(part.parse().ok()?);
            continue;
        };
        let (first, last): (Ipv4Addr, Ipv4Addr) = (first.parse().ok()?, last.parse().ok()?);
        let range = first.to_bits()..=last.to_bits();
        all.extend(range.map(|bits| IpAddr::from(Ipv4Addr::from_bits(bits))));
    }
    Some(all)
}

impl Options {
    /// What a report says of the options.
    pub(crate) fn flags(&self) -> BTreeMap<&'static str, String> {
        let mut flags = BTreeMap::from([
            ("server", self.server.to_string()),
            ("clients", self.clients.to_string()),
            ("threads", self.threads.to_string()),
            ("transport", self.transport.to_string()),
            ("format", self.format.to_string()),
            ("rate", self.rate.to_string()),
            ("size", self.size.to_string()),
            ("connect_rate", self.connect_rate.to_string()),
            ("warmup_s", self.warmup.as_secs_f64().to_string()),
            ("seconds", self.duration.as_secs_f64().to_string()),
            ("seed", self.seed.to_string()),
            ("script", format!("{:?}", self.script)),
        ]);
        if let Some(network) = &self.network {
            flags.insert("network", network.to_string());
        }
        flags
    }
}

const HELP: &str = "\
Usage: tiltyard bots [FLAGS]

Connects clients to a server, has them do one thing, and reports what they saw. Without flags, eight
clients talk for ten seconds in a relayed match of the server on this machine.

Where and who
  --server URL           [default: http://127.0.0.1:7350]
  --server-key KEY       [default: defaultkey]
  --clients N            [default: 8]
  --threads N            threads that drive them [default: 1]
  --seed N               names the accounts: devices bot-<seed>-<n> [default: 1]
  --source ADDRESSES     addresses of this machine to connect from, such as 127.0.0.2-127.0.0.9
  --connect-rate N       clients that start a second [default: 200]
  --transport NAME       websocket, quic, webtransport [default: websocket]
  --format NAME          json, protobuf; of WebSockets [default: protobuf]
  --network PROFILE      a bad network, such as mobile,loss=5%; logins are not on it

What they do: matches, unless one of these is given
  --idle                 connect only
  --chat ROOM            all join a chat room, and one of them speaks
  --tickets              each puts a ticket into the matchmaker, all at once
  --storm                log in, connect, join and leave, over and over; --fresh makes new accounts

Matches
  --match KIND           pingpong, arena, xoxo, words; echo, aggregate of the bench fixture; or another
  --relayed              relayed matches, which is what they do without --match
  --join HOW             create, list, matchmaker, ids, relayed
  --players N            clients of each match
  --create-rpc NAME      function that makes a match [default: KIND_create]
  --create-payload JSON  what it is called with; a number `count` in it is set to how many to make
  --match-id ID          a match to join; may be repeated
  --query TEXT           for --join list, --join matchmaker and --tickets
  --min N, --max N       players of a matchmaker's match [default: 2]
  --op-code N            of what they send [default: 1]
  --delivery HOW         reliable, unreliable, newest [default: reliable]
  --fanout WHO           all, others, sender, nobody: who gets what one sends
  --tick-op-code N, --tick-rate HZ   what comes once a tick, to measure its jitter

How much and how long
  --rate HZ              messages that each sends a second [default: 10]
  --size BYTES           of a message, at least 16 [default: 64]
  --warmup SECONDS       before anything counts [default: 1]
  --seconds SECONDS      what counts [default: 10]
  --drain SECONDS        to wait for what is still under way [default: 2]
  --json FILE            writes the report as JSON; - prints it instead of the table";

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &str) -> Options {
        match parse(words.split_whitespace().map(str::to_owned)).unwrap() {
            Asked::Run { options, .. } => *options,
            Asked::Help(_) => panic!("it asks for bots"),
        }
    }

    fn refusal(words: &str) -> String {
        let parsed = parse(words.split_whitespace().map(str::to_owned));
        parsed.unwrap_err().to_string()
    }

    #[test]
    fn the_help_names_every_flag() {
        for flag in SWITCHES.iter().chain(&VALUES) {
            assert!(HELP.contains(&format!("--{flag}")), "{flag}");
        }
    }

    #[test]
    fn a_kind_of_match_brings_what_it_needs() {
        let options = options("--match xoxo --clients 8 --rate=30");
        let matches = options.matches().unwrap();
        assert_eq!((matches.players, options.match_count()), (2, 4));
        let Join::Create { rpc, .. } = &matches.join else {
            panic!("it is created");
        };
        assert_eq!(rpc, "xoxo_create");
    }

    #[test]
    fn without_a_kind_matches_are_relayed() {
        assert_eq!(options("").matches().unwrap().join, Join::Relayed);
        assert_eq!(options("").matches().unwrap().fanout, Fanout::Others);
    }

    #[test]
    fn sources_are_ranges_and_lists() {
        let options = options("--source 127.0.0.2-127.0.0.4,127.0.0.9");
        assert_eq!(options.sources.len(), 4);
    }

    #[test]
    fn what_is_no_flag_is_told() {
        assert!(refusal("--speed 3").contains("--speed"));
        assert!(refusal("--rate").contains("--rate"));
        assert!(refusal("--transport pigeon").contains("websocket"));
        assert!(refusal("--idle --storm").contains("one of"));
    }
}
