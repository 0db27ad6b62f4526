//! Bots that send at a rate, and measure what arrives.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tiltyard_proto::{
    datagram::{self, DATAGRAM_BYTES_MAX, Datagram},
    realtime::{ChannelJoin, ChannelMessageSend, envelope::Message},
};
use tokio::time::Instant;

use super::{
    first_send,
    lobby::{self, Membership},
    until,
};
use crate::{
    bot::Bot,
    envelope::{self, Template},
    options::{Delivery, Fanout, MatchScript, Script, Ticks},
    shared::Shared,
    stamp::Stamp,
    tally::jitter,
    trouble::Trouble,
    wire::Incoming,
};

/// Joins, sends and listens until the connection ends.
pub(super) async fn drive(bot: &mut Bot, ready: impl FnOnce()) -> Result<(), Trouble> {
    let mut player = Player::join(bot).await?;
    ready();
    let shared = Arc::clone(&bot.crew.shared);
    let mut go = std::pin::pin!(shared.go.cancelled());
    let mut is_on = false;
    let mut next_send = None;
    let mut period = Duration::MAX;
    loop {
        tokio::select! {
            incoming = bot.wire.next() => player.take(bot, incoming?),
            () = until(next_send) => {
                next_send = player.send(bot).await?.then(|| later(next_send, period));
            }
            () = &mut go, if !is_on => {
                is_on = true;
                let (first, every) = first_send(bot);
                period = every;
                next_send = player.speaks.then_some(first);
            }
        }
    }
}

/// The next time, one period after the last. A bot that is late sends at once, and leaves none out.
fn later(last: Option<Instant>, period: Duration) -> Instant {
    last.map_or_else(Instant::now, |last| last + period)
}

/// A bot in a match or a room.
struct Player {
    shared: Arc<Shared>,
    /// Whether it sends.
    speaks: bool,
    sequence: u32,
    membership: Membership,
    voice: Voice,
    last_tick: Option<Instant>,
}

/// How it sends, and what it listens for.
enum Voice {
    Match {
        template: Template,
        match_id: String,
        fanout: Fanout,
        op_code: i64,
        delivery: Delivery,
        ticks: Option<Ticks>,
    },
    Chat {
        channel_id: String,
    },
}

impl Player {
    async fn join(bot: &mut Bot) -> Result<Self, Trouble> {
        let shared = Arc::clone(&bot.crew.shared);
        let (voice, place, speaks) = match &shared.options.script {
            Script::Chat { room } => {
                let channel_id = join_room(bot, room).await?;
                (Voice::Chat { channel_id }, room.clone(), bot.number == 0)
            }
            Script::Match(matches)
            | Script::Storm {
                join: Some(matches),
                ..
            } => {
                let match_id = lobby::join(bot).await?;
                (voice(bot, matches, match_id.clone()), match_id, true)
            }
            Script::Idle | Script::Tickets(_) | Script::Storm { .. } => {
                return Err(Trouble::Join("there is nothing to join".into()));
            }
        };
        Ok(Self {
            membership: Membership::of(bot, &place),
            shared,
            speaks,
            sequence: 0,
            voice,
            last_tick: None,
        })
    }

