//! The end of tokens and sessions: introspection (RFC 7662), revocation (RFC 7009), and
//! the way out.
//!
//! In: a token and the client's credentials. Out: whether it is good; or that it is not
//! any more.

use std::sync::Arc;

use axum::{
    extract::State as Shared,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{OAuthError, Parameters, client, fresh, issuer, page};
use crate::{
    jws,
    request::At,
    state::{State, unix_now},
};

pub(super) async fn introspect(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    form: Parameters,
) -> Result<Response, OAuthError> {
    let world = state.world();
    let client = client::authenticate(&world.tenant(&app)?.app, &headers, &form)?;
    let token = form.need("token")?;
    let inactive = json!({ "active": false });
    let memory = &world.provider;
    let answer = if let Some((access, grant)) = memory.granted(token, unix_now()) {
        (grant.client == client.id).then(|| {
            json!({
                "active": true, "client_id": client.id, "sub": grant.user, "token_type": "Bearer",
                "scope": access.scopes.join(" "), "exp": access.expires,
                "iss": issuer(&state, &app),
            })
        })
    } else {
        let refresh = memory.refresh.get(token).filter(|token| !token.used);
        let grant = refresh.and_then(|token| memory.grants.get(&token.grant));
        grant.filter(|grant| !grant.revoked && grant.client == client.id).map(|grant| {
            json!({
                "active": true, "client_id": client.id, "sub": grant.user,
                "scope": grant.scope(), "iss": issuer(&state, &app),
            })
        })
    };
    Ok(fresh(answer.unwrap_or(inactive)))
}

/// Takes the whole grant back. A token nobody knows is as good as revoked.
pub(super) async fn revoke(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(app): At<String>,
    form: Parameters,
) -> Result<Response, OAuthError> {
    let mut world = state.world_mut();
    let client = client::authenticate(&world.tenant(&app)?.app, &headers, &form)?.id.clone();
    let token = form.need("token")?;
    let memory = &mut world.provider;
    let by_access = memory.access.get(token).map(|access| access.grant.clone());
    let grant = by_access.or_else(|| memory.refresh.get(token).map(|token| token.grant.clone()));
    if let Some(grant) = grant
        && memory.grants.get(&grant).is_some_and(|known| known.client == client)
    {
        memory.revoke(&grant);
    }
    Ok(StatusCode::OK.into_response())
}

/// There is no session to end, for the page asks each time: the user is sent on.
pub(super) async fn end(
    Shared(state): Shared<Arc<State>>,
    At(app): At<String>,
    asked: Parameters,
) -> Result<Response, OAuthError> {
    let Some(uri) = asked.get("post_logout_redirect_uri") else {
        return Ok(page::signed_out().into_response());
    };
    let hinted = asked.get("id_token_hint").and_then(|token| {
        let signing = state.world().tenant(&app).ok()?.app.oidc_signing;
        let keys = state.provider_keys.key_set(signing).ok()?;
        let claims = jws::verify(token, &keys, &issuer(&state, &app)).ok()?;
        claims.get("aud").and_then(Value::as_str).map(str::to_owned)
    });
    let id = asked.get("client_id").map(str::to_owned).or(hinted);
    let world = state.world();
    let known = id.and_then(|id| client::find(&world.tenant(&app).ok()?.app, &id));
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
