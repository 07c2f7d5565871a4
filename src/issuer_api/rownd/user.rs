//! Profiles of users: `GET /applications/{app}/users/{user}/data`. SuperTokens' plugin
//! answers with the same document.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};
use time::{
    OffsetDateTime, PrimitiveDateTime,
    error::Parse,
    format_description::well_known::{Iso8601, Rfc3339},
};

use super::{
    client::{APP_KEY, APP_SECRET, RowndClient},
    user_id::segment,
};
use crate::{
    config::Secret,
    issuer_api::{
        api::{ApiCall, Target, bearer},
        capabilities::{Asked, OwnProfiles, OwnUser, UserProfiles},
        error::ApiError,
        grants::AppCredentials,
        operation::Operation,
    },
    model::{AuthLevel, Cutoff, Group, OddParts, Profile},
};

/// The parts of the document that are used. Each may be missing or `null`.
#[derive(Deserialize)]
struct UserDocument {
    rownd_user: Option<Value>,
    state: Option<Value>,
    auth_level: Option<Value>,
    data: Option<Value>,
    verified_data: Option<Value>,
    attributes: Option<Value>,
    groups: Option<Value>,
    /// Rownd's API and its libraries write `meta`, a page of its documents `metadata`.
    meta: Option<Value>,
    metadata: Option<Value>,
}

#[derive(Deserialize)]
struct Membership {
    group: GroupOfUser,
    #[serde(default)]
    member: Member,
}

#[derive(Deserialize)]
struct GroupOfUser {
    id: String,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Member {
    #[serde(default)]
    roles: Vec<String>,
    state: Option<String>,
}

impl UserProfiles for RowndClient {
    fn user<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        timeout: Duration,
    ) -> Asked<'a, Profile> {
        Box::pin(async move {
            let path = format!("/applications/{}/users/{}/data", segment(app.id)?, segment(user)?);
            let call = ApiCall {
                operation: Operation::RowndUser,
                app: Some(app.id),
                target: Target::Path(&path),
                headers: &[(APP_KEY, app.key.expose()), (APP_SECRET, app.secret.expose())],
                body: Bytes::new(),
                timeout,
            };
            let profile = self.api.call(call, |answer| read_profile_of(user, &answer.body)).await;
            self.api.apps.note(app.id, profile.map_err(ApiError::of_credentials))
        })
    }
}

impl OwnProfiles for RowndClient {
    fn own_user<'a>(
        &'a self,
        who: OwnUser<'a>,
        token: &'a Secret,
        timeout: Duration,
    ) -> Option<Asked<'a, Profile>> {
        let app = who.app?;
        Some(Box::pin(async move {
            let path = format!("/me/applications/{}/data", segment(app)?);
            let bearer = bearer(token);
            let call = ApiCall {
                operation: Operation::RowndOwnUser,
                // A claim may have named the app, so it has no breaker of its own.
                app: None,
                target: Target::Path(&path),
                headers: &[("authorization", bearer.expose())],
                body: Bytes::new(),
                timeout,
            };
            let profile = self.api.call(call, |answer| read_profile_of(who.id, &answer.body)).await;
            profile.map_err(ApiError::of_user)
        }))
    }
}

/// The profile in this document, which has to be that of `user`: an answer about another user, from
/// a cache or a router on the way, must decide nothing. A document may name no user.
pub(in crate::issuer_api) fn read_profile_of(user: &str, body: &[u8]) -> Result<Profile, ApiError> {
    let profile = read_profile(body)?;
    match &profile.user_id {
        Some(id) if id != user => Err(ApiError::OtherUser),
        Some(_) | None => Ok(profile),
    }
}

