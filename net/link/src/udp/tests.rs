use std::{
    collections::VecDeque,
    future::poll_fn,
    net::IpAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Waker,
};

use quinn::udp::EcnCodepoint;
use tokio::time::sleep;

use super::*;

const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn peer() -> SocketAddr {
    (LOCAL, 7350).into()
}

/// The real socket, in memory.
#[derive(Debug, Default)]
struct Wire {
    /// Received batches of datagrams of so many bytes.
    inbox: Mutex<VecDeque<(Vec<u8>, usize)>>,
    outbox: Mutex<Vec<(Vec<u8>, Option<EcnCodepoint>)>>,
    full: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Wire {
    fn receives(&self, batch: &[u8], datagram_bytes: usize) {
        let mut inbox = self.inbox.lock().unwrap();
        inbox.push_back((batch.to_vec(), datagram_bytes));
        self.wake();
    }

    fn takes_more(&self) {
        self.full.store(false, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waiting) = self.waiting.lock().unwrap().take() {
            waiting.wake();
        }
    }

    fn sent(&self) -> Vec<Vec<u8>> {
        let outbox = self.outbox.lock().unwrap();
        outbox.iter().map(|(bytes, _)| bytes.clone()).collect()
    }
}

impl AsyncUdpSocket for Wire {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(WirePoller(self))
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if self.full.load(Ordering::Acquire) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        assert_eq!(transmit.segment_size, None, "batches are split");
        let datagram = (transmit.contents.to_vec(), transmit.ecn);
        self.outbox.lock().unwrap().push(datagram);
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let Some((batch, stride)) = self.inbox.lock().unwrap().pop_front() else {
            *self.waiting.lock().unwrap() = Some(cx.waker().clone());
            return Poll::Pending;
        };
        bufs[0][..batch.len()].copy_from_slice(&batch);
        meta[0] = RecvMeta {
            addr: peer(),
            len: batch.len(),
            stride,
            ecn: Some(EcnCodepoint::Ce),
            dst_ip: Some(LOCAL),
        };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(peer())
    }
}

#[derive(Debug)]
struct WirePoller(Arc<Wire>);

impl UdpPoller for WirePoller {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.0.full.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        *self.0.waiting.lock().unwrap() = Some(cx.waker().clone());
        Poll::Pending
    }
}

fn stage(profile: &str) -> (Arc<Wire>, Arc<LinkedSocket>) {
    let wire = Arc::new(Wire::default());
    let socket = LinkedSocket::new(wire.clone(), &profile.parse().unwrap());
    (wire, Arc::new(socket))
}

fn send(socket: &LinkedSocket, contents: &[u8], segment_size: Option<usize>) {
    let transmit = Transmit {
        destination: peer(),
        ecn: Some(EcnCodepoint::Ect0),
        contents,
        segment_size,
        src_ip: None,
    };
    socket.try_send(&transmit).unwrap();
}

/// Does the part of an endpoint; ends with the first datagrams.
async fn receive(socket: &LinkedSocket) -> Vec<(Vec<u8>, RecvMeta)> {
    let (mut first, mut second) = ([0; 1500], [0; 1500]);
    let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    let mut metas = [RecvMeta::default(); 2];
    let count = poll_fn(|cx| socket.poll_recv(cx, &mut bufs, &mut metas)).await;
    let received = bufs.iter().zip(metas).take(count.unwrap());
    received
        .map(|(buf, meta)| (buf[..meta.len].to_vec(), meta))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn received_batch_is_split_and_arrives_after_its_delay() {
    let (wire, socket) = stage("delay=30ms");
    wire.receives(b"aaabbbc", 3);
    let mut received = receive(&socket).await;
    assert_eq!(socket.now(), Duration::from_millis(30));
    received.extend(receive(&socket).await);
    let bytes: Vec<&[u8]> = received.iter().map(|(bytes, _)| &bytes[..]).collect();
    assert_eq!(bytes, [&b"aaa"[..], b"bbb", b"c"]);
    for (_, meta) in received {
        assert_eq!((meta.addr, meta.dst_ip), (peer(), Some(LOCAL)));
        assert_eq!(meta.ecn, Some(EcnCodepoint::Ce), "marks are kept");
    }
    assert_eq!(socket.counters().received.sent, 3);
}

#[tokio::test(start_paused = true)]
async fn sent_batch_is_split_and_leaves_after_its_delay() {
    let (wire, socket) = stage("delay=30ms");
    // The endpoint waits before anything is sent, and is to be woken for it.
    let endpoint = tokio::spawn({
        let socket = socket.clone();
        async move { receive(&socket).await }
    });
    sleep(Duration::from_millis(5)).await;
    send(&socket, b"aaabbbc", Some(3));
    sleep(Duration::from_millis(29)).await;
    assert!(wire.sent().is_empty());
    sleep(Duration::from_millis(2)).await;
    assert_eq!(wire.sent(), [&b"aaa"[..], b"bbb", b"c"]);
    let marked = |(_, ecn): &(_, _)| *ecn == Some(EcnCodepoint::Ect0);
    assert!(wire.outbox.lock().unwrap().iter().all(marked));
    endpoint.abort();
}

#[tokio::test(start_paused = true)]
async fn without_delay_datagrams_leave_at_once() {
    let (wire, socket) = stage("delay=0ms");
    send(&socket, b"steer", None);
    assert_eq!(wire.sent(), [b"steer"]);
}

#[tokio::test(start_paused = true)]
async fn datagrams_wait_for_a_socket_that_takes_no_more() {
    let (wire, socket) = stage("delay=10ms");
    wire.full.store(true, Ordering::Release);
    let endpoint = tokio::spawn({
        let socket = socket.clone();
        async move { receive(&socket).await }
    });
    send(&socket, b"steer", None);
    sleep(Duration::from_millis(50)).await;
    assert!(wire.sent().is_empty());
    wire.takes_more();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(wire.sent(), [b"steer"]);
    endpoint.abort();
}

#[tokio::test(start_paused = true)]
async fn too_much_under_way_is_dropped_and_counted() {
    let (_wire, socket) = stage("delay=10ms");
    for _ in 0..9_000 {
        send(&socket, b"steer", None);
    }
    let counters = socket.counters();
    assert_eq!(counters.sent.sent, 9_000);
    assert_eq!(counters.overflowed, 9_000 - 8_192);
}

#[tokio::test(start_paused = true)]
async fn datagram_larger_than_the_buffer_is_dropped_and_counted() {
    let (wire, socket) = stage("delay=10ms");
    wire.receives(&[0; 2_000], 2_000);
    wire.receives(b"steer", 5);
    assert_eq!(receive(&socket).await[0].0, b"steer");
    assert_eq!(socket.counters().failed, 1);
}

#[tokio::test(start_paused = true)]
async fn directions_have_fates_of_their_own() {
    let (_wire, socket) = stage("loss=50%,seed=7");
    let mut state = socket.lock();
    let datagram = Datagram {
        peer: peer(),
        local: None,
        ecn: None,
        bytes: Bytes::from_static(b"steer"),
    };
    let mut same = 0;
    for _ in 0..64 {
        let lost = (state.counters().sent.lost, state.counters().received.lost);
        state.sending.enter(Duration::ZERO, &datagram);
        state.receiving.enter(Duration::ZERO, &datagram);
        let counters = state.counters();
        same += u32::from(counters.sent.lost - lost.0 == counters.received.lost - lost.1);
    }
    assert!(same < 64);
}
