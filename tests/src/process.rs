//! A server in a process of its own, which can be killed or run out of room.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

use crate::server::Server;

/// A server that runs until this is dropped, and then ends without a chance to do anything.
pub struct Process {
    child: Child,
    /// The way to it.
    pub server: Server,
}

impl Process {
    /// Starts a server that keeps what it keeps in this folder.
    ///
    /// A write that goes beyond [its limit](Self::limit_files) fails, where by default it would end the process.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(program: &str, data: &Path) -> Self {
        Self::start_with(program, data, &[])
    }

    /// The same, with more arguments.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start_with(program: &str, data: &Path, options: &[&str]) -> Self {
        let data = data.to_str().expect("a plain path");
        let mut child = Command::new("sh")
            .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#, program])
            .args(["--data_dir", data, "--socket.port", "0"])
            .args(["--socket.address", "127.0.0.1", "--quic.enabled", "false"])
            .args(["--session.token_expiry_sec", "3600"])
            .args(["--logger.level", "error", "--net.threads", "2"])
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut lines = output.lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let page = line.trim().strip_prefix("page")?;
            let address = page.trim().strip_prefix("http://")?;
            Some(address.trim_end_matches('/').to_owned())
        });
        Self {
            server: Server::at(address.expect("the server says where it listens")),
            child,
        }
    }

    /// The CPU time that all of its threads have used so far.
    ///
    /// # Panics
    ///
    /// If the system does not tell.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        /// Ticks of `/proc/PID/stat` in a second, on every Linux that matters.
        const CLOCK_TICKS: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        let stat = stat.expect("a process");
        let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
        // Without number and name, user and system time are the 12th and 13th.
        let times = fields.split_whitespace().skip(11).take(2);
        let ticks = times.map(|ticks| ticks.parse::<f64>().expect("a number"));
        ticks.sum::<f64>() / CLOCK_TICKS
    }

    /// Sends it a signal, such as `TERM`.
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "it ran until now");
    }

    /// Waits until it has ended, and tells how.
    ///
    /// # Panics
    ///
    /// If the system does not tell.
    #[must_use]
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("a child")
    }

    /// Ends it as `kill -9` does.
    ///
    /// # Panics
    ///
    /// If it is gone already.
    pub fn kill(mut self) {
        let running = self.child.try_wait().expect("a child");
        assert_eq!(running, None, "it ran until now");
        drop(self);
    }

    /// Lets none of its files grow beyond what the longest in this folder has, or any file without limit.
    ///
    /// To a program it is much as if the disk were full, with `EFBIG` in place of `ENOSPC`.
    ///
    /// # Panics
    ///
    /// If the system has no `prlimit`.
    #[cfg(target_os = "linux")]
    pub fn limit_files(&self, to_those_of: Option<&Path>) {
        let soft = match to_those_of {
            Some(folder) => longest_file(folder).to_string(),
            None => "unlimited".to_owned(),
        };
        let done = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string()])
            .arg(format!("--fsize={soft}:unlimited"))
            .status()
            .expect("util-linux has prlimit");
        assert!(done.success(), "{done}");
    }
}

#[cfg(target_os = "linux")]
fn longest_file(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).expect("a folder");
    let lengths = files.map(|file| file.and_then(|file| file.metadata()).expect("a file").len());
    lengths.max().unwrap_or_default()
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that is gone needs no killing; it is waited for in any case.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
