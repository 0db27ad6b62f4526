//! One bot: how it gets in, asks and leaves.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use bytes::Bytes;
use tiltyard_proto::{
    api::Rpc,
    realtime::{Error, envelope::Message},
};
use tokio::time::Instant;

use crate::{
    envelope, http,
    options::{Format, Transport},
    shared::{Shared, Window},
    tally::Tally,
    trouble::{self, Trouble},
    wire::{self, Incoming, QuicDialer, Traffic, Wire},
};

/// What the bots of one thread share.
#[derive(Clone)]
pub(crate) struct Crew {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tally: Rc<RefCell<Tally>>,
    pub(crate) dialer: Rc<Dialer>,
}

/// How the bots of one thread connect.
pub(crate) struct Dialer {
    pub(crate) quic: Option<QuicDialer>,
    /// Where WebSockets connect to: the server, or the bad network before it.
    pub(crate) socket: std::net::SocketAddr,
}

/// A bot that is connected.
pub(crate) struct Bot {
    pub(crate) crew: Crew,
    pub(crate) number: usize,
    pub(crate) token: String,
    pub(crate) format: Format,
    pub(crate) wire: Wire,
    traffic: WindowTraffic,
}

/// The bytes of a connection within the window, as near as its messages tell when that is.
#[derive(Debug, Default)]
struct WindowTraffic {
    before: Option<Traffic>,
    is_counted: bool,
}

impl Crew {
    /// Logs in and connects.
    pub(crate) async fn connect(&self, number: usize, device: &str) -> Result<Bot, Trouble> {
        let Shared {
            options, remote, ..
        } = &*self.shared;
        let source = self.shared.source(number);
        let began = Instant::now();
        let token = http::login(options, *remote, source, device).await?;
        self.tally.borrow_mut().auth.add(began.elapsed());

        let began = Instant::now();
        let connecting = async {
            match (options.transport, &self.dialer.quic) {
                (Transport::WebSocket, _) => {
                    wire::connect_socket(options, self.dialer.socket, source, &token).await
                }
                (_, Some(dialer)) => dialer.connect(options, number, source, &token).await,
                (_, None) => Err(trouble::connect("the server has no QUIC")),
            }
        };
        let wire = wire::in_time(connecting)
            .await
            .map_err(trouble::connect)??;
        let mut tally = self.tally.borrow_mut();
        tally.connect.add(began.elapsed());
        tally.connected += 1;
        Ok(Bot {
            crew: self.clone(),
            number,
            token,
            format: match options.transport {
                Transport::WebSocket => options.format,
                Transport::Quic | Transport::WebTransport => Format::Protobuf,
            },
            wire,
            traffic: WindowTraffic::default(),
        })
    }
}

impl Bot {
    pub(crate) fn shared(&self) -> &Shared {
        &self.crew.shared
    }

    /// Notes how many bytes went by when the window begins and when it ends.
    pub(crate) fn watch_traffic(&mut self, window: Window, now_ns: u64) {
        if window.has(now_ns) {
            self.traffic
                .before
                .get_or_insert_with(|| self.wire.traffic());
        } else if now_ns >= window.end_ns {
            self.count_traffic();
        }
    }

    /// Counts the bytes of the window, once.
    pub(crate) fn count_traffic(&mut self) {
        let Some(before) = self.traffic.before else {
            return;
        };
        if !std::mem::replace(&mut self.traffic.is_counted, true) {
            let after = self.wire.traffic();
            self.crew.tally.borrow_mut().count_traffic(before, after);
        }
    }

    /// Sends a request and waits for the answer that `pick` takes.
    pub(crate) async fn ask<T>(
        &mut self,
        request: Message,
        pick: impl Fn(Message) -> Option<T>,
    ) -> Result<T, Trouble> {
        let asking = async {
            self.wire
                .send(envelope::encode(self.format, request))
                .await?;
            self.expect(pick).await
        };
        wire::in_time(asking).await.map_err(trouble::join)?
    }

    /// Waits for what `pick` takes, or for an error.
    pub(crate) async fn expect<T>(
        &mut self,
        pick: impl Fn(Message) -> Option<T>,
    ) -> Result<T, Trouble> {
        loop {
            let bytes: Bytes = match self.wire.next().await? {
                Incoming::Envelope(bytes) => bytes,
                Incoming::Datagram(_) => continue,
            };
            match envelope::decode(self.format, &bytes) {
                Some(Message::Error(Error { message, .. })) => return Err(Trouble::Join(message)),
                Some(message) => {
                    if let Some(picked) = pick(message) {
                        return Ok(picked);
                    }
                }
                None => {}
            }
        }
    }

    /// Calls a function of the server and gives what it answers.
    pub(crate) async fn call(&mut self, rpc: &str, payload: &str) -> Result<String, Trouble> {
        let request = Rpc {
            id: rpc.into(),
            payload: payload.into(),
            ..Rpc::default()
        };
        let answer = self.ask(Message::Rpc(request), |message| match message {
            Message::Rpc(rpc) => Some(rpc.payload),
            _ => None,
        });
        answer.await
    }
}
