//! A Rownd token for a SuperTokens session, and sessions for guests.
//!
//! In: a Rownd access or refresh token as bearer, or nothing. Out: a session. A refresh token is
//! not used up by it, so a call may be repeated.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    answer::{PluginError, SessionTokens, with_tokens},
    session,
};
use crate::{
    data::{
        ids,
        users::{AccountState, AuthLevel, User},
    },
    keys::jws::TokenError,
    routes::{
        access,
        request::{JsonBody, QueryParams},
    },
    state::State,
};

pub(crate) async fn migrate(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, PluginError> {
    let token = access::bearer(&headers)
        .ok_or_else(|| PluginError::token("TOKEN_MALFORMED", "there is no bearer token"))?;
    let claims = access::own_claims(&state, token).map_err(|error| {
        let reason = match error {
            TokenError::Malformed | TokenError::NoKid | TokenError::Algorithm => "TOKEN_MALFORMED",
            TokenError::UnknownKey | TokenError::UnusableKey => "TOKEN_KID_UNKNOWN",
            TokenError::Signature => "TOKEN_SIGNATURE_INVALID",
            TokenError::Issuer | TokenError::Claims => "TOKEN_CLAIMS_INVALID",
        };
        PluginError::token(reason, &error.to_string())
    })?;
    if claims.is_expired() {
        return Err(PluginError::token("TOKEN_EXPIRED", "Authorization token has expired"));
    }
    // The plugin is strict where Rownd is not: a token without `exp` is refused. It serves one app,
    // and refuses the tokens of every other one.
    let app = state.settings.plugin_app();
    if claims.exp.is_none() || !claims.is_for(app) {
        let why = "`exp` is missing, or `aud` has not the app of the plugin";
        return Err(PluginError::token("TOKEN_CLAIMS_INVALID", why));
    }
    let stage = "rownd_profile_fetch";
    {
        let records = state.records();
        let user = records.apps.get(app).and_then(|tenant| tenant.users.get(&claims.user));
        let user = user.ok_or_else(|| {
            PluginError::new(401, "ROWND_USER_NOT_FOUND", "Rownd does not know the user", stage)
        })?;
        if user.state == AccountState::Disabled || user.signed_out_since(claims.iat) {
            let why = "the user is disabled, or has signed out since";
            return Err(PluginError::new(401, "TOKEN_REVOKED", why, stage));
        }
    }
    let tokens = session::begin(&state, (app, &claims.user), "public", true)?;
    Ok(with_tokens(&headers, &tokens))
}

#[derive(Deserialize)]
pub(crate) struct GuestQuery {
    #[serde(rename = "tenantId")]
    tenant: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct GuestOrder {
    auth_level: AuthLevel,
}

/// A session for a guest. An error is answered with HTTP 200, as the plugin does.
pub(crate) async fn guest(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    query: QueryParams<GuestQuery>,
    body: JsonBody<GuestOrder>,
) -> Response {
    let asked = query.read().and_then(|query| Ok((query, body.read()?)));
    let tokens = asked.map_err(PluginError::from).and_then(|(query, order)| {
        begin_guest(&state, order.auth_level, query.tenant.as_deref().unwrap_or("public"))
    });
    match tokens {
        Ok(tokens) => with_tokens(&headers, &tokens),
        Err(failure) => failure.hidden().into_response(),
    }
}

fn begin_guest(
    state: &State,
    level: AuthLevel,
    tenant: &str,
) -> Result<SessionTokens, PluginError> {
    if !level.is_anonymous() {
        let why = "`auth_level` is `guest` or `instant`";
        return Err(PluginError::new(400, "BAD_REQUEST", why, "request"));
    }
    let app = state.settings.plugin_app();
    let mut user = User::new(ids::uuid_v4(), level);
    user.data.insert("anonymous_id".to_owned(), json!(format!("anon_{}", user.id)));
    user.signed_in("anonymous");
    let id = user.id.clone();
    state.records_mut().app_mut(app)?.put_user(user)?;
    session::begin(state, (app, &id), tenant, false)
}
