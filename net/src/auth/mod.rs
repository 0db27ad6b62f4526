//! Who may do what: secrets and tokens.

mod clock;
mod secrets;
mod sessions;
mod token;

pub use clock::{Clock, SystemClock};
pub use secrets::{Secrets, SecretsError};
pub use sessions::{Sessions, TokenPair, TooManyLogouts};
pub use token::{SessionClaims, TOKEN_BYTES_MAX, TokenError, Vars};
