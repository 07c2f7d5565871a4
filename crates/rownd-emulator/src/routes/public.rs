//! The endpoints that a verifier asks: app configuration, metadata, key set and health.

use std::sync::Arc;

use axum::{
    Json,
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    access,
    apps::{ICON, VERIFICATION_FIELDS},
    request::{ApiError, ApiResult, QueryParams, ok},
};
use crate::{
    data::{
        apps::{App, Variant},
        merge::merge,
    },
    state::State,
};

#[derive(Deserialize)]
pub(super) struct AppQuery {
    app_id: Option<String>,
}

pub(super) async fn app_config(
    Shared(state): Shared<Arc<State>>,
    query: QueryParams<AppQuery>,
    headers: HeaderMap,
) -> ApiResult {
    let records = state.records();
    match (access::header_text(&headers, "x-rownd-app-key"), query.read()?.app_id) {
        (Some(key), _) => {
            let (app_records, variant) = records
                .find_by_key(key)
                .ok_or_else(|| ApiError::unauthorized("the app key is not known"))?;
            ok(app_config_json(&app_records.app, variant))
        }
        (None, Some(id)) => ok(app_config_json(&records.app(&id)?.app, None)),
        (None, None) => Err(ApiError::unauthorized("an app key or an app id is needed")),
    }
}

pub(super) async fn metadata(Shared(state): Shared<Arc<State>>) -> Response {
    Json(metadata_json(&state)).into_response()
}

pub(super) async fn keys(Shared(state): Shared<Arc<State>>) -> Response {
    let max_age = state.settings.keys_max_age;
    let key_set = state.ring().key_set();
    ([(header::CACHE_CONTROL, format!("public, max-age={max_age}"))], Json(key_set)).into_response()
}

pub(super) async fn healthy() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

pub(super) async fn unknown() -> ApiError {
    ApiError::unknown_path()
}

pub(super) async fn wrong_method() -> ApiError {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    ApiError::new(status, "E_METHOD_NOT_ALLOWED", "this path does not take that method")
}

/// The app config; a variant's key gets the base app with the variant beside it.
pub(crate) fn app_config_json(app: &App, variant: Option<&Variant>) -> Value {
    let document = app_json(app);
    match variant {
        Some(variant) => json!({
            "config_type": "variant",
            "app": document,
            "variant": { "id": variant.id, "name": variant.name, "config": {} },
        }),
        None => json!({ "config_type": "app", "app": document }),
    }
}

/// The document of an app.
pub(crate) fn app_json(app: &App) -> Value {
    let mut config = json!({
        "hub": {
            "customizations": { "rounded_corners": true },
            "auth": {
                "audience": app.audience,
                "access_tokens": { "custom_claims": app.custom_claims },
                "refresh_tokens": app.refresh_tokens,
                "sign_in_methods": {
                    "email": { "enabled": true },
                    "phone": { "enabled": false },
                    "apple": { "enabled": false, "client_id": "" },
                    "google": { "enabled": false, "client_id": "" },
                    "anonymous": { "enabled": true },
                },
                "show_app_icon": false,
            },
        },
        "content_gates": [],
    });
    merge(&mut config, Value::Object(app.patched_config.clone()));
    json!({
        "id": app.id,
        "name": app.name,
        "icon": ICON,
        "schema": app.schema_json(),
        "user_verification_field": "email",
        "user_verification_fields": VERIFICATION_FIELDS,
        "config": config,
    })
}

/// The OAuth authorization server metadata. The issuer may be another name; the
/// addresses are the emulator's own, so that a client which follows them ends up here.
pub(crate) fn metadata_json(state: &State) -> Value {
    let base = &state.base_url;
    json!({
        "issuer": state.issuer,
        "token_endpoint": format!("{base}/hub/auth/token"),
        "jwks_uri": format!("{base}/hub/auth/keys"),
        "userinfo_endpoint": format!("{base}/me"),
        "response_types_supported": ["token"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "grant_types_supported": ["refresh_token"],
        "subject_types_supported": ["public"],
        "scopes_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "claims_supported": [
            "ver", "jti", "iss", "aud", "iat", "exp", "cid", "uid", "scp", "sub",
            "https://auth.rownd.io/app_user_id",
            "https://auth.rownd.io/jwt_type",
        ],
        "code_challenge_methods_supported": ["S256"],
        "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "none",
        ],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "request_parameter_supported": true,
        "request_object_signing_alg_values_supported": ["EdDSA"],
    })
}
