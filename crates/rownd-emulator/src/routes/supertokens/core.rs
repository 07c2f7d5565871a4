//! SuperTokens' core, below `/supertokens-core`: the parts of its own API that a backend asks about any
//! user, without a session.
//!
//! In: the API key, which is the secret of the plugin's app. Out: users, their metadata and their
//! sessions, in the core's shapes: errors are plain text. Every user of the plugin's app counts as
//! imported.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State as Shared,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    data::{
        DataError,
        records::Records,
        users::{AuthLevel, User},
    },
    routes::{
        Routes, access,
        request::{ApiError, JsonBody, QueryParams},
    },
    state::State,
};

/// The versions of its interface.
const VERSIONS: [&str; 2] = ["5.3", "5.4"];

pub(super) fn routes(on: &dyn Fn(Routes) -> Routes) -> Router<Arc<State>> {
    let metadata = get(metadata).merge(put(write_metadata));
    Router::new()
        .route("/apiversion", on(get(versions)))
        .route("/user/id", on(get(user)))
        .route("/user/remove", on(post(remove)))
        .route("/recipe/userid/map", on(get(mapping)))
        .route("/recipe/user/metadata", on(metadata))
        .route("/recipe/session/user", on(get(sessions)))
        .route("/recipe/session/remove", on(post(end_sessions)))
}

/// An error of the core: a status and a text.
pub(super) struct CoreError(StatusCode, String);

impl From<ApiError> for CoreError {
    fn from(error: ApiError) -> Self {
        Self(StatusCode::BAD_REQUEST, error.message().to_owned())
    }
}

