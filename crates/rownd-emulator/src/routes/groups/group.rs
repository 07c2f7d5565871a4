//! The groups of an app: listed, made, changed and deleted, by a backend or by a user.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::Value;

use super::request::{GroupRequest, Listed, PageQuery, PathSegments};
use crate::{
    data::{
        groups::{Admission, Group, Member, OWNER},
        ids,
        time::timestamp,
    },
    routes::request::{ApiError, ApiResult, JsonBody, QueryParams, no_content, ok},
    state::State,
};

pub(super) async fn list(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    query: QueryParams<PageQuery>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let query = query.read()?;
    let records = state.records();
    let groups = records.app(&request.app)?.groups.values();
    // A user does not see the groups of others.
    let listed = groups.filter_map(|group| {
        Some(Listed {
            id: group.id.clone(),
            lookup_values: vec![group.id.clone(), group.name.clone()],
            shown: request.shown(group).ok()?,
        })
    });
    query.page(listed.collect())
}

#[derive(Deserialize)]
pub(super) struct GroupWrite {
    name: Option<String>,
    admission_policy: Option<Admission>,
    meta: Option<Value>,
}

pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    body: JsonBody<GroupWrite>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let written = body.read()?;
    let name = written
        .name
        .filter(|name| !name.trim().is_empty())
        .ok_or_else(|| ApiError::bad_request("E_BAD_REQUEST", "a group needs a `name`"))?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&request.app)?;
    let policy = written.admission_policy.unwrap_or_default();
    let mut group = Group::new(ids::rownd("group"), name, &request.app, policy);
    group.meta = written.meta.unwrap_or_default();
    if let Some(user) = &request.user {
        group.members.push(Member::new(user, vec![OWNER.to_owned()]));
    }
    let document = request.shown(&group)?;
    app_records.add_group(group)?;
    ok(document)
}

pub(super) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    ok(request.shown(request.group(&state.records())?)?)
}

pub(super) async fn change(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
    body: JsonBody<GroupWrite>,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let written = body.read()?;
    let mut records = state.records_mut();
    let group = request.group_mut(&mut records)?;
    if let Some(name) = written.name {
        group.name = name;
    }
    if let Some(policy) = written.admission_policy {
        group.admission_policy = policy;
    }
    if let Some(meta) = written.meta {
        group.meta = meta;
    }
    group.updated_at = timestamp();
    ok(request.shown(group)?)
}

pub(super) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    segments: PathSegments,
) -> ApiResult {
    let request = GroupRequest::open(&state, &headers, segments)?;
    let mut records = state.records_mut();
    let id = request.group(&records)?.id.clone();
    records.app_mut(&request.app)?.groups.remove(&id);
    no_content()
}
