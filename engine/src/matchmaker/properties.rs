//! The search agrees with a plain and slow one, written down word for word.

use std::{collections::BTreeSet, sync::Arc};

use proptest::{collection::vec, prelude::*, sample::select};
use uuid::Uuid;

use super::{
    MatchmakerProperties, Search, Searcher, Ticket, TicketNumber,
    search::{Occasion, Rules},
    ticket::Counts,
};
use crate::{
    id::{NodeName, PartyId, SessionId, UserId, UserPresence},
    query::{CompiledQuery, Document, Query},
};

/// A ticket of the plain search.
struct Wish<'a> {
    ticket: &'a Ticket,
    document: Document,
    query: Option<CompiledQuery>,
    since: u64,
}

impl Wish<'_> {
    fn score(&self, other: &Self) -> Option<f64> {
        self.query.as_ref()?.score(&other.document)
    }
}

/// The pass as the protocol's description tells it, step by step.
fn plain_groups(wishes: &[Wish], interval: u64, rules: Rules) -> Vec<Vec<TicketNumber>> {
    let mut taken: BTreeSet<usize> = BTreeSet::new();
    let mut groups = Vec::new();
    let mut questions = 0;
    for (t, seeker) in wishes.iter().enumerate() {
        let counts = seeker.ticket.counts;
        // Step 1.
        let counter = interval - seeker.since;
        let is_fixed = counts.min == counts.max;
        let is_active = counter <= 1 || (counter <= rules.intervals_max && !is_fixed);
        let last = counter >= rules.intervals_max || is_fixed;
        if !is_active || taken.contains(&t) {
            continue;
        }
        let mutual = rules.mutual && rules.questions_max.is_none_or(|max| questions < max);
        // Step 2, and the half of step 3 that does not look at others.
        let mut candidates: Vec<(usize, f64)> = wishes
            .iter()
            .enumerate()
            .filter(|(c, other)| {
                let theirs = other.ticket.counts;
                let is_own =
                    seeker.ticket.party.is_some() && seeker.ticket.party == other.ticket.party;
                *c != t
                    && !taken.contains(c)
                    && theirs.min >= counts.min
                    && theirs.max <= counts.max
                    && !is_own
            })
            .filter_map(|(c, other)| Some((c, seeker.score(other)?)))
            .collect();
        candidates.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap().then(a.0.cmp(&b.0)));
        if let Some(mut group) = walk(wishes, t, &candidates, last, mutual, &mut questions) {
            group.push(t);
            taken.extend(&group);
            groups.push(group.iter().map(|c| wishes[*c].ticket.number).collect());
        }
    }
    groups
}

fn walk(
    wishes: &[Wish],
    t: usize,
    candidates: &[(usize, f64)],
    last: bool,
    mutual: bool,
    questions: &mut u64,
) -> Option<Vec<usize>> {
    let seeker = &wishes[t];
    let counts = seeker.ticket.counts;
    let size_of =
        |group: &[usize]| -> usize { group.iter().map(|c| wishes[*c].ticket.members.len()).sum() };
    let mut accepts = |one: usize, other: usize| {
        *questions += 1;
        wishes[one].score(&wishes[other]).is_some()
    };
    let clash = |one: usize, other: usize| {
        let sessions = |c: usize| wishes[c].ticket.members.iter().map(|who| who.session_id);
        sessions(one).any(|session| sessions(other).any(|theirs| theirs == session))
    };
    let mut partials: Vec<Vec<usize>> = Vec::new();
    for (position, (c, _)) in candidates.iter().enumerate() {
        // Step 3.
        if clash(*c, t) || (mutual && !accepts(*c, t)) {
            continue;
        }
        let fitting = partials.iter().position(|group| {
            size_of(group) + size_of(&[*c, t]) <= counts.max
                && group.iter().all(|member| {
                    !clash(*member, *c)
                        && (!mutual || (accepts(*c, *member) && accepts(*member, *c)))
                })
        });
        let group = match fitting {
            Some(fitting) => &mut partials[fitting],
            None => {
                partials.push(Vec::new());
                partials.last_mut().unwrap()
            }
        };
        group.push(*c);
        // Step 4.
        let size = size_of(group) + size_of(&[t]);
        let is_final = position + 1 == candidates.len();
        let settles = last && counts.min <= size && size <= counts.max && is_final;
        if size != counts.max && !settles {
            continue;
        }
        // Step 5.
        let Some(group) = without_surplus(wishes, group, size % counts.multiple) else {
            continue;
        };
        let size = size_of(&group) + size_of(&[t]);
        // Step 6; the seeker is no less entitled than the others.
        let is_content = |c: &usize| {
            let Counts { min, max, multiple } = wishes[*c].ticket.counts;
            min <= size && size <= max && size % multiple == 0
        };
        // Step 7.
        if group.iter().all(is_content) && is_content(&t) {
            return Some(group);
        }
    }
    None
}

/// Tries every set of tickets; the youngest on average leave.
fn without_surplus(wishes: &[Wish], group: &[usize], surplus: usize) -> Option<Vec<usize>> {
    if surplus == 0 {
        return Some(group.to_vec());
    }
    let sets = (1_u32..1 << group.len()).filter_map(|set| {
        let (leaving, staying): (Vec<_>, Vec<_>) = group
            .iter()
            .enumerate()
            .partition(|(index, _)| set & (1 << index) != 0);
        let players: usize = leaving
            .iter()
            .map(|(_, c)| wishes[**c].ticket.members.len())
            .sum();
        let total: i64 = leaving
            .iter()
            .map(|(_, c)| wishes[**c].ticket.created_ns)
            .sum();
        let count = i64::try_from(leaving.len()).unwrap();
        let staying: Vec<usize> = staying.into_iter().map(|(_, c)| *c).collect();
        (players == surplus).then_some(((total, count), staying))
    });
    let (_, staying) = sets.max_by(|((a, m), _), ((b, n), _)| {
        (i128::from(*a) * i128::from(*n)).cmp(&(i128::from(*b) * i128::from(*m)))
    })?;
    Some(staying)
}

