//! How bots come by their matches.

use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::Value;
use tiltyard_proto::realtime::{
    MatchCreate, MatchJoin, MatchmakerAdd, MatchmakerMatched, envelope::Message, match_join,
    matchmaker_matched,
};
use tokio::time::Instant;

use crate::{
    bot::{Bot, Crew},
    http,
    options::{Join, Ticket},
    shared::Place,
    trouble::{self, Trouble},
};

/// Matches that one call of a function makes at most.
const MATCHES_PER_CALL: usize = 250;

/// Has a function of the server make the matches of all bots, if that is how they come by them.
pub(crate) async fn make_matches(crew: &Crew) -> Result<(), Trouble> {
    let shared = &crew.shared;
    let Some(matches) = shared.options.matches() else {
        return Ok(());
    };
    let mut ids = match &matches.join {
        Join::Ids(ids) => ids.clone(),
        Join::Create { rpc, payload } => {
            let device = format!("bot-{}-maker", shared.options.seed);
            let mut maker = crew.connect(0, &device).await?;
            let ids = create(&mut maker, rpc, payload, shared.places.len()).await;
            maker.wire.close().await;
            ids?
        }
        Join::Relayed | Join::List { .. } | Join::Matchmaker(_) => return Ok(()),
    }
    .into_iter()
    .cycle();
    for place in &shared.places {
        place.send_replace(ids.next().map_or(Place::Failed, Place::Made));
    }
    Ok(())
}

async fn create(
    maker: &mut Bot,
    rpc: &str,
    payload: &str,
    count: usize,
) -> Result<Vec<String>, Trouble> {
    #[derive(Deserialize)]
    struct Made {
        match_id: Option<String>,
        #[serde(default)]
        match_ids: Vec<String>,
    }
    let mut ids = Vec::new();
    while ids.len() < count {
        let payload = with_count(payload, (count - ids.len()).min(MATCHES_PER_CALL));
        let answer = maker.call(rpc, &payload).await?;
        let made: Made = serde_json::from_str(&answer)
            .map_err(|_| trouble::join(format_args!("{rpc} answers without a match")))?;
        let before = ids.len();
        ids.extend(made.match_id.into_iter().chain(made.match_ids));
        if ids.len() == before {
            return Err(trouble::join(format_args!("{rpc} answers without a match")));
        }
    }
    Ok(ids)
}

/// The payload with another `count`, if it has one.
fn with_count(payload: &str, count: usize) -> String {
    match serde_json::from_str(payload) {
        Ok(Value::Object(mut members)) if members.contains_key("count") => {
            members.insert("count".into(), count.into());
            Value::Object(members).to_string()
        }
        _ => payload.to_owned(),
    }
}

/// Joins the match of this bot and gives its id.
pub(super) async fn join(bot: &mut Bot) -> Result<String, Trouble> {
    let began = Instant::now();
    let joined = try_join(bot).await;
    let mut tally = bot.crew.tally.borrow_mut();
    if joined.is_ok() {
        tally.join.add(began.elapsed());
        tally.joined += 1;
    }
    joined
}

async fn try_join(bot: &mut Bot) -> Result<String, Trouble> {
    let shared = std::sync::Arc::clone(&bot.crew.shared);
    let Some(matches) = shared.options.matches() else {
        return Err(trouble::join("there is no match in this script"));
    };
    let place = &shared.places[bot.number / matches.players];
    let is_first = bot.number.is_multiple_of(matches.players);
    let id = match &matches.join {
        Join::Relayed if is_first => {
            let made = enter(bot, Message::MatchCreate(MatchCreate::default())).await;
            place.send_replace(made.clone().map_or(Place::Failed, Place::Made));
            return made;
        }
        Join::Relayed | Join::Create { .. } | Join::Ids(_) => {
            let mut place = place.subscribe();
            let made = place
                .wait_for(|place| !matches!(place, Place::Pending))
                .await;
            match made.as_deref() {
                Ok(Place::Made(id)) => match_join::Id::MatchId(id.clone()),
                _ => return Err(trouble::join("there is no match")),
            }
        }
        Join::List { query } => {
            let source = shared.source(bot.number);
            let (options, remote) = (&shared.options, shared.remote);
            let listed = http::list(options, remote, source, &bot.token, query).await?;
            let index = (bot.number / matches.players).checked_rem(listed.len());
            let id = index.and_then(|index| listed.into_iter().nth(index));
            let id = id.ok_or_else(|| trouble::join("no match is listed"))?;
            match_join::Id::MatchId(id)
        }
        Join::Matchmaker(ticket) => match find(bot, ticket).await?.id {
            Some(matchmaker_matched::Id::MatchId(id)) => match_join::Id::MatchId(id),
            Some(matchmaker_matched::Id::Token(token)) => match_join::Id::Token(token),
            None => return Err(trouble::join("the matchmaker names no match")),
        },
    };
    let join = MatchJoin {
        id: Some(id),
        ..MatchJoin::default()
    };
    enter(bot, Message::MatchJoin(join)).await
}

async fn enter(bot: &mut Bot, request: Message) -> Result<String, Trouble> {
    let entered = bot.ask(request, |message| match message {
        Message::Match(entered) => Some(entered.match_id),
        _ => None,
    });
    entered.await
}

/// A ticket as it is sent.
pub(super) fn add(ticket: &Ticket) -> Message {
    Message::MatchmakerAdd(MatchmakerAdd {
        min_count: ticket.min_count,
        max_count: ticket.max_count,
        query: ticket.query.clone(),
        ..MatchmakerAdd::default()
    })
}

pub(super) fn matched(message: Message) -> Option<MatchmakerMatched> {
    match message {
        Message::MatchmakerMatched(matched) => Some(matched),
        _ => None,
    }
}

async fn find(bot: &mut Bot, ticket: &Ticket) -> Result<MatchmakerMatched, Trouble> {
    bot.ask(add(ticket), matched).await
}

/// Counts the bot among those of its match or room, as long as this lives.
pub(super) struct Membership(std::sync::Arc<crate::shared::Members>);

impl Membership {
    pub(super) fn of(bot: &Bot, place: &str) -> Self {
        Self(bot.shared().enter(place))
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
