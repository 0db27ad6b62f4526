//! Who may do what: secrets, tokens, passwords.

mod secrets;

pub use secrets::{Secrets, SecretsError};
