//! The members of a group and their roles.
//!
//! In: users and roles. Out: members with the fields of their profiles. The first member becomes an
//! owner, and a group with members keeps one.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{GroupRequest, PageQuery, PathSegments};
use crate::{
    data::{
        DataError,
        groups::{Group, Member},
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
    QueryParams(query): QueryParams<PageQuery>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let records = state.records();
    let group = request.group(&records)?;
    let app_records = records.app(&request.app)?;
    let mut members: Vec<&Member> = group.members.iter().collect();
    members.sort_by(|a, b| a.id.cmp(&b.id));
    query.page(members.into_iter().map(|member| member_json(app_records, group, member)).collect())
}

#[derive(Deserialize)]
pub(crate) struct MemberWrite {
    user_id: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

pub(crate) async fn add(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    JsonBody(written): JsonBody<MemberWrite>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let mut records = state.records_mut();
    let user = written.user_id.unwrap_or_default();
    records.app(&request.app)?.user(&user)?;
    let group = request.group_mut(&mut records)?;
    let id = group.admit(&user, written.roles, request.user.clone())?;
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
    JsonBody(written): JsonBody<MemberWrite>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let id = request.segment("member").to_owned();
    let mut records = state.records_mut();
    let group = request.group_mut(&mut records)?;
    let mut members = group.members.clone();
    let member = members.iter_mut().find(|member| member.id == id);
    member.ok_or(DataError::NoSuchGroup)?.roles = written.roles;
    group.set_members(members)?;
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
    let mut members = group.members.clone();
    members.retain(|member| member.id != request.segment("member"));
    if members.len() == group.members.len() {
        return Err(DataError::NoSuchGroup.into());
    }
    group.set_members(members)?;
    no_content()
}
