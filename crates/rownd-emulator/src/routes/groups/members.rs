//! The members of a group and their roles.
//!
//! In: users by id, e-mail address or phone number, roles and a state. Out: members with the fields
//! of their profiles. The first member becomes an owner, and a group with members keeps one.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};

use super::{
    invited::UserNaming,
    request::{GroupRequest, Listed, PageQuery, PathSegments},
};
use crate::{
    data::{
        DataError,
        groups::{Group, Member, MemberState},
        records::{AppRecords, Records},
    },
    routes::request::{ApiResult, JsonBody, QueryParams, no_content, ok},
    state::State,
};

/// A member with their profile's fields.
pub(crate) fn member_json(app_records: &AppRecords, group: &Group, member: &Member) -> Value {
    let mut document = member.to_json(&group.id);
    if let (Some(document), Some(user)) =
        (document.as_object_mut(), app_records.users.get(&member.user_id))
    {
        document.insert("profile".to_owned(), json!(user.data));
    }
    document
}

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
    let app_records = records.app(&request.app)?;
    let listed = group.members.iter().map(|member| {
        let mut lookup_values = vec![member.id.clone(), member.user_id.clone()];
        if let Some(user) = app_records.users.get(&member.user_id) {
            lookup_values.extend(user.identifying_values().map(str::to_owned));
        }
        let shown = member_json(app_records, group, member);
        Listed { id: member.id.clone(), lookup_values, shown }
    });
    query.page(listed.collect())
}

#[derive(Deserialize)]
pub(crate) struct MemberWrite {
    #[serde(flatten)]
    user: UserNaming,
    roles: Option<Vec<String>>,
    /// An empty text counts as left out, as the vendor's Go client sends it.
    #[serde(default, deserialize_with = "unless_empty")]
    state: Option<MemberState>,
}

fn unless_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<MemberState>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        state => serde_json::from_value(state).map(Some).map_err(D::Error::custom),
    }
}

pub(crate) async fn add(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    body: JsonBody<MemberWrite>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let written = body.read()?;
    let named = written.user.named()?;
    let mut records = state.records_mut();
    request.group(&records)?;
    let user = named.ensure(records.app_mut(&request.app)?)?;
    let group = request.group_mut(&mut records)?;
    let mut member = Member::new(&user, written.roles.unwrap_or_default());
    member.state = written.state.unwrap_or_default();
    member.added_by.clone_from(&request.user);
    let id = group.admit(member)?;
    shown(&request, &records, &id)
}

pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let id = request.segment("member").to_owned();
    shown(&request, &state.records(), &id)
}

fn shown(request: &GroupRequest, records: &Records, member: &str) -> ApiResult {
    let group = request.group(records)?;
    let known = group.members.iter().find(|known| known.id == member);
    let member = known.ok_or(DataError::NoSuchGroup)?;
    ok(member_json(records.app(&request.app)?, group, member))
}

pub(crate) async fn change(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    body: JsonBody<MemberWrite>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let written = body.read()?;
    let id = request.segment("member").to_owned();
    let mut records = state.records_mut();
    let group = request.group_mut(&mut records)?;
    let mut members = group.members.clone();
    let known = members.iter_mut().find(|member| member.id == id);
    let member = known.ok_or(DataError::NoSuchGroup)?;
    if let Some(roles) = written.roles {
        member.roles = roles;
    }
    if let Some(state) = written.state {
        member.state = state;
    }
    let rejecting = (member.state == MemberState::InviteRejected).then(|| member.user_id.clone());
    group.set_members(members)?;
    if let Some(user) = rejecting {
        group.reject_invites_of(&user);
    }
    shown(&request, &records, &id)
}

pub(crate) async fn remove(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let mut records = state.records_mut();
    let group = request.group_mut(&mut records)?;
    let known = group.members.iter().find(|member| member.id == request.segment("member"));
    let user = known.ok_or(DataError::NoSuchGroup)?.user_id.clone();
    let mut members = group.members.clone();
    members.retain(|member| member.user_id != user);
    group.set_members(members)?;
    group.reject_invites_of(&user);
    no_content()
}