    /// Sends one message, unless the window has ended.
    async fn send(&mut self, bot: &mut Bot) -> Result<bool, Trouble> {
        let Some(window) = self.shared.window() else {
            return Ok(false);
        };
        let sent_ns = self.shared.now_ns();
        bot.watch_traffic(window, sent_ns);
        if sent_ns >= window.end_ns {
            return Ok(false);
        }
        if window.has(sent_ns) {
            let recipients = self.recipients();
            self.shared
                .expected
                .fetch_add(recipients, Ordering::Relaxed);
            bot.crew.tally.borrow_mut().messages_out += 1;
        }
        let stamp = Stamp {
            sent_ns,
            sender: u32::try_from(bot.number).unwrap_or(u32::MAX),
            sequence: self.sequence,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.say(bot, stamp).await?;
        Ok(true)
    }

    fn recipients(&self) -> u64 {
        let members = self.membership.count();
        match &self.voice {
            Voice::Chat { .. } => members,
            Voice::Match { fanout, .. } => match fanout {
                Fanout::All => members,
                Fanout::Others => members.saturating_sub(1),
                Fanout::Sender => 1,
                Fanout::Nobody => 0,
            },
        }
    }

    async fn say(&mut self, bot: &mut Bot, stamp: Stamp) -> Result<(), Trouble> {
        let size = self.shared.options.size;
        match &mut self.voice {
            Voice::Chat { channel_id } => {
                let message = Message::ChannelMessageSend(ChannelMessageSend {
                    channel_id: channel_id.clone(),
                    content: stamp.chat(size),
                });
                bot.wire.send(envelope::encode(bot.format, message)).await
            }
            Voice::Match {
                template,
                match_id,
                op_code,
                delivery,
                ..
            } => {
                let data = stamp.data(size);
                let handle = bot.wire.handle(match_id);
                let is_newest = *delivery == Delivery::Newest;
                match (handle, delivery) {
                    (Some(handle), Delivery::Unreliable | Delivery::Newest)
                        if size + HEAD_BYTES <= DATAGRAM_BYTES_MAX =>
                    {
                        bot.wire.send_datagram(&Datagram {
                            handle,
                            // It wraps, as the page of the protocol says.
                            sequence: (stamp.sequence & 0xffff) as u16,
                            newest: is_newest,
                            op_code: *op_code,
                            sender: None,
                            data: &data,
                        });
                        Ok(())
                    }
                    _ => bot.wire.send(template.stamped(&data)).await,
                }
            }
        }
    }

    fn take(&mut self, bot: &mut Bot, incoming: Incoming) {
        let now_ns = self.shared.now_ns();
        let window = self.shared.window();
        if let Some(window) = window {
            bot.watch_traffic(window, now_ns);
            if window.has(now_ns) {
                bot.crew.tally.borrow_mut().messages_in += 1;
            }
        }
        match (&self.voice, incoming) {
            (Voice::Chat { .. }, Incoming::Envelope(bytes)) => {
                // The acknowledgement has no content.
                if let Some(stamp) = Stamp::find_in_chat(&bytes) {
                    self.count(bot, stamp, now_ns);
                }
            }
            (Voice::Match { .. }, Incoming::Envelope(bytes)) => {
                if let Some((op_code, data)) = envelope::match_data(bot.format, &bytes) {
                    self.hear(bot, op_code, &data, now_ns);
                }
            }
            (Voice::Match { .. }, Incoming::Datagram(bytes)) => {
                if let Ok(read) = datagram::read(&bytes) {
                    self.hear(bot, read.op_code, read.data, now_ns);
                }
            }
            (Voice::Chat { .. }, Incoming::Datagram(_)) => {}
        }
    }

    /// Takes what the match says.
    fn hear(&mut self, bot: &Bot, op_code: i64, data: &[u8], now_ns: u64) {
        let Voice::Match { ticks, .. } = &self.voice else {
            return;
        };
        let tick = ticks.filter(|ticks| ticks.op_code == op_code);
        if let Some(ticks) = tick {
            self.count_tick(bot, ticks, now_ns);
        }
        let size = self.shared.options.size;
        if tick.is_some_and(|ticks| ticks.has_records) {
            let records = data.get(TICK_BYTES..).unwrap_or_default();
            for record in records.chunks_exact(size) {
                self.hear_record(bot, record, now_ns);
            }
        } else if data.len() == size {
            self.hear_record(bot, data, now_ns);
        }
    }

    fn hear_record(&self, bot: &Bot, record: &[u8], now_ns: u64) {
        if let Some(stamp) = Stamp::read(record) {
            self.count(bot, stamp, now_ns);
        }
    }

    fn count_tick(&mut self, bot: &Bot, ticks: Ticks, now_ns: u64) {
        let now = Instant::now();
        let last = self.last_tick.replace(now);
        let is_in_window = self
            .shared
            .window()
            .is_some_and(|window| window.has(now_ns));
        if let Some(last) = last.filter(|_| is_in_window) {
            let mut tally = bot.crew.tally.borrow_mut();
            tally.jitter.add(jitter(now - last, ticks.rate));
        }
    }

    /// Counts what a bot sent in the window. What only looks like it was sent by none.
    fn count(&self, bot: &Bot, stamp: Stamp, now_ns: u64) {
        let is_in_window = self
            .shared
            .window()
            .is_some_and(|window| window.has(stamp.sent_ns));
        let is_known = (stamp.sender as usize) < self.shared.options.clients;
        if is_in_window && is_known && stamp.sent_ns <= now_ns {
            self.shared.delivered.fetch_add(1, Ordering::Relaxed);
            let took = Duration::from_nanos(now_ns - stamp.sent_ns);
            bot.crew.tally.borrow_mut().latency.add(took);
        }
    }
}

/// Bytes before the data of a datagram at most: flags, handle, sequence, op code.
const HEAD_BYTES: usize = 1 + 5 + 2 + 10;

/// Bytes before the records of a tick: its number.
const TICK_BYTES: usize = 8;

fn voice(bot: &Bot, matches: &MatchScript, match_id: String) -> Voice {
    let reliable = matches.delivery == Delivery::Reliable;
    let size = bot.shared().options.size;
    Voice::Match {
        template: Template::new(bot.format, &match_id, matches.op_code, reliable, size),
        match_id,
        fanout: matches.fanout,
        op_code: matches.op_code,
        delivery: matches.delivery,
        ticks: matches.ticks,
    }
}

async fn join_room(bot: &mut Bot, room: &str) -> Result<String, Trouble> {
    /// The type of a room, among channels.
    const ROOM: i32 = 1;
    let began = Instant::now();
    let join = ChannelJoin {
        target: room.to_owned(),
        r#type: ROOM,
        persistence: Some(false),
        // Or each who comes would be told of to all who are there, which is another workload.
        hidden: Some(true),
    };
    let joined = bot.ask(Message::ChannelJoin(join), |message| match message {
        Message::Channel(channel) => Some(channel.id),
        _ => None,
    });
    let channel_id = joined.await?;
    let mut tally = bot.crew.tally.borrow_mut();
    tally.join.add(began.elapsed());
    tally.joined += 1;
    drop(tally);
    Ok(channel_id)
}
