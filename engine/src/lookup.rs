//! A map for finding things, which cannot be walked.

use std::{
    borrow::Borrow,
    hash::{Hash, RandomState},
};

/// A hash map without iteration.
///
/// Its hasher is seeded at random, so that clients who choose keys cannot make them collide; and since
/// it cannot be walked, no order that differs from run to run can leak into a match.
#[derive(Debug)]
pub(crate) struct Lookup<K, V> {
    #[expect(
        clippy::disallowed_types,
        reason = "wrapped so that it cannot be iterated"
    )]
    entries: std::collections::HashMap<K, V, RandomState>,
}

impl<K, V> Default for Lookup<K, V> {
    fn default() -> Self {
        Self {
            entries: Default::default(),
        }
    }
}

impl<K: Eq + Hash, V> Lookup<K, V> {
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key)
    }

    pub(crate) fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.entries.entry(key).or_default()
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.entries.insert(key, value)
    }

    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.entries.remove(key)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