#[derive(Clone, Debug)]
struct Draft {
    counts: Counts,
    query: String,
    region: &'static str,
    rank: u8,
    sessions: Vec<u8>,
    since: u64,
    is_gone: bool,
}

fn ticket(number: usize, draft: &Draft) -> Ticket {
    let number = u32::try_from(number).unwrap();
    let member = |session: &u8| UserPresence {
        user_id: UserId(Uuid::from_u128(u128::from(*session) + 1)),
        session_id: SessionId(Uuid::from_u128(u128::from(*session))),
        username: "".into(),
    };
    let party = PartyId {
        uuid: Uuid::from_u128(u128::from(draft.sessions[0] % 4)),
        node: NodeName::new("n").unwrap(),
    };
    Ticket {
        number: TicketNumber(number.into()),
        id: Uuid::from_u128(u128::from(number)),
        // No two sets of powers have the same average.
        created_ns: 7_i64.pow(number),
        party: (draft.sessions.len() > 1).then_some(party),
        members: draft.sessions.iter().map(member).collect(),
        counts: draft.counts,
        query: Query::parse(&draft.query).unwrap(),
        query_text: draft.query.as_str().into(),
        properties: Arc::new(MatchmakerProperties {
            strings: [("region".to_owned(), draft.region.to_owned())].into(),
            numbers: [("rank".to_owned(), draft.rank.into())].into(),
        }),
    }
}

fn draft() -> impl Strategy<Value = Draft> {
    let counts = (1_usize..=3, 1_usize..=4, 0_usize..=2)
        .prop_map(|(multiple, times, more)| Counts {
            min: multiple * times,
            max: multiple * (times + more),
            multiple,
        })
        .prop_filter("a match has two players", |counts| counts.min >= 2);
    let usual = select(vec![(2, 2), (2, 4), (2, 3), (3, 3)]).prop_map(|(min, max)| Counts {
        min,
        max,
        multiple: 1,
    });
    let clause = select(vec![
        "+properties.region:eu",
        "+properties.region:us",
        "-properties.region:us",
        "properties.region:eu^3",
        "properties.region:us",
        "+properties.region:/e.*/",
        "+properties.rank:>=1",
        "+properties.rank:<=2",
        "properties.rank:2^2",
        "+properties.rank:1",
        "-party_id:x",
        "+max_count:4",
        "+properties.region:x~9",
        "+properties.rank:*",
        "+none",
    ]);
    let query = prop_oneof![
        3 => Just("*".to_owned()),
        4 => vec(clause, 1..4).prop_map(|clauses| clauses.join(" ")),
    ];
    let sessions = prop_oneof![
        4 => (0_u8..24).prop_map(|session| vec![session]),
        1 => (0_u8..20, 2_u8..4).prop_map(|(first, size)| (first..first + size).collect()),
    ];
    let counts = prop_oneof![counts, usual];
    let region = select(vec!["eu", "us"]);
    (
        counts,
        query,
        region,
        0_u8..4,
        sessions,
        0_u64..3,
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(counts, query, region, rank, sessions, since, is_gone)| Draft {
                counts,
                query,
                region,
                rank,
                sessions,
                since,
                is_gone,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_search_finds_what_the_plain_one_finds(
        drafts in vec(draft(), 2..16),
        mutual in any::<bool>(),
        questions_max in prop_oneof![Just(None), (0_u64..40).prop_map(Some)],
        intervals_max in 1_u64..4,
    ) {
        let rules = Rules { intervals_max, mutual, questions_max };
        let tickets: Vec<Arc<Ticket>> = drafts
            .iter()
            .enumerate()
            .map(|(number, draft)| Arc::new(ticket(number, draft)))
            .collect();
        let mut searcher = Searcher::new();
        // The first search finds nothing, as nobody begins to search before the first interval.
        let search = |added, removed, occasion| Search {
            afresh: false,
            added,
            removed,
            renewed: Vec::new(),
            occasion,
            rules,
        };
        let added = tickets.iter().zip(&drafts).map(|(ticket, draft)| (ticket.clone(), draft.since));
        let nobody = Occasion::Arrivals { first: TicketNumber(99) };
        prop_assert!(searcher.search(search(added.collect(), Vec::new(), nobody)).groups.is_empty());
        let gone = tickets.iter().zip(&drafts).filter(|(_, draft)| draft.is_gone);
        let gone = gone.map(|(ticket, _)| ticket.number).collect();
        let found = searcher.search(search(Vec::new(), gone, Occasion::Interval(3)));
        let wishes: Vec<Wish> = tickets
            .iter()
            .zip(&drafts)
            .filter(|(_, draft)| !draft.is_gone)
            .map(|(ticket, draft)| Wish {
                ticket,
                document: ticket.document(),
                query: ticket.query.compile().ok(),
                since: draft.since,
            })
            .collect();
        prop_assert_eq!(found.groups, plain_groups(&wishes, 3, rules));
    }
}
