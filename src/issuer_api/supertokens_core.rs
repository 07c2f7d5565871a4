//! SuperTokens' core, which knows every user and every session.
//!
//! In: a user. Out: the end of all sessions, or of the account. The core answers a change of a user
//! whom it does not know with success, so that it is asked for the user first.

use std::time::Duration;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{
    administration::{accounts::AccountAdministration, users::UserReply},
    api::{self, Api, ApiCall, Target, from_json},
    error::ApiError,
    operation::Operation,
};
use crate::{config::Secret, upstream::HttpAnswer};

/// The version of its interface (CDI) that supertokens-python 0.31 and the plugin speak.
const VERSION: (&str, &str) = ("cdi-version", "5.4");
/// Everything that is not unreserved (RFC 3986 section 2.3): an id is any text.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const USER: &str = "/user/id?userId=";
const SIGN_OUT: &str = "/recipe/session/remove";
const DELETE: &str = "/user/remove";

/// Calls the core of one issuer.
#[derive(Debug)]
pub(super) struct CoreClient {
    pub(super) api: Api,
    pub(super) key: Option<Secret>,
}

#[derive(Deserialize)]
struct CoreStatus {
    status: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignOut<'a> {
    user_id: &'a str,
    revoke_across_all_tenants: bool,
    revoke_sessions_for_linked_accounts: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Delete<'a> {
    user_id: &'a str,
    remove_all_linked_accounts: bool,
}

impl CoreClient {
    async fn send(
        &self,
        operation: Operation,
        path: &str,
        body: Bytes,
        timeout: Duration,
    ) -> Result<(), ApiError> {
        let key = self.key.as_ref().map(|key| ("api-key", key.expose()));
        let headers: Vec<(&'static str, &str)> = std::iter::once(VERSION).chain(key).collect();
        let call = ApiCall {
            operation,
            app: None,
            target: Target::Path(path),
            headers: &headers,
            body,
            timeout,
        };
        self.api.call(call, read_status).await.map_err(key_error)
    }

    /// Fails with [`ApiError::NotFound`] where the core does not know the user.
    async fn find(&self, user: &str, timeout: Duration) -> Result<(), ApiError> {
        let path = format!("{USER}{}", utf8_percent_encode(user, IN_QUERY));
        self.send(Operation::CoreUser, &path, Bytes::new(), timeout).await
    }
}

impl AccountAdministration for CoreClient {
    fn sign_out<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, ()> {
        Box::pin(async move {
            self.find(user, timeout).await?;
            let order = SignOut {
                user_id: user,
                revoke_across_all_tenants: true,
                revoke_sessions_for_linked_accounts: true,
            };
            self.send(Operation::CoreSignOut, SIGN_OUT, api::json(&order)?, timeout).await
        })
    }

    fn delete<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, ()> {
        Box::pin(async move {
            self.find(user, timeout).await?;
            let order = Delete { user_id: user, remove_all_linked_accounts: true };
            self.send(Operation::CoreUserDelete, DELETE, api::json(&order)?, timeout).await
        })
    }
}

/// The meaning of an error: the core says 401 where the key is missing or wrong.
fn key_error(error: ApiError) -> ApiError {
    let ApiError::Rejected(rejection) = error else { return error };
    match rejection.status {
        status @ (401 | 403) => ApiError::KeyRefused(status),
        _ => ApiError::Rejected(rejection),
    }
}

fn read_status(answer: &HttpAnswer) -> Result<(), ApiError> {
    let said: CoreStatus = from_json(answer)?;
    match said.status.as_str() {
        "OK" => Ok(()),
        "UNKNOWN_USER_ID_ERROR" => Err(ApiError::NotFound),
        _ => Err(ApiError::Shape),
    }
}
