//! Functions called over a socket.

use bevy_ecs::prelude::*;

use super::{Functions, NotStored, RpcCall, RpcError};
use crate::{
    outbound::{ErrorCode, Reply, RequestError},
    request::Request,
    requests::{self, Asker, Handled},
    session::Session,
    store,
};

pub(crate) fn call_rpc(world: &mut World, asker: &Asker, request: Request) -> Handled {
    let Request::Rpc { id, payload } = request else {
        return Handled::Silent;
    };
    if id.is_empty() {
        return Handled::refuse(RequestError::bad_input("RPC ID must be set"));
    }
    let Some(caller) = world.get::<Session>(asker.session).map(Session::caller) else {
        return Handled::Silent;
    };
    let call = RpcCall {
        id: id.clone(),
        payload,
        caller,
        ..RpcCall::default()
    };
    let since = store::last_question(world);
    let reply = match Functions::call_rpc(world, call) {
        None => Reply::Error(RequestError::new(
            ErrorCode::RuntimeFunctionNotFound,
            "RPC function not found",
        )),
        Some(Ok(payload)) => Reply::Rpc { id, payload },
        Some(Err(error)) => failed(error),
    };
    if !store::has_open(world, since) {
        return Handled::Reply(reply);
    }
    // What the caller is told was done must be in the database.
    let session = asker.session;
    store::hold(world, since, move |world, stored| {
        let reply = match (reply, stored) {
            (Reply::Rpc { id, .. }, Err(failure)) => {
                failed(NotStored::error(world, &id.to_lowercase(), failure))
            }
            (reply, _) => reply,
        };
        requests::answer(world, session, reply);
    });
    Handled::Later
}

fn failed(error: RpcError) -> Reply {
    Reply::Error(RequestError::new(
        ErrorCode::RuntimeFunctionException,
        error.message,
    ))
}
