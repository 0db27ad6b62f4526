//! A server under measurement, in a process of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    ops::Range,
    process::{Child, Command, Stdio},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use url::Url;

/// Which server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Tiltyard,
    FloorTokio,
    FloorEpoll,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Tiltyard, Self::FloorTokio, Self::FloorEpoll];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tiltyard => "tiltyard",
            Self::FloorTokio => "floor, tokio",
            Self::FloorEpoll => "floor, epoll",
        }
    }
}

/// How often CPU time is read.
const SAMPLE_PERIOD: Duration = Duration::from_millis(20);

/// A running server. Ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: Url,
    stop: Arc<AtomicBool>,
    sampler: Option<JoinHandle<Vec<(Instant, f64)>>>,
    /// Deleted when the server has ended.
    _data: TempDir,
}

impl Server {
    pub(crate) fn start(kind: Kind, options: &[&str]) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let mut command = match kind {
            Kind::Tiltyard => {
                let mut command = pinned(env!("CARGO_BIN_EXE_fixture"));
                command
                    .args(["--socket.port", "0", "--logger.level", "error"])
                    .args(["--session.token_expiry_sec", "3600", "--data_dir"])
                    .arg(data.path())
                    .args(options);
                command
            }
            Kind::FloorTokio | Kind::FloorEpoll => {
                let mut command = pinned(env!("CARGO_BIN_EXE_floor"));
                command.arg(if kind == Kind::FloorTokio {
                    "tokio"
                } else {
                    "epoll"
                });
                command
            }
        };
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut lines = lines.map_while(Result::ok);
        let url = lines
            .find_map(|line| Url::parse(line.trim().strip_prefix("page")?.trim()).ok())
            .expect("the server says where it listens");
        // It may go on writing.
        thread::spawn(move || lines.for_each(drop));
        let stop = Arc::new(AtomicBool::new(false));
        let sampler = thread::spawn({
            let (id, stop) = (child.id(), stop.clone());
            move || {
                let mut samples = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    samples.push((Instant::now(), cpu_seconds(id)));
                    thread::sleep(SAMPLE_PERIOD);
                }
                samples
            }
        });
        Self {
            child,
            url,
            stop,
            sampler: Some(sampler),
            _data: data,
        }
    }

    /// Resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.expect("its memory")
    }

    /// CPU seconds until now.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.child.id())
    }

    /// Ends the server; gives the CPU seconds that it has used in this time.
    pub(crate) fn end(mut self, window: &Range<Instant>) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        let samples = self.sampler.take().map(JoinHandle::join);
        let samples = samples.expect("it ran").expect("it does not panic");
        at(&samples, window.end) - at(&samples, window.start)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// CPU time at this moment, between the samples before and after.
fn at(samples: &[(Instant, f64)], moment: Instant) -> f64 {
    let after = samples.partition_point(|(time, _)| *time < moment);
    let (Some(before), Some(after)) = (samples.get(after.saturating_sub(1)), samples.get(after))
    else {
        return samples.last().map_or(0.0, |(_, cpu)| *cpu);
    };
    let span = (after.0 - before.0).as_secs_f64();
    if span <= 0.0 {
        return before.1;
    }
    let share = moment.saturating_duration_since(before.0).as_secs_f64() / span;
    before.1 + (after.1 - before.1) * share
}

/// CPU time of all threads, to the nanosecond. A thread that ends takes its own along; those of servers last.
fn cpu_seconds(process: u32) -> f64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
        return 0.0;
    };
    let of_task = |task: fs::DirEntry| {
        let stat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<f64>().ok()
    };
    tasks
        .filter_map(Result::ok)
        .filter_map(of_task)
        .sum::<f64>()
        / 1e9
}

/// A program on the first core, if there are several and the system can.
fn pinned(program: &str) -> Command {
    if !has_cores() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", "0", program]);
    command
}

/// Leaves the first core to servers, and says so if that cannot be.
pub(crate) fn make_room() {
    if !has_cores() {
        println!("servers and bots share one core, or taskset is missing: latencies say little");
        return;
    }
    let process = std::process::id().to_string();
    let done = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", "1", &process])
        .stdout(Stdio::null())
        .status();
    assert!(done.is_ok_and(|status| status.success()), "taskset works");
}

/// Whether there is a second core for the bots.
fn has_cores() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        cores > 1
            && Command::new("taskset")
                .arg("--version")
                .stdout(Stdio::null())
                .status()
                .is_ok()
    });
    *HAS
}
