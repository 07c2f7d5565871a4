//! SuperTokens' core, which knows every user and every session.
//!
//! In: a user. Out: the profile, a change of it, the end of all sessions, or of the account. The core
//! answers a change of a user whom it does not know with success, so that it is asked for the user
//! first. Profiles are in the core's metadata, in the form of Rownd's plugin.

mod combine;
mod fields;
mod profile;
mod record;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{
    administration::{
        accounts::AccountAdministration,
        users::{UserReply, UserWrite},
    },
    api::{self, Api, ApiCall, Target, from_json},
    error::ApiError,
    operation::Operation,
    rownd::read_profile,
};
use crate::{config::Secret, model::Profile, upstream::HttpAnswer};
use fields::{AUTHORITATIVE, authoritative, is_identity, is_internal};
use record::{CoreUser, Metadata, UserRecord};

/// The version of its interface (CDI) that supertokens-python 0.31 and the plugin speak.
const VERSION: (&str, &str) = ("cdi-version", "5.4");
/// Everything that is not unreserved (RFC 3986 section 2.3): an id is any text.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const USER: &str = "/user/id?userId=";
const SIGN_OUT: &str = "/recipe/session/remove";
const DELETE: &str = "/user/remove";
const MAPPING: &str = "/recipe/userid/map?userIdType=ANY&userId=";
const METADATA: &str = "/recipe/user/metadata";
/// The most ids of one user whose metadata are read.
const MAX_LINKED: usize = 16;

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

#[derive(Deserialize)]
struct FoundUser {
    user: CoreUser,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mapping {
    super_tokens_user_id: String,
    external_user_id: String,
}

#[derive(Deserialize)]
struct FoundMetadata {
    metadata: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetadataWrite<'a> {
    user_id: &'a str,
    metadata_update: Map<String, Value>,
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
    async fn send<T: Send>(
        &self,
        (operation, path): (Operation, &str),
        body: Bytes,
        timeout: Duration,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError> + Send,
    ) -> Result<T, ApiError> {
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
        self.api.call(call, read).await.map_err(key_error)
    }

    /// Fails with [`ApiError::NotFound`] where the core does not know the user.
    async fn find(&self, user: &str, timeout: Duration) -> Result<(), ApiError> {
        let path = format!("{USER}{}", in_query(user));
        self.send((Operation::CoreUser, &path), Bytes::new(), timeout, read_status).await
    }

    async fn metadata(&self, id: &str, timeout: Duration) -> Result<Metadata, ApiError> {
        let path = format!("{METADATA}?userId={}", in_query(id));
        let read = read_ok::<FoundMetadata>;
        let found = self.send((Operation::CoreUser, &path), Bytes::new(), timeout, read).await?;
        Ok(Metadata { id: id.to_owned(), members: found.metadata })
    }

    /// Everything about a user.
    ///
    /// # Errors
    ///
    /// Fails with [`ApiError::NotFound`] where the core does not know the user.
    async fn record(&self, user: &str, timeout: Duration) -> Result<UserRecord, ApiError> {
        let path = format!("{USER}{}", in_query(user));
        let read = read_ok::<FoundUser>;
        let found = self.send((Operation::CoreUser, &path), Bytes::new(), timeout, read).await?;
        let (asked_for, user) = (user, found.user);
        let path = format!("{MAPPING}{}", in_query(&user.id));
        let asked = (Operation::CoreUser, path.as_str());
        let mapping = self.send(asked, Bytes::new(), timeout, read_mapping).await?;
        let (own, external_id) = match mapping {
            Some(found) => (found.super_tokens_user_id, Some(found.external_user_id)),
            None => (user.id.clone(), None),
        };
        // The id of any way to sign in stands for the user.
        if ![&user.id, &own].into_iter().chain(user.recipe_ids()).any(|id| id == asked_for) {
            return Err(ApiError::OtherUser);
        }
        let primary = self.metadata(&own, timeout).await?;
        let ids = user.linked_ids(&own);
        if ids.len() > MAX_LINKED {
            return Err(ApiError::Shape);
        }
        let linked = try_join_all(ids.iter().map(|id| self.metadata(id, timeout))).await?;
        Ok(UserRecord { user, external_id, primary, linked })
    }

