//! Who may do what: secrets, tokens, passwords.

mod clock;
mod password;
mod secrets;
mod sessions;
mod token;

pub use clock::{Clock, SystemClock};
pub use password::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, PasswordError, Passwords};
pub(crate) use secrets::create_private_folder;
pub use secrets::{Secrets, SecretsError};
pub use sessions::{Sessions, TokenPair, TooManyLogouts};
pub use token::{SessionClaims, TOKEN_BYTES_MAX, TokenError, Vars};
