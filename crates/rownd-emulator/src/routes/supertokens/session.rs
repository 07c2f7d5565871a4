//! Sessions: made, read, refreshed and ended.
//!
//! In: a user, a session's access token, a refresh token. Out: tokens with SuperTokens'
//! claims and the plugin's own.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::{
    Json,
    extract::State as Shared,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value, json};

use super::{
    answer::{PluginError, SessionTokens, with_tokens},
    issuer,
};
use crate::{
    data::{
        ids,
        records::Records,
        sessions::Session,
        time::unix_now,
        users::{AccountState, AuthLevel, User},
    },
    keys::jws,
    routes::access,
    state::State,
};

/// The life of an access token, in seconds.
const ACCESS_TTL: u64 = 3_600;

/// Begins a session.
pub(crate) fn begin(
    state: &State,
    (app, user): (&str, &str),
    tenant: &str,
    migrated: bool,
) -> Result<SessionTokens, PluginError> {
    let handle = ids::uuid_v4();
    let session = Session {
        app: app.to_owned(),
        user: user.to_owned(),
        tenant: tenant.to_owned(),
        refresh: new_refresh_token(&handle),
        migrated,
        revoked: false,
    };
    let mut records = state.records_mut();
    let tokens = tokens(state, &records, &handle, &session)?;
    records.sessions.sessions.insert(handle, session);
    Ok(tokens)
}

fn new_refresh_token(handle: &str) -> String {
    format!("{handle}.{}", ids::random_hex(32))
}

fn tokens(
    state: &State,
    records: &Records,
    handle: &str,
    session: &Session,
) -> Result<SessionTokens, PluginError> {
    let app_records = records.app(&session.app)?;
    let user = app_records.user(&session.user)?;
    let mut claims = app_records.app.claims_of(Some(user));
    claims.extend(session_claims(state, handle, session));
    claims.extend(rownd_claims(user, session.migrated));
    let expires = claims.get("exp").and_then(Value::as_u64).unwrap_or_default();
    let claims = Value::Object(claims);
    let header = [("typ", "JWT"), ("version", "5")];
    let header = header.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    Ok(SessionTokens {
        access: state.session_keys.dynamic.sign(&header, &claims)?,
        refresh: session.refresh.clone(),
        front: json!({ "uid": session.user, "ate": expires * 1_000, "up": claims }),
    })
}

/// The claims of SuperTokens.
fn session_claims(state: &State, handle: &str, session: &Session) -> Map<String, Value> {
    let now = unix_now();
    let hash = digest::digest(&digest::SHA256, session.refresh.as_bytes());
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("iat", json!(now));
    put("exp", json!(now + ACCESS_TTL));
    put("sub", json!(session.user));
    put("tId", json!(session.tenant));
    // A migrated user has a second id in SuperTokens, which is always the same.
    let recipe = if session.migrated { recipe_id(&session.user) } else { session.user.clone() };
    put("rsub", json!(recipe));
    put("sessionHandle", json!(handle));
    put("refreshTokenHash1", json!(hash));
    put("parentRefreshTokenHash1", Value::Null);
    put("antiCsrfToken", Value::Null);
    put("iss", json!(issuer(state)));
    if session.migrated {
        put("stt", json!(0));
    }
    claims
}

fn recipe_id(user: &str) -> String {
    let hash = digest::digest(&digest::SHA256, user.as_bytes());
    let bytes = hash.as_ref().iter().take(16);
    let number = bytes.fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    ids::uuid_of(number)
}

/// The claims of the plugin, under short names and under Rownd's names.
fn rownd_claims(user: &User, migrated: bool) -> Map<String, Value> {
    let level = user.auth_level;
    let verified = !matches!(level, AuthLevel::Instant | AuthLevel::Unverified);
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    for (name, value) in [
        ("app_user_id", json!(user.id)),
        ("auth_level", json!(level.as_str())),
        ("is_verified_user", json!(verified)),
    ] {
        put(name, value.clone());
        put(&format!("https://auth.rownd.io/{name}"), value);
    }
    if level.is_anonymous() {
        put("is_anonymous", json!(true));
        put("https://auth.rownd.io/is_anonymous", json!(true));
        if let Some(id) = user.data.get("anonymous_id") {
            put("anonymous_id", id.clone());
        }
    }
    if level == AuthLevel::Instant {
        put("rownd_session_authentication", json!("instant"));
    } else if migrated {
        put("rownd_session_authentication", json!("authenticated"));
        let proved = user.verified.contains_key("email");
        put("st-ev", json!({ "v": proved, "t": unix_now() * 1_000 }));
    }
    claims
}

/// The session of a request: by bearer token, else by cookie.
pub(crate) fn authenticate(state: &State, headers: &HeaderMap) -> Result<Session, PluginError> {
    let token = access::bearer(headers)
        .or_else(|| access::cookie(headers, "sAccessToken"))
        .ok_or_else(|| PluginError::no_session("there is no session token"))?;
    let invalid = |error: jws::TokenError| PluginError::no_session(&error.to_string());
    let claims =
        jws::verify(token, &state.session_keys.key_set()?, &issuer(state)).map_err(invalid)?;
    let expired = claims.get("exp").and_then(Value::as_u64).is_none_or(|exp| exp <= unix_now());
    let handle = claims.get("sessionHandle").and_then(Value::as_str).unwrap_or_default();
    let records = state.records();
    let session =
        records.sessions.sessions.get(handle).filter(|session| !session.revoked && !expired);
    let session = session.ok_or_else(|| PluginError::no_session("try refresh token"))?.clone();
    let user = records.app(&session.app)?.users.get(&session.user);
    match user {
        Some(user) if user.state == AccountState::Enabled => Ok(session),
        _ => Err(PluginError::no_session("the user was deleted or disabled")),
    }
}

/// New tokens for a refresh token. A refresh token that was used before ends the session: it may be
/// stolen.
pub(crate) async fn refresh(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, PluginError> {
    let token = access::bearer(&headers)
        .or_else(|| access::cookie(&headers, "sRefreshToken"))
        .ok_or_else(|| PluginError::no_session("there is no refresh token"))?;
    let handle = token.split('.').next().unwrap_or_default().to_owned();
    let tokens = {
        let mut records = state.records_mut();
        let known = records.sessions.sessions.get_mut(&handle).filter(|session| !session.revoked);
        let session = known.ok_or_else(|| PluginError::no_session("there is no such session"))?;
        if session.refresh != token {
            session.revoked = true;
            return Err(PluginError::no_session("token theft detected"));
        }
        session.refresh = new_refresh_token(&handle);
        let session = session.clone();
        tokens(&state, &records, &handle, &session)?
    };
    Ok(with_tokens(&headers, &tokens))
}

/// Ends all sessions of the user. Access tokens keep valid signatures until they expire.
pub(crate) async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, PluginError> {
    let session = authenticate(&state, &headers)?;
    state.records_mut().sessions.end_of(&session.app, &session.user);
    let cleared = [(header::CACHE_CONTROL, "no-store")];
    Ok((cleared, Json(json!({ "status": "OK" }))).into_response())
}
