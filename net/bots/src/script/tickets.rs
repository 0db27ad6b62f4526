//! All put a ticket into the matchmaker at once.

use std::time::Duration;

use tiltyard_proto::realtime::envelope::Message;
use tokio::time::Instant;

use super::lobby;
use crate::{bot::Bot, envelope, options::Ticket, trouble::Trouble};

/// What comes after a ticket was put in.
enum Answer {
    Ticket,
    Matched,
}

pub(super) async fn drive(bot: &mut Bot, ticket: &Ticket) -> Result<(), Trouble> {
    let shared = std::sync::Arc::clone(&bot.crew.shared);
    shared.go.cancelled().await;
    let began = Instant::now();
    let add = envelope::encode(bot.format, lobby::add(ticket));
    bot.wire.send(add).await?;
    loop {
        let answer = bot.expect(|message| match message {
            Message::MatchmakerTicket(_) => Some(Answer::Ticket),
            Message::MatchmakerMatched(_) => Some(Answer::Matched),
            _ => None,
        });
        let answer = answer.await?;
        let took: Duration = began.elapsed();
        let mut tally = bot.crew.tally.borrow_mut();
        match answer {
            Answer::Ticket => tally.ticket_ack.add(took),
            Answer::Matched => {
                tally.matched.add(took);
                return Ok(());
            }
        }
    }
}
