//! One's own account: `/v2/account`.

use tiltyard_proto::api;

use super::error::ApiError;
use super::group_members::note;
use super::identifiers::check_username;
use super::operation::{Context, Nothing, Operation, decode_body};
use super::query::Query;
use super::to_the_end;
use super::user::{public_user, whole_seconds};
use crate::auth::SessionClaims;
use crate::news;
use crate::store::{AccountChange, StoreError};

/// Reading one's own account.
pub(super) struct GetAccount;

impl Operation for GetAccount {
    const NAME: &'static str = "GetAccount";
    type Caller = SessionClaims;
    type Request = Nothing;
    type Response = api::Account;

    fn decode(_: &Query, _: &[u8]) -> Result<Nothing, ApiError> {
        Ok(Nothing)
    }

    async fn run(
        Context { state, .. }: Context<'_>,
        caller: &SessionClaims,
        _: Nothing,
    ) -> Result<api::Account, ApiError> {
        let account = state.store.account(caller.user_id).await;
        let account = account
            .map_err(|error| ApiError::store("Error retrieving user account.", &error))?
            .ok_or_else(|| ApiError::not_found("Account not found."))?;
        let online = state.world.online(vec![caller.user_id]).await?;
        let online = online.contains(&caller.user_id);
        let device = |id| api::AccountDevice {
            id,
            ..Default::default()
        };
        Ok(api::Account {
            user: Some(public_user(account.user, online)),
            wallet: account.wallet,
            email: account.email,
            devices: account.devices.into_iter().map(device).collect(),
            custom_id: account.custom_id,
            verify_time: account.verify_time.map(whole_seconds),
            disable_time: None,
        })
    }
}

/// Changing one's own account.
pub(super) struct UpdateAccount;

impl Operation for UpdateAccount {
    const NAME: &'static str = "UpdateAccount";
    const READS_BODY: bool = true;
    type Caller = SessionClaims;
    type Request = api::UpdateAccountRequest;
    type Response = Nothing;

    fn decode(_: &Query, body: &[u8]) -> Result<Self::Request, ApiError> {
        decode_body(body)
    }

    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        request: Self::Request,
    ) -> Result<Nothing, ApiError> {
        if let Some(username) = &request.username {
            if username.is_empty() || username.len() > 128 {
                return Err(ApiError::invalid("Username invalid, must be 1-128 bytes."));
            }
            check_username(username)?;
        }
        let change = AccountChange {
            username: request.username,
            display_name: request.display_name,
            avatar_url: request.avatar_url,
            lang_tag: request.lang_tag,
            location: request.location,
            timezone: request.timezone,
            metadata: None,
        };
        if change == AccountChange::default() {
            return Err(ApiError::invalid("No fields to update."));
        }
        match state
            .store
            .update_account(caller.user_id, &change, now)
            .await
        {
            Ok(()) => Ok(Nothing),
            // The wrapping is the reference server's, and so is the code.
            Err(StoreError::UsernameTaken) => Err(ApiError::invalid(
                "rpc error: code = AlreadyExists desc = Username is already in use.",
            )),
            Err(StoreError::NotFound) => Err(ApiError::not_found("Account not found.")),
            Err(error) => Err(ApiError::store(
                "Error while trying to update account.",
                &error,
            )),
        }
    }
}

/// Deleting one's own account, for good.
pub(super) struct DeleteAccount;

impl Operation for DeleteAccount {
    const NAME: &'static str = "DeleteAccount";
    type Caller = SessionClaims;
    type Request = Nothing;
    type Response = Nothing;

    fn decode(_: &Query, _: &[u8]) -> Result<Nothing, ApiError> {
        Ok(Nothing)
    }

    /// What is gone already is no mistake. The channels of groups that went with the account are closed in any
    /// case, since nobody can ask for that again.
    async fn run(
        Context { state, now, .. }: Context<'_>,
        caller: &SessionClaims,
        _: Nothing,
    ) -> Result<Nothing, ApiError> {
        let (state, user) = (state.clone(), caller.user_id);
        to_the_end(async move {
            let deleted = state.store.delete_account(user).await;
            let groups =
                deleted.map_err(|error| ApiError::store("Error deleting user account.", &error))?;
            let shut_out = state.sessions.shut_out(user, now);
            let closed = groups.into_iter().map(news::of_deleted_group);
            note(state.tell(closed).await);
            // Whether or not their tokens have ended: nobody plays on without an account.
            state.world.disconnect_user(user).await?;
            shut_out?;
            Ok(Nothing)
        })
        .await
    }
}
