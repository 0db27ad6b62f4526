//! Who may do what: secrets, tokens, passwords.

mod attempts;
mod clock;
mod password;
mod secrets;
mod sessions;
mod token;

pub use attempts::{Charge, Guess, LoginAttempts, TooManyAttempts};
pub use clock::{Clock, SystemClock};
pub use password::{
    BCRYPT_COST_MAX, Comparison, PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, PasswordError, Passwords,
};
pub use secrets::{Secrets, SecretsError};
pub(crate) use secrets::{create_private_folder, open_private_file};
pub use sessions::{Sessions, TokenPair, TooManyLogouts};
pub use token::{SessionClaims, TOKEN_BYTES_MAX, TokenError, Vars};
