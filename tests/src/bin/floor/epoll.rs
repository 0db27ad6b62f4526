//! On epoll, without a runtime: the least that one write a client and tick can cost. Waits are whole
//! milliseconds, so that reads come in batches and ticks a little late.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::arena::Arena;

const LISTENER: u64 = u64::MAX;
const IDLE: Duration = Duration::from_millis(10);

/// Serves for ever.
pub(super) fn run(listener: &TcpListener) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
    let mut arena = Arena::default();
    let mut streams: HashMap<usize, TcpStream> = HashMap::new();
    let mut clients = 0;
    let mut events = [EpollEvent::empty(); 1024];
    loop {
        let count = match epoll.wait(&mut events, patience(&arena)) {
            Ok(count) => count,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in &events[..count] {
            if event.data() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    let token = EpollEvent::new(EpollFlags::EPOLLIN, clients);
                    epoll.add(&stream, token)?;
                    let client = usize::try_from(clients).map_err(io::Error::other)?;
                    arena.open(client);
                    streams.insert(client, stream);
                    clients += 1;
                }
                continue;
            }
            let client = usize::try_from(event.data()).map_err(io::Error::other)?;
            if read(&mut arena, &mut streams, client).is_none() {
                // Closing takes it off epoll.
                streams.remove(&client);
                arena.close(client);
            }
        }
        arena.tick(Instant::now(), |client, bytes| {
            if let Some(stream) = streams.get_mut(&client) {
                drop(stream.write(bytes));
            }
        });
    }
}

/// How long there is nothing to do, to the millisecond above.
fn patience(arena: &Arena) -> EpollTimeout {
    let now = Instant::now();
    let wait = arena
        .next_due()
        .map_or(IDLE, |due| due.saturating_duration_since(now));
    let ms = u16::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
    EpollTimeout::from(ms)
}

/// Takes what a client sent; nothing if it has gone.
fn read(arena: &mut Arena, streams: &mut HashMap<usize, TcpStream>, client: usize) -> Option<()> {
    let stream = streams.get_mut(&client)?;
    let mut buffer = [0; 4096];
    let count = match stream.read(&mut buffer) {
        Ok(0) => return None,
        Ok(count) => count,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(()),
        Err(_) => return None,
    };
    let answer = arena.receive(client, &buffer[..count])?;
    if !answer.is_empty() {
        stream.write_all(&answer).ok()?;
    }
    Some(())
}
