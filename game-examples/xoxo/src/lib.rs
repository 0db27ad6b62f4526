//! Noughts and crosses: how to validate what players send and end a match by the clock.

pub mod board;
pub mod round;
pub mod table;
pub mod wire;
