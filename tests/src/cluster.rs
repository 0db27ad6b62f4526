//! A PostgreSQL server of a test's own, which can freeze or go away.

use std::{path::Path, process::Command};

use tempfile::TempDir;

/// A cluster in a folder of its own. Stops, and its folder goes, when this is dropped.
pub struct Cluster {
    folder: TempDir,
    options: &'static [&'static str],
    /// What `database.address` takes.
    pub address: String,
}

impl Cluster {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// What is in the way, such as that PostgreSQL is missing and cannot be installed.
    ///
    /// # Panics
    ///
    /// If there is no room for a folder.
    pub fn start() -> Result<Self, String> {
        Self::start_with(&[])
    }

    /// The same, for a cluster that would survive a power cut.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    ///
    /// # Panics
    ///
    /// As [`Self::start`].
    pub fn start_durable() -> Result<Self, String> {
        Self::start_with(&["--fsync"])
    }

    fn start_with(options: &'static [&'static str]) -> Result<Self, String> {
        let folder = TempDir::new().expect("a temporary folder");
        let address = command("start", folder.path(), options)?;
        Ok(Self {
            folder,
            options,
            address,
        })
    }

    /// Lets all of its processes stand still: connections are taken and nobody answers.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn freeze(&self) {
        self.run("freeze");
    }

    /// Lets them go on.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn thaw(&self) {
        self.run("thaw");
    }

    /// Ends it in the middle of whatever it does, as a crash would.
    ///
    /// # Panics
    ///
    /// If it does not end.
    pub fn crash(&self) {
        self.run("stop");
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    ///
    /// If it does not start, or only at another address.
    pub fn restart(&self) {
        let address = self.run_with("start", self.options);
        assert_eq!(address, self.address, "somebody took its port");
    }

    fn run(&self, action: &str) {
        self.run_with(action, &[]);
    }

    fn run_with(&self, action: &str, options: &[&str]) -> String {
        let done = command(action, self.folder.path(), options);
        done.unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = command("stop", self.folder.path(), &[]) {
            eprintln!("the cluster does not stop: {error}");
        }
    }
}

fn command(action: &str, folder: &Path, options: &[&str]) -> Result<String, String> {
    let done = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/postgres"))
        .arg(action)
        .arg(folder)
        .args(options)
        .output()
        .map_err(|error| error.to_string())?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).trim().to_owned());
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
