//! How players say who they are.

use serde_json::json;

use crate::http;

/// An account to log in to, for [`Client::authenticate`](crate::Client::authenticate).
#[derive(Clone)]
pub struct Account(pub(crate) http::Account);

impl Account {
    /// The account of a device: an id of 10 to 128 bytes that only this device has.
    #[must_use]
    pub fn device(id: &str) -> Self {
        Self::of("device", json!({ "id": id }))
    }

    /// The account with an address and a password of at least 8 bytes.
    #[must_use]
    pub fn email(email: &str, password: &str) -> Self {
        Self::of("email", json!({ "email": email, "password": password }))
    }

    /// The account with an id of 6 to 128 bytes that some other service has given.
    #[must_use]
    pub fn custom(id: &str) -> Self {
        Self::of("custom", json!({ "id": id }))
    }

    /// Whether the account is made if there is none. It is, unless this says otherwise.
    #[must_use]
    pub fn create(mut self, create: bool) -> Self {
        self.0.create = create;
        self
    }

    /// The name of an account that is made; without one, the server makes one up.
    #[must_use]
    pub fn named(mut self, username: &str) -> Self {
        self.0.username = Some(username.to_owned());
        self
    }

    const fn of(route: &'static str, body: serde_json::Value) -> Self {
        Self(http::Account {
            route,
            body,
            create: true,
            username: None,
        })
    }
}
