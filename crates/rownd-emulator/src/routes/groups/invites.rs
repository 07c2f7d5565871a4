//! Invites to a group: made by a backend or an owner, accepted by the invited user.
//!
//! In: an e-mail address, a phone number or a user id, and roles. Out: an invite with a link, and a
//! pending member. The link signs the user in and makes them a member, once.

use std::{sync::Arc, time::SystemTime};

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    invited::UserNaming,
    request::{GroupRequest, Listed, PageQuery, PathSegments},
};
use crate::{
    data::{
        DataError, ids,
        invites::{Invite, InviteState},
        links::{Link, LinkedInvite, MAX_LINK_LIFE},
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
    query: QueryParams<PageQuery>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let query = query.read()?;
    let records = state.records();
    let group = request.group(&records)?;
    let ensured = query.ensured_user_id.as_deref();
    let invites = group.invites.values();
    let invites = invites.filter(|invite| ensured.is_none_or(|id| invite.ensured_user_id == id));
    let listed = invites.map(|invite| Listed {
        id: invite.id.clone(),
        lookup_values: vec![
            invite.id.clone(),
            invite.ensured_user_id.clone(),
            invite.lookup_value.clone(),
        ],
        shown: invite.to_json(&group.id),
    });
    query.page(listed.collect())
}

#[derive(Deserialize)]
pub(crate) struct InviteWrite {
    #[serde(flatten)]
    user: UserNaming,
    roles: Option<Vec<String>>,
    redirect_url: Option<String>,
    app_variant_id: Option<String>,
}

pub(crate) async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    body: JsonBody<InviteWrite>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let written = body.read()?;
    let named = written.user.named()?;
    let given = written.redirect_url.filter(|url| !url.is_empty());
    let redirect_url = given.unwrap_or_else(|| "/".to_owned());
    let target = target(&state, &redirect_url)?;
    let mut records = state.records_mut();
    request.group(&records)?.check_room_for_invite()?;
    let user = named.ensure(records.app_mut(&request.app)?)?;
    let link = Link {
        app: request.app.clone(),
        variant: written.app_variant_id.clone(),
        user: Some(user.clone()),
        proves: named.proves(),
        redirect_url: target,
        expires: SystemTime::now() + MAX_LINK_LIFE,
        link_data: Value::Null,
        invite: None,
    };
    let group = request.group_mut(&mut records)?;
    let invite = group.invite(Invite {
        id: ids::random_hex(12),
        roles: written.roles.unwrap_or_default(),
        state: InviteState::Pending,
        by: named.by,
        lookup_value: named.lookup_value,
        redirect_url,
        variant: written.app_variant_id,
        created_at: timestamp(),
        created_by: request.user.clone(),
        accepted_by: None,
        ensured_user_id: user,
    })?;
    let invitation = invite.to_json(&group.id);
    let of = LinkedInvite { group: group.id.clone(), invite: invite.id };
    let link_id = ids::random_hex(16);
    records.links.insert(link_id.clone(), Link { invite: Some(of), ..link });
    ok(json!({ "link": links::address(&state, &link_id), "invitation": invitation }))
}

/// The full address of a redirect. A path is relative to the app's pages; the emulator has no pages
/// but its own.
fn target(state: &State, redirect_url: &str) -> Result<String, ApiError> {
    if redirect_url.starts_with('/') {
        links::checked(&format!("{}{redirect_url}", state.base_url))
    } else {
        links::checked(redirect_url)
    }
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
    ok(invite.to_json(&group.id))
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
    body: JsonBody<InviteUpdate>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let changed = body.read()?;
    let redirect_url = changed.redirect_url.filter(|url| !url.is_empty());
    let target = redirect_url.as_deref().map(|url| target(&state, url)).transpose()?;
    let mut records = state.records_mut();
    let group = request.group_mut(&mut records)?;
    let id = request.segment("invite");
    if let Some(roles) = &changed.roles {
        group.change_invited_roles(id, roles)?;
    }
    let invite = group.invites.get_mut(id).ok_or(DataError::NoSuchGroup)?;
    if let Some(url) = redirect_url {
        invite.redirect_url = url;
    }
    let shown = invite.to_json(&group.id);
    if let Some(target) = target {
        let (group, invite) = (request.segment("group"), id);
        for link in records.links.values_mut() {
            if link.invite.as_ref().is_some_and(|of| of.group == group && of.invite == invite) {
                link.redirect_url.clone_from(&target);
            }
        }
    }
    ok(shown)
}

pub(crate) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let mut records = state.records_mut();
    let group = request.group_mut(&mut records)?;
    group.withdraw(request.segment("invite"))?;
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
    ok(json!({
        "result": "accepted",
        "accepted_by": invite.accepted_by,
        "group": group.to_json(),
    }))
}
