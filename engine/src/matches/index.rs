//! Which matches there are, and how they are found.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};
use serde_json::Value;
use tracing::error;
use uuid::Uuid;

use super::{Label, Match, MatchError, MatchKind, MatchParams, TickRate, kind::check_label};
use crate::{
    clock::Now,
    delivery::Deliveries,
    functions::panic_text,
    id::MatchId,
    lookup::Lookup,
    query::{CompiledQuery, Document, Index},
};

/// Makes the state of a match and the numbers that go with it.
type Initialize = fn(&MatchParams) -> Result<Prepared, MatchError>;

/// A match that is about to start.
pub(crate) struct Prepared {
    pub(crate) tick_rate: u8,
    pub(crate) label: String,
    pub(crate) seed: Option<u64>,
    pub(crate) deliveries: Deliveries,
    /// Gives the entity its state.
    pub(crate) attach: Box<dyn FnOnce(&mut EntityCommands)>,
}

/// The kinds of match, by name.
#[derive(Resource, Default)]
pub(crate) struct MatchKinds {
    kinds: BTreeMap<&'static str, Initialize>,
}

impl MatchKinds {
    pub(crate) fn add<T: MatchKind>(&mut self) {
        self.kinds.insert(T::NAME, prepare::<T>);
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }

    pub(crate) fn prepare(
        &self,
        name: &str,
        params: &MatchParams,
    ) -> Result<(&'static str, Prepared), MatchError> {
        let found = self.kinds.get_key_value(name);
        let (name, initialize) = found.ok_or_else(|| MatchError::UnknownKind(name.to_owned()))?;
        let prepared = catch_unwind(AssertUnwindSafe(|| initialize(params)));
        let prepared = prepared.unwrap_or_else(|panic| {
            error!(
                kind = name,
                panic = panic_text(panic.as_ref()),
                "a match did not start"
            );
            Err(MatchError::Init("the rules panicked".to_owned()))
        })?;
        Ok((name, prepared))
    }
}

fn prepare<T: MatchKind>(params: &MatchParams) -> Result<Prepared, MatchError> {
    let init = T::init(params)?;
    let tick_rate = init.valid_tick_rate()?;
    check_label(&init.label)?;
    let state = init.state;
    Ok(Prepared {
        tick_rate,
        label: init.label,
        seed: init.seed,
        deliveries: T::DELIVERY,
        attach: Box::new(move |entity| {
            entity.insert(state);
        }),
    })
}

/// The matches that run here.
#[derive(Resource, Default)]
pub(crate) struct MatchIndex {
    by_uuid: Lookup<Uuid, u64>,
    /// By order of creation.
    entries: BTreeMap<u64, Entry>,
    documents: Index<u64>,
    /// Entries whose document is out of date.
    stale: Vec<u64>,
    created: u64,
}

/// What a listing knows about a match without asking the match.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) entity: Entity,
    pub(crate) id: MatchId,
    pub(crate) kind: &'static str,
    pub(crate) label: Arc<str>,
    pub(crate) tick_rate: u8,
    pub(crate) created_ms: i64,
    /// Its document is out of date, and it is on the list of those.
    stale: bool,
}

impl Entry {
    pub(crate) fn of(
        entity: Entity,
        found: &Match,
        label: &Label,
        rate: TickRate,
        created_ms: i64,
    ) -> Self {
        let (id, kind) = (found.id, found.kind);
        Self {
            entity,
            id,
            kind,
            label: label.0.clone(),
            tick_rate: rate.0,
            created_ms,
            stale: true,
        }
    }
}

impl MatchIndex {
    /// The place in the order of creation of the next match.
    pub(crate) const fn next_order(&mut self) -> u64 {
        self.created += 1;
        self.created
    }

    pub(crate) fn insert(&mut self, order: u64, entry: Entry) {
        self.by_uuid.insert(entry.id.uuid, order);
        self.entries.insert(order, entry);
        self.stale.push(order);
    }

    pub(crate) fn remove(&mut self, order: u64) {
        if let Some(entry) = self.entries.remove(&order) {
            self.by_uuid.remove(&entry.id.uuid);
            self.documents.remove(order);
            if entry.stale {
                self.stale.retain(|stale| *stale != order);
            }
        }
    }

    pub(crate) fn relabel(&mut self, order: u64, label: Arc<str>) {
        let Some(entry) = self.entries.get_mut(&order) else {
            return;
        };
        entry.label = label;
        if !std::mem::replace(&mut entry.stale, true) {
            self.stale.push(order);
        }
    }

    /// The match with this id, if it runs here. The node is part of the id.
    pub(crate) fn find(&self, id: MatchId) -> Option<&Entry> {
        let entry = self.entries.get(self.by_uuid.get(&id.uuid)?)?;
        (entry.id == id).then_some(entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entities(&self) -> Vec<Entity> {
        self.entries.values().map(|entry| entry.entity).collect()
    }

    /// Every match, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().rev()
    }

    /// The entry at this place in the order of creation.
    pub(crate) fn entry(&self, order: u64) -> Option<&Entry> {
        self.entries.get(&order)
    }

    /// The matches that satisfy a query, best first, then newest first.
    pub(crate) fn search(&mut self, query: &CompiledQuery) -> Vec<u64> {
        self.refresh();
        let mut found = self.documents.search(query);
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        found.into_iter().map(|(order, _)| order).collect()
    }

    /// Labels are indexed when somebody looks, not when they change: a match may change its label every
    /// tick and cost nothing.
    fn refresh(&mut self) {
        for order in std::mem::take(&mut self.stale) {
            if let Some(entry) = self.entries.get_mut(&order) {
                entry.stale = false;
                self.documents.insert(order, document(entry));
            }
        }
    }
}

fn document(entry: &Entry) -> Document {
    let label = serde_json::from_str::<Value>(&entry.label).ok();
    let mut builder = Document::builder();
    if let Some(label) = label.filter(Value::is_object) {
        builder = builder.json("label", &label);
    }
    let node = entry
        .id
        .node
        .map(|node| node.to_string())
        .unwrap_or_default();
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 fit for another 285,000 years"
    )]
    let created_ms = entry.created_ms as f64;
    builder
        .keyword("label_string", &entry.label)
        .keyword("node", &node)
        .keyword("handler_name", entry.kind)
        .keyword("_id", &entry.id.to_string())
        .number("tick_rate", f64::from(entry.tick_rate))
        .number("create_time", created_ms)
        .build()
}

/// A match is listed as soon as it is there, and no longer than that.
pub(super) fn enlist(mut world: DeferredWorld, context: HookContext) {
    let entity = context.entity;
    let created_ms = world.resource::<Now>().unix_ms;
    let (Some(found), Some(label), Some(rate)) = (
        world.get::<Match>(entity),
        world.get::<Label>(entity),
        world.get::<TickRate>(entity),
    ) else {
        return;
    };
    let (order, entry) = (
        found.order,
        Entry::of(entity, found, label, *rate, created_ms),
    );
    world.resource_mut::<MatchIndex>().insert(order, entry);
}

/// See [`enlist`].
pub(super) fn delist(mut world: DeferredWorld, context: HookContext) {
    if let Some(order) = world.get::<Match>(context.entity).map(|found| found.order) {
        world.resource_mut::<MatchIndex>().remove(order);
    }
}
