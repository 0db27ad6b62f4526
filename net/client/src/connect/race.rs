//! QUIC first, a WebSocket if that takes too long.
//!
//! ```text
//! QUIC       ├── handshake ───────────────────────────────► wins if done before the upgrade begins
//! WebSocket  ·   head start   ├── TCP, TLS ──┼── upgrade ─► wins from where it begins to upgrade
//! ```
//!
//! The upgrade opens a session on the server, and so does `HELLO` over QUIC. So whoever wins is known
//! before either: a handshake that is done while the upgrade is under way is too late.

use std::{fmt::Debug, future::Future, pin::pin, time::Duration};

use tokio::time::{sleep, timeout};

/// How long QUIC may go on alone when there is no WebSocket to be had. A handshake with several lost
/// packets takes about five seconds; where UDP is blocked, it would never end by itself.
const QUIC_ALONE_MAX: Duration = Duration::from_secs(6);

/// Who won.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Winner<Q, W> {
    Quic(Q),
    WebSocket(W),
}

/// Runs the race; the loser is dropped, which closes it.
///
/// `open` is what can be done before `upgrade`; it begins when the head start is over or QUIC has
/// failed. If the WebSocket fails, QUIC may still win, unless the server has answered: then what it says
/// holds for both, and the race is over.
///
/// # Errors
///
/// The error of the WebSocket if both fail.
pub(crate) async fn race<Q, T, W, E, U: Future<Output = Result<W, E>>>(
    head_start: Duration,
    quic: impl Future<Output = Result<Q, E>>,
    open: impl Future<Output = Result<T, E>>,
    upgrade: impl FnOnce(T) -> U,
    is_answer: impl FnOnce(&E) -> bool,
) -> Result<Winner<Q, W>, E>
where
    E: Debug,
{
    let mut quic = pin!(quic);
    let mut has_quic_failed = false;

    tokio::select! {
        biased;
        done = &mut quic => match done {
            Ok(quic) => return Ok(Winner::Quic(quic)),
            Err(error) => {
                tracing::debug!(?error, "QUIC failed");
                has_quic_failed = true;
            }
        },
        () = sleep(head_start) => {}
    }

    let mut open = pin!(open);
    let opened = loop {
        tokio::select! {
            biased;
            done = &mut quic, if !has_quic_failed => match done {
                Ok(quic) => return Ok(Winner::Quic(quic)),
                Err(error) => {
                    tracing::debug!(?error, "QUIC failed");
                    has_quic_failed = true;
                }
            },
            opened = &mut open => break opened,
        }
    };

    let upgraded = match opened {
        Ok(opened) => upgrade(opened).await,
        Err(error) => Err(error),
    };
    match upgraded {
        Ok(websocket) => Ok(Winner::WebSocket(websocket)),
        Err(error) if has_quic_failed || is_answer(&error) => Err(error),
        Err(error) => match timeout(QUIC_ALONE_MAX, quic).await {
            Ok(Ok(quic)) => Ok(Winner::Quic(quic)),
            Ok(Err(_)) | Err(_) => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::Instant;

    use super::*;

    const HEAD_START: Duration = Duration::from_millis(500);

    /// Done after some milliseconds, well or badly.
    async fn after<T>(ms: u64, outcome: Result<T, &'static str>) -> Result<T, &'static str> {
        sleep(Duration::from_millis(ms)).await;
        outcome
    }

    /// Runs a race on a clock that jumps: who wins, after how many milliseconds, and when the upgrade
    /// began, if it did.
    async fn run(
        quic: (u64, Result<(), &'static str>),
        open: (u64, Result<(), &'static str>),
        upgrade: (u64, Result<(), &'static str>),
    ) -> (Result<Winner<(), ()>, &'static str>, u128, Option<u128>) {
        let start = Instant::now();
        let upgraded_at = Cell::new(None);
        let outcome = race(
            HEAD_START,
            after(quic.0, quic.1),
            after(open.0, open.1),
            |()| {
                upgraded_at.set(Some(start.elapsed().as_millis()));
                after(upgrade.0, upgrade.1)
            },
            |error| *error == ANSWER,
        )
        .await;
        (outcome, start.elapsed().as_millis(), upgraded_at.get())
    }

    const QUIC: Result<Winner<(), ()>, &str> = Ok(Winner::Quic(()));
    const WEBSOCKET: Result<Winner<(), ()>, &str> = Ok(Winner::WebSocket(()));
    const NEVER: u64 = 1_000_000;
    const ANSWER: &str = "401";

    #[tokio::test(start_paused = true)]
    async fn quic_within_its_head_start_is_alone() {
        let outcome = run((400, Ok(())), (1, Ok(())), (1, Ok(()))).await;
        assert_eq!(outcome, (QUIC, 400, None));
    }

    #[tokio::test(start_paused = true)]
    async fn where_udp_is_blocked_the_websocket_begins_after_the_head_start() {
        let outcome = run((NEVER, Ok(())), (20, Ok(())), (30, Ok(()))).await;
        assert_eq!(outcome, (WEBSOCKET, 550, Some(520)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_websocket_begins_at_once_when_quic_fails() {
        let outcome = run((100, Err("refused")), (20, Ok(())), (30, Ok(()))).await;
        assert_eq!(outcome, (WEBSOCKET, 150, Some(120)));
    }

    #[tokio::test(start_paused = true)]
    async fn quic_wins_while_tcp_is_opened() {
        let outcome = run((600, Ok(())), (200, Ok(())), (1, Ok(()))).await;
        assert_eq!(outcome, (QUIC, 600, None), "no session was opened");
    }

    #[tokio::test(start_paused = true)]
    async fn quic_is_too_late_once_the_upgrade_has_begun() {
        let outcome = run((600, Ok(())), (50, Ok(())), (200, Ok(()))).await;
        assert_eq!(outcome, (WEBSOCKET, 750, Some(550)));
    }

    #[tokio::test(start_paused = true)]
    async fn quic_goes_on_when_the_websocket_fails() {
        let outcome = run((900, Ok(())), (50, Err("closed")), (0, Ok(()))).await;
        assert_eq!(outcome, (QUIC, 900, None));
        let outcome = run((900, Ok(())), (50, Ok(())), (10, Err("closed"))).await;
        assert_eq!(outcome.0, QUIC, "a failed upgrade has opened no session");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_server_answers_ends_the_race() {
        let outcome = run((NEVER, Ok(())), (50, Ok(())), (10, Err(ANSWER))).await;
        assert_eq!(outcome, (Err(ANSWER), 560, Some(550)));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_websocket_quic_is_not_waited_for_for_ever() {
        let outcome = run((NEVER, Ok(())), (50, Err("tcp")), (0, Ok(()))).await;
        let alone = QUIC_ALONE_MAX.as_millis();
        assert_eq!(outcome, (Err("tcp"), 550 + alone, None));
    }

    #[tokio::test(start_paused = true)]
    async fn when_both_fail_the_websocket_says_why() {
        let outcome = run((100, Err("udp")), (50, Err("tcp")), (0, Ok(()))).await;
        assert_eq!(outcome.0, Err("tcp"));
        let outcome = run((900, Err("udp")), (50, Err("tcp")), (0, Ok(()))).await;
        assert_eq!(outcome.0, Err("tcp"));
    }
}
