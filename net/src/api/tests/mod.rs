//! The API from outside: requests in, responses out, with a world that is made up.

mod accounts;
mod auth;
mod chat;
mod framework;
mod friends;
mod group_errors;
mod groups;
mod health;
mod hooks;
mod import;
mod links;
mod matches;
mod matchmaker;
mod openapi;
mod parties;
mod rpc;
mod social;
mod stage;
mod storage;
