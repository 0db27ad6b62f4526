//! What the command line does besides running the server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Why a server does not count as well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HealthcheckError {
    /// Nothing answered in time.
    #[error("no server answers on port {port} of this machine: {source}")]
    Unreachable {
        /// The port that was asked.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something answered, but not that all is well.
    #[error("the server on port {port} is not well: it answered `{answer}`")]
    Unwell {
        /// The port that was asked.
        port: u16,
        /// The first line of the answer.
        answer: String,
    },
}

/// Asks the server on this machine whether it is well, as `tiltyard healthcheck` does.
///
/// # Errors
///
/// [`HealthcheckError`] unless it answers 200 within two seconds a step.
pub fn healthcheck(port: u16) -> Result<(), HealthcheckError> {
    let head = ask(port).map_err(|source| HealthcheckError::Unreachable { port, source })?;
    let first_line = head.lines().next().unwrap_or_default();
    if first_line.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    Err(HealthcheckError::Unwell {
        port,
        answer: first_line.escape_debug().to_string(),
    })
}

const PATIENCE: Duration = Duration::from_secs(2);

/// The beginning of the answer; the status line is in its first bytes.
fn ask(port: u16) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream
        .write_all(b"GET /healthcheck HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    stream.take(128).read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers one request with `answer` and gives the port.
    fn server(answer: &'static str) -> (u16, std::thread::JoinHandle<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /healthcheck "));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        (port, thread)
    }

    #[test]
    fn a_server_that_answers_200_is_well() {
        let (port, thread) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        healthcheck(port).unwrap();
        thread.join().unwrap();
    }

    #[test]
    fn any_other_answer_is_told() {
        let (port, thread) = server("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        let text = healthcheck(port).unwrap_err().to_string();
        assert!(text.contains("503"), "{text}");
        thread.join().unwrap();
    }

    #[test]
    fn nobody_there_is_told() {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        assert!(matches!(
            healthcheck(port),
            Err(HealthcheckError::Unreachable { .. })
        ));
    }
}
