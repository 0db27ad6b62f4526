//! How the engine stops.

use std::time::Duration;

use bevy_ecs::prelude::*;
use tracing::info;

use crate::{clock::Now, matches};

/// Where the engine stands on its way to the end.
#[derive(Resource, Default, Debug)]
pub struct Shutdown {
    stage: Stage,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Running,
    /// Asked to stop; matches have not been told yet.
    Asked {
        grace: Duration,
    },
    /// Matches end by themselves until the deadline.
    Ending {
        deadline: Duration,
    },
    Finished,
}

impl Shutdown {
    /// Asks the engine to stop. Asked a second time, it stops at once.
    pub(crate) fn begin(&mut self, grace: Duration) {
        self.stage = match self.stage {
            Stage::Running => Stage::Asked { grace },
            _ => Stage::Finished,
        };
    }

    /// Whether no new match may start.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stage != Stage::Running
    }

    /// Whether every match has ended and nothing more will happen.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.stage == Stage::Finished
    }
}

/// Tells matches that the end is near, and stops those that are left when it comes.
pub(crate) fn advance_shutdown(world: &mut World) {
    let elapsed = world.resource::<Now>().elapsed;
    let stage = &world.resource::<Shutdown>().stage;
    let next = match *stage {
        Stage::Running => return,
        Stage::Asked { grace } => {
            info!(grace_seconds = grace.as_secs(), "stopping");
            if !grace.is_zero() {
                matches::terminate_all(world, grace);
            }
            Stage::Ending {
                deadline: elapsed + grace,
            }
        }
        Stage::Ending { deadline } if matches::running(world) == 0 || elapsed >= deadline => {
            Stage::Finished
        }
        Stage::Ending { .. } => return,
        Stage::Finished => {
            matches::stop_all(world);
            return;
        }
    };
    world.resource_mut::<Shutdown>().stage = next;
}
