//! Where a PostgreSQL database is.

use std::fmt;
use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;

/// The address of a PostgreSQL database. Shown without its password.
#[derive(Clone)]
pub struct Address(PgConnectOptions);

impl Address {
    /// Reads `postgres://user:password@host:port/database`, with what libpq's addresses have after a `?`; the
    /// beginning may be left out, as it may for the reference server. What is not given is taken from libpq's
    /// environment variables and password file.
    ///
    /// `None` if it is no such address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let options = match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => PgConnectOptions::from_str(text),
            Some(_) => return None,
            None if text.is_empty() => return None,
            None => PgConnectOptions::from_str(&format!("postgres://{text}")),
        };
        options.ok().map(Self)
    }

    pub(super) const fn options(&self) -> &PgConnectOptions {
        &self.0
    }

    /// The name of the database; by default that of the user.
    pub(super) fn database(&self) -> &str {
        self.0
            .get_database()
            .unwrap_or_else(|| self.0.get_username())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, port, database) = (self.0.get_username(), self.0.get_port(), self.database());
        match self.0.get_socket() {
            Some(folder) => write!(
                f,
                "postgres:///{database}?host={}&port={port}&user={user}",
                folder.display()
            ),
            None => write!(
                f,
                "postgres://{user}@{}:{port}/{database}",
                self.0.get_host()
            ),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for text in [
            "postgres://ann:sesame@db.example:5433/game",
            "postgresql://ann:sesame@db.example:5433/game?sslmode=require",
            "ann:sesame@db.example:5433/game",
            "postgres://ann@db.example:5433/game?password=sesame",
        ] {
            let address = Address::parse(text).unwrap();
            for shown in [address.to_string(), format!("{address:?}")] {
                assert_eq!(shown, "postgres://ann@db.example:5433/game");
            }
        }
        let text = "postgres:///game?host=/run/pg&port=5433&user=ann&password=sesame";
        let socket = Address::parse(text).unwrap();
        assert_eq!(
            socket.to_string(),
            "postgres:///game?host=/run/pg&port=5433&user=ann"
        );
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "mysql://ann@localhost/game",
            "postgres://ann@host:port/game",
        ] {
            assert!(Address::parse(text).is_none(), "{text}");
        }
    }
}
