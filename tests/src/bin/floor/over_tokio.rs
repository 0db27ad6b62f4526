//! On tokio: one thread, one task a client, one write a client and tick.

use std::{
    cell::RefCell,
    collections::HashMap,
    io,
    net::TcpListener,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::Interest,
    net::TcpStream,
    runtime,
    task::{LocalSet, spawn_local},
};

use super::arena::Arena;

/// How often it looks for something to do when there is nothing.
const IDLE: Duration = Duration::from_millis(10);

#[derive(Default)]
struct Floor {
    arena: RefCell<Arena>,
    streams: RefCell<HashMap<usize, Rc<TcpStream>>>,
}

/// Serves for ever.
pub(super) fn run(listener: TcpListener) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let floor = Rc::new(Floor::default());
        spawn_local(tick(floor.clone()));
        for client in 0.. {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let stream = Rc::new(stream);
            floor.arena.borrow_mut().open(client);
            floor.streams.borrow_mut().insert(client, stream.clone());
            spawn_local(read(floor.clone(), client, stream));
        }
        Ok(())
    })
}

async fn tick(floor: Rc<Floor>) {
    loop {
        let due = floor.arena.borrow().next_due();
        let due = due.unwrap_or_else(|| Instant::now() + IDLE);
        tokio::time::sleep_until(due.into()).await;
        let streams = floor.streams.borrow();
        floor
            .arena
            .borrow_mut()
            .tick(Instant::now(), |client, bytes| {
                // Whoever does not read loses; this is no server.
                if let Some(stream) = streams.get(&client) {
                    drop(stream.try_write(bytes));
                }
            });
    }
}

async fn read(floor: Rc<Floor>, client: usize, stream: Rc<TcpStream>) {
    let mut buffer = [0; 4096];
    while stream.readable().await.is_ok() {
        let count = match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                // A read that fills only a part of its buffer has found the end.
                let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                drop(stream.try_io(Interest::READABLE, nothing));
                count
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => break,
        };
        let Some(answer) = floor.arena.borrow_mut().receive(client, &buffer[..count]) else {
            break;
        };
        if !answer.is_empty() {
            drop(stream.try_write(&answer));
        }
    }
    floor.arena.borrow_mut().close(client);
    floor.streams.borrow_mut().remove(&client);
}
