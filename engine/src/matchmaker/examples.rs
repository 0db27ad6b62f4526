//! What players see, from their requests to their matches.

use std::time::Duration;

use bevy_app::prelude::*;
use bevy_ecs::prelude::*;
use uuid::Uuid;

use super::{
    MatchedTarget, MatchmakerMatched, MatchmakerOptions, MatchmakerStats, Search, Searcher,
    tickets::TicketIds,
};
use crate::{
    Answer, Call, CallId, EnginePlugin, ErrorCode, Event, GameApp, Inbound, InboundSender, Limits,
    MatchId, MatchTokenSigner, MatchedEntry, MatchmakerAdd, NodeName, Now, Opening, Outbound,
    Outbox, PartyId, Pass, Permit, Reply, Request, RequestError, SessionId, Slot, Spelled, UserId,
};

/// A world with players in it, whose searches are done by hand.
struct Stage {
    app: App,
    searcher: Searcher,
    players: u32,
    /// Searches that wait for [`Stage::find`], if they are held back.
    held: Option<Vec<Search>>,
    events: Vec<(u32, MatchmakerMatched)>,
    replies: Vec<(u32, Reply)>,
    answers: Vec<Answer>,
    /// Who was told of a ticket of their party.
    party_tickets: Vec<(u32, Uuid)>,
}

/// Counts with which a player is content: min, max, multiple.
type Wanted = (i32, i32, i32);

impl Stage {
    fn new(options: MatchmakerOptions) -> Self {
        let mut app = App::new();
        app.add_plugins(EnginePlugin {
            node: NodeName::new("node").unwrap(),
            limits: Limits {
                matchmaker: options,
                ..Limits::default()
            },
        });
        app.finish();
        app.cleanup();
        let mut next = 0;
        app.insert_resource(TicketIds(Box::new(move || {
            next += 1;
            Uuid::from_u128(next)
        })));
        Self {
            app,
            searcher: Searcher::new(),
            players: 0,
            held: None,
            events: Vec::new(),
            replies: Vec::new(),
            answers: Vec::new(),
            party_tickets: Vec::new(),
        }
    }

    /// Matches are made after intervals only, as by the reference server.
    fn strict() -> Self {
        Self::new(strict())
    }

    fn push(&mut self, inbound: Inbound) {
        let queue = self.app.world().resource::<InboundSender>().0.clone();
        queue.send(inbound).unwrap();
    }

    /// A player connects; players are numbered from 0.
    fn player(&mut self) -> u32 {
        let index = self.players;
        self.players += 1;
        let id = Uuid::from_u128(1000 + u128::from(index));
        self.push(Inbound::Opened(Box::new(Opening {
            slot: slot(index),
            session_id: SessionId(id),
            user_id: UserId(id),
            username: format!("player{index}").into(),
            vars: Default::default(),
            expires: 0,
            lang: "".into(),
            client_ip: "".into(),
            client_port: 0,
            online: false,
        })));
        index
    }

    fn ask(&mut self, player: u32, request: Request) -> Reply {
        self.push(Inbound::Request {
            slot: slot(player),
            cid: None,
            request,
            permit: Permit::free(),
        });
        self.pass();
        let (to, reply) = self.replies.pop().unwrap();
        assert_eq!(to, player);
        reply
    }

