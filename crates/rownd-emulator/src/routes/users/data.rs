//! `/applications/{app}/users/{user}/data` and the single fields below it.
//!
//! In: a backend's key and secret, and writes. Out: profiles, or errors by field.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::{HeaderMap, HeaderValue, header},
    response::IntoResponse as _,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    data::{
        profile::{self, FieldWrite, OmittedFields, ProfileWrite},
        records::AppRecords,
    },
    routes::{
        access,
        form::{self, JsonOrForm},
        request::{ApiResult, PathParams, QueryParams, no_content, ok},
    },
    state::State,
};

/// The user id that stands for the sample profile.
const SAMPLE: &str = "__sample__";

#[derive(Deserialize)]
pub(crate) struct FieldsQuery {
    pub(crate) fields: Option<String>,
}

/// The query of a field. A preview is the file itself: the emulator does not scale pictures, and
/// knows no field that is not shared.
#[derive(Deserialize)]
pub(crate) struct FileQuery {
    #[serde(rename = "preview")]
    _preview: Option<Preview>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Preview {
    Small,
    Medium,
    Large,
}

pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
    query: QueryParams<FieldsQuery>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let query = query.read()?;
    let records = state.records();
    let app_records = records.app(&app)?;
    if user.eq_ignore_ascii_case(SAMPLE) {
        return ok(profile::sample(app_records));
    }
    ok(app_records.profile(&user, query.fields.as_deref())?)
}

pub(crate) async fn put(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
    body: JsonOrForm<ProfileWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let written = body.read(&app_records.app)?;
    let id = profile::upsert(app_records, &user, &written, OmittedFields::Removed)?;
    ok(app_records.written_profile(&id)?)
}

pub(crate) async fn patch(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user)): PathParams<(String, String)>,
    body: JsonOrForm<ProfileWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let written = body.read(&app_records.app)?;
    app_records.user(&user)?;
    profile::upsert(app_records, &user, &written, OmittedFields::Kept)?;
    ok(app_records.written_profile(&user)?)
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
    query: QueryParams<FileQuery>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    query.read()?;
    shown_field(&headers, state.records().app(&app)?, &user, &field)
}

/// The value of a field, or the file itself for a client that does not ask for JSON.
pub(crate) fn shown_field(
    headers: &HeaderMap,
    app_records: &AppRecords,
    user: &str,
    field: &str,
) -> ApiResult {
    let value = profile::field_of(app_records, user, field)?;
    let json = access::header_text(headers, header::ACCEPT.as_str())
        .is_some_and(|accept| accept.contains("application/json"));
    let file = if json { None } else { form::file_of(&app_records.app, field, &value) };
    match file {
        // The type is the uploader's word: no browser may run it as a page.
        Some((kind, bytes)) => Ok((
            [
                (header::CONTENT_TYPE, kind),
                (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
                (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
            ],
            bytes,
        )
            .into_response()),
        None => ok(json!({ "value": value })),
    }
}

pub(crate) async fn put_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, user, field)): PathParams<(String, String, String)>,
    body: JsonOrForm<FieldWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let written = body.read(&app_records.app, &field)?;
    ok(profile::write_field(app_records, &user, &field, written.value)?)
}
