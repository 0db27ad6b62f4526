//! What a server costs under load, beside bare broadcasters that do the same without a game.
//!
//! ```text
//! cargo bench -p tiltyard-tests --bench load -- [W1 … W7 growth] [--runs N] [--seconds N]
//! ```
//!
//! Each server is a process of its own on the first core, and the bots that use it run on the second, where
//! there is one. The figure is CPU time of the server for each unit of work; runs of different servers take
//! turns. Prints a table for each workload and writes it as JSON and as a plot into `target/bench`.

#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

mod results;
mod server;
mod workloads;

use std::{env, time::Duration};

use server::make_room;

/// What the command line asks for.
pub(crate) struct Plan {
    pub(crate) runs: usize,
    pub(crate) window: Duration,
}

fn main() {
    let mut plan = Plan {
        runs: 5,
        window: Duration::from_secs(5),
    };
    let mut wanted = Vec::new();
    let mut words = env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let number = |word: Option<String>| {
            word.and_then(|word| word.parse().ok())
                .expect("a number after the flag")
        };
        match word.as_str() {
            "--runs" => plan.runs = usize::try_from(number(words.next())).expect("a few runs"),
            "--seconds" => plan.window = Duration::from_secs(number(words.next())),
            name => wanted.push(name.to_uppercase()),
        }
    }
    make_room();
    for (name, run) in workloads::ALL {
        if wanted.is_empty() || wanted.contains(&name.to_uppercase()) {
            run(&plan);
        }
    }
}
