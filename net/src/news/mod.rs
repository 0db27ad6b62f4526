//! What the world has to do when something was changed in the database: tell users, show channels what
//! happened, and take users off them. It is the same whether a client or game code changed it.

mod friends;
mod groups;

pub(crate) use self::{
    friends::{of_blocks, of_friends},
    groups::{of_deleted_group, of_group},
};
