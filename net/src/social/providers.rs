use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bevy_ecs::prelude::*;

use super::{Apple, Google, SocialKind, SocialProvider, Steam};
use crate::config::Config;

/// The providers of a server, one a kind.
///
/// What the game inserts as a resource comes first; the server adds those of ours that the
/// configuration has what they need for, see the options `social.*`.
#[derive(Clone, Default, Resource)]
pub struct SocialProviders(BTreeMap<SocialKind, Arc<dyn SocialProvider>>);

impl fmt::Debug for SocialProviders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl SocialProviders {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more, in place of what was there for its kind.
    #[must_use]
    pub fn with(mut self, kind: SocialKind, provider: impl SocialProvider) -> Self {
        self.0.insert(kind, Arc::new(provider));
        self
    }

    /// The same with those that the configuration asks for, where there is none for their kind.
    #[must_use]
    pub fn with_configured(mut self, config: &Config) -> Self {
        let bundle_id = &config.apple.bundle_id;
        if !bundle_id.is_empty() {
            self.add(SocialKind::Apple, Apple::new(bundle_id));
        }
        let client_ids: Vec<_> = config.google.client_ids.split_whitespace().collect();
        if !client_ids.is_empty() {
            self.add(SocialKind::Google, Google::new(client_ids));
        }
        let steam = &config.steam;
        if steam.app_id != 0 && !steam.publisher_key.is_empty() {
            let provider = Steam::new(steam.publisher_key.clone(), steam.app_id);
            self.add(SocialKind::Steam, provider);
        }
        self
    }

    fn add(&mut self, kind: SocialKind, provider: impl SocialProvider) {
        self.0.entry(kind).or_insert_with(|| Arc::new(provider));
    }

    pub(crate) fn get(&self, kind: SocialKind) -> Option<&dyn SocialProvider> {
        self.0.get(&kind).map(|provider| &**provider)
    }
}