    async fn write(
        &self,
        mut record: UserRecord,
        write: &UserWrite,
        timeout: Duration,
    ) -> Result<Profile, ApiError> {
        let update = update_of(&record.primary.members, write);
        let order = MetadataWrite { user_id: &record.primary.id, metadata_update: update };
        let body = api::json(&order)?;
        let asked = (Operation::CoreMetadataWrite, METADATA);
        let written = self.send(asked, body, timeout, read_ok::<FoundMetadata>).await?;
        record.primary.members = written.metadata;
        profile_of(&record)
    }
}

impl AccountAdministration for CoreClient {
    fn why_not_writable(&self, field: &str) -> Option<&'static str> {
        fields::why_not_writable(field)
    }

    fn user<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, Profile> {
        Box::pin(async move { profile_of(&self.record(user, timeout).await?) })
    }

    fn update<'a>(
        &'a self,
        user: &'a str,
        write: &'a UserWrite,
        timeout: Duration,
    ) -> UserReply<'a, Profile> {
        Box::pin(async move {
            let record = self.record(user, timeout).await?;
            self.write(record, write, timeout).await
        })
    }

    fn sign_out<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, ()> {
        Box::pin(async move {
            self.find(user, timeout).await?;
            let order = SignOut {
                user_id: user,
                revoke_across_all_tenants: true,
                revoke_sessions_for_linked_accounts: true,
            };
            let asked = (Operation::CoreSignOut, SIGN_OUT);
            self.send(asked, api::json(&order)?, timeout, read_status).await
        })
    }

    fn delete<'a>(&'a self, user: &'a str, timeout: Duration) -> UserReply<'a, ()> {
        Box::pin(async move {
            self.find(user, timeout).await?;
            let order = Delete { user_id: user, remove_all_linked_accounts: true };
            let asked = (Operation::CoreUserDelete, DELETE);
            self.send(asked, api::json(&order)?, timeout, read_status).await
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

fn in_query(text: &str) -> String {
    utf8_percent_encode(text, IN_QUERY).to_string()
}

/// The change of metadata that the plugin would make: the fields, and their names in the list of those
/// that count more than the imported profile. `null` removes a member.
fn update_of(known: &Map<String, Value>, write: &UserWrite) -> Map<String, Value> {
    let mut update = write.data.clone();
    update.extend(write.cleared.iter().map(|name| (name.clone(), Value::Null)));
    let mut names = authoritative(known);
    names.extend(update.keys().filter(|name| !is_internal(name) && !is_identity(name)).cloned());
    update.insert(AUTHORITATIVE.to_owned(), json!(names));
    update
}

fn profile_of(record: &UserRecord) -> Result<Profile, ApiError> {
    read_profile(&api::json(&profile::document(record))?)
}

/// An answer of this shape that says that it is one.
fn read_ok<T: DeserializeOwned>(answer: &HttpAnswer) -> Result<T, ApiError> {
    read_status(answer)?;
    from_json(answer)
}

/// The id of Rownd and the core's own, where a user has both.
fn read_mapping(answer: &HttpAnswer) -> Result<Option<Mapping>, ApiError> {
    let said: CoreStatus = from_json(answer)?;
    if said.status == "UNKNOWN_MAPPING_ERROR" {
        return Ok(None);
    }
    read_ok(answer).map(Some)
}

fn read_status(answer: &HttpAnswer) -> Result<(), ApiError> {
    let said: CoreStatus = from_json(answer)?;
    match said.status.as_str() {
        "OK" => Ok(()),
        "UNKNOWN_USER_ID_ERROR" => Err(ApiError::NotFound),
        _ => Err(ApiError::Shape),
    }
}
