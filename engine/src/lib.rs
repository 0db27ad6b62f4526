//! Not written yet.

pub mod query;
