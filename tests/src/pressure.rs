//! Clients that put pressure on a server, and what they are told.

use futures_util::{SinkExt as _, StreamExt as _};
use socket2::{Domain, SockRef, Socket as System, Type};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, client_async, connect_async,
    tungstenite::{Error, Message},
};

use crate::server::{Ended, PATIENCE, Server, Socket, ended};

/// Bytes of a packet, and of the room for what was not read: the system would have several megabytes for a
/// client on the same machine.
const PACKET_BYTES: u32 = 1000;
const UNREAD_BYTES: usize = 4096;

impl Server {
    /// A connection whose client has room for little that it has not read.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub async fn connect_narrowly(&self, token: &str) -> Socket {
        let url = format!("ws://{}/ws?token={token}", self.address);
        let stream = MaybeTlsStream::Plain(self.narrow_stream().await);
        let (stream, _) = client_async(url, stream).await.expect("a handshake");
        Socket { stream, cids: 0 }
    }

    async fn narrow_stream(&self) -> TcpStream {
        let socket = System::new(Domain::for_address(self.address), Type::STREAM, None);
        let socket = socket.expect("a socket");
        let narrow = SockRef::from(&socket).set_recv_buffer_size(UNREAD_BYTES);
        narrow.expect("a small buffer");
        #[cfg(unix)]
        socket.set_tcp_mss(PACKET_BYTES).expect("small packets");
        socket.set_nonblocking(true).expect("a mode");
        let socket = TcpSocket::from_std_stream(socket.into());
        let stream = socket.connect(self.address).await;
        stream.expect("the server takes connections")
    }

    /// What the answer to a WebSocket handshake with this token is, and when to come again, if it is refused.
    ///
    /// # Panics
    ///
    /// If there is no answer.
    pub async fn refusal(&self, token: &str) -> Option<(u16, Option<String>)> {
        let url = format!("ws://{}/ws?token={token}", self.address);
        let answer = match connect_async(url).await {
            Ok(_) => return None,
            Err(Error::Http(answer)) => answer,
            Err(error) => panic!("the server answers: {error}"),
        };
        let again = answer.headers().get("retry-after");
        let again = again.and_then(|again| again.to_str().ok());
        Some((answer.status().as_u16(), again.map(str::to_owned)))
    }
}

impl Socket {
    /// Sends a ping frame and waits for the answer. Returns how the connection has ended, if it has.
    ///
    /// # Panics
    ///
    /// If nothing comes for a long time.
    pub async fn ping_frame(&mut self) -> Option<Ended> {
        // One that is gone says so when it is read.
        drop(self.stream.send(Message::Ping(Vec::new().into())).await);
        loop {
            let next = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            match next.expect("something in time") {
                Some(Ok(Message::Pong(_))) => return None,
                Some(Ok(Message::Close(frame))) => return Some(ended(frame)),
                Some(Ok(_)) => {}
                None | Some(Err(_)) => return Some(ended(None)),
            }
        }
    }
}
