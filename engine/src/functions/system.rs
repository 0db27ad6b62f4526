//! A registered system that survives its own panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    prelude::*,
    system::{BoxedSystem, IntoSystem},
};
use thiserror::Error;

/// A system with an input and an output, run on demand.
///
/// Unlike a system registered with the world, it is put back where it was after a panic.
pub(crate) struct Function<I: 'static, O> {
    system: Option<BoxedSystem<In<I>, O>>,
    initialized: bool,
}

/// Why a function gave no result.
#[derive(Debug, Error)]
pub(crate) enum FunctionError {
    #[error("the function panicked: {0}")]
    Panicked(String),
    #[error("the function could not run: {0}")]
    Refused(String),
    #[error("the function is running already")]
    Busy,
}

impl<I: 'static, O: 'static> Function<I, O> {
    pub(crate) fn new<M>(system: impl IntoSystem<In<I>, O, M> + 'static) -> Self {
        Self {
            system: Some(Box::new(IntoSystem::into_system(system))),
            initialized: false,
        }
    }

    /// Runs the function that `find` names; the world is whole while it runs.
    ///
    /// `None` if there is no such function.
    pub(crate) fn call<R: Resource<Mutability = bevy_ecs::component::Mutable>>(
        world: &mut World,
        find: impl Fn(&mut R) -> Option<&mut Self>,
        input: I,
    ) -> Option<Result<O, FunctionError>> {
        let mut registry = world.resource_mut::<R>();
        let function = find(&mut registry)?;
        let Some(mut system) = function.system.take() else {
            return Some(Err(FunctionError::Busy));
        };
        let initialized = std::mem::replace(&mut function.initialized, true);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if !initialized {
                system.initialize(world);
            }
            system.run(input, world)
        }));
        if outcome.is_err() {
            // What it asked for before it panicked is done, rather than left over for its next run.
            drop(catch_unwind(AssertUnwindSafe(|| {
                system.apply_deferred(world)
            })));
        }
        if let Some(function) = find(&mut world.resource_mut::<R>()) {
            function.system = Some(system);
        }
        Some(match outcome {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => Err(FunctionError::Refused(error.to_string())),
            Err(panic) => Err(FunctionError::Panicked(panic_text(panic.as_ref()))),
        })
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    panic
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| "no message".to_owned())
}