    /// A player asks to be put together with others.
    fn add(&mut self, player: u32, add: MatchmakerAdd) -> Uuid {
        match self.ask(player, Request::MatchmakerAdd(Box::new(add))) {
            Reply::MatchmakerTicket(ticket) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(&mut self, player: u32, add: MatchmakerAdd) -> (ErrorCode, String) {
        match self.ask(player, Request::MatchmakerAdd(Box::new(add))) {
            Reply::Error(error) => (error.code, error.message),
            other => panic!("{other:?}"),
        }
    }

    fn remove(&mut self, player: u32, ticket: &str) -> Reply {
        let ticket = ticket.to_owned();
        self.ask(player, Request::MatchmakerRemove { ticket })
    }

    /// New players in a party; the first of them leads it.
    fn party(&mut self, count: u32) -> Spelled<PartyId> {
        let leader = self.player();
        let created = self.ask(
            leader,
            Request::PartyCreate {
                open: true,
                max_size: 8,
                label: String::new(),
                hidden: false,
            },
        );
        let Reply::Party(info) = created else {
            panic!("{created:?}")
        };
        let party = Spelled {
            id: info.party_id,
            text: info.party_id.to_string().into(),
        };
        for _ in 1..count {
            let member = self.player();
            self.join(member, &party);
        }
        party
    }

    fn join(&mut self, player: u32, party: &Spelled<PartyId>) {
        let party = party.clone();
        assert_eq!(self.ask(player, Request::PartyJoin { party }), Reply::Done);
    }

    /// A player asks for others on behalf of a party.
    fn add_party(&mut self, player: u32, party: &Spelled<PartyId>, add: MatchmakerAdd) -> Reply {
        let (party, add) = (party.clone(), Box::new(add));
        self.ask(player, Request::PartyMatchmakerAdd { party, add })
    }

    /// New players, each with one ticket.
    fn add_all(&mut self, wanted: &[Wanted]) {
        for wanted in wanted {
            let player = self.player();
            self.add(player, add(*wanted));
        }
    }

    /// Runs passes until nothing more comes of them.
    fn pass(&mut self) {
        loop {
            let world = self.app.world_mut();
            world.run_schedule(Pass);
            let outbound = world.resource_mut::<Outbox>().take();
            let mut again = false;
            for entry in outbound {
                again |= self.take(entry);
            }
            if !again {
                return;
            }
        }
    }

    /// Whether another pass is wanted.
    fn take(&mut self, entry: Outbound) -> bool {
        match entry {
            Outbound::Search(search) => {
                if let Some(held) = &mut self.held {
                    held.push(*search);
                    return false;
                }
                let found = self.searcher.search(*search);
                self.push(Inbound::Found(Box::new(found)));
                return true;
            }
            Outbound::Event {
                to,
                event: Event::MatchmakerMatched(matched),
            } => {
                let [slot] = to.as_slice() else {
                    panic!("a match is told to each player")
                };
                self.events.push((slot.index, *matched));
            }
            Outbound::Event {
                to,
                event: Event::PartyMatchmakerTicket { ticket, .. },
            } => {
                let told = to.as_slice().iter().map(|slot| (slot.index, ticket));
                self.party_tickets.extend(told);
            }
            Outbound::Reply { to, reply, .. } => self.replies.push((to.index, reply)),
            Outbound::Answer { answer, .. } => self.answers.push(answer),
            _ => {}
        }
        false
    }

    /// Does the searches that were held back.
    fn find(&mut self) {
        for search in self.held.take().unwrap() {
            let found = self.searcher.search(search);
            self.push(Inbound::Found(Box::new(found)));
        }
        self.pass();
    }

    fn wait(&mut self, seconds: u64) {
        let mut now = self.app.world_mut().resource_mut::<Now>();
        now.elapsed += Duration::from_secs(seconds);
        now.unix_ms += i64::try_from(seconds).unwrap() * 1000;
        self.pass();
    }

    /// Waits for the end of an interval; who was put together with whom.
    fn interval(&mut self) -> Vec<Vec<u32>> {
        self.wait(15);
        self.matches()
    }

    /// Who was put together with whom since the last look, in the order of the lists.
    fn matches(&mut self) -> Vec<Vec<u32>> {
        let events = std::mem::take(&mut self.events);
        let mut matches = Vec::new();
        for (player, matched) in &events {
            let of_user = |id: Uuid| u32::try_from(id.as_u128() - 1000).unwrap();
            let users: Vec<u32> = matched
                .users
                .iter()
                .map(|user| of_user(user.presence.user_id.0))
                .collect();
            assert_eq!(users[matched.me], *player, "each is told who they are");
            if !matches.contains(&users) {
                matches.push(users);
            }
        }
        let told: usize = matches.iter().map(Vec::len).sum();
        assert_eq!(told, events.len(), "everybody is told once");
        matches
    }

    fn stats(&mut self) -> MatchmakerStats {
        self.push(Inbound::Call {
            id: CallId(1),
            call: Box::new(Call::MatchmakerStats),
        });
        self.pass();
        match self.answers.pop() {
            Some(Answer::MatchmakerStats(stats)) => stats,
            other => panic!("{other:?}"),
        }
    }
}

fn slot(index: u32) -> Slot {
    Slot {
        thread: 0,
        encoding: 0,
        transport: crate::Transport::WebSocket,
        index,
        generation: 0,
    }
}

fn strict() -> MatchmakerOptions {
    MatchmakerOptions {
        eager: false,
        ..MatchmakerOptions::default()
    }
}

fn add((min_count, max_count, count_multiple): Wanted) -> MatchmakerAdd {
    MatchmakerAdd {
        min_count,
        max_count,
        count_multiple,
        query: String::new(),
        string_properties: Default::default(),
        numeric_properties: Default::default(),
    }
}

/// A wish for one other, who answers to the query.
fn duel(query: &str, x: f64) -> MatchmakerAdd {
    MatchmakerAdd {
        query: query.to_owned(),
        numeric_properties: [("x".to_owned(), x)].into(),
        ..add((2, 2, 1))
    }
}

const TWO: Wanted = (2, 2, 1);
const TWO_TO_FOUR: Wanted = (2, 4, 1);
const THREE: Wanted = (3, 3, 1);

/// The matches of the first three intervals; after them nothing changes.
fn matches_of(wanted: &[Wanted]) -> [Vec<Vec<u32>>; 3] {
    let mut stage = Stage::strict();
    stage.add_all(wanted);
    let matches = [stage.interval(), stage.interval(), stage.interval()];
    assert!(stage.interval().is_empty());
    matches
}

#[test]
fn pools_of_players_who_take_anybody() {
    let first = |group: &[u32]| [vec![group.to_vec()], vec![], vec![]];
    let second = |group: &[u32]| [vec![], vec![group.to_vec()], vec![]];
    let never: [Vec<Vec<u32>>; 3] = [const { vec![] }; 3];
    assert_eq!(matches_of(&[TWO; 2]), first(&[1, 0]));
    assert_eq!(matches_of(&[TWO_TO_FOUR; 4]), first(&[1, 2, 3, 0]));
    assert_eq!(matches_of(&[TWO_TO_FOUR; 3]), second(&[1, 2, 0]));
    assert_eq!(
        matches_of(&[TWO_TO_FOUR; 5]),
        first(&[1, 2, 3, 0]),
        "one is left"
    );
    assert_eq!(
        matches_of(&[(2, 4, 2); 3]),
        second(&[1, 0]),
        "one is left, here the youngest"
    );
    assert_eq!(matches_of(&[TWO_TO_FOUR, TWO]), second(&[1, 0]));
    assert_eq!(matches_of(&[TWO_TO_FOUR, THREE, THREE]), second(&[1, 2, 0]));
    assert_eq!(matches_of(&[(4, 8, 1); 4]), second(&[1, 2, 3, 0]));
    assert_eq!(matches_of(&[TWO, THREE]), never);
    assert_eq!(matches_of(&[THREE; 2]), never);
}

#[test]
fn the_searching_query_decides_unless_both_must_agree() {
    for (mutual, expected) in [(false, vec![vec![1, 0]]), (true, vec![])] {
        let mut stage = Stage::new(MatchmakerOptions { mutual, ..strict() });
        for wish in [duel("+properties.x:1", 5.0), duel("+properties.x:9", 1.0)] {
            let player = stage.player();
            stage.add(player, wish);
        }
        assert_eq!(stage.interval(), expected, "mutual: {mutual}");
    }
}

#[test]
fn one_refusal_among_three_is_enough_where_all_must_agree() {
    for (mutual, count) in [(false, 1), (true, 0)] {
        let mut stage = Stage::new(MatchmakerOptions { mutual, ..strict() });
        for (query, x) in [("", 0.0), ("", 1.0), ("-properties.x:1", 2.0)] {
            let player = stage.player();
            let wish = MatchmakerAdd {
                min_count: 3,
                max_count: 3,
                ..duel(query, x)
            };
            stage.add(player, wish);
        }
        assert_eq!(stage.interval().len(), count, "mutual: {mutual}");
    }
}

#[test]
fn a_wish_is_checked_in_order() {
    let mut stage = Stage::strict();
    let player = stage.player();
    let broken = |wanted: Wanted| MatchmakerAdd {
        query: "+properties.x:".to_owned(),
        ..add(wanted)
    };
    for (wanted, expected) in [
        ((1, 0, 0), "Invalid minimum count, must be >= 2"),
        ((-5, 0, 0), "Invalid minimum count, must be >= 2"),
        ((2, 1, 0), "Invalid maximum count, must be >= minimum count"),
        ((3, 4, 0), "Invalid count multiple, must be >= 1"),
        (
            (3, 5, 2),
            "Invalid count multiple for minimum count, must divide",
        ),
        (
            (2, 5, 2),
            "Invalid count multiple for maximum count, must divide",
        ),
    ] {
        let expected = (ErrorCode::BadInput, expected.to_owned());
        assert_eq!(stage.refusal(player, broken(wanted)), expected);
    }
    let expected = (
        ErrorCode::RuntimeException,
        "Error adding to matchmaker".to_owned(),
    );
    assert_eq!(stage.refusal(player, broken(TWO)), expected);
    for _ in 0..3 {
        stage.add(player, add(TWO));
    }
    assert_eq!(stage.refusal(player, add(TWO)), expected, "three are many");
}

#[test]
fn a_query_that_cannot_be_evaluated_finds_nobody_and_is_found() {
    let mut stage = Stage::strict();
    for query in ["properties.x:a~9", "properties.x:a~9"] {
        let player = stage.player();
        stage.add(player, duel(query, 1.0));
    }
    assert!(stage.interval().is_empty());
    let player = stage.player();
    stage.add(player, duel("*", 1.0));
    assert_eq!(stage.interval(), [[0, 2]]);
}

#[test]
fn a_player_never_meets_themselves() {
    let mut stage = Stage::strict();
    let player = stage.player();
    stage.add(player, add(TWO));
    let ticket = stage.add(player, add(TWO));
    assert!(stage.interval().is_empty());
    let other = stage.player();
    stage.add(other, add(TWO));
    assert_eq!(stage.interval(), [[0, 1]], "the older ticket comes first");
    assert_eq!(
        stage.remove(player, &ticket.to_string()),
        Reply::Done,
        "their other ticket still waits"
    );
}

#[test]
fn a_ticket_is_removed_by_its_owner_and_once() {
    let mut stage = Stage::strict();
    let (player, other) = (stage.player(), stage.player());
    let ticket = stage.add(player, add(TWO)).to_string();
    let not_found = refused("Matchmaker ticket not found");
    assert_eq!(
        stage.remove(player, ""),
        refused("Invalid matchmaker ticket")
    );
    assert_eq!(stage.remove(player, "x"), not_found);
    assert_eq!(stage.remove(player, &ticket.replace('-', "")), not_found);
    assert_eq!(stage.remove(other, &ticket), not_found);
    assert_eq!(stage.remove(player, &ticket), Reply::Done);
    assert_eq!(stage.remove(player, &ticket), not_found);
    stage.add(other, add(TWO));
    assert!(stage.interval().is_empty(), "nobody else waits");
}

#[test]
fn who_goes_is_not_found_any_more() {
    let mut stage = Stage::strict();
    stage.add_all(&[TWO; 2]);
    stage.push(Inbound::Closed { slot: slot(0) });
    assert!(stage.interval().is_empty());
    stage.add_all(&[TWO]);
    assert_eq!(stage.interval(), [[1, 2]]);
}

#[test]
fn a_group_of_which_somebody_went_comes_to_nothing_and_the_others_search_on() {
    let mut stage = Stage::strict();
    stage.add_all(&[TWO; 4]);
    stage.held = Some(Vec::new());
    assert!(stage.interval().is_empty());
    stage.push(Inbound::Closed { slot: slot(0) });
    stage.push(Inbound::Closed { slot: slot(3) });
    stage.pass();
    stage.find();
    assert!(stage.matches().is_empty(), "both groups lost one");
    assert_eq!(
        stage.interval(),
        [[2, 1]],
        "the other two find each other, though each had searched already"
    );
}

#[test]
fn one_search_runs_at_a_time() {
    let mut stage = Stage::new(MatchmakerOptions::default());
    stage.held = Some(Vec::new());
    stage.add_all(&[TWO; 3]);
    stage.wait(40);
    assert_eq!(stage.held.as_ref().unwrap().len(), 1);
    stage.find();
    assert_eq!(stage.matches(), [[1, 0]]);
}

#[test]
fn a_full_match_is_made_at_once() {
    let mut stage = Stage::new(MatchmakerOptions::default());
    stage.add_all(&[TWO; 2]);
    assert_eq!(stage.matches(), [[0, 1]]);
    stage.add_all(&[TWO_TO_FOUR; 3]);
    assert!(stage.matches().is_empty(), "room for one more");
    stage.add_all(&[TWO_TO_FOUR]);
    assert_eq!(stage.matches(), [[2, 3, 4, 5]]);
    stage.add_all(&[TWO_TO_FOUR; 2]);
    assert!(stage.interval().is_empty());
    assert_eq!(stage.interval(), [[7, 6]], "less takes two intervals");
}

#[test]
fn the_matchmaker_survives_a_searcher_that_breaks() {
    let mut stage = Stage::new(MatchmakerOptions::default());
    stage.held = Some(Vec::new());
    stage.add_all(&[TWO; 2]);
    stage.searcher = Searcher::new();
    stage.held = None;
    stage.push(Inbound::Found(Box::new(super::Found::nothing_known())));
    stage.pass();
    assert_eq!(stage.interval(), [[1, 0]]);
}

#[test]
fn a_crowd_is_put_together_over_several_passes() {
    let mut stage = Stage::strict();
    stage.add_all(&[TWO; 600]);
    stage.wait(15);
    assert_eq!(stage.events.len(), 512);
    stage.add_all(&[TWO]);
    assert_eq!(stage.events.len(), 600);
    assert_eq!(stage.stats().ticket_count, 600);
    assert_eq!(stage.matches().len(), 300);
}

#[test]
fn players_get_a_token_for_a_match_of_their_own() {
    let mut stage = Stage::strict();
    stage
        .app
        .insert_resource(MatchTokenSigner(std::sync::Arc::new(
            |id: MatchId, unix_seconds| {
                assert!(!id.is_authoritative());
                format!("token at {unix_seconds}")
            },
        )));
    stage.add_all(&[TWO; 2]);
    stage.wait(15);
    let targets = stage.events.iter().map(|(_, matched)| &matched.target);
    let token = MatchedTarget::Token("token at 15".into());
    assert_eq!(targets.collect::<Vec<_>>(), [&token, &token]);
    let tickets = stage.events.iter().map(|(_, matched)| matched.ticket);
    assert_eq!(
        tickets.collect::<Vec<_>>(),
        [2, 1].map(Uuid::from_u128),
        "each is told their own ticket"
    );
}

#[test]
fn game_code_names_the_match_or_leaves_it() {
    let mut stage = Stage::strict();
    let match_id = MatchId::parse("06488fd0-1c2b-4a3d-8e4f-0123456789ab.node").unwrap();
    stage
        .app
        .on_matchmaker_matched(move |In(entries): In<Vec<MatchedEntry>>| {
            assert_eq!(entries.len(), 2);
            let x = entries[0].numeric_properties["x"];
            assert!(x < 3.0, "this one is not made");
            (x == 1.0).then_some(match_id)
        });
    for x in [1.0, 2.0, 3.0] {
        for _ in 0..2 {
            let player = stage.player();
            stage.add(player, duel(&format!("+properties.x:{x}"), x));
        }
    }
    stage.wait(15);
    let is_match =
        |(_, matched): &(u32, MatchmakerMatched)| matched.target == MatchedTarget::Match(match_id);
    let are_matches: Vec<bool> = stage.events.iter().map(is_match).collect();
    assert_eq!(
        are_matches,
        [true, true, false, false, false, false],
        "where the hook fails or declines there is a token"
    );
}

#[test]
fn statistics_are_those_of_the_last_interval() {
    let mut stage = Stage::strict();
    assert_eq!(stage.stats(), MatchmakerStats::default());
    stage.wait(5);
    stage.add_all(&[TWO, TWO, THREE]);
    assert_eq!(stage.stats(), MatchmakerStats::default());
    stage.wait(10);
    let stats = stage.stats();
    assert_eq!(stats.ticket_count, 3, "those that were matched still count");
    assert_eq!(stats.oldest_created_ns, Some(5_000_000_000));
    let times = stats.completions.iter();
    let times: Vec<(i64, i64)> = times
        .map(|completion| (completion.created_ns, completion.completed_ns))
        .collect();
    assert_eq!(
        times,
        [
            (5_000_000_001, 15_000_000_000),
            (5_000_000_000, 15_000_000_000)
        ]
    );
    stage.add_all(&[TWO; 12]);
    stage.wait(15);
    let stats = stage.stats();
    assert_eq!((stats.ticket_count, stats.completions.len()), (13, 10));
}

fn refused(text: &str) -> Reply {
    Reply::Error(RequestError::bad_input(text))
}

#[test]
fn two_parties_meet_and_each_member_is_told() {
    let mut stage = Stage::strict();
    let wish = || add((4, 4, 1));
    let (one, other) = (stage.party(2), stage.party(2));
    for (leader, party) in [(0, &one), (2, &other)] {
        let reply = stage.add_party(leader, party, wish());
        let Reply::PartyMatchmakerTicket { party_id, ticket } = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(party_id, party.text);
        assert_eq!(stage.party_tickets.pop(), Some((leader + 1, ticket)));
        assert!(stage.party_tickets.is_empty(), "the leader knows already");
    }
    stage.wait(15);
    let tickets: Vec<Uuid> = stage
        .events
        .iter()
        .map(|(_, matched)| matched.ticket)
        .collect();
    assert_eq!(tickets, [2, 2, 1, 1].map(Uuid::from_u128));
    let users = stage.events[0].1.users.iter();
    let parties: Vec<Option<PartyId>> = users.map(|user| user.party_id).collect();
    assert_eq!(parties, [other.id, other.id, one.id, one.id].map(Some));
    assert_eq!(stage.matches(), [[2, 3, 0, 1]]);
}

#[test]
fn a_party_never_meets_itself() {
    let mut stage = Stage::strict();
    let party = stage.party(2);
    stage.add_party(0, &party, add(TWO));
    stage.add_party(0, &party, add((2, 4, 1)));
    stage.add_party(0, &party, add((2, 4, 1)));
    for _ in 0..3 {
        assert!(stage.interval().is_empty());
    }
    assert_eq!(
        stage.add_party(0, &party, add(TWO)),
        refused("Error adding party to matchmaker: matchmaker too many tickets")
    );
    let leader_alone = stage.add(0, add(TWO));
    assert_eq!(
        leader_alone,
        Uuid::from_u128(5),
        "a session's own tickets are counted apart"
    );
}

#[test]
fn refusals_of_parties_say_why() {
    let mut stage = Stage::strict();
    let party = stage.party(2);
    let unknown = Spelled {
        id: PartyId::new(Uuid::nil(), "node"),
        text: "x".into(),
    };
    let broken = MatchmakerAdd {
        query: "+properties.x:".to_owned(),
        ..add(TWO)
    };
    let failed = |tail| refused(&format!("Error adding party to matchmaker: {tail}"));
    for (player, party, wish, expected) in [
        (
            1,
            &unknown,
            add((1, 1, 1)),
            refused("Invalid minimum count, must be >= 2"),
        ),
        (0, &unknown, broken.clone(), failed("party not found")),
        (1, &party, broken.clone(), failed("party leader only")),
        (
            0,
            &party,
            broken.clone(),
            failed("matchmaker query invalid"),
        ),
    ] {
        assert_eq!(stage.add_party(player, party, wish), expected);
    }
}

#[test]
fn a_party_ticket_is_removed_by_the_leader() {
    let mut stage = Stage::strict();
    let party = stage.party(2);
    stage.add_party(0, &party, add(TWO));
    let ticket = Uuid::from_u128(1).to_string();
    let mut remove = |player, ticket: &str| {
        let (party, ticket) = (party.clone(), ticket.to_owned());
        stage.ask(player, Request::PartyMatchmakerRemove { party, ticket })
    };
    assert_eq!(remove(0, ""), refused("Invalid matchmaker ticket"));
    let not_found = refused("Error closing party: matchmaker ticket not found");
    assert_eq!(remove(0, "x"), not_found);
    let leader_only = refused("Error closing party: party leader only");
    assert_eq!(remove(1, &ticket), leader_only);
    assert_eq!(remove(0, &ticket), Reply::Done);
    assert_eq!(remove(0, &ticket), not_found);
    stage.add_party(0, &party, add(TWO));
    assert_eq!(
        stage.remove(0, &Uuid::from_u128(2).to_string()),
        refused("Matchmaker ticket not found"),
        "it is not the leader's own"
    );
}

#[test]
fn tickets_of_a_party_go_when_its_members_are_others() {
    let leave = |stage: &mut Stage, party: &Spelled<PartyId>| {
        let party = party.clone();
        assert_eq!(stage.ask(1, Request::PartyLeave { party }), Reply::Done);
    };
    let join = |stage: &mut Stage, party: &Spelled<PartyId>| {
        let player = stage.player();
        stage.join(player, party);
    };
    let join_again = |stage: &mut Stage, party: &Spelled<PartyId>| stage.join(1, party);
    let disconnect = |stage: &mut Stage, _: &Spelled<PartyId>| {
        stage.push(Inbound::Closed { slot: slot(1) });
    };
    let close = |stage: &mut Stage, party: &Spelled<PartyId>| {
        let party = party.clone();
        assert_eq!(stage.ask(0, Request::PartyClose { party }), Reply::Done);
    };
    type Change = fn(&mut Stage, &Spelled<PartyId>);
    for change in [leave as Change, join, join_again, disconnect, close] {
        let mut stage = Stage::strict();
        let party = stage.party(2);
        let reply = stage.add_party(0, &party, add((3, 3, 1)));
        assert!(matches!(reply, Reply::PartyMatchmakerTicket { .. }));
        change(&mut stage, &party);
        let player = stage.player();
        stage.add(player, add((3, 3, 1)));
        assert!(stage.interval().is_empty());
        assert_eq!(stage.stats().ticket_count, 1);
    }
}
