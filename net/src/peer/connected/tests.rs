use tiltyard::Transport;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    task::LocalSet,
};

use super::*;
use crate::peer::{
    outbox::OUTBOX_BYTES_MAX,
    reader::{MALFORMED, TOO_LARGE, WRONG_TYPE},
};

/// More than the longest control frame, which is added whatever waits.
const CONTROL_BYTES_MAX: usize = 200;

/// A client, and its end of the connection.
async fn connected() -> (Rc<Peer>, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap());
    let client = client.await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let slot = Slot {
        thread: 0,
        encoding: Encoding::Json as u8,
        transport: Transport::WebSocket,
        index: 0,
        generation: 1,
    };
    let long = Duration::from_secs(3600);
    let timing = Timing {
        ping_period: long,
        pong_wait: long,
        write_wait: long,
        close_wait: long,
    };
    let peer = Peer::new(
        Carrier::Socket(stream),
        slot,
        128,
        RateLimits::default(),
        timing,
    );
    (Rc::new(peer), client)
}

fn frame() -> Bytes {
    Bytes::from_static(&[0; 1000])
}

#[tokio::test]
async fn what_waits_for_a_client_that_never_reads_is_bounded() {
    let waits = async {
        let (peer, _client) = connected().await;
        let mut sent = 0;
        while peer.is_open() {
            peer.enqueue(frame(), None);
            sent += frame().len();
            let waiting = peer.outbox.borrow().bytes();
            assert!(waiting <= OUTBOX_BYTES_MAX + CONTROL_BYTES_MAX, "{waiting}");
        }
        assert!(
            sent > OUTBOX_BYTES_MAX,
            "what the system took, and then some"
        );
        let waiting = peer.outbox.borrow().bytes();
        let left = frame().len() + CONTROL_BYTES_MAX;
        assert!(
            waiting <= left,
            "a frame that was begun, and goodbye: {waiting}"
        );
    };
    LocalSet::new().run_until(waits).await;
}

#[tokio::test]
async fn a_client_that_stays_behind_for_three_seconds_is_closed_and_one_that_catches_up_is_not() {
    let waits = async {
        let (peer, mut client) = connected().await;
        let fall_behind = || {
            while peer.outbox.borrow().bytes() <= OUTBOX_BYTES_SOFT_MAX {
                peer.enqueue(frame(), None);
                peer.flush();
            }
        };
        let now = Instant::now();
        fall_behind();
        peer.check(now);
        let mut buffer = vec![0; 64 * 1024];
        while peer.outbox.borrow().bytes() > 0 {
            assert!(client.read(&mut buffer).await.unwrap() > 0);
            tokio::task::yield_now().await;
        }
        peer.check(now + Duration::from_secs(2));
        fall_behind();
        peer.check(now + Duration::from_secs(4));
        peer.check(now + Duration::from_millis(6900));
        assert!(peer.is_open(), "it has another three seconds");
        peer.check(now + Duration::from_secs(7));
        assert!(!peer.is_open());
    };
    LocalSet::new().run_until(waits).await;
}

#[test]
fn ends_are_told_apart_by_what_the_client_was_told() {
    for (code, reason, end) in [
        (1000, SLOW_REASON, End::Slow),
        (1000, SILENT_REASON, End::Silent),
        (1001, "server is shutting down", End::Stopped),
        (1000, MALFORMED.reason, End::Malformed),
        (1000, WRONG_TYPE.reason, End::Malformed),
        (TOO_LARGE.code, TOO_LARGE.reason, End::Malformed),
        (1002, "bad MASK", End::Malformed),
        (FLOODING.code, FLOODING.reason, End::Flooded),
        (1000, "", End::Closed),
    ] {
        assert_eq!(end_of(code, reason), end, "{code} {reason}");
    }
}
