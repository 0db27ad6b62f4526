//! Clients and options behind pointers, and all that is done with them.

use std::{mem::offset_of, time::Duration};

use tiltyard_client::{
    Account, Client, Connection, Delivery, Options, RequestId, SendError, Session, Transport,
};
use tiltyard_proto::{json, realtime::Envelope};

use crate::{
    event::{CEvent, Held, TRANSPORT_AUTO, TRANSPORT_QUIC, TRANSPORT_WEBSOCKET, transport_number},
    outcome::Fault,
};

/// It arrives once and in order.
pub const DELIVERY_RELIABLE: i32 = 0;
/// It may be lost and may overtake others. Over a WebSocket it does not overtake, and is lost only where
/// too much waits: to be sent, or to be polled.
pub const DELIVERY_UNRELIABLE: i32 = 1;
/// As unreliable, and dropped on arrival if something newer with its op code was there first.
pub const DELIVERY_NEWEST: i32 = 2;

/// How a client behaves. Made by tiltyard_options_new(). Options may move between threads, and only one at
/// a time may set them.
pub struct ClientOptions(pub(crate) Options);

/// A player's connection to a server. Made by tiltyard_client_new().
pub struct ClientState {
    client: Client,
    held: Held,
}

/// How a connection does. Counts go on over all connections of a client.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CStats {
    /// Set this to sizeof(tiltyard_stats). Fields that the program or the library does not know are left
    /// as they are.
    pub size: usize,
    /// TILTYARD_TRANSPORT_QUIC or TILTYARD_TRANSPORT_WEBSOCKET, or 0 without a connection.
    pub transport: i32,
    /// Time to the server and back in microseconds, or 0 if it is not known.
    pub rtt_us: u64,
    /// Datagrams with match data that were sent.
    pub datagrams_sent: u64,
    /// Datagrams that came, those included that were dropped.
    pub datagrams_received: u64,
    /// Datagrams of the server that are missing.
    pub datagrams_lost: u64,
    /// Datagrams dropped because they came twice.
    pub datagrams_duplicate: u64,
    /// Datagrams dropped because they came far too late.
    pub datagrams_late: u64,
    /// Datagrams dropped because something newer with their op code was there first.
    pub datagrams_outdated: u64,
    /// Bytes of UDP for QUIC, of messages for a WebSocket.
    pub bytes_in: u64,
    /// The same, sent.
    pub bytes_out: u64,
    /// Match data that was dropped because the game did not poll.
    pub events_dropped: u64,
    /// Match data that could be lost and was not sent.
    pub sends_dropped: u64,
    /// Connections that were opened.
    pub connections: u64,
}

impl CStats {
    /// Its size in version 1 of the interface, which is for ever. No new field goes into it.
    pub(crate) const FIRST_SIZE: usize = offset_of!(Self, connections) + size_of::<u64>();
}

impl ClientState {
    pub(crate) fn new(options: &ClientOptions) -> Result<Self, Fault> {
        let client = Client::new(options.0.clone());
        Ok(Self {
            client: client.map_err(|error| Fault::BadArgument(error.to_string()))?,
            held: Held::default(),
        })
    }

    pub(crate) fn poll(&mut self, timeout: Duration) -> Result<Option<CEvent>, Fault> {
        // Asked first: what it says last is there before it has stopped.
        let has_stopped = self.client.has_stopped();
        let event = if timeout.is_zero() {
            self.client.poll()
        } else {
            self.client.wait(timeout)
        };
        if event.is_none() && has_stopped {
            return Err(SendError::Stopped.into());
        }
        Ok(event.map(|event| self.held.hold(event)))
    }

    pub(crate) fn authenticate(
        &mut self,
        account: Account,
        username: Option<&str>,
        create: bool,
    ) -> Result<RequestId, Fault> {
        let account = account.create(create);
        let account = match username {
            Some(username) => account.named(username),
            None => account,
        };
        Ok(self.client.authenticate(account)?)
    }

    pub(crate) fn connect(&mut self, session: &str, transport: i32) -> Result<(), Fault> {
        let session = Session::from_text(session)?;
        let transport = match transport {
            TRANSPORT_AUTO => Transport::Auto,
            TRANSPORT_QUIC => Transport::Quic,
            TRANSPORT_WEBSOCKET => Transport::WebSocket,
            other => return Err(Fault::BadArgument(format!("{other} is no transport"))),
        };
        Ok(self.client.connect(session, transport)?)
    }

    pub(crate) fn disconnect(&mut self) -> Result<(), Fault> {
        Ok(self.client.disconnect()?)
    }

    pub(crate) fn join_match(&mut self, match_id: &str) -> Result<RequestId, Fault> {
        Ok(self.client.join_match(match_id, [].into())?)
    }

    pub(crate) fn leave_match(&mut self, match_id: &str) -> Result<RequestId, Fault> {
        Ok(self.client.leave_match(match_id)?)
    }

    pub(crate) fn rpc(&mut self, id: &str, payload: &str) -> Result<RequestId, Fault> {
        Ok(self.client.rpc(id, payload)?)
    }

    pub(crate) fn send_json(&mut self, envelope: &str) -> Result<RequestId, Fault> {
        let envelope: Envelope = json::from_slice(envelope.as_bytes())
            .map_err(|error| Fault::BadArgument(error.to_string()))?;
        let Some(message) = envelope.message else {
            return Err(Fault::BadArgument("an envelope without a message".into()));
        };
        Ok(self.client.send(message)?)
    }

    pub(crate) fn send_match_data(
        &mut self,
        match_id: &str,
        op_code: i64,
        data: &[u8],
        delivery: i32,
    ) -> Result<(), Fault> {
        let delivery = match delivery {
            DELIVERY_RELIABLE => Delivery::Reliable,
            DELIVERY_UNRELIABLE => Delivery::Unreliable,
            DELIVERY_NEWEST => Delivery::Newest,
            other => return Err(Fault::BadArgument(format!("{other} is no delivery"))),
        };
        let data = data.to_vec();
        Ok(self
            .client
            .send_match_data(match_id, op_code, data, delivery)?)
    }

    pub(crate) fn stats(&self) -> CStats {
        let stats = self.client.stats();
        let transport: Option<Connection> = stats.transport;
        CStats {
            size: size_of::<CStats>(),
            transport: transport_number(transport),
            rtt_us: stats
                .rtt
                .map_or(0, |rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)),
            datagrams_sent: stats.datagrams_sent,
            datagrams_received: stats.datagrams_received,
            datagrams_lost: stats.datagrams_lost,
            datagrams_duplicate: stats.datagrams_duplicate,
            datagrams_late: stats.datagrams_late,
            datagrams_outdated: stats.datagrams_outdated,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
            events_dropped: stats.events_dropped,
            sends_dropped: stats.sends_dropped,
            connections: stats.connections,
        }
    }
}
