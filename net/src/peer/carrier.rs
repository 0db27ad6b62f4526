//! What carries the messages of a client: a WebSocket, or a QUIC connection of its own kind or a browser's.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    io,
    pin::pin,
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use tokio::net::TcpStream;
use web_transport_quinn::{SendStream, Session};

use super::outbox::Outbox;

/// The connection of one client.
#[derive(Debug)]
pub(crate) enum Carrier {
    /// The TCP connection below a WebSocket.
    Socket(TcpStream),
    /// A QUIC connection, or the WebTransport session on it.
    Quic(Box<QuicCarrier>),
}

/// A QUIC connection and the writing half of its control stream.
pub(crate) struct QuicCarrier {
    pub(crate) session: Session,
    /// Taken when everything is said.
    control: RefCell<Option<SendStream>>,
}

impl QuicCarrier {
    pub(crate) fn new(session: Session, control: SendStream) -> Self {
        Self {
            session,
            control: RefCell::new(Some(control)),
        }
    }

    /// Ends the control stream and waits until the client has all of it. Nothing is written afterwards.
    ///
    /// # Cancellation
    ///
    /// Whether the client has it stays unknown.
    pub(super) async fn finish(&self) {
        let Some(mut control) = self.control.take() else {
            return;
        };
        if control.finish().is_ok() {
            // Whether the client took it, stopped it or vanished, there is no more to wait for.
            drop(control.stopped().await);
        }
    }

    fn poll_write(
        &self,
        outbox: &RefCell<Outbox>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut control = self.control.borrow_mut();
        let Some(control) = control.as_mut() else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let mut pieces: Vec<Bytes> = outbox.borrow().pieces().cloned().collect();
        let writing = pin!(control.write_chunks(&mut pieces));
        let written = ready!(writing.poll(context)).map_err(io::Error::other)?;
        outbox.borrow_mut().advance(written.bytes);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for QuicCarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.session.fmt(f)
    }
}

impl Carrier {
    pub(crate) const fn quic(&self) -> Option<&QuicCarrier> {
        match self {
            Self::Socket(_) => None,
            Self::Quic(quic) => Some(quic),
        }
    }

    pub(super) const fn socket(&self) -> Option<&TcpStream> {
        match self {
            Self::Socket(stream) => Some(stream),
            Self::Quic(_) => None,
        }
    }

    /// Writes what can be written at once; [`WouldBlock`](io::ErrorKind::WouldBlock) if something is left.
    pub(super) fn try_write(&self, outbox: &RefCell<Outbox>) -> io::Result<()> {
        loop {
            outbox.borrow_mut().prepare();
            if outbox.borrow().is_empty() {
                return Ok(());
            }
            match self {
                Self::Socket(stream) => {
                    let written = write_vectored(stream, outbox)?;
                    outbox.borrow_mut().advance(written);
                }
                Self::Quic(quic) => {
                    let mut context = Context::from_waker(Waker::noop());
                    match quic.poll_write(outbox, &mut context) {
                        Poll::Ready(outcome) => outcome?,
                        Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
                    }
                }
            }
        }
    }

    /// Writes something of what waits, as soon as that is possible.
    pub(super) fn poll_write(
        &self,
        outbox: &RefCell<Outbox>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = match self {
            Self::Socket(stream) => stream,
            Self::Quic(quic) => return quic.poll_write(outbox, context),
        };
        loop {
            ready!(stream.poll_write_ready(context))?;
            match write_vectored(stream, outbox) {
                Ok(written) => {
                    outbox.borrow_mut().advance(written);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

fn write_vectored(stream: &TcpStream, outbox: &RefCell<Outbox>) -> io::Result<usize> {
    let outbox = outbox.borrow();
    let (slices, count) = outbox.slices();
    stream.try_write_vectored(&slices[..count])
}
