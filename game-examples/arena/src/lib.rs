//! Arena: how to simulate a real-time game on the server, thirty times a second.

pub mod bullet;
pub mod field;
pub mod input;
pub mod map;
pub mod ship;
pub mod vector;
pub mod wire;

pub use field::PLAYERS_MAX;
