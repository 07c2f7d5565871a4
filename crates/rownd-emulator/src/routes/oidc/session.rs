//! Introspection (RFC 7662), revocation (RFC 7009), and the end of a session.
//!
//! In: a token and the client's credentials. Out: whether the token is valid, or its revocation.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    client, issuer, page,
    protocol::{OAuthError, Parameters, uncached},
};
use crate::{data::time::unix_now, keys::jws, routes::request::PathParams, state::State};

pub(crate) async fn introspect(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    form: Parameters,
) -> Result<Response, OAuthError> {
    let records = state.records();
    let client = client::authenticate(records.app(&app)?, &headers, &form)?;
    let token = form.require("token")?;
    let inactive = json!({ "active": false });
    let grants = &records.grants;
    let answer = if let Some((access, grant)) = grants.find_valid(token, unix_now()) {
        (grant.client == client.id).then(|| {
            json!({
                "active": true, "client_id": grant.client_name, "sub": grant.user, "token_type": "Bearer",
                "scope": access.scopes.join(" "), "exp": access.expires,
                "iss": issuer(&state, &app),
            })
        })
    } else {
        let refresh = grants.refresh.get(token).filter(|token| !token.used);
        let grant = refresh.and_then(|token| grants.grants.get(&token.grant));
        grant.filter(|grant| !grant.revoked && grant.client == client.id).map(|grant| {
            json!({
                "active": true, "client_id": grant.client_name, "sub": grant.user,
                "scope": grant.scope(), "iss": issuer(&state, &app),
            })
        })
    };
    Ok(uncached(answer.unwrap_or(inactive)))
}

/// Revokes the whole grant. An unknown token is answered as a revoked one.
pub(crate) async fn revoke(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    form: Parameters,
) -> Result<Response, OAuthError> {
    let mut records = state.records_mut();
    let client = client::authenticate(records.app(&app)?, &headers, &form)?.id.clone();
    let token = form.require("token")?;
    let grants = &mut records.grants;
    let by_access = grants.access.get(token).map(|access| access.grant.clone());
    let grant = by_access.or_else(|| grants.refresh.get(token).map(|token| token.grant.clone()));
    if let Some(grant) = grant
        && grants.grants.get(&grant).is_some_and(|known| known.client == client)
    {
        grants.revoke(&grant);
    }
    Ok(StatusCode::OK.into_response())
}

/// Ends a session: the browser is redirected. There is none to end, because the page asks each time.
pub(crate) async fn end(
    Shared(state): Shared<Arc<State>>,
    PathParams(app): PathParams<String>,
    asked: Parameters,
) -> Result<Response, OAuthError> {
    let Some(uri) = asked.get("post_logout_redirect_uri") else {
        return Ok(page::signed_out().into_response());
    };
    let hinted = asked.get("id_token_hint").and_then(|token| {
        let signing = state.records().app(&app).ok()?.app.oidc_signing;
        let keys = state.provider_keys.key_set(signing).ok()?;
        let claims = jws::verify(token, &keys, &issuer(&state, &app)).ok()?;
        claims.get("aud").and_then(Value::as_str).map(str::to_owned)
    });
    let id = asked.get("client_id").map(str::to_owned).or(hinted);
    let records = state.records();
    let known = id.and_then(|id| records.app(&app).ok()?.client(&id));
    let target = url::Url::parse(uri).ok();
    match (known.filter(|client| client.may_log_out_to(uri)), target) {
        (Some(_), Some(mut to)) => {
            if let Some(value) = asked.get("state") {
                to.query_pairs_mut().append_pair("state", value);
            }
            Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to.to_string())]).into_response())
        }
        _ => {
            let why = "`post_logout_redirect_uri` is not registered for the client";
            Ok(page::problem(StatusCode::BAD_REQUEST, why).into_response())
        }
    }
}
