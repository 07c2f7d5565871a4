//! The caller's own profile, as the plugin shows it.
//!
//! In: a session. Out: the profile with `status: OK`. Rownd's own endpoints read the same profiles.

use std::sync::Arc;

use axum::{
    Json,
    extract::State as Shared,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{answer::PluginError, session};
use crate::{
    data::{
        fields,
        profile::{self, FieldWrite, OmittedFields, ProfileWrite},
        records::Records,
        sessions::Session,
    },
    routes::request::{JsonBody, QueryParams},
    state::State,
};

/// The profile in the plugin's form: without `connection_map`, with `redacted` and `status`.
fn shown(records: &Records, session: &Session) -> Result<Response, PluginError> {
    let mut profile = records.app(&session.app)?.profile(&session.user, None)?;
    if let Some(profile) = profile.as_object_mut() {
        profile.remove("connection_map");
        profile.insert("redacted".to_owned(), json!([]));
        profile.insert("status".to_owned(), json!("OK"));
        if let Some(state) = records.sessions.state_of(&session.user) {
            profile.insert("state".to_owned(), state.clone());
        }
        let written = records.sessions.written_fields(&session.user);
        if let Some(data) = profile.get_mut("data").and_then(Value::as_object_mut) {
            for (name, value) in written {
                match value {
                    Some(value) => drop(data.insert(name.to_owned(), value.clone())),
                    None => drop(data.remove(name)),
                }
            }
        }
    }
    Ok(Json(profile).into_response())
}

pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, PluginError> {
    let session = session::authenticate(&state, &headers)?;
    shown(&state.records(), &session)
}

#[derive(Deserialize)]
pub(crate) struct UserWrite {
    data: Map<String, Value>,
}

pub(crate) async fn write(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<UserWrite>,
) -> Result<Response, PluginError> {
    let session = session::authenticate(&state, &headers)?;
    let UserWrite { data } = body.read()?;
    let mut records = state.records_mut();
    check_writable(&records, &session, data.keys())?;
    let written = ProfileWrite { data, attributes: Map::new() };
    profile::upsert(records.app_mut(&session.app)?, &session.user, &written, OmittedFields::Kept)?;
    records.sessions.write_fields(&session.user, &written.data);
    shown(&records, &session)
}

/// The plugin refuses a field that is not in its schema.
fn check_writable<'a>(
    records: &Records,
    session: &Session,
    mut fields: impl Iterator<Item = &'a String>,
) -> Result<(), PluginError> {
    let app = &records.app(&session.app)?.app;
    match fields.find(|field| *field == "user_id" || !fields::known(app, field)) {
        None => Ok(()),
        Some(field) => {
            let why = format!("field is not writable: {field}");
            Err(PluginError::new(403, "FIELD_NOT_WRITABLE", why, "request"))
        }
    }
}

pub(crate) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, PluginError> {
    let session = session::authenticate(&state, &headers)?;
    let mut records = state.records_mut();
    records.app_mut(&session.app)?.remove_user(&session.user)?;
    records.sessions.end_of(&session.app, &session.user);
    Ok(Json(json!({ "status": "OK" })).into_response())
}

pub(crate) async fn meta(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, PluginError> {
    let session = session::authenticate(&state, &headers)?;
    meta_of(&state.records(), &session)
}

fn meta_of(records: &Records, session: &Session) -> Result<Response, PluginError> {
    let user = records.app(&session.app)?.user(&session.user)?;
    Ok(Json(json!({ "status": "OK", "id": user.id, "meta": user.meta })).into_response())
}

#[derive(Deserialize)]
pub(crate) struct MetaWrite {
    meta: Map<String, Value>,
}

pub(crate) async fn write_meta(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<MetaWrite>,
) -> Result<Response, PluginError> {
    let session = session::authenticate(&state, &headers)?;
    let MetaWrite { meta } = body.read()?;
    let mut records = state.records_mut();
    let user = records.app_mut(&session.app)?.user_mut(&session.user)?;
    user.write_meta(meta);
    meta_of(&records, &session)
}

#[derive(Deserialize)]
pub(crate) struct FieldQuery {
    field: String,
}

pub(crate) async fn field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    query: QueryParams<FieldQuery>,
) -> Result<Response, PluginError> {
    let session = session::authenticate(&state, &headers)?;
    let query = query.read()?;
    let records = state.records();
    let value = profile::field_of(records.app(&session.app)?, &session.user, &query.field)?;
    Ok(Json(json!({ "status": "OK", "value": value })).into_response())
}

pub(crate) async fn write_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    query: QueryParams<FieldQuery>,
    body: JsonBody<FieldWrite>,
) -> Result<Response, PluginError> {
    let session = session::authenticate(&state, &headers)?;
    let query = query.read()?;
    let written = body.read()?;
    let mut records = state.records_mut();
    check_writable(&records, &session, std::iter::once(&query.field))?;
    let fields = Map::from_iter([(query.field.clone(), written.value.clone())]);
    let app_records = records.app_mut(&session.app)?;
    profile::write_field(app_records, &session.user, &query.field, written.value)?;
    records.sessions.write_fields(&session.user, &fields);
    shown(&records, &session)
}
