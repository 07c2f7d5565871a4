//! A Rownd token for a SuperTokens session, and sessions for guests.
//!
//! In: a Rownd access or refresh token as bearer; or nothing. Out: a session. A refresh
//! token is not used up, and a call may be repeated.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    answer::{Failure, with_tokens},
    session,
};
use crate::{
    access,
    jws::Flaw,
    request::{Asked, Sent},
    state::State,
    users::{Level, Standing, User, ids},
};

pub(super) async fn migrate(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let token = access::bearer(&headers)
        .ok_or_else(|| Failure::token("TOKEN_MALFORMED", "there is no bearer token"))?;
    let claims = access::own_claims(&state, token).map_err(|flaw| {
        let reason = match flaw {
            Flaw::Malformed | Flaw::NoKid | Flaw::Algorithm => "TOKEN_MALFORMED",
            Flaw::UnknownKey | Flaw::OddKey => "TOKEN_KID_UNKNOWN",
            Flaw::Signature => "TOKEN_SIGNATURE_INVALID",
            Flaw::Issuer | Flaw::Claims => "TOKEN_CLAIMS_INVALID",
        };
        Failure::token(reason, &flaw.to_string())
    })?;
    if claims.is_expired() {
        return Err(Failure::token("TOKEN_EXPIRED", "Authorization token has expired"));
    }
    // The plugin is strict where Rownd is not: a token without `exp` is refused.
    let app = claims.app().filter(|_| claims.exp.is_some());
    let app =
        app.ok_or_else(|| Failure::token("TOKEN_CLAIMS_INVALID", "`aud` or `exp` is missing"))?;
    let stage = "rownd_profile_fetch";
    {
        let world = state.world();
        let user = world.tenants.get(app).and_then(|tenant| tenant.users.get(&claims.user));
        let user = user.ok_or_else(|| {
            Failure::new(401, "ROWND_USER_NOT_FOUND", "Rownd does not know the user", stage)
        })?;
        if user.state == Standing::Disabled || user.signed_out_since(claims.iat) {
            let why = "the user is disabled, or has signed out since";
            return Err(Failure::new(401, "TOKEN_REVOKED", why, stage));
        }
    }
    let tokens = session::begin(&state, (app, &claims.user), "public", true)?;
    Ok(with_tokens(&headers, &tokens))
}

#[derive(Deserialize)]
pub(super) struct GuestQuery {
    #[serde(rename = "tenantId")]
    tenant: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct GuestOrder {
    auth_level: Level,
}

/// Whatever goes wrong here is told with HTTP 200.
pub(super) async fn guest(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Asked(query): Asked<GuestQuery>,
    Sent(order): Sent<GuestOrder>,
) -> Response {
    let tenant = query.tenant.as_deref().unwrap_or("public");
    match begin_guest(&state, order.auth_level, tenant) {
        Ok(tokens) => with_tokens(&headers, &tokens),
        Err(failure) => failure.hidden().into_response(),
    }
}

fn begin_guest(
    state: &State,
    level: Level,
    tenant: &str,
) -> Result<super::answer::Tokens, Failure> {
    if !level.is_anonymous() {
        let why = "`auth_level` is `guest` or `instant`";
        return Err(Failure::new(400, "BAD_REQUEST", why, "request"));
    }
    let app = state.settings.app_id.as_str();
    let mut user = User::new(ids::uuid_v4(), level);
    user.data.insert("anonymous_id".to_owned(), json!(format!("anon_{}", user.id)));
    user.signed_in("anonymous");
    let id = user.id.clone();
    state.world_mut().tenant_mut(app)?.put(user)?;
    session::begin(state, (app, &id), tenant, false)
}
