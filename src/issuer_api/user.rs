//! What Rownd knows of a user: `GET /applications/{app}/users/{user}/data`, and the document that
//! SuperTokens' plugin answers with, which is the same.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use time::{
    OffsetDateTime,
    format_description::well_known::{Iso8601, Rfc3339},
};

use super::{APP_KEY, APP_SECRET, Client, Error, Rejection, breaker::Lane, segment};
use crate::{
    config::Secret,
    metrics::ApiEndpoint,
    model::{AuthLevel, Cutoff, Group, Profile},
};

/// Which app asks, and how it proves that.
#[derive(Debug, Clone, Copy)]
pub struct App<'a> {
    /// The app id.
    pub id: &'a str,
    /// Its key.
    pub key: &'a Secret,
    /// Its secret.
    pub secret: &'a Secret,
}

impl Client {
    /// A user's profile. It is a read, so it is tried again where that may help.
    pub async fn user(
        &self,
        app: App<'_>,
        user: &str,
        timeout: Duration,
    ) -> Result<Profile, Error> {
        let path = format!("/applications/{}/users/{}/data", segment(app.id)?, segment(user)?);
        let headers = [(APP_KEY, app.key.expose()), (APP_SECRET, app.secret.expose())];
        let lane = Lane::of_app(ApiEndpoint::User, app.id);
        let asked = self.api.get((ApiEndpoint::User, lane), &path, &headers, timeout, read);
        asked.await.map_err(Error::of_credentials)
    }

    /// The profile of the user whose token this is, as the user may see it.
    pub async fn own_user(
        &self,
        app: &str,
        token: &Secret,
        timeout: Duration,
    ) -> Result<Profile, Error> {
        let path = format!("/me/applications/{}/data", segment(app)?);
        let bearer = format!("Bearer {}", token.expose());
        let headers = [("authorization", bearer.as_str())];
        // The app may be what a claim says, so it chooses no breaker.
        let lane = ApiEndpoint::OwnUser.into();
        let asked = self.api.get((ApiEndpoint::OwnUser, lane), &path, &headers, timeout, read);
        asked.await.map_err(|error| match error {
            Error::Rejected(Rejection { status: 404, .. }) => Error::NotFound,
            error => error,
        })
    }
}

/// The document, as far as it is used. Each part may be missing or `null`.
#[derive(Deserialize)]
struct Document {
    rownd_user: Option<Value>,
    state: Option<Value>,
    auth_level: Option<Value>,
    data: Option<Value>,
    verified_data: Option<Value>,
    attributes: Option<Value>,
    groups: Option<Value>,
    meta: Option<Value>,
}

/// A part that decides over a user (state, meta) has its documented type, and one of them or the
/// user's id is there, or the answer is of no use: a body that says nothing must not read as a
/// user who is enabled. Of the rest, what has another shape is left out.
pub(super) fn read(body: &[u8]) -> Result<Profile, Error> {
    let document: Document = serde_json::from_slice(body).map_err(|_| Error::Shape)?;
    let state = match document.state {
        None | Some(Value::Null) => None,
        Some(Value::String(state)) => Some(state),
        Some(_) => return Err(Error::Shape),
    };
    let meta = match document.meta {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(meta)) => meta,
        Some(_) => return Err(Error::Shape),
    };
    let data = object(document.data);
    let user_id = text(document.rownd_user).or_else(|| text(data.get("user_id").cloned()));
    if user_id.is_none() && state.is_none() && meta.is_empty() {
        return Err(Error::Shape);
    }
    let level = document.auth_level.as_ref().and_then(Value::as_str);
    Ok(Profile {
        user_id,
        state,
        auth_level: level.and_then(AuthLevel::parse),
        data,
        verified_data: object(document.verified_data),
        attributes: object(document.attributes),
        groups: groups(document.groups),
        tokens_valid_since: cutoff(meta.get("tokens_valid_since")),
        meta,
    })
}

/// ISO 8601 with its offset from UTC. Without one it could be hours off, so it is none.
fn cutoff(value: Option<&Value>) -> Cutoff {
    let text = match value {
        None | Some(Value::Null) => return Cutoff::None,
        Some(Value::String(text)) => text,
        Some(_) => return Cutoff::Unreadable,
    };
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING))
        .map_or(Cutoff::Unreadable, |at| Cutoff::At(at.unix_timestamp_nanos()))
}

/// Empty text is as good as none.
fn text(value: Option<Value>) -> Option<String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

#[derive(Deserialize)]
struct Membership {
    group: NamedGroup,
    #[serde(default)]
    member: Member,
}

#[derive(Deserialize)]
struct NamedGroup {
    id: String,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Member {
    #[serde(default)]
    roles: Vec<String>,
    state: Option<String>,
}

fn groups(value: Option<Value>) -> Vec<Group> {
    let Some(Value::Array(items)) = value else { return Vec::new() };
    let read = |item| serde_json::from_value::<Membership>(item).ok();
    let group = |Membership { group, member }: Membership| Group {
        id: group.id,
        name: group.name,
        roles: member.roles,
        member_state: member.state,
    };
    items.into_iter().filter_map(read).map(group).collect()
}
