//! The API from outside: requests in, responses out, with a world that is made up.

mod accounts;
mod auth;
mod chat;
mod framework;
mod group_errors;
mod groups;
mod hooks;
mod matches;
mod matchmaker;
mod parties;
mod rpc;
mod stage;
