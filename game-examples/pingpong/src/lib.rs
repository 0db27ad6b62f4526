//! Ping pong: the smallest match there can be.
//!
//! A kind of match is a component and a name; its rules are systems. This one sends every message
//! back to whoever sent it, with op code [`OP_PONG`] and the payload as it was. What came in a way that
//! may lose it goes back in the same way.
//!
//! Clients cannot create matches with rules themselves. They call `pingpong_create`, which answers
//! `{"match_id":"…"}`, and join that.

use tiltyard::prelude::*;

/// Server to the sender of a message: the payload of that message.
pub const OP_PONG: i64 = 1;

/// A match of ping pong. It has nothing to remember.
#[derive(Component, Default)]
pub struct PingPong;

impl MatchKind for PingPong {
    const NAME: &'static str = "pingpong";

    fn init(_: &MatchParams) -> Result<MatchInit<Self>, MatchError> {
        Ok(MatchInit::new(Self).tick_rate(10))
    }
}

/// Adds the game to a server.
pub fn plugin(app: &mut App) {
    app.add_match::<PingPong>()
        .add_systems(MatchLoop, pong)
        .add_rpc("pingpong_create", create);
}

/// Sends every message back to whoever sent it.
fn pong(mut matches: Matches<PingPong>) {
    matches.each(|game| {
        for message in game.take_messages() {
            let pong = game.broadcast(OP_PONG, message.data).to(message.sender);
            if message.reliable {
                pong.send();
            } else {
                pong.unreliable().send();
            }
        }
    });
}

/// Makes a match for whoever asks.
fn create(In(_): In<RpcCall>, mut directory: MatchDirectory) -> RpcResult {
    let id = directory.create(PingPong::NAME, &MatchParams::new())?;
    Ok(format!(r#"{{"match_id":"{id}"}}"#))
}
