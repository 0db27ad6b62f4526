//! What a broadcaster costs that is nothing else: the frames and the fan-out of a server, and no game.
//!
//! Logs everybody in, makes matches by the rpc `bench_create_matches` and broadcasts what their members
//! send, on one thread: over tokio, or over epoll without a runtime. It checks nothing and bounds nothing;
//! benches hold the server against it.
//!
//! ```text
//! cargo run --release -p tiltyard-tests --bin floor -- tokio|epoll
//! ```

#![expect(clippy::print_stdout, reason = "it says where it listens")]

use std::{
    env, io,
    net::{Ipv4Addr, TcpListener},
    process::ExitCode,
};

mod arena;
mod epoll;
mod over_tokio;
mod wire;

fn main() -> ExitCode {
    let kind = env::args().nth(1).unwrap_or_default();
    let outcome = listen().and_then(|listener| match kind.as_str() {
        "tokio" => over_tokio::run(listener),
        "epoll" => epoll::run(&listener),
        _ => Err(io::Error::other("say `tokio` or `epoll`")),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn listen() -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    println!("page       http://{}/", listener.local_addr()?);
    Ok(listener)
}
