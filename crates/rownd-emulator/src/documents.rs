//! The JSON documents that Rownd answers with, spelt out.
//!
//! In: the state. Out: app config, issuer metadata and errors, with the member names
//! of the real ones and values of our own.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    apps::{App, Variant},
    state::State,
};

/// The app config; a variant's key gets the base app with the variant beside it.
pub(super) fn app_config(app: &App, variant: Option<&Variant>) -> Value {
    let document = json!({
        "id": app.id,
        "name": app.name,
        "icon": "https://example.com/icon.png",
        "schema": app.schema_document(),
        "user_verification_field": "email",
        "user_verification_fields": ["email", "phone_number", "google_id"],
        "config": {
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
        },
    });
    match variant {
        Some(variant) => json!({
            "config_type": "variant",
            "app": document,
            "variant": { "id": variant.id, "name": variant.name, "config": {} },
        }),
        None => json!({ "config_type": "app", "app": document }),
    }
}

/// The OAuth authorization server metadata. The issuer may be another name; the
/// addresses are the emulator's own, so that a client which follows them ends up here.
pub(super) fn metadata(state: &State) -> Value {
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

/// An error in Rownd's shape.
pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({
        "statusCode": status.as_u16(),
        "error": status.canonical_reason().unwrap_or("Error"),
        "code": code,
        "message": message,
        "messages": [message],
    });
    (status, Json(body)).into_response()
}
