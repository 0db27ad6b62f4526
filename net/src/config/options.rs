//! The table of options. Names and defaults are those of the reference server where it has the
//! option; where ours differ on purpose the option says so.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use tiltyard_link::Profile;

use super::error::ConfigError;
use super::layers::{Layers, Shown};
use super::value::{Form, KeyValue, LogFormat, LogLevel, Retry, Secret, Setting};
use crate::store::Address;

/// One row of the table, as the parser and the help text need it.
#[derive(Debug)]
pub(crate) struct Opt {
    pub(crate) key: &'static str,
    /// Default as it would be written, or `None` for nothing.
    pub(crate) default: Option<&'static str>,
    pub(crate) form: Form,
    pub(crate) doc: &'static [&'static str],
}

/// What a value must satisfy beyond its type; the error completes "give …".
type Checked = Result<(), String>;

fn anything<T>(_: &T) -> Checked {
    Ok(())
}

fn between<T: PartialOrd + std::fmt::Display>(low: T, high: T) -> impl Fn(&T) -> Checked {
    move |value| {
        if *value >= low && *value <= high {
            return Ok(());
        }
        Err(format!("a number from {low} to {high}"))
    }
}

fn at_least<T: PartialOrd + std::fmt::Display>(low: T) -> impl Fn(&T) -> Checked {
    move |value| {
        if *value >= low {
            return Ok(());
        }
        Err(format!("a number of {low} or more"))
    }
}

/// A node name is part of match ids, after their dot.
fn node_name(value: &str) -> Checked {
    let fits = (1..=16).contains(&value.chars().count());
    if fits && !value.contains(|c: char| c == '.' || c.is_whitespace() || c.is_control()) {
        return Ok(());
    }
    Err("1 to 16 characters without dots and spaces".to_owned())
}

/// What the names of metrics may begin with, other than our own.
fn metric_prefix(value: &str) -> Checked {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = value.starts_with(|c: char| c.is_ascii_digit());
    if value.chars().all(fits) && !begins && value != "tiltyard" {
        return Ok(());
    }
    Err("letters, digits and underscores, no digit first, and not `tiltyard`".to_owned())
}

macro_rules! default {
    () => {
        None
    };
    ($default:literal) => {
        Some($default)
    };
}

macro_rules! rule {
    () => {
        anything
    };
    ($rule:expr) => {
        $rule
    };
}

