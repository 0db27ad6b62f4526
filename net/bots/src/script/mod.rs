//! What bots do, from their first connection to their last.

mod lobby;
mod play;
mod tickets;

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

pub(crate) use lobby::make_matches;

use crate::{
    bot::{Bot, Crew},
    options::Script,
    trouble::Trouble,
};

/// One bot of a run, until it has failed or all leave.
pub(crate) async fn drive(crew: Crew, number: usize) {
    let wait = number as f64 / crew.shared.options.connect_rate;
    let stop = crew.shared.stop.clone();
    let start = sleep(Duration::from_secs_f64(wait));
    if stop.run_until_cancelled(start).await.is_none() {
        return;
    }
    let is_ready = std::cell::Cell::new(false);
    let life = live(&crew, number, &is_ready);
    let ended = match &crew.shared.options.script {
        // These leave by themselves, in good order.
        Script::Storm { .. } => stop.run_until_cancelled(life).await.unwrap_or(Ok(())),
        _ => life.await,
    };
    if let Err(trouble) = ended {
        crew.tally.borrow_mut().count_error(&trouble);
    }
    if !is_ready.get() {
        crew.shared.ready.fetch_add(1, Ordering::Relaxed);
    }
    crew.shared.done.fetch_add(1, Ordering::Relaxed);
}

async fn live(crew: &Crew, number: usize, is_ready: &std::cell::Cell<bool>) -> Result<(), Trouble> {
    let ready = || {
        is_ready.set(true);
        crew.shared.ready.fetch_add(1, Ordering::Relaxed);
    };
    let stop = &crew.shared.stop;
    if let Script::Storm { fresh, .. } = crew.shared.options.script {
        ready();
        crew.shared.go.cancelled().await;
        storm(crew, number, fresh).await;
        return Ok(());
    }
    let device = device(crew, number);
    let Some(bot) = stop
        .run_until_cancelled(crew.connect(number, &device))
        .await
    else {
        return Ok(());
    };
    let mut bot = bot?;
    let playing = async {
        match &crew.shared.options.script {
            Script::Idle => {
                ready();
                listen(&mut bot).await
            }
            Script::Match(_) | Script::Chat { .. } => play::drive(&mut bot, ready).await,
            Script::Tickets(ticket) => {
                ready();
                tickets::drive(&mut bot, ticket).await
            }
            Script::Storm { .. } => Ok(()),
        }
    };
    // None if all leave.
    let ended = stop.run_until_cancelled(playing).await;
    bot.count_traffic();
    if ended.as_ref().is_none_or(Result::is_ok) {
        bot.wire.close().await;
    }
    ended.unwrap_or(Ok(()))
}

/// Until the connection ends.
async fn listen(bot: &mut Bot) -> Result<(), Trouble> {
    loop {
        bot.wire.next().await?;
        bot.crew.tally.borrow_mut().messages_in += 1;
    }
}

/// How long a bot stays away after a visit that failed, so that a server that is down is not hammered.
const STAY_AWAY: Duration = Duration::from_millis(100);

/// Comes and goes until the window ends. Visits that fail are counted.
async fn storm(crew: &Crew, number: usize, fresh: bool) {
    for visit_number in 0.. {
        let shared = &crew.shared;
        let now_ns = shared.now_ns();
        if shared.window().is_none_or(|window| now_ns >= window.end_ns) {
            break;
        }
        let mut device = device(crew, number);
        if fresh {
            device = format!("{device}-{visit_number}");
        }
        if let Err(trouble) = visit(crew, number, &device).await {
            crew.tally.borrow_mut().count_error(&trouble);
            sleep(STAY_AWAY).await;
        }
    }
}

async fn visit(crew: &Crew, number: usize, device: &str) -> Result<(), Trouble> {
    let shared = &crew.shared;
    let began = Instant::now();
    let mut bot = crew.connect(number, device).await?;
    if shared.options.matches().is_some() {
        lobby::join(&mut bot).await?;
    }
    let now_ns = shared.now_ns();
    if shared.window().is_some_and(|window| window.has(now_ns)) {
        crew.tally.borrow_mut().visit.add(began.elapsed());
    }
    bot.wire.close().await;
    Ok(())
}

/// The device that bot `number` logs in as.
pub(crate) fn device(crew: &Crew, number: usize) -> String {
    format!("bot-{}-{number:06}", crew.shared.options.seed)
}

/// When the bot sends for the first time, after `go`: they take turns within one period.
pub(crate) fn first_send(bot: &Bot) -> (Instant, Duration) {
    let options = &bot.shared().options;
    let period = Duration::from_secs_f64(1.0 / options.rate);
    let turn = bot.number as f64 / options.clients as f64;
    (Instant::now() + period.mul_f64(turn), period)
}

/// Until `at`, which may be never.
pub(crate) async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
