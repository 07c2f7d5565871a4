//! The documents of an app: the schema of its profiles, and its public name.
//!
//! In: the app's key, or nothing. Out: documents in Rownd's shapes; a new schema with key and secret.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    access,
    request::{ApiError, ApiResult, JsonBody, PathParams, ok},
};
use crate::{
    data::apps::{App, FieldType, SchemaField},
    state::State,
};

/// The fields of a profile that a user can prove.
pub(crate) const VERIFICATION_FIELDS: [&str; 3] = ["email", "phone_number", "google_id"];

/// The address of an app's picture.
pub(crate) const ICON: &str = "https://example.com/icon.png";

/// The name of an app, for everybody.
pub(crate) async fn public(
    Shared(state): Shared<Arc<State>>,
    PathParams(app): PathParams<String>,
) -> ApiResult {
    let records = state.records();
    let app = &records.app(&app)?.app;
    ok(json!({
        "id": app.id,
        "name": app.name,
        "slug": slug(&app.name),
        "description": "",
        "icon": ICON,
    }))
}

/// The name in lower case, with `-` in the place of everything else than letters and digits.
fn slug(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

/// The schema, with the app's key alone: pages need it.
pub(crate) async fn schema(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
) -> ApiResult {
    if access::by_key(&state, &headers)?.app != app {
        return Err(ApiError::forbidden("the key belongs to another app"));
    }
    ok(document(&state, &state.records().app(&app)?.app))
}

/// The schema of the app of the user's token.
pub(crate) async fn my_schema(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
) -> ApiResult {
    access::of_app(&state, &headers, &app)?;
    ok(document(&state, &state.records().app(&app)?.app))
}

/// A new schema. Unknown members, such as `collection_justification`, are ignored.
#[derive(Deserialize)]
pub(crate) struct SchemaWrite {
    schema: BTreeMap<String, FieldWrite>,
}

#[derive(Deserialize)]
struct FieldWrite {
    display_name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<FieldType>,
    #[serde(default)]
    required: bool,
}

/// Replaces the schema. Values of fields that it has no longer stay in the profiles.
pub(crate) async fn put_schema(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    body: JsonBody<SchemaWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let fields = body.read()?.schema.into_iter().map(|(name, written)| {
        let kind = written.kind.unwrap_or_default();
        (name, SchemaField { display_name: written.display_name, kind, required: written.required })
    });
    let mut records = state.records_mut();
    let app = &mut records.app_mut(&app)?.app;
    app.schema = fields.collect();
    ok(document(&state, app))
}

fn document(state: &State, app: &App) -> Value {
    let url = format!("{}/applications/{}", state.base_url, app.id);
    json!({
        "schema": app.schema_json(),
        "user_verification_field": "email",
        "user_verification_fields": VERIFICATION_FIELDS,
        "application": app.id,
        "application_url": url,
        "url": format!("{url}/schema"),
    })
}
