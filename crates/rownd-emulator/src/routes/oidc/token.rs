//! `/token`: codes and refresh tokens for tokens.
//!
//! In: a client's request. Out: an access token, an ID token, and a refresh token where
//! `offline_access` was granted; or an error in OAuth's shape.

use std::{sync::Arc, time::SystemTime};

use aws_lc_rs::digest;
use axum::{extract::State as Shared, http::HeaderMap, response::Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{
    client, issuer,
    protocol::{ACCESS_TTL, OAuthError, Parameters, uncached},
};
use crate::{
    data::{
        clients::{AccessTokens, Signing},
        grants::{AccessToken, Grant, GrantRecords, RefreshToken},
        ids,
        oidc_clients::OidcClient,
        records::Records,
        time::unix_now,
        users::AccountState,
    },
    routes::request::PathParams,
    state::State,
};

pub(crate) async fn token(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    form: Parameters,
) -> Result<Response, OAuthError> {
    let mut records = state.records_mut();
    let app_records = records.app(&app)?;
    let client = client::authenticate(app_records, &headers, &form)?.clone();
    let redeemed = match form.require("grant_type")? {
        "authorization_code" => by_code(&mut records.grants, &client, &form)?,
        "refresh_token" => by_reuncached(&mut records.grants, &client, &form)?,
        _ => {
            let why = "`grant_type` is `authorization_code` or `refresh_token`";
            return Err(OAuthError::new("unsupported_grant_type", why));
        }
    };
    let answer = answer(&state, &mut records, redeemed, form.get("resource"))?;
    Ok(uncached(answer))
}

/// The tokens to issue.
struct Redeemed {
    grant_id: String,
    grant: Grant,
    scopes: Vec<String>,
    refresh: Refresh,
}

/// Whether a refresh token goes with the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refresh {
    New,
    None,
}

fn invalid(why: &str) -> OAuthError {
    OAuthError::new("invalid_grant", why)
}

fn by_code(
    grants: &mut GrantRecords,
    client: &OidcClient,
    form: &Parameters,
) -> Result<Redeemed, OAuthError> {
    let text = form.require("code")?;
    let code = grants.codes.get(text).cloned().ok_or_else(|| invalid("the code is unknown"))?;
    let grant = grants.grants.get(&code.grant).cloned();
    let grant = grant.ok_or_else(|| invalid("the code is unknown"))?;
    if grant.client != client.id {
        return Err(invalid("the code is another client's"));
    }
    if code.used {
        // The code may be stolen: its tokens are revoked, too (RFC 6749 section 4.1.2).
        grants.revoke(&code.grant);
        return Err(invalid("the code has been used"));
    }
    if let Some(code) = grants.codes.get_mut(text) {
        code.used = true;
    }
    if code.expires <= SystemTime::now() {
        return Err(invalid("the code has expired"));
    }
    if form.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err(invalid("`redirect_uri` is not the one the code was sent to"));
    }
    match (&code.challenge, form.get("code_verifier")) {
        (None, None) => {}
        (Some(challenge), Some(verifier)) if *challenge == s256(verifier) => {}
        (None, Some(_)) => return Err(invalid("a `code_verifier` without a `code_challenge`")),
        _ => return Err(invalid("the `code_verifier` does not fit the challenge")),
    }
    let refresh = if grant.has("offline_access") { Refresh::New } else { Refresh::None };
    Ok(Redeemed { grant_id: code.grant, scopes: grant.scopes.clone(), grant, refresh })
}

/// RFC 7636 section 4.2.
fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// Redeems a refresh token. A client without a secret gets a new one each time, and the old one
/// does not work any more; a client with a secret keeps its own, and the answer has none.
fn by_reuncached(
    grants: &mut GrantRecords,
    client: &OidcClient,
    form: &Parameters,
) -> Result<Redeemed, OAuthError> {
    let text = form.require("refresh_token")?;
    let token = grants.refresh.get(text).cloned();
    let token = token.ok_or_else(|| invalid("the refresh token is unknown"))?;
    let grant = grants.grants.get(&token.grant).filter(|grant| grant.client == client.id).cloned();
    let grant = grant.ok_or_else(|| invalid("the refresh token is unknown"))?;
    if token.used {
        grants.revoke(&token.grant);
        return Err(invalid("the refresh token has been used"));
    }
    if grant.revoked {
        return Err(invalid("the grant was revoked"));
    }
    let scopes = match form.get("scope") {
        None => grant.scopes.clone(),
        Some(asked) => asked.split_whitespace().map(str::to_owned).collect(),
    };
    if let Some(more) = scopes.iter().find(|scope| !grant.has(scope)) {
        return Err(OAuthError::new("invalid_scope", format!("`{more}` was not granted")));
    }
    let refresh = if client.is_public() { Refresh::New } else { Refresh::None };
    if refresh == Refresh::New
        && let Some(token) = grants.refresh.get_mut(text)
    {
        token.used = true;
    }
    Ok(Redeemed { grant_id: token.grant, grant, scopes, refresh })
}

