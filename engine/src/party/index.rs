//! Which parties there are, and how they are found.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use super::components::{Party, PartyTerms};
use crate::{
    id::PartyId,
    lookup::Lookup,
    query::{CompiledQuery, Document, Index},
};

/// The parties of this node. Kept true by the hooks of [`Party`].
#[derive(Resource, Default)]
pub(crate) struct PartyIndex {
    by_uuid: Lookup<Uuid, (PartyId, Entity)>,
    /// By order of creation.
    entities: BTreeMap<u64, Entity>,
    documents: Index<u64>,
    /// Parties whose document is out of date.
    stale: BTreeSet<u64>,
    created: u64,
}

impl PartyIndex {
    /// The place in the order of creation of the next party.
    pub(super) const fn next_order(&mut self) -> u64 {
        self.created += 1;
        self.created
    }

    pub(super) fn insert(&mut self, party: &Party, entity: Entity) {
        self.by_uuid.insert(party.id.uuid, (party.id, entity));
        self.entities.insert(party.order, entity);
        self.stale.insert(party.order);
    }

    pub(super) fn remove(&mut self, party: &Party) {
        self.by_uuid.remove(&party.id.uuid);
        self.entities.remove(&party.order);
        self.stale.remove(&party.order);
        self.documents.remove(party.order);
    }

    /// The terms of a party are others now.
    pub(super) fn touch(&mut self, party: &Party) {
        self.stale.insert(party.order);
    }

    /// The party with this id. The node is part of the id.
    pub(crate) fn find(&self, id: PartyId) -> Option<Entity> {
        let (found, entity) = self.by_uuid.get(&id.uuid)?;
        (*found == id).then_some(*entity)
    }

    pub(super) fn len(&self) -> usize {
        self.entities.len()
    }

    /// Every party, oldest first.
    pub(super) fn entities(&self) -> impl DoubleEndedIterator<Item = Entity> {
        self.entities.values().copied()
    }

    /// The parties that satisfy a query, best first, then newest first.
    pub(super) fn search(&mut self, world: &World, query: &CompiledQuery) -> Vec<Entity> {
        self.refresh(world);
        let mut found = self.documents.search(query);
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
        let entities = found
            .iter()
            .filter_map(|(order, _)| self.entities.get(order));
        entities.copied().collect()
    }

    /// Terms are indexed when somebody looks, not when they change.
    fn refresh(&mut self, world: &World) {
        for order in std::mem::take(&mut self.stale) {
            let entity = self.entities.get(&order);
            let found = entity.and_then(|entity| {
                world
                    .get::<Party>(*entity)
                    .zip(world.get::<PartyTerms>(*entity))
            });
            if let Some((party, terms)) = found {
                self.documents.insert(order, document(party, terms));
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sizes are small, and milliseconds since 1970 fit for another 285,000 years"
)]
fn document(party: &Party, terms: &PartyTerms) -> Document {
    let label = serde_json::from_str::<Value>(&terms.label).unwrap_or_default();
    Document::builder()
        .json("label", &label)
        .keyword("label_string", &terms.label)
        .keyword("node", party.id.node.as_str())
        .keyword("_id", &party.id.to_string())
        .boolean("open", terms.open)
        .boolean("hidden", terms.hidden)
        .number("max_size", party.size_max as f64)
        .number("create_time", party.created_ms as f64)
        .build()
}
