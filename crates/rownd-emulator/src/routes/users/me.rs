//! `/me`: the account of the user whose token it is.
//!
//! In: a bearer token. Out: the same profiles that a backend gets, of this user and app only.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    account::SignOut,
    data::{FieldsQuery, FileQuery, shown_field},
};
use crate::{
    data::profile::{self, FieldWrite, OmittedFields, ProfileWrite},
    routes::{
        access,
        form::JsonOrForm,
        request::{ApiError, ApiResult, JsonBody, PathParams, QueryParams, no_content, ok},
    },
    state::State,
};

/// The profile of the caller, in the app of the token.
pub(crate) async fn me(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> ApiResult {
    let caller = access::by_bearer(&state, &headers)?;
    ok(state.records().app(&caller.app)?.profile(&caller.user, None)?)
}

pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    query: QueryParams<FieldsQuery>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    let query = query.read()?;
    ok(state.records().app(&app)?.profile(&caller.user, query.fields.as_deref())?)
}

pub(crate) async fn put(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    body: JsonOrForm<ProfileWrite>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let written = body.read(&app_records.app)?;
    if !written.attributes.is_empty() {
        // A user may read attributes and not write them: they may be permissions.
        return Err(ApiError::forbidden("attributes are written with the app's credentials"));
    }
    profile::upsert(app_records, &caller.user, &written, OmittedFields::Removed)?;
    ok(app_records.written_profile(&caller.user)?)
}

pub(crate) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    state.records_mut().app_mut(&app)?.remove_user(&caller.user)?;
    no_content()
}

pub(crate) async fn read_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, field)): PathParams<(String, String)>,
    query: QueryParams<FileQuery>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    query.read()?;
    shown_field(&headers, state.records().app(&app)?, &caller.user, &field)
}

/// The metadata of the caller, in the app of the token.
pub(crate) async fn meta(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> ApiResult {
    let caller = access::by_bearer(&state, &headers)?;
    ok(json!({ "meta": state.records().app(&caller.app)?.user(&caller.user)?.meta }))
}

#[derive(Deserialize)]
pub(crate) struct MetaWrite {
    meta: Map<String, Value>,
}

/// Adds to the metadata. The members that Rownd itself writes, such as `last_sign_in`, stay.
pub(crate) async fn put_meta(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<MetaWrite>,
) -> ApiResult {
    let caller = access::by_bearer(&state, &headers)?;
    let written = body.read()?;
    let mut records = state.records_mut();
    let user = records.app_mut(&caller.app)?.user_mut(&caller.user)?;
    user.write_meta(written.meta);
    ok(json!({ "meta": user.meta }))
}

pub(crate) async fn put_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, field)): PathParams<(String, String)>,
    body: JsonOrForm<FieldWrite>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let written = body.read(&app_records.app, &field)?;
    ok(profile::write_field(app_records, &caller.user, &field, written.value)?)
}

pub(crate) async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    body: JsonBody<SignOut>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    let order = body.read()?;
    if order.sign_out_all {
        state.records_mut().app_mut(&app)?.user_mut(&caller.user)?.sign_out_everywhere();
    }
    no_content()
}
