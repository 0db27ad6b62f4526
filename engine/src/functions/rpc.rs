//! Functions called over a socket.

use bevy_ecs::prelude::*;

use super::{Functions, RpcCall};
use crate::{
    outbound::{ErrorCode, Reply, RequestError},
    request::Request,
    requests::{Asker, Handled},
    session::Session,
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
    match Functions::call_rpc(world, call) {
        None => Handled::refuse(RequestError::new(
            ErrorCode::RuntimeFunctionNotFound,
            "RPC function not found",
        )),
        Some(Ok(payload)) => Handled::Reply(Reply::Rpc { id, payload }),
        Some(Err(error)) => Handled::refuse(RequestError::new(
            ErrorCode::RuntimeFunctionException,
            error.message,
        )),
    }
}
