//! Who may not log in.

use jiff::Timestamp;
use uuid::Uuid;

use super::Store;
use super::database::sql;
use super::error::StoreError;

impl Store {
    /// Bans users. Those who are banned already stay so since when they were; those who do not exist are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn ban_accounts(&self, users: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        // The system user stays whatever happens.
        let ban = sql("UPDATE users SET disable_time = $2 \
             WHERE id IN (SELECT value FROM json_each($1)) AND disable_time = 0 AND id <> $3")
        .bind_list(users)
        .bind(now)
        .bind(Uuid::nil());
        self.database.execute(ban).await?;
        Ok(())
    }

    /// Lets users log in again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`], [`StoreError::Failed`]; nothing was changed then.
    pub async fn unban_accounts(&self, users: &[Uuid]) -> Result<(), StoreError> {
        let unban = sql("UPDATE users SET disable_time = 0 \
             WHERE id IN (SELECT value FROM json_each($1))")
        .bind_list(users);
        self.database.execute(unban).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{
        AccountChange, Identifier, Metadata,
        group_tests::{at, make_user},
        harness::on_each_database,
    };

    #[tokio::test]
    async fn who_is_banned_is_known_until_they_are_let_in_again() {
        on_each_database(async |store| {
            let alice = make_user(&store, "alice").await;
            let bob = make_user(&store, "bob").await;
            let banned = async |user| {
                let login = store.find_login(&Identifier::User(user)).await;
                login.unwrap().unwrap().banned
            };
            let users = [alice, Uuid::from_u128(404), Uuid::nil()];
            store.ban_accounts(&users, at(1)).await.unwrap();
            store.ban_accounts(&users, at(2)).await.unwrap();
            assert!(banned(alice).await);
            assert!(!banned(bob).await);
            assert!(!banned(Uuid::nil()).await);
            let account = store.account(alice).await.unwrap().unwrap();
            assert_eq!(account.disable_time, Some(at(1)), "since when it was");
            store.unban_accounts(&users).await.unwrap();
            assert!(!banned(alice).await);
        })
        .await;
    }

    #[tokio::test]
    async fn metadata_of_an_account_is_kept_and_moves_its_update_time() {
        on_each_database(async |store| {
            let alice = make_user(&store, "alice").await;
            let change = AccountChange {
                metadata: Some(Metadata::parse(r#"{"rank": 1}"#.to_owned()).unwrap()),
                ..AccountChange::default()
            };
            store.update_account(alice, &change, at(1)).await.unwrap();
            store.update_account(alice, &change, at(2)).await.unwrap();
            let user = store.account(alice).await.unwrap().unwrap().user;
            assert_eq!(
                (&*user.metadata, user.update_time),
                (r#"{"rank": 1}"#, at(1))
            );
            assert_eq!(user.username, "alice");
        })
        .await;
    }
}
