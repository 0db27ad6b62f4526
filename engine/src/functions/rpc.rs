//! Functions called over a socket.

use bevy_ecs::prelude::*;

use super::{Functions, Progress, RpcCall, RpcResult};
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
    let Some(answer) = Functions::call_rpc(world, call) else {
        return Handled::refuse(RequestError::new(
            ErrorCode::RuntimeFunctionNotFound,
            "RPC function not found",
        ));
    };
    match super::progress(world, since, &id, answer) {
        Progress::Done(result) => Handled::Reply(reply(id, result)),
        Progress::Waiting(waiting) => {
            let session = asker.session;
            let done = move |world: &mut World, result| {
                requests::answer(world, session, reply(id, result));
            };
            waiting.finish(world, Box::new(done));
            Handled::Later
        }
    }
}

fn reply(id: String, result: RpcResult) -> Reply {
    match result {
        Ok(payload) => Reply::Rpc { id, payload },
        Err(error) => Reply::Error(RequestError::new(
            ErrorCode::RuntimeFunctionException,
            error.message,
        )),
    }
}
