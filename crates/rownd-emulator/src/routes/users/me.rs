//! `/me`: the account of the user whose token it is.
//!
//! In: a bearer token. Out: the same profiles that a backend gets, of this user and app only.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};

use super::{account::SignOut, data::FieldsQuery};
use crate::{
    data::profile::{self, FieldWrite, OmittedFields, ProfileWrite},
    routes::{
        access,
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
    QueryParams(query): QueryParams<FieldsQuery>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    ok(state.records().app(&app)?.profile(&caller.user, query.fields.as_deref())?)
}

pub(crate) async fn put(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    JsonBody(written): JsonBody<ProfileWrite>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    if !written.attributes.is_empty() {
        // A user may read attributes and not write them: they may be permissions.
        return Err(ApiError::forbidden("attributes are written with the app's credentials"));
    }
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    profile::upsert(app_records, &caller.user, &written, OmittedFields::Removed)?;
    ok(app_records.profile(&caller.user, None)?)
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
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    ok(profile::field_of(state.records().app(&app)?, &caller.user, &field)?)
}

pub(crate) async fn put_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, field)): PathParams<(String, String)>,
    JsonBody(written): JsonBody<FieldWrite>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    ok(profile::write_field(records.app_mut(&app)?, &caller.user, &field, written.value)?)
}

pub(crate) async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    JsonBody(order): JsonBody<SignOut>,
) -> ApiResult {
    let caller = access::of_app(&state, &headers, &app)?;
    if order.sign_out_all {
        state.records_mut().app_mut(&app)?.user_mut(&caller.user)?.sign_out_everywhere();
    }
    no_content()
}