impl From<DataError> for CoreError {
    fn from(error: DataError) -> Self {
        Self(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl axum::response::IntoResponse for CoreError {
    fn into_response(self) -> Response {
        (self.0, self.1).into_response()
    }
}

type Answer = Result<Response, CoreError>;

/// A success with these members beside `status: OK`.
#[expect(clippy::unnecessary_wraps, reason = "handlers end with it")]
fn ok(members: Value) -> Answer {
    let mut body = json!({ "status": "OK" });
    if let (Some(body), Value::Object(members)) = (body.as_object_mut(), members) {
        body.extend(members);
    }
    Ok(Json(body).into_response())
}

fn check_key(state: &State, headers: &HeaderMap) -> Result<(), CoreError> {
    let records = state.records();
    let secret = &records.app(state.settings.plugin_app())?.app.secret;
    if access::header_text(headers, "api-key") == Some(secret) {
        return Ok(());
    }
    Err(CoreError(StatusCode::UNAUTHORIZED, "Invalid API key".to_owned()))
}

async fn versions(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Answer {
    check_key(&state, &headers)?;
    Ok(Json(json!({ "versions": VERSIONS })).into_response())
}

#[derive(Deserialize)]
struct OfUser {
    #[serde(rename = "userId")]
    user: String,
}

async fn user(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    query: QueryParams<OfUser>,
) -> Answer {
    check_key(&state, &headers)?;
    let OfUser { user } = query.read()?;
    let records = state.records();
    let Ok(user) = records.app(state.settings.plugin_app())?.user(&user) else {
        return Ok(Json(json!({ "status": "UNKNOWN_USER_ID_ERROR" })).into_response());
    };
    let emails: Vec<&Value> = user.data.get("email").into_iter().collect();
    let phones: Vec<&Value> = user.data.get("phone_number").into_iter().collect();
    ok(json!({ "user": {
        "id": user.id,
        "isPrimaryUser": true,
        "tenantIds": ["public"],
        "timeJoined": joined(user.meta.get("created")),
        "emails": emails,
        "phoneNumbers": phones,
        "thirdParty": [],
        "webauthn": { "credentialIds": [] },
        "loginMethods": login_methods(user),
    } }))
}

/// The ways to sign in, as the import of a user of Rownd makes them.
fn login_methods(user: &User) -> Vec<Value> {
    let joined = joined(user.meta.get("created"));
    let method = |kind: &str, more: Value| {
        let mut method = json!({
            "recipeId": kind, "recipeUserId": user.id, "tenantIds": ["public"],
            "timeJoined": joined, "verified": false,
        });
        if let (Some(method), Value::Object(more)) = (method.as_object_mut(), more) {
            method.extend(more);
        }
        method
    };
    let is_proved = |field: &str| user.verified.get(field) == user.data.get(field);
    let mut methods = Vec::new();
    for (field, name) in [("phone_number", "phoneNumber"), ("email", "email")] {
        if let Some(value) = user.data.get(field).filter(|value| value.is_string()) {
            methods
                .push(method("passwordless", json!({ name: value, "verified": is_proved(field) })));
        }
    }
    if methods.is_empty() {
        let level = if user.auth_level == AuthLevel::Guest { "guest" } else { "instant" };
        let address = format!("{}@anonymous.local", user.id);
        let account = json!({ "id": level, "userId": user.id });
        methods.push(method("thirdparty", json!({ "email": address, "thirdParty": account })));
    }
    methods
}

/// Ids of its own that the core has for users of others: none here, where a user has one id.
async fn mapping(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    query: QueryParams<OfUser>,
) -> Answer {
    check_key(&state, &headers)?;
    query.read()?;
    Ok(Json(json!({ "status": "UNKNOWN_MAPPING_ERROR" })).into_response())
}

/// A time of Rownd in milliseconds since 1970.
fn joined(created: Option<&Value>) -> u64 {
    let time = created.and_then(Value::as_str).and_then(|text| humantime::parse_rfc3339(text).ok());
    let since = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

/// Removes a user and ends their sessions. A user who is not there is removed as well.
async fn remove(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<OfUser>,
) -> Answer {
    check_key(&state, &headers)?;
    let OfUser { user } = body.read()?;
    let app = state.settings.plugin_app();
    let mut records = state.records_mut();
    let removed = records.app_mut(app)?.remove_user(&user);
    records.sessions.end_of(app, &user);
    match removed {
        Ok(_) | Err(DataError::NoSuchUser) => ok(json!({})),
        Err(error) => Err(error.into()),
    }
}

/// The metadata of a user. A migrated user has the profile of Rownd there, as it was.
fn metadata_of(records: &Records, app: &str, user: &str) -> Result<Map<String, Value>, CoreError> {
    if let Some(metadata) = records.sessions.metadata.get(user) {
        return Ok(metadata.clone());
    }
    let mut metadata = Map::new();
    if let Ok(profile) = records.app(app)?.profile(user, None) {
        metadata.insert("original_rownd_user".to_owned(), profile);
    }
    Ok(metadata)
}

async fn metadata(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    query: QueryParams<OfUser>,
) -> Answer {
    check_key(&state, &headers)?;
    let OfUser { user } = query.read()?;
    let metadata = metadata_of(&state.records(), state.settings.plugin_app(), &user)?;
    ok(json!({ "metadata": metadata }))
}

#[derive(Deserialize)]
struct MetadataWrite {
    #[serde(rename = "userId")]
    user: String,
    #[serde(rename = "metadataUpdate")]
    update: Map<String, Value>,
}

/// Replaces the members that are written. `null` removes one.
async fn write_metadata(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<MetadataWrite>,
) -> Answer {
    check_key(&state, &headers)?;
    let MetadataWrite { user, update } = body.read()?;
    let mut records = state.records_mut();
    let mut metadata = metadata_of(&records, state.settings.plugin_app(), &user)?;
    metadata.extend(update);
    metadata.retain(|_, value| !value.is_null());
    records.sessions.metadata.insert(user, metadata.clone());
    ok(json!({ "metadata": metadata }))
}

async fn sessions(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    query: QueryParams<OfUser>,
) -> Answer {
    check_key(&state, &headers)?;
    let OfUser { user } = query.read()?;
    let handles = state.records().sessions.handles_of(state.settings.plugin_app(), &user);
    ok(json!({ "sessionHandles": handles }))
}

/// Ends all sessions of a user, who may be unknown. The answer names the sessions.
async fn end_sessions(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<OfUser>,
) -> Answer {
    check_key(&state, &headers)?;
    let OfUser { user } = body.read()?;
    let ended = state.records_mut().sessions.end_of(state.settings.plugin_app(), &user);
    ok(json!({ "sessionHandlesRevoked": ended }))
}