/// The profile in this document.
///
/// `state`, `meta` and `metadata` decide whether a user may go on, so an answer where one of them has another
/// type is an error, and so is an answer without either and without the user's id: a body that says
/// nothing must not read as an enabled user. Other parts of another shape are left out,
/// and [`OddParts`] names them.
pub(in crate::issuer_api) fn read_profile(body: &[u8]) -> Result<Profile, ApiError> {
    let document: UserDocument = serde_json::from_slice(body).map_err(|_| ApiError::Shape)?;
    let state = match document.state {
        None | Some(Value::Null) => None,
        Some(Value::String(state)) => Some(state),
        Some(_) => return Err(ApiError::Shape),
    };
    let (meta, metadata) = (decisive_object(document.meta)?, decisive_object(document.metadata)?);
    let cutoffs = [&meta, &metadata].map(|block| cutoff_of(block.get("tokens_valid_since")));
    // Of a member that both have, that of `meta` is shown.
    let meta: Map<String, Value> = metadata.into_iter().chain(meta).collect();
    let mut odd = OddParts::default();
    let data = object_or_empty(document.data, &mut odd.data);
    let user_id = non_empty_text(document.rownd_user)
        .or_else(|| non_empty_text(data.get("user_id").cloned()));
    if user_id.is_none() && state.is_none() && meta.is_empty() {
        return Err(ApiError::Shape);
    }
    let level = document.auth_level.as_ref().and_then(Value::as_str);
    Ok(Profile {
        user_id,
        state,
        auth_level: level.and_then(AuthLevel::parse),
        data,
        verified_data: object_or_empty(document.verified_data, &mut odd.verified_data),
        attributes: object_or_empty(document.attributes, &mut odd.attributes),
        groups: groups_of(document.groups, &mut odd.groups),
        tokens_valid_since: stricter(cutoffs),
        meta,
        odd,
    })
}

/// The members of an object that decides; a value of another type is an error.
fn decisive_object(value: Option<Value>) -> Result<Map<String, Value>, ApiError> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err(ApiError::Shape)
        }
    }
}

/// Of two cut-offs the one that ends more tokens: an unreadable one ends all.
const fn stricter(cutoffs: [Cutoff; 2]) -> Cutoff {
    match cutoffs {
        [Cutoff::Unreadable, _] | [_, Cutoff::Unreadable] => Cutoff::Unreadable,
        [Cutoff::None, other] | [other, Cutoff::None] => other,
        [Cutoff::At(one), Cutoff::At(other)] => Cutoff::At(if one > other { one } else { other }),
    }
}

/// A date with a time in ISO 8601. Without an offset it is UTC, as everywhere in Rownd's documents.
fn cutoff_of(value: Option<&Value>) -> Cutoff {
    let text = match value {
        None | Some(Value::Null) => return Cutoff::None,
        Some(Value::String(text)) => text,
        Some(_) => return Cutoff::Unreadable,
    };
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING))
        .or_else(|_| {
            let at = PrimitiveDateTime::parse(text, &Iso8601::PARSING)?;
            Ok::<_, Parse>(at.assume_utc())
        })
        .map_or(Cutoff::Unreadable, |at| Cutoff::At(at.unix_timestamp_nanos()))
}

/// A text that is not empty.
fn non_empty_text(value: Option<Value>) -> Option<String> {
    if let Some(Value::String(text)) = value
        && !text.is_empty()
    {
        Some(text)
    } else {
        None
    }
}

/// The members of an object; `odd` is set for a value of another type.
fn object_or_empty(value: Option<Value>, odd: &mut bool) -> Map<String, Value> {
    match value {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            *odd = true;
            Map::new()
        }
    }
}

/// The groups; `odd` is set if one of them, or the whole list, has another shape.
fn groups_of(value: Option<Value>, odd: &mut bool) -> Vec<Group> {
    let items = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            *odd = true;
            Vec::new()
        }
    };
    let count = items.len();
    let read = |item| serde_json::from_value::<Membership>(item).ok();
    let group = |Membership { group, member }: Membership| Group {
        id: group.id,
        name: group.name,
        roles: member.roles,
        member_state: member.state,
    };
    let groups: Vec<Group> = items.into_iter().filter_map(read).map(group).collect();
    *odd |= groups.len() != count;
    groups
}
