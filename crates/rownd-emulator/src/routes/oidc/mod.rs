//! Rownd as an OpenID provider, one for each app: `/oidc/{app}/`.
//!
//! In: clients of the seed, browsers, codes and tokens. Out: discovery, a page for sign-in and
//! consent, tokens, user info, introspection, revocation and the end of a session.

mod authorize;
mod client;
mod finish;
mod interaction;
mod page;
mod protocol;
mod session;
mod token;
mod userinfo;

use std::sync::Arc;

use axum::{
    Router,
    extract::State as Shared,
    routing::{get, post},
};
use serde_json::json;

use crate::{
    data::clients::STANDARD_SCOPES,
    routes::{
        Routes,
        request::{ApiResult, PathParams, ok},
    },
    state::State,
};

pub(crate) fn routes(on: &dyn Fn(Routes) -> Routes) -> Router<Arc<State>> {
    Router::new()
        .route("/oidc/{app}/.well-known/openid-configuration", on(get(discovery)))
        .route("/oidc/{app}/jwks", on(get(jwks)))
        .route("/oidc/{app}/auth", on(get(authorize::begin).post(authorize::begin)))
        .route("/oidc/{app}/auth/decision", on(post(authorize::decide)))
        .route("/oidc/{app}/auth/{id}", on(get(interaction::resume)))
        .route(
            "/oidc/{app}/interaction/{id}",
            on(get(interaction::describe)
                .post(interaction::decide)
                .options(interaction::preflight)),
        )
        .route("/oidc/{app}/token", on(post(token::token)))
        .route("/oidc/{app}/me", on(get(userinfo::me).post(userinfo::me)))
        .route("/oidc/{app}/token/introspection", on(post(session::introspect)))
        .route("/oidc/{app}/token/revocation", on(post(session::revoke)))
        .route("/oidc/{app}/session/end", on(get(session::end).post(session::end)))
}

/// The `iss` of an app's provider.
pub(in crate::routes) fn issuer(state: &State, app: &str) -> String {
    format!("{}/oidc/{app}", state.issuer)
}

async fn discovery(
    Shared(state): Shared<Arc<State>>,
    PathParams(app): PathParams<String>,
) -> ApiResult {
    let (fields, signing) = {
        let records = state.records();
        let app = &records.app(&app)?.app;
        (app.schema.keys().cloned().collect::<Vec<_>>(), app.oidc_signing)
    };
    let base = format!("{}/oidc/{app}", state.base_url);
    let methods = ["client_secret_basic", "client_secret_post", "none"];
    let mut scopes: Vec<String> = STANDARD_SCOPES.map(str::to_owned).to_vec();
    scopes.extend(fields.into_iter().filter(|field| field != "email"));
    ok(json!({
        "issuer": issuer(&state, &app),
        "authorization_endpoint": format!("{base}/auth"),
        "token_endpoint": format!("{base}/token"),
        "userinfo_endpoint": format!("{base}/me"),
        "jwks_uri": format!("{base}/jwks"),
        "introspection_endpoint": format!("{base}/token/introspection"),
        "revocation_endpoint": format!("{base}/token/revocation"),
        "end_session_endpoint": format!("{base}/session/end"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [signing.name()],
        "token_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "given_name",
            "family_name", "email", "email_verified", "phone_number", "phone_number_verified",
        ],
    }))
}

async fn jwks(Shared(state): Shared<Arc<State>>, PathParams(app): PathParams<String>) -> ApiResult {
    let signing = state.records().app(&app)?.app.oidc_signing;
    ok(state.provider_keys.key_set(signing)?)
}