macro_rules! options {
    (
        $(#[doc = $section_doc:literal])*
        $visibility:vis $Section:ident $prefix:literal {
            $(
                $(#[doc = $doc:literal])*
                $name:ident: $Type:ty $(= $default:literal)? $(, $rule:expr)?;
            )*
        }
    ) => {
        $(#[doc = $section_doc])*
        #[derive(Clone, Debug)]
        $visibility struct $Section {
            $($(#[doc = $doc])* $visibility $name: $Type,)*
        }

        impl $Section {
            pub(super) const OPTIONS: &'static [Opt] = &[$(Opt {
                key: concat!($prefix, stringify!($name)),
                default: default!($($default)?),
                form: <$Type as Setting>::FORM,
                doc: &[$($doc),*],
            }),*];

            fn read(layers: &Layers) -> Result<Self, ConfigError> {
                Ok(Self {
                    $($name: layers.read(concat!($prefix, stringify!($name)), rule!($($rule)?))?,)*
                })
            }
        }
    };
}

options! {
    /// The options outside every section.
    General "" {
        /// Name of this node: the part of match ids after the dot.
        /// The reference server's default is `nakama`.
        name: String = "tiltyard", |name: &String| node_name(name);
        /// Folder for everything the server writes: the database, generated secrets.
        data_dir: PathBuf = "data";
        /// Seconds that running matches get to end by themselves at shutdown.
        shutdown_grace_sec: u64 = "0";
    }
}

options! {
    /// What is logged, and how.
    pub Logger "logger." {
        /// The least severe level that is logged: debug, info, warn or error.
        level: LogLevel = "info";
        /// Form of a line: auto (text on a terminal, else json), text or json.
        format: LogFormat = "auto";
    }
}

options! {
    /// Where accounts and everything else that lasts is kept.
    pub Database "database." {
        /// A PostgreSQL database, postgres://user:password@host:port/database; `?sslmode=verify-full` and the
        /// like may follow. Several servers can share it. Without one there is a SQLite file in data_dir.
        address: Option<Address>;
        /// Connections to PostgreSQL at a time. The reference server's default is 100.
        max_open_conns: u32 = "16", between(1, 1000);
        /// Milliseconds after which a connection to PostgreSQL is replaced; 0 for never.
        conn_max_lifetime_ms: u64 = "3600000";
    }
}

options! {
    /// Session tokens, and what a user may have only one of.
    pub Session "session." {
        /// Key that signs session and matchmaker tokens.
        encryption_key: Option<Secret>;
        /// Life of a session token in seconds.
        token_expiry_sec: u64 = "60", between(1, TOKEN_LIFE_MAX_SEC);
        /// Key that signs refresh tokens; differs from session.encryption_key.
        refresh_encryption_key: Option<Secret>;
        /// Life of a refresh token in seconds.
        refresh_token_expiry_sec: u64 = "3600", between(1, TOKEN_LIFE_MAX_SEC);
        /// A new connection of a user closes the user's older ones.
        single_socket: bool = "false";
        /// Joining a match leaves the other matches; needs session.single_socket.
        single_match: bool = "false";
        /// Joining a party leaves the other parties; needs session.single_socket.
        single_party: bool = "false";
        /// Every login makes the user's earlier tokens invalid.
        single_session: bool = "false";
    }
}

options! {
    /// Logging in. The reference server has no such section.
    pub Auth "auth." {
        /// Wrong passwords a minute for one account from one address, and six times as many from an
        /// address for all accounts; whoever goes on waits ever longer. 0 for no limit. Addresses
        /// are those that socket.proxy_count leads to.
        login_attempts_per_minute: u32 = "5", between(0, 60_000);
    }
}

options! {
    /// Logging in with Apple.
    pub Apple "social.apple." {
        /// Bundle id of the app whose players may log in with Apple; empty for no such logins.
        bundle_id: String = "";
    }
}

options! {
    /// Logging in with Google.
    pub Google "social.google." {
        /// OAuth client ids of the apps whose players may log in with Google, with spaces between
        /// them; empty for no such logins. The reference server has no such option and lets in
        /// whoever has a token for any app.
        client_ids: String = "";
    }
}

options! {
    /// Logging in with Steam.
    pub Steam "social.steam." {
        /// Key of the publisher's web API; empty for no logins with Steam.
        publisher_key: Secret = "";
        /// Id of the game; 0 for no logins with Steam.
        app_id: u32 = "0";
    }
}

/// A hundred years: far enough for anyone, near enough for expiry times to stay plain numbers.
const TOKEN_LIFE_MAX_SEC: u64 = 100 * 366 * 86_400;

options! {
    /// The client port: HTTP and WebSocket.
    pub Socket "socket." {
        /// Key that clients present to log in. Not a secret: every copy of a game has it.
        /// `defaultkey` on a loopback address, else generated.
        server_key: Option<Secret>;
        /// Port to listen on; 0 for any that is free.
        port: u16 = "7350";
        /// Address to listen on; 0.0.0.0 for all interfaces. Differs from the reference
        /// server, which listens on all interfaces unless told otherwise.
        address: IpAddr = "127.0.0.1";
        /// Connections that may be open at a time.
        max_sessions: usize = "65536", at_least(1);
        /// Largest message of a client in bytes.
        max_message_size_bytes: usize = "4096", between(1, 64 * 1024 * 1024);
        /// Largest HTTP request body in bytes, on the wire and when decompressed.
        max_request_size_bytes: usize = "262144", between(1, 64 * 1024 * 1024);
        /// Bytes of the read buffer of each connection; not a limit. The reference server has 4096, for which an
        /// idle connection takes 2 KiB more, and a message 3 % less time to read.
        read_buffer_size_bytes: usize = "2048", between(512, 1024 * 1024);
        /// Milliseconds to read the head of an HTTP request, or its body, or to be idle.
        read_timeout_ms: u64 = "10000", at_least(1);
        /// Milliseconds for which an HTTP client may take nothing of its response.
        write_timeout_ms: u64 = "10000", at_least(1);
        /// A request is given up half a second before this many milliseconds. An idle connection
        /// is closed after socket.read_timeout_ms.
        idle_timeout_ms: u64 = "60000", at_least(1);
        /// Milliseconds that one write to a WebSocket may take.
        write_wait_ms: u64 = "5000", at_least(1);
        /// Milliseconds without a pong after which a client counts as gone.
        pong_wait_ms: u64 = "25000", at_least(1);
        /// Milliseconds between pings; less than socket.pong_wait_ms.
        ping_period_ms: u64 = "15000", at_least(1);
        /// Received messages after which the next ping is put off.
        ping_backoff_threshold: u32 = "20", at_least(1);
        /// Milliseconds to wait for a client's close frame before closing the connection.
        close_ack_wait_ms: u64 = "2000", at_least(1);
        /// Extra response headers, each NAME=VALUE.
        response_headers: Vec<KeyValue>;
        /// Proxies in front of the server that are believed about a client's address.
        proxy_count: usize = "1";
    }
}

options! {
    /// How fast clients may send, join and connect. The reference server has no such section.
    pub Limits "limits." {
        /// Messages a second that one connection may send, pings included. What comes faster waits in the
        /// client's own connection; datagrams are dropped. 0 for no limit.
        messages_per_second: u32 = "240", between(0, 1_000_000);
        /// Messages that it may send at once after a quiet time.
        messages_burst: u32 = "2400", between(1, 1_000_000);
        /// Joins and look-ups a second among them: matches, channels, parties, the matchmaker, followed
        /// users and calls of functions. What comes faster waits. 0 for no limit.
        joins_per_second: u32 = "20", between(0, 1_000_000);
        /// Joins and look-ups at once after a quiet time.
        joins_burst: u32 = "200", between(1, 1_000_000);
        /// Sockets a second that one address, or one /64 of IPv6, may open. More get a 429, or are refused
        /// over QUIC. Addresses are those that socket.proxy_count leads to. 0 for no limit.
        connections_per_second: u32 = "20", between(0, 1_000_000);
        /// Sockets that it may open at once after a quiet time.
        connections_burst: u32 = "200", between(1, 1_000_000);
        /// Logins a second, right or wrong, from one address. More get a 429. 0 for no limit.
        authentications_per_second: u32 = "10", between(0, 1_000_000);
        /// Logins at once after a quiet time.
        authentications_burst: u32 = "50", between(1, 1_000_000);
        /// Connections that one address may have open over TCP; those of a proxy are the proxy's.
        connections_per_address: usize = "1024", at_least(1);
        /// The same over QUIC, where a connection costs more.
        quic_connections_per_address: usize = "32", at_least(1);
        /// Whether the limits of addresses hold for this machine, too.
        loopback: bool = "false";
        /// Percent of its time that the tick thread may be busy for a second. Beyond it new sockets get a 503,
        /// and nobody joins or makes a match until it is 7/9 of that again. 0 for no limit.
        busy_percent: u32 = "90", between(0, 99);
    }
}

options! {
    /// QUIC and WebTransport, on the UDP port with the number of the client port. The reference server has
    /// no such section.
    pub Quic "quic." {
        /// Whether clients may connect over QUIC and WebTransport.
        enabled: bool = "true";
        /// PEM file of the certificate and those that vouch for it. A changed file is taken at once.
        /// Without one the server makes its own, which clients know by its hash.
        certificate: Option<PathBuf>;
        /// PEM file of the certificate's key.
        private_key: Option<PathBuf>;
        /// When addresses have to prove themselves before a handshake: auto (under load) or always.
        retry: Retry = "auto";
    }
}

options! {
    /// For development only.
    pub Dev "dev." {
        /// A bad network between the server and its clients, such as `mobile` or
        /// `delay=30ms,jitter=5ms,loss=5%`. Never set it on a server that people play on.
        network: Option<Profile>;
    }
}

options! {
    /// Authoritative matches.
    pub Matches "match." {
        /// Messages of clients that wait for the next tick of one match.
        input_queue_size: usize = "128", at_least(1);
        /// Join attempts of one match that may be in progress.
        join_attempt_queue_size: usize = "128", at_least(1);
        /// Broadcasts that one match may put off to the end of its tick.
        deferred_queue_size: usize = "128", at_least(1);
        /// Seconds without anyone after which a match is stopped; 0 for never.
        max_empty_sec: u64 = "0";
    }
}

options! {
    /// The matchmaker.
    pub Matchmaker "matchmaker." {
        /// Tickets that one session, or one party, may have.
        max_tickets: usize = "3", at_least(1);
        /// Seconds between matching passes.
        interval_sec: u64 = "15", at_least(1);
        /// Passes after which a ticket settles for its minimum count.
        max_intervals: u32 = "2", at_least(1);
        /// Both tickets must accept each other, rather than the searching one alone.
        rev_precision: bool = "false";
        /// Intervals of work after which a pass drops the mutual check; 0 for never.
        rev_threshold: u32 = "1";
        /// Full matches are made at once rather than after the interval.
        /// The reference server has no such option and waits.
        eager: bool = "true";
    }
}

options! {
    /// Parties.
    pub Party "party." {
        /// Milliseconds between updates of the party list.
        label_update_interval_ms: u64 = "1000", at_least(1);
        /// Milliseconds between searches for empty parties; 0 for never.
        idle_check_interval_ms: u64 = "30000";
    }
}

options! {
    /// What game code sees.
    pub Runtime "runtime." {
        /// Key for calls from server to server: `?http_key=`.
        http_key: Option<Secret>;
        /// Entries NAME=VALUE that game code can read. Given in several places they add up.
        env: Vec<KeyValue>;
    }
}

options! {
    /// The tick loop. The reference server has no such section.
    pub Engine "engine." {
        /// Passes of the schedule a second; whatever needs no tick waits at most one.
        pass_rate_hz: u32 = "240", between(60, 1000);
        /// Milliseconds above which the log tells of a pass, at most once a second; 0 for the time
        /// between two passes.
        slow_pass_ms: u64 = "0";
    }
}

options! {
    /// Metrics for Prometheus, on a listener of their own.
    pub Metrics "metrics." {
        /// Port of the listener; 0 for no metrics. `/metrics` is for Prometheus, and
        /// `/v2/tiltyard/flight` tells what the latest passes did.
        prometheus_port: u16 = "0";
        /// Address of the listener. The reference server listens on all interfaces.
        address: IpAddr = "127.0.0.1";
        /// A further label `namespace` of everything; empty for none.
        namespace: String = "";
        /// What the names of the reference server begin with, which stand beside those that begin
        /// with `tiltyard_`; empty for none of them.
        prefix: String = "nakama", |prefix: &String| metric_prefix(prefix);
    }
}

options! {
    /// What `/healthcheck` and `/v2/tiltyard/ready` answer by. The reference server has no such section.
    pub Health "health." {
        /// Milliseconds without a finished pass after which both answer 503.
        pass_age_max_ms: u64 = "5000", at_least(1);
    }
}

options! {
    /// Network threads. The reference server has no such section.
    pub Net "net." {
        /// Threads that serve sockets; 0 for one a core.
        threads: usize = "0", between(0, 256);
    }
}

/// Every option with its value, and where each value came from.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of this node: the part of match ids after the dot.
    pub name: String,
    /// Folder for everything the server writes.
    pub data_dir: PathBuf,
    /// Seconds that running matches get to end by themselves at shutdown.
    pub shutdown_grace_sec: u64,
    /// What is logged, and how.
    pub logger: Logger,
    /// Where everything that lasts is kept.
    pub database: Database,
    /// Session tokens.
    pub session: Session,
    /// Logging in.
    pub auth: Auth,
    /// Logging in with Apple: the options that begin with `social.apple.`.
    pub apple: Apple,
    /// Logging in with Google: the options that begin with `social.google.`.
    pub google: Google,
    /// Logging in with Steam: the options that begin with `social.steam.`.
    pub steam: Steam,
    /// The client port.
    pub socket: Socket,
    /// How fast clients may send, join and connect.
    pub limits: Limits,
    /// QUIC and WebTransport.
    pub quic: Quic,
    /// For development only.
    pub dev: Dev,
    /// Authoritative matches: the options that begin with `match.`.
    pub matches: Matches,
    /// The matchmaker.
    pub matchmaker: Matchmaker,
    /// Parties.
    pub party: Party,
    /// What game code sees.
    pub runtime: Runtime,
    /// The tick loop.
    pub engine: Engine,
    /// Metrics for Prometheus.
    pub metrics: Metrics,
    /// When the server counts as well.
    pub health: Health,
    /// Network threads.
    pub net: Net,
    settings: BTreeMap<&'static str, Shown>,
    warnings: Vec<String>,
}

/// The sections in the order of the help text, with the line that introduces each.
pub(crate) const SECTIONS: &[(&str, &[Opt])] = &[
    ("General", General::OPTIONS),
    ("Logging", Logger::OPTIONS),
    ("Database", Database::OPTIONS),
    ("Sessions", Session::OPTIONS),
    ("Logging in", Auth::OPTIONS),
    ("Logging in with Apple", Apple::OPTIONS),
    ("Logging in with Google", Google::OPTIONS),
    ("Logging in with Steam", Steam::OPTIONS),
    ("Client port", Socket::OPTIONS),
    ("Limits", Limits::OPTIONS),
    ("QUIC and WebTransport", Quic::OPTIONS),
    ("Matches", Matches::OPTIONS),
    ("Matchmaker", Matchmaker::OPTIONS),
    ("Parties", Party::OPTIONS),
    ("Game code", Runtime::OPTIONS),
    ("Tick loop", Engine::OPTIONS),
    ("Metrics", Metrics::OPTIONS),
    ("Health", Health::OPTIONS),
    ("Network threads", Net::OPTIONS),
    ("Development", Dev::OPTIONS),
];

/// Options of the reference server that are understood and change nothing here, and why.
///
/// A configuration that worked there should start here; its operator is told what it no longer does.
const WITHOUT_EFFECT: &[(&str, &str)] = &[
    (
        "database.max_idle_conns",
        "connections stay open until they are too old",
    ),
    (
        "database.dns_scan_interval_sec",
        "every new connection looks the host up",
    ),
    (
        "match.call_queue_size",
        "joins and leaves of a match do not queue up",
    ),
    ("match.signal_queue_size", "signals are answered at once"),
    (
        "match.join_marker_deadline_ms",
        "a join is either done or refused",
    ),
    (
        "match.label_update_interval_ms",
        "listings follow labels at once",
    ),
    (
        "metrics.custom_prefix",
        "game code has no metrics of its own",
    ),
    (
        "metrics.custom_scope_limit",
        "game code has no metrics of its own",
    ),
    (
        "metrics.reporting_freq_sec",
        "metrics are those of the moment in which they are read",
    ),
    (
        "socket.outgoing_queue_size",
        "what waits for a client is bounded in bytes",
    ),
    (
        "socket.write_buffer_size_bytes",
        "frames are written from where they are",
    ),
    (
        "tracker.event_queue_size",
        "presence events do not queue up",
    ),
];

/// Why an option of the reference server changes nothing here, if it is one of those.
pub(crate) fn without_effect(key: &str) -> Option<&'static str> {
    WITHOUT_EFFECT
        .iter()
        .find(|(name, _)| *name == key)
        .map(|(_, why)| *why)
}