fn answer(
    state: &State,
    records: &mut Records,
    redeemed: Redeemed,
    resource: Option<&str>,
) -> Result<Value, OAuthError> {
    let Redeemed { grant_id, grant, scopes, refresh } = redeemed;
    let app_records = records.app(&grant.app)?;
    let signing = app_records.app.oidc_signing;
    let user = app_records.user(&grant.user);
    let user = user.map_err(|_| invalid("the user was deleted"))?;
    if user.state == AccountState::Disabled || user.signed_out_since(grant.auth_time) {
        return Err(invalid("the user is disabled, or has signed out"));
    }
    let wanted = format!("app:{}", grant.app);
    if resource.is_some_and(|resource| resource != wanted) {
        let why = "`resource` has to be `app:` and the id of the app";
        return Err(OAuthError::new("invalid_target", why));
    }
    let for_app = resource.is_some()
        || grant.resource.is_some()
        || app_records.app.oidc_access_tokens == AccessTokens::Jwt;
    let now = unix_now();
    let level = user.auth_level;
    let access_token = if for_app {
        let claims = json!({
            "iss": issuer(state, &grant.app), "sub": grant.user, "aud": [wanted],
            "client_id": grant.client_name, "scope": scopes.join(" "), "jti": ids::uuid_v4(),
            "iat": now, "exp": now + ACCESS_TTL,
            "https://auth.rownd.io/app_user_id": grant.user,
            "https://auth.rownd.io/auth_level": level.as_str(),
            "https://auth.rownd.io/is_verified_user": level.is_verified_user(),
        });
        signed(state, signing, "at+jwt", &claims)?
    } else {
        ids::random_hex(32)
    };
    let id_token = signed(state, signing, "JWT", &id_claims(state, &grant, now))?;
    let grants = &mut records.grants;
    let access =
        AccessToken { grant: grant_id.clone(), scopes: scopes.clone(), expires: now + ACCESS_TTL };
    grants.access.insert(access_token.clone(), access);
    let mut answer = Map::new();
    answer.insert("access_token".to_owned(), json!(access_token));
    answer.insert("token_type".to_owned(), json!("Bearer"));
    answer.insert("expires_in".to_owned(), json!(ACCESS_TTL));
    answer.insert("scope".to_owned(), json!(scopes.join(" ")));
    if scopes.iter().any(|scope| scope == "openid") {
        answer.insert("id_token".to_owned(), json!(id_token));
    }
    if refresh == Refresh::New {
        let text = ids::random_hex(32);
        grants.refresh.insert(text.clone(), RefreshToken { grant: grant_id, used: false });
        answer.insert("refresh_token".to_owned(), json!(text));
    }
    Ok(Value::Object(answer))
}

/// The claims of an ID token. `aud` is the `client_id` by which the client asked.
fn id_claims(state: &State, grant: &Grant, now: u64) -> Value {
    let mut claims = json!({
        "iss": issuer(state, &grant.app), "sub": grant.user,
        "aud": grant.client_name,
        "iat": now, "exp": now + ACCESS_TTL, "auth_time": grant.auth_time,
    });
    if let (Some(nonce), Some(claims)) = (&grant.nonce, claims.as_object_mut()) {
        claims.insert("nonce".to_owned(), json!(nonce));
    }
    claims
}

fn signed(
    state: &State,
    signing: Signing,
    kind: &str,
    claims: &Value,
) -> Result<String, OAuthError> {
    state
        .provider_keys
        .sign(signing, kind, claims)
        .map_err(|error| OAuthError::new("server_error", error.to_string()))
}
