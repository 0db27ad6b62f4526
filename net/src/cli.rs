//! What the command line does besides running the server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::config::{Config, Migration};
use crate::store::{self, OpenError, Store};

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

/// Why the schema of the database could not be looked after. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The system gives no threads.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Looks after the schema of the database, as `tiltyard migrate` does, and gives what there is to say.
///
/// # Errors
///
/// [`MigrateError`] if the database cannot be used; the schema is as it was then, or between two versions of
/// those that are listed.
pub fn migrate(step: Migration, config: &Config) -> Result<String, MigrateError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let before = store::schema(config).await?;
        if step == Migration::Up {
            Store::open(config).await?.close().await;
        }
        let done = match step {
            Migration::Up => "done",
            Migration::Status => "to do",
        };
        let steps = before.steps.iter().map(|step| {
            let state = if step.done { "done before" } else { done };
            format!("\n{:04} {:<40} {state}", step.number, step.name)
        });
        Ok(format!("{}{}", before.database, steps.collect::<String>()))
    })
}

/// Why there is no report of bots.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BotsCommandError {
    /// The command line is wrong.
    #[error(transparent)]
    Flags(#[from] tiltyard_bots::FlagError),
    /// Nothing was measured.
    #[error(transparent)]
    Run(#[from] tiltyard_bots::BotsError),
    /// The report cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Where it was to be.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Puts load on a server, as `tiltyard bots` does, and gives what there is to print. An interrupt
/// ends it early.
///
/// # Errors
///
/// [`BotsCommandError`] if there is no report, or no file for it.
pub fn bots(words: Vec<String>) -> Result<String, BotsCommandError> {
    let (options, json) = match tiltyard_bots::parse(words)? {
        tiltyard_bots::Asked::Run { options, json } => (*options, json),
        tiltyard_bots::Asked::Help(text) => return Ok(text.to_owned()),
    };
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Then it ends when its time is over.
            std::future::pending().await
        }
    };
    let report = tiltyard_bots::run_until(options, interrupt)?;
    let Some(path) = json else {
        return Ok(report.to_string());
    };
    if path.as_os_str() == "-" {
        return Ok(report.to_json());
    }
    std::fs::write(&path, report.to_json() + "\n").map_err(|source| BotsCommandError::Write {
        path: path.display().to_string(),
        source,
    })?;
    Ok(report.to_string())
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

    fn config(args: &[String]) -> Config {
        let args = args.iter().map(Into::into);
        match crate::config::load(args, [], &crate::config::Defaults::new()) {
            Ok(crate::config::Command::Run(config)) => *config,
            other => panic!("expected to run, got {other:?}"),
        }
    }

    #[test]
    fn a_status_lists_what_is_to_do_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("data");
        let config = config(&[format!("--data_dir={}", folder.display())]);
        let lines = |step| {
            let text = migrate(step, &config).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        let status = lines(Migration::Status);
        assert!(!folder.exists());
        assert!(status[0].ends_with("tiltyard.db"), "{status:?}");
        assert!(status[1].starts_with("0001 users ") && status[1].ends_with(" to do"));
        assert!(lines(Migration::Up)[1].ends_with(" done"));
        let status = lines(Migration::Status);
        assert!(
            status.len() > 3
                && status[1..]
                    .iter()
                    .all(|line| line.ends_with(" done before"))
        );
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
