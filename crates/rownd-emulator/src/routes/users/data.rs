//! `/applications/{app}/users/{user}/data` and the single fields below it.
//!
//! In: a backend's key and secret, and writes. Out: profiles, or errors by field.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;

use crate::{
    data::profile::{self, FieldWrite, OmittedFields, ProfileWrite},
    routes::{
        access,
        request::{ApiResult, JsonBody, PathParams, QueryParams, no_content, ok},
    },
    state::State,
};

/// The user id that stands for the sample profile.
const SAMPLE: &str = "__sample__";

#[derive(Deserialize)]
pub(crate) struct FieldsQuery {
    pub(crate) fields: Option<String>,
}

pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
    QueryParams(query): QueryParams<FieldsQuery>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let records = state.records();
    let app_records = records.app(&app)?;
    if user == SAMPLE {
        return ok(profile::sample(app_records));
    }
    ok(app_records.profile(&user, query.fields.as_deref())?)
}

pub(crate) async fn put(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
    JsonBody(written): JsonBody<ProfileWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let id = profile::upsert(app_records, &user, &written, OmittedFields::Removed)?;
    ok(app_records.profile(&id, None)?)
}

pub(crate) async fn patch(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
    JsonBody(written): JsonBody<ProfileWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    app_records.user(&user)?;
    profile::upsert(app_records, &user, &written, OmittedFields::Kept)?;
    ok(app_records.profile(&user, None)?)
}

pub(crate) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    state.records_mut().app_mut(&app)?.remove_user(&user)?;
    no_content()
}

pub(crate) async fn read_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user, field)): PathParams<(String, String, String)>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    ok(profile::field_of(state.records().app(&app)?, &user, &field)?)
}

pub(crate) async fn put_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user, field)): PathParams<(String, String, String)>,
    JsonBody(written): JsonBody<FieldWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    ok(profile::write_field(records.app_mut(&app)?, &user, &field, written.value)?)
}
