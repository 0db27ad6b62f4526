//! One direction of a relayed connection.

use std::{future::pending, io};

use bytes::{Buf, BufMut, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    select,
    time::{Instant, sleep_until},
};
use tracing::debug;

use super::stream::StreamLink;
use crate::Profile;

/// Carries bytes from one side to the other until their end has arrived.
///
/// What has been read but not written is at most what the stream has room for, so that a writer who
/// takes nothing makes the reader wait.
///
/// # Errors
///
/// What either side says when it fails, such as that it was reset.
pub(super) async fn drive_half(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    profile: Profile,
) -> io::Result<()> {
    let mut half = Half::new(&profile);
    loop {
        half.advance();
        if half.is_done() {
            debug!(counters = ?half.stream.counters(), "a direction of a connection ended");
            return to.shutdown().await;
        }
        let room_bytes = half.room_bytes();
        let due = half.due();
        let mut room = (&mut half.flying).limit(room_bytes);
        // Reads and writes that are dropped have done nothing.
        select! {
            read = from.read_buf(&mut room), if room_bytes > 0 => {
                half.sent(read?);
            }
            written = to.write(&half.landed), if !half.landed.is_empty() => {
                half.landed.advance(written?);
            }
            () = wait_until(due) => {}
        }
    }
}

/// The bytes that a [`StreamLink`] counts.
struct Half {
    stream: StreamLink,
    started: Instant,
    /// Under way.
    flying: BytesMut,
    /// Arrived and not written.
    landed: BytesMut,
    /// Whether the end of the stream was read.
    ended: bool,
}

impl Half {
    fn new(profile: &Profile) -> Self {
        Self {
            stream: StreamLink::new(profile),
            started: Instant::now(),
            flying: BytesMut::new(),
            landed: BytesMut::new(),
            ended: false,
        }
    }

    fn room_bytes(&self) -> usize {
        if self.ended {
            return 0;
        }
        self.stream.room_bytes().saturating_sub(self.landed.len())
    }

    /// So many bytes were read; none means the end.
    fn sent(&mut self, bytes: usize) {
        let now = self.started.elapsed();
        if bytes == 0 {
            self.ended = true;
            self.stream.finish(now);
        }
        self.stream.send(now, bytes);
    }

    /// Lands what has arrived.
    fn advance(&mut self) {
        let bytes = self.stream.poll(self.started.elapsed());
        self.landed.unsplit(self.flying.split_to(bytes));
    }

    fn is_done(&self) -> bool {
        self.stream.is_finished() && self.landed.is_empty()
    }

    fn due(&self) -> Option<Instant> {
        self.started.checked_add(self.stream.next_due()?)
    }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{DuplexStream, duplex};

    use super::*;

    /// A reader's end, a writer's end, and the task between them.
    fn stage(
        profile: &str,
    ) -> (
        DuplexStream,
        DuplexStream,
        impl Future<Output = io::Result<()>>,
    ) {
        let profile = profile.parse().unwrap();
        let (ours, from) = duplex(1024 * 1024);
        let (to, theirs) = duplex(1);
        (ours, theirs, drive_half(from, to, profile))
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_and_their_end_arrive_after_the_delay() {
        let started = Instant::now();
        let (mut ours, mut theirs, half) = stage("delay=30ms");
        ours.write_all(b"steer").await.unwrap();
        drop(ours);
        let mut read = Vec::new();
        let (half, _bytes) = tokio::join!(half, theirs.read_to_end(&mut read));
        half.unwrap();
        assert_eq!(read, b"steer");
        assert_eq!(started.elapsed(), Duration::from_millis(30));
    }

    #[tokio::test(start_paused = true)]
    async fn writer_who_takes_nothing_makes_the_reader_wait() {
        let (mut ours, theirs, half) = stage("delay=1ms,rate=8mbit,queue=10kb");
        let half = tokio::spawn(half);
        let mut taken = 0;
        while let Ok(bytes) =
            tokio::time::timeout(Duration::from_secs(60), ours.write(&[7; 100_000])).await
        {
            taken += bytes.unwrap();
        }
        // The path holds a millisecond of a byte each microsecond, and one byte is written.
        assert_eq!(taken, 1024 * 1024 + 10_000 + 1_000 + 1);
        drop(theirs);
        half.await.unwrap().unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn every_byte_arrives_in_order_in_spite_of_losses() {
        let (mut ours, mut theirs, half) = stage("mobile,loss=10%,seed=7");
        let bytes: Vec<u8> = (0..=250).cycle().take(300_000).collect();
        ours.write_all(&bytes).await.unwrap();
        drop(ours);
        let mut read = Vec::new();
        let (half, _bytes) = tokio::join!(half, theirs.read_to_end(&mut read));
        half.unwrap();
        assert!(read == bytes);
    }
}
