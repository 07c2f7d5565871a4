//! Invites to a group: made by a backend or an owner, accepted by the invited user.
//!
//! In: an e-mail address, a phone number or a user id, and roles. Out: an invite with a link that
//! signs the user in, and in the end a member.

use std::{sync::Arc, time::SystemTime};

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::request::{GroupRequest, PageQuery, PathSegments};
use crate::{
    data::{
        DataError,
        groups::Invite,
        ids,
        links::{Link, MAX_LINK_LIFE},
        profile::{OmittedFields, ProfileWrite, upsert},
        records::AppRecords,
        time::timestamp,
    },
    routes::{
        links,
        request::{ApiError, ApiResult, JsonBody, QueryParams, no_content, ok},
    },
    state::State,
};

pub(crate) async fn list(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    QueryParams(query): QueryParams<PageQuery>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let records = state.records();
    let group = request.group(&records)?;
    query.page(group.invites.values().map(|invite| invite.to_json(group)).collect())
}

#[derive(Deserialize)]
pub(crate) struct InviteWrite {
    email: Option<String>,
    phone: Option<String>,
    user_id: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    redirect_url: Option<String>,
    app_variant_id: Option<String>,
}

impl InviteWrite {
    /// The way in which the user is named, and the value.
    fn lookup(&self) -> Result<(&'static str, String), ApiError> {
        let given = [("email", &self.email), ("phone", &self.phone), ("user_id", &self.user_id)];
        let mut given = given.into_iter().filter_map(|(by, value)| Some((by, value.clone()?)));
        match (given.next(), given.next()) {
            (Some(by), None) => Ok(by),
            _ => {
                let why = "an invite needs one of `email`, `phone` and `user_id`";
                Err(ApiError::bad_request("E_BAD_REQUEST", why))
            }
        }
    }
}

pub(crate) async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    JsonBody(written): JsonBody<InviteWrite>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let by = written.lookup()?;
    let redirect_url = written.redirect_url.unwrap_or_else(|| "/".to_owned());
    // A path is relative to the app's pages; the emulator has no pages but its own.
    let target = if redirect_url.starts_with('/') {
        format!("{}{redirect_url}", state.base_url)
    } else {
        redirect_url.clone()
    };
    let mut records = state.records_mut();
    request.group(&records)?.check_room_for_invite()?;
    let user = invited(records.app_mut(&request.app)?, &by)?;
    let proves = match by.0 {
        "email" => Some(("email", by.1.clone())),
        "phone" => Some(("phone_number", by.1.clone())),
        _ => None,
    };
    let link = Link {
        app: request.app.clone(),
        variant: written.app_variant_id.clone(),
        user: Some(user.clone()),
        proves,
        redirect_url: links::checked(&target)?,
        expires: SystemTime::now() + MAX_LINK_LIFE,
        link_data: Value::Null,
    };
    let invite = Invite {
        id: ids::random_hex(12),
        roles: written.roles,
        state: "pending",
        by,
        redirect_url,
        variant: written.app_variant_id,
        created_at: timestamp(),
        created_by: request.user.clone(),
        accepted_by: None,
        ensured_user_id: user,
    };
    let group = request.group_mut(&mut records)?;
    let invitation = invite.to_json(group);
    group.add_invite(invite)?;
    let link_id = ids::random_hex(16);
    records.links.insert(link_id.clone(), link);
    ok(json!({ "link": links::address(&state, &link_id), "invitation": invitation }))
}

/// The id of the invited user, who is made if there is none.
fn invited(
    app_records: &mut AppRecords,
    (by, value): &(&'static str, String),
) -> Result<String, DataError> {
    let field = match *by {
        "user_id" => return app_records.user(value).map(|user| user.id.clone()),
        "phone" => "phone_number",
        other => other,
    };
    if let Some(user) = app_records.find_by_proved_value(value) {
        return Ok(user.id.clone());
    }
    let data = Map::from_iter([(field.to_owned(), json!(value))]);
    upsert(
        app_records,
        "__default__",
        &ProfileWrite { data, attributes: Map::new() },
        OmittedFields::Kept,
    )
}

pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let records = state.records();
    let group = request.group(&records)?;
    let invite = group.invites.get(request.segment("invite")).ok_or(DataError::NoSuchGroup)?;
    ok(invite.to_json(group))
}

#[derive(Deserialize)]
pub(crate) struct InviteUpdate {
    roles: Option<Vec<String>>,
    redirect_url: Option<String>,
}

pub(crate) async fn change(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    JsonBody(changed): JsonBody<InviteUpdate>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let mut records = state.records_mut();
    let group = request.group_mut(&mut records)?;
    let known = group.invites.get_mut(request.segment("invite"));
    let invite = known.ok_or(DataError::NoSuchGroup)?;
    if let Some(roles) = changed.roles {
        invite.roles = roles;
    }
    if let Some(url) = changed.redirect_url {
        invite.redirect_url = url;
    }
    let invite = invite.clone();
    ok(invite.to_json(group))
}

pub(crate) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let mut records = state.records_mut();
    let group = request.group_mut(&mut records)?;
    group.invites.remove(request.segment("invite")).ok_or(DataError::NoSuchGroup)?;
    no_content()
}

/// Accepts an invite. The caller is the invited user, who is not an owner.
pub(crate) async fn accept(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let user = request.user.clone().unwrap_or_default();
    let mut records = state.records_mut();
    let app_records = records.app_mut(&request.app)?;
    let group = app_records.group_mut(request.segment("group"))?;
    let invite = group.accept(request.segment("invite"), &user)?;
    ok(invite.to_json(group))
}
