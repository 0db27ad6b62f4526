//! Finding parties.

use std::sync::Arc;

use bevy_ecs::prelude::*;

use super::{Party, PartyIndex, components::PartyTerms};
use crate::{
    id::PartyId,
    query::{CompiledQuery, Query as LabelQuery, QueryError},
};

/// Which parties are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartyFilter {
    /// How many at most.
    pub limit: usize,
    /// How many to leave out first.
    pub offset: usize,
    /// Only those that anybody may join, or only the others.
    pub open: Option<bool>,
    /// Only those that satisfy this query. Its fields are `label.` and what is in the label, `open` and
    /// `hidden` (`T` or `F`), `max_size`, `node` and `create_time`. An empty one is satisfied by all.
    pub query: String,
    /// Also those that are hidden.
    pub hidden: bool,
}

/// A party as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyListing {
    /// Its id.
    pub party_id: PartyId,
    /// Whether anybody may join without being accepted.
    pub open: bool,
    /// Whether it stays out of listings for clients.
    pub hidden: bool,
    /// Members that fit.
    pub size_max: usize,
    /// Its label; `{}` if it has none.
    pub label: Arc<str>,
}

/// Some of the parties that were wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartyPage {
    /// The parties, the best first if there is a query, else the newest first.
    pub parties: Vec<PartyListing>,
    /// The offset of the next page, if there is more.
    pub next: Option<usize>,
}

/// What server code does with parties, on a whole world.
pub trait PartyFunctions {
    /// The parties that pass this filter.
    ///
    /// # Errors
    ///
    /// [`QueryError`] if the query cannot be read.
    fn party_list(&mut self, filter: &PartyFilter) -> Result<PartyPage, QueryError>;
}

impl PartyFunctions for World {
    fn party_list(&mut self, filter: &PartyFilter) -> Result<PartyPage, QueryError> {
        let query = filter.compile()?;
        Ok(list_compiled(self, filter, query.as_ref()))
    }
}

/// The same, with the query of the filter compiled already.
pub(crate) fn list_compiled(
    world: &mut World,
    filter: &PartyFilter,
    query: Option<&CompiledQuery>,
) -> PartyPage {
    let entities = match query {
        None => world.resource::<PartyIndex>().entities().rev().collect(),
        Some(query) => {
            world.resource_scope(|world, mut index: Mut<PartyIndex>| index.search(world, query))
        }
    };
    page(world, &entities, filter)
}

impl PartyFilter {
    /// The query, made ready to be asked, if there is one. This may take longer than a pass.
    ///
    /// # Errors
    ///
    /// [`QueryError`] if it cannot be read.
    pub fn compile(&self) -> Result<Option<CompiledQuery>, QueryError> {
        if self.query.is_empty() {
            return Ok(None);
        }
        LabelQuery::parse(&self.query)?.compile().map(Some)
    }
}

fn page(world: &World, entities: &[Entity], filter: &PartyFilter) -> PartyPage {
    let mut wanted = entities
        .iter()
        .filter_map(|entity| {
            world
                .get::<Party>(*entity)
                .zip(world.get::<PartyTerms>(*entity))
        })
        .filter(|(_, terms)| filter.hidden || !terms.hidden)
        .filter(|(_, terms)| filter.open.is_none_or(|open| terms.open == open))
        .skip(filter.offset);
    let parties = wanted
        .by_ref()
        .take(filter.limit)
        .map(|(party, terms)| listing(party, terms))
        .collect();
    PartyPage {
        parties,
        next: wanted
            .next()
            .map(|_| filter.offset.saturating_add(filter.limit)),
    }
}

