//! Calls of registered functions.

use std::collections::BTreeMap;

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::counts::closed_label;

closed_label! {
    /// How a call comes.
    pub(crate) enum RpcCarrier {
        /// Over a client's connection.
        Session "session",
        /// Over HTTP.
        Http "http",
    }
}

/// What calls of functions that do not exist are counted as. No function can have this id, as ids are in
/// small letters.
const UNKNOWN: &str = "UNKNOWN";

/// Calls of functions, by the ids that the game registered.
#[derive(Debug)]
pub(crate) struct Rpcs {
    by_id: BTreeMap<String, [Counter; RpcCarrier::COUNT]>,
    unknown: [Counter; RpcCarrier::COUNT],
}

impl Rpcs {
    pub(super) fn register(registry: &mut Registry, ids: &[&str]) -> Self {
        let family = Family::<[(&'static str, String); 2], Counter>::default();
        let counters = |id: &str| {
            let carriers = std::array::from_fn(|index| RpcCarrier::ALL[index].name());
            carriers.map(|carrier| {
                let labels = [("id", id.to_owned()), ("carrier", carrier.to_owned())];
                family.get_or_create_owned(&labels)
            })
        };
        let by_id = ids.iter().map(|id| ((*id).to_owned(), counters(id)));
        let rpcs = Self {
            by_id: by_id.collect(),
            unknown: counters(UNKNOWN),
        };
        let help = "Calls of functions by id; UNKNOWN are all that the game did not register";
        registry.register("rpc_calls", help, family);
        rpcs
    }

    /// A function is called.
    pub(crate) fn count(&self, id: &str, carrier: RpcCarrier) {
        // Most clients write ids as they were registered.
        let found = self
            .by_id
            .get(id)
            .or_else(|| self.by_id.get(&id.to_lowercase()));
        found.unwrap_or(&self.unknown)[carrier as usize].inc();
    }
}
