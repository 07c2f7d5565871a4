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
    answer::{Failure, Tokens, with_tokens},
    issuer,
};
use crate::{
    access, jws,
    state::{State, unix_now},
    tokens::issue,
    users::{Level, Standing, User, ids},
    world::World,
};

/// Seconds that an access token is good for.
const ACCESS_TTL: u64 = 3_600;

/// A session of the core.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) app: String,
    pub(super) user: String,
    tenant: String,
    /// The refresh token that is due. An older one tells of a theft.
    refresh: String,
    /// Brought over from Rownd.
    migrated: bool,
    revoked: bool,
}

/// Begins a session.
pub(super) fn begin(
    state: &State,
    (app, user): (&str, &str),
    tenant: &str,
    migrated: bool,
) -> Result<Tokens, Failure> {
    let handle = ids::uuid_v4();
    let session = Session {
        app: app.to_owned(),
        user: user.to_owned(),
        tenant: tenant.to_owned(),
        refresh: next_refresh(&handle),
        migrated,
        revoked: false,
    };
    let mut world = state.world_mut();
    let tokens = tokens(state, &world, &handle, &session)?;
    world.core.sessions.insert(handle, session);
    Ok(tokens)
}

fn next_refresh(handle: &str) -> String {
    format!("{handle}.{}", ids::random_hex(32))
}

fn tokens(
    state: &State,
    world: &World,
    handle: &str,
    session: &Session,
) -> Result<Tokens, Failure> {
    let tenant = world.tenant(&session.app)?;
    let user = tenant.user(&session.user)?;
    let mut claims = Map::new();
    for (name, value) in issue::custom_claims(&tenant.app, user) {
        claims.insert(name, value);
    }
    claims.extend(session_claims(state, handle, session));
    claims.extend(rownd_claims(user, session.migrated));
    let expires = claims.get("exp").and_then(Value::as_u64).unwrap_or_default();
    let claims = Value::Object(claims);
    let header = [("typ", "JWT"), ("version", "5")];
    let header = header.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let broken = |error| Failure::new(500, "INTERNAL_ERROR", format!("{error}"), "session_create");
    Ok(Tokens {
        access: state.core_keys.dynamic.sign(&header, &claims).map_err(broken)?,
        refresh: session.refresh.clone(),
        front: json!({ "uid": session.user, "ate": expires * 1_000, "up": claims }),
    })
}

/// What SuperTokens writes.
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
    // The recipe user behind a migrated one has an id of its own, always the same.
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

/// What the plugin adds, in plain words and under Rownd's names.
fn rownd_claims(user: &User, migrated: bool) -> Map<String, Value> {
    let level = user.auth_level;
    let verified = !matches!(level, Level::Instant | Level::Unverified);
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
    if level == Level::Instant {
        put("rownd_session_authentication", json!("instant"));
    } else if migrated {
        put("rownd_session_authentication", json!("authenticated"));
        let proved = user.verified.contains_key("email");
        put("st-ev", json!({ "v": proved, "t": unix_now() * 1_000 }));
    }
    claims
}

/// The session of a request: by bearer token, else by cookie.
pub(super) fn of(state: &State, headers: &HeaderMap) -> Result<Session, Failure> {
    let token = access::bearer(headers)
        .or_else(|| access::cookie(headers, "sAccessToken"))
        .ok_or_else(|| Failure::no_session("there is no session token"))?;
    let flaw = |flaw: jws::Flaw| Failure::no_session(&flaw.to_string());
    let claims = jws::verify(token, &state.core_keys.key_set()?, &issuer(state)).map_err(flaw)?;
    let expired = claims.get("exp").and_then(Value::as_u64).is_none_or(|exp| exp <= unix_now());
    let handle = claims.get("sessionHandle").and_then(Value::as_str).unwrap_or_default();
    let world = state.world();
    let session = world.core.sessions.get(handle).filter(|session| !session.revoked && !expired);
    let session = session.ok_or_else(|| Failure::no_session("try refresh token"))?.clone();
    let user = world.tenant(&session.app)?.users.get(&session.user);
    match user {
        Some(user) if user.state == Standing::Enabled => Ok(session),
        _ => Err(Failure::no_session("the user is gone or disabled")),
    }
}

/// A new pair for a refresh token. One that was used before ends the session: somebody
/// else may have it.
pub(super) async fn refresh(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let token = access::bearer(&headers)
        .or_else(|| access::cookie(&headers, "sRefreshToken"))
        .ok_or_else(|| Failure::no_session("there is no refresh token"))?;
    let handle = token.split('.').next().unwrap_or_default().to_owned();
    let tokens = {
        let mut world = state.world_mut();
        let known = world.core.sessions.get_mut(&handle).filter(|session| !session.revoked);
        let session = known.ok_or_else(|| Failure::no_session("there is no such session"))?;
        if session.refresh != token {
            session.revoked = true;
            return Err(Failure::no_session("token theft detected"));
        }
        session.refresh = next_refresh(&handle);
        let session = session.clone();
        tokens(&state, &world, &handle, &session)?
    };
    Ok(with_tokens(&headers, &tokens))
}

/// All sessions of the user end. Access tokens stay genuine until they expire.
pub(super) async fn sign_out(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let session = of(&state, &headers)?;
    end_all(&mut state.world_mut(), &session);
    let cleared = [(header::CACHE_CONTROL, "no-store")];
    Ok((cleared, Json(json!({ "status": "OK" }))).into_response())
}

pub(super) fn end_all(world: &mut World, of: &Session) {
    for session in world.core.sessions.values_mut() {
        if session.app == of.app && session.user == of.user {
            session.revoked = true;
        }
    }
}