/// All rows of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Opt> {
    SECTIONS.iter().flat_map(|(_, options)| *options)
}

/// The row with this name.
pub(crate) fn find(key: &str) -> Option<&'static Opt> {
    all().find(|option| option.key == key)
}

impl Config {
    pub(crate) fn from_layers(layers: Layers) -> Result<Self, ConfigError> {
        let General {
            name,
            data_dir,
            shutdown_grace_sec,
        } = General::read(&layers)?;
        let config = Self {
            name,
            data_dir,
            shutdown_grace_sec,
            logger: Logger::read(&layers)?,
            database: Database::read(&layers)?,
            session: Session::read(&layers)?,
            auth: Auth::read(&layers)?,
            apple: Apple::read(&layers)?,
            google: Google::read(&layers)?,
            steam: Steam::read(&layers)?,
            socket: Socket::read(&layers)?,
            limits: Limits::read(&layers)?,
            quic: Quic::read(&layers)?,
            dev: Dev::read(&layers)?,
            matches: Matches::read(&layers)?,
            matchmaker: Matchmaker::read(&layers)?,
            party: Party::read(&layers)?,
            runtime: Runtime::read(&layers)?,
            engine: Engine::read(&layers)?,
            metrics: Metrics::read(&layers)?,
            health: Health::read(&layers)?,
            net: Net::read(&layers)?,
            settings: layers.shown(),
            warnings: layers.into_warnings(),
        };
        config.check_neighbours()?;
        Ok(config)
    }

