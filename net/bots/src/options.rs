//! What the bots do.

use std::{fmt, net::IpAddr, time::Duration};

use tiltyard_link::Profile;
use url::Url;

/// Shortest message: the time at which it was sent, who sent it, and its number.
pub const SIZE_MIN: usize = 16;

/// How many bots there are, how they connect and what they do. [`Options::default`] is what the
/// flags of the same names default to.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the server is: `http://host:port`, or `https` for one behind TLS.
    pub server: Url,
    /// The server's key for clients.
    pub server_key: String,
    /// How many bots.
    pub clients: usize,
    /// Threads that drive them.
    pub threads: usize,
    /// How they connect.
    pub transport: Transport,
    /// What WebSockets carry. QUIC and WebTransport carry protobuf.
    pub format: Format,
    /// What they do.
    pub script: Script,
    /// Messages that each sends a second; in a chat room only one does.
    pub rate: f64,
    /// Bytes of a message, at least [`SIZE_MIN`].
    pub size: usize,
    /// Bots that start to log in, a second.
    pub connect_rate: f64,
    /// How long they send before anything counts.
    pub warmup: Duration,
    /// How long what happens counts.
    pub duration: Duration,
    /// How long is waited, after that, for what is still under way.
    pub drain: Duration,
    /// A bad network between bots and server; logins are not on it.
    pub network: Option<Profile>,
    /// Addresses of this machine to connect from, in turn.
    pub sources: Vec<IpAddr>,
    /// Names the accounts: bot `n` logs in as device `bot-<seed>-<n>`.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            server: Url::parse("http://127.0.0.1:7350").expect("it is one"),
            server_key: "defaultkey".into(),
            clients: 8,
            threads: 1,
            transport: Transport::WebSocket,
            format: Format::Protobuf,
            script: Script::Match(MatchScript::default()),
            rate: 10.0,
            size: 64,
            connect_rate: 200.0,
            warmup: Duration::from_secs(1),
            duration: Duration::from_secs(10),
            drain: Duration::from_secs(2),
            network: None,
            sources: Vec::new(),
            seed: 1,
        }
    }
}

/// How bots connect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Transport {
    /// A WebSocket.
    WebSocket,
    /// QUIC, as native clients do.
    Quic,
    /// WebTransport, as browsers do.
    WebTransport,
}

/// What WebSockets carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// JSON in text frames.
    Json,
    /// Protobuf in binary frames.
    Protobuf,
}

/// How match data is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivery {
    /// On the stream.
    Reliable,
    /// In a datagram, where the transport has them.
    Unreliable,
    /// In a datagram of which only the newest counts.
    Newest,
}

/// What the bots do once they are connected.
#[derive(Clone, Debug)]
pub enum Script {
    /// Nothing.
    Idle,
    /// They join matches and send match data.
    Match(MatchScript),
    /// They join a chat room, and the first of them speaks.
    Chat {
        /// The name of the room.
        room: String,
    },
    /// They log in, connect, join and leave, over and over.
    Storm {
        /// Whether every login is of a new account.
        fresh: bool,
        /// What they join, if anything.
        join: Option<MatchScript>,
    },
    /// Each puts one ticket into the matchmaker, all at once, and waits to be matched.
    Tickets(Ticket),
}

/// What is put into the matchmaker.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ticket {
    /// Whom to be matched with.
    pub query: String,
    /// Fewest players of a match.
    pub min_count: i32,
    /// Most players of a match.
    pub max_count: i32,
}

/// Matches, and what is sent in them.
#[derive(Clone, Debug)]
pub struct MatchScript {
    /// How bots come by a match.
    pub join: Join,
    /// Bots of each match.
    pub players: usize,
    /// The op code of what they send.
    pub op_code: i64,
    /// How it is sent.
    pub delivery: Delivery,
    /// Who gets what a bot sends.
    pub fanout: Fanout,
    /// What comes once a tick.
    pub ticks: Option<Ticks>,
}

impl Default for MatchScript {
    fn default() -> Self {
        Self {
            join: Join::Relayed,
            players: 8,
            op_code: 1,
            delivery: Delivery::Reliable,
            fanout: Fanout::Others,
            ticks: None,
        }
    }
}

/// How bots come by a match.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Join {
    /// One makes a relayed match and the others join it.
    Relayed,
    /// A function of the server makes matches. Its answer is `{"match_id": "…"}`, or
    /// `{"match_ids": ["…"]}` if the payload has a number `count`, which is then how many to make.
    Create {
        /// The name of the function.
        rpc: String,
        /// What it is called with.
        payload: String,
    },
    /// Each looks for one in the listing.
    List {
        /// What the labels are searched for.
        query: String,
    },
    /// The matchmaker brings them together.
    Matchmaker(Ticket),
    /// These, in turn.
    Ids(Vec<String>),
}

/// Who gets what a bot sends, so that losses can be counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fanout {
    /// All of the match, sender included.
    All,
    /// All but the sender.
    Others,
    /// The sender.
    Sender,
    /// Nobody gets it as it was sent.
    Nobody,
}

/// Messages that come once a tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ticks {
    /// Their op code.
    pub op_code: i64,
    /// Ticks a second.
    pub rate: f64,
    /// Whether they are the number of the tick, a `u64`, and then what bots sent.
    pub has_records: bool,
}

impl Options {
    /// What matches there are, if the script has any.
    pub(crate) fn matches(&self) -> Option<&MatchScript> {
        match &self.script {
            Script::Match(matches) => Some(matches),
            Script::Storm { join, .. } => join.as_ref(),
            Script::Idle | Script::Chat { .. } | Script::Tickets(_) => None,
        }
    }

    /// How many matches it takes to seat everybody.
    pub(crate) fn match_count(&self) -> usize {
        let players = self.matches().map_or(1, |matches| matches.players);
        self.clients.div_ceil(players)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebSocket => "websocket",
            Self::Quic => "quic",
            Self::WebTransport => "webtransport",
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "json",
            Self::Protobuf => "protobuf",
        })
    }
}