fn listing(party: &Party, terms: &PartyTerms) -> PartyListing {
    let label = match &*terms.label {
        "" => "{}".into(),
        _ => terms.label.clone(),
    };
    PartyListing {
        party_id: party.id,
        open: terms.open,
        hidden: terms.hidden,
        size_max: party.size_max,
        label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Request, stage::Stage};

    /// Parties of sizes 2 to 6; the last is hidden, and those of even size are open.
    fn stage() -> Stage {
        let mut stage = Stage::with(Limits {
            parties_per_session_max: 8,
            ..Limits::default()
        });
        let alice = stage.connect("alice");
        for size in 2..=6 {
            let create = Request::PartyCreate {
                open: size % 2 == 0,
                max_size: size,
                label: match size {
                    2 => String::new(),
                    _ => format!(r#"{{"mode":"duel","level":{size}}}"#),
                },
                hidden: size == 6,
            };
            stage.reply(&alice, create);
        }
        stage
    }

    fn sizes(stage: &mut Stage, filter: PartyFilter) -> Vec<usize> {
        let page = stage.world().party_list(&filter).unwrap();
        page.parties.iter().map(|party| party.size_max).collect()
    }

    fn all() -> PartyFilter {
        PartyFilter {
            limit: 100,
            ..PartyFilter::default()
        }
    }

    fn query(query: &str) -> PartyFilter {
        PartyFilter {
            query: query.to_owned(),
            ..all()
        }
    }

    #[test]
    fn the_newest_come_first_and_hidden_ones_only_for_the_server() {
        let mut stage = stage();
        assert_eq!(sizes(&mut stage, all()), [5, 4, 3, 2]);
        let hidden = PartyFilter {
            hidden: true,
            ..all()
        };
        assert_eq!(sizes(&mut stage, hidden), [6, 5, 4, 3, 2]);
        let page = stage.world().party_list(&all()).unwrap();
        assert_eq!(&*page.parties[3].label, "{}", "no label is an empty one");
        assert_eq!(&*page.parties[2].label, r#"{"mode":"duel","level":3}"#);
    }

    #[test]
    fn queries_look_at_the_label_and_at_the_terms() {
        let mut stage = stage();
        for (text, expected) in [
            ("", vec![5, 4, 3, 2]),
            ("*", vec![5, 4, 3, 2]),
            ("+label.level:>3", vec![5, 4]),
            ("+open:T", vec![4, 2]),
            ("+open:F +label.mode:duel", vec![5, 3]),
            ("+hidden:T", vec![]),
            ("+max_size:<=3", vec![3, 2]),
            ("+node:node", vec![5, 4, 3, 2]),
            ("+node:other", vec![]),
            ("label.level:3^2 label.mode:duel", vec![3, 5, 4]),
        ] {
            assert_eq!(sizes(&mut stage, query(text)), expected, "{text}");
        }
        let open = PartyFilter {
            open: Some(true),
            ..query("+label.mode:duel")
        };
        assert_eq!(sizes(&mut stage, open), [4]);
        assert!(stage.world().party_list(&query("\"")).is_err());
    }

    #[test]
    fn pages_follow_one_another() {
        let mut stage = stage();
        let mut filter = PartyFilter { limit: 3, ..all() };
        let first = stage.world().party_list(&filter).unwrap();
        assert_eq!((first.parties.len(), first.next), (3, Some(3)));
        filter.offset = 3;
        let last = stage.world().party_list(&filter).unwrap();
        assert_eq!((last.parties.len(), last.next), (1, None));
        filter.offset = usize::MAX;
        assert_eq!(stage.world().party_list(&filter), Ok(PartyPage::default()));
    }

    #[test]
    fn changed_terms_are_found_at_once_and_ended_parties_no_more() {
        let mut stage = stage();
        let world = stage.world();
        let id = world.party_list(&query("+label.level:5")).unwrap().parties[0].party_id;
        let alice = crate::party::members(world, id).unwrap()[0].clone();
        let peer = crate::stage::Peer {
            slot: alice.slot,
            who: alice.who,
        };
        let party = crate::Spelled {
            id,
            text: "".into(),
        };
        let update = Request::PartyUpdate {
            party: party.clone(),
            label: r#"{"level":9}"#.to_owned(),
            open: true,
            hidden: false,
        };
        stage.reply(&peer, update);
        assert_eq!(sizes(&mut stage, query("+label.level:5")), [0; 0]);
        assert_eq!(sizes(&mut stage, query("+label.level:9 +open:T")), [5]);
        stage.reply(&peer, Request::PartyClose { party });
        assert_eq!(sizes(&mut stage, query("+label.level:9")), [0; 0]);
    }
}