    /// Every option by name: its value as text, secrets hidden, and where it came from.
    #[must_use]
    pub fn settings(&self) -> &BTreeMap<&'static str, Shown> {
        &self.settings
    }

    /// What the operator should hear about although it stops nothing, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The rules that concern two options.
    fn check_neighbours(&self) -> Result<(), ConfigError> {
        if self.socket.ping_period_ms >= self.socket.pong_wait_ms {
            return Err(self.conflict(
                "socket.ping_period_ms",
                "must be less than socket.pong_wait_ms; lower it",
            ));
        }
        for (on, key) in [
            (self.session.single_match, "session.single_match"),
            (self.session.single_party, "session.single_party"),
        ] {
            if on && !self.session.single_socket {
                return Err(self.conflict(key, "needs session.single_socket; set that too"));
            }
        }
        if self.quic.certificate.is_some() != self.quic.private_key.is_some() {
            return Err(self.conflict(
                "quic.certificate",
                "goes with quic.private_key; give both or neither",
            ));
        }
        if self.steam.publisher_key.is_empty() != (self.steam.app_id == 0) {
            return Err(self.conflict(
                "social.steam.app_id",
                "goes with social.steam.publisher_key; give both or neither",
            ));
        }
        for header in &self.socket.response_headers {
            let named = axum::http::HeaderName::try_from(&header.key).is_ok();
            if !named || axum::http::HeaderValue::try_from(&header.value).is_err() {
                return Err(self.conflict(
                    "socket.response_headers",
                    "has an entry that cannot be a header; give NAME=VALUE in plain ASCII",
                ));
            }
        }
        Ok(())
    }

    fn conflict(&self, key: &'static str, problem: &str) -> ConfigError {
        ConfigError::Conflict {
            key,
            origin: self.settings[key].origin.clone(),
            problem: problem.to_owned(),
        }
    }
}
