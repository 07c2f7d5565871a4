//! Who is asking: an app by key and secret, a page or phone by the key alone, a user by
//! the bearer token.
//!
//! In: headers. Out: the app, variant and user they stand for, or a 401 or 403.

use axum::http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde::Deserialize;

use super::{
    mint::{CLAIM_TYPE, CLAIM_USER_ID},
    request::Refusal,
    state::State,
    users::Standing,
};

/// An app, asking by itself.
pub(super) struct AppCaller {
    pub(super) app: String,
}

/// By the publishable key alone.
pub(super) fn by_key(state: &State, headers: &HeaderMap) -> Result<AppCaller, Refusal> {
    let key = text(headers, "x-rownd-app-key")
        .ok_or_else(|| Refusal::unauthorized("an app key is needed"))?;
    let world = state.world();
    let (tenant, _) =
        world.by_key(key).ok_or_else(|| Refusal::unauthorized("the app key is not known"))?;
    Ok(AppCaller { app: tenant.app.id.clone() })
}

/// By key and secret.
pub(super) fn by_secret(state: &State, headers: &HeaderMap) -> Result<AppCaller, Refusal> {
    // One message for all that is wrong, so that it does not tell which of the two it was.
    let refusal = || Refusal::unauthorized("the app key and secret do not fit");
    let caller = by_key(state, headers).map_err(|_| refusal())?;
    let given = headers.get("x-rownd-app-secret").ok_or_else(refusal)?;
    let world = state.world();
    let secret = &world.tenant(&caller.app)?.app.secret;
    if given.as_bytes() == secret.as_bytes() { Ok(caller) } else { Err(refusal()) }
}

/// By key and secret, for this app.
pub(super) fn for_app(state: &State, headers: &HeaderMap, app: &str) -> Result<AppCaller, Refusal> {
    let caller = by_secret(state, headers)?;
    if caller.app == app {
        Ok(caller)
    } else {
        Err(Refusal::forbidden("the credentials belong to another app"))
    }
}

/// A user, by the token that was issued to them.
pub(super) struct UserCaller {
    pub(super) app: String,
    pub(super) user: String,
}

/// What the emulator reads in its own tokens.
#[derive(Deserialize)]
pub(super) struct OwnClaims {
    pub(super) aud: Vec<String>,
    pub(super) iat: u64,
    #[serde(rename = "https://auth.rownd.io/app_user_id")]
    pub(super) user: String,
    #[serde(default, rename = "https://auth.rownd.io/jwt_type")]
    pub(super) kind: Option<String>,
}

// The names stand in the attributes above once more, where no constant can.
const _: (&str, &str) = (CLAIM_USER_ID, CLAIM_TYPE);

impl OwnClaims {
    /// The app, the first `app:` of the audience.
    pub(super) fn app(&self) -> Option<&str> {
        self.aud.iter().find_map(|entry| entry.strip_prefix("app:"))
    }
}

/// Checks signature, issuer and, unless `ever`, expiry of a token of the emulator's own.
/// The error is a few words for the answer.
#[expect(clippy::disallowed_methods, reason = "our own tokens, in a tool for development")]
pub(super) fn own_claims(
    state: &State,
    token: &str,
    ever: bool,
) -> Result<OwnClaims, &'static str> {
    let kid = decode_header(token).map_err(|_| "not a token")?.kid.ok_or("no kid")?;
    let set: JwkSet = serde_json::from_value(state.ring().key_set()).map_err(|_| "no keys")?;
    let jwk = set.find(&kid).ok_or("signed by an unknown key")?;
    let key = DecodingKey::from_jwk(jwk).map_err(|_| "no usable key")?;
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_issuer(&[&state.issuer]);
    rules.validate_aud = false;
    rules.leeway = 0;
    rules.validate_exp = false;
    rules.required_spec_claims.clear();
    let read = decode::<serde_json::Value>(token, &key, &rules).map_err(|_| "not genuine")?;
    let expired = read
        .claims
        .get("exp")
        .is_some_and(|exp| exp.as_i64().is_none_or(|exp| exp <= unix_seconds()));
    if expired && !ever {
        return Err("expired");
    }
    serde_json::from_value(read.claims).map_err(|_| "claims are missing")
}

fn unix_seconds() -> i64 {
    i64::try_from(super::state::unix_now()).unwrap_or(i64::MAX)
}

/// By bearer token: genuine, current, an access token, of an enabled user who has not
/// signed out since.
pub(super) fn by_bearer(state: &State, headers: &HeaderMap) -> Result<UserCaller, Refusal> {
    let token = bearer(headers).ok_or_else(|| Refusal::unauthorized("a bearer token is needed"))?;
    let refusal = |why: &str| Refusal::unauthorized(format!("the token is not good: {why}"));
    let claims = own_claims(state, token, false).map_err(refusal)?;
    if claims.kind.as_deref().is_some_and(|kind| kind != "access_token") {
        return Err(refusal("no access token"));
    }
    let app = claims.app().ok_or_else(|| refusal("no app in `aud`"))?.to_owned();
    let world = state.world();
    let tenant = world.tenants.get(&app).ok_or_else(|| refusal("of an unknown app"))?;
    let user = tenant.users.get(&claims.user).ok_or_else(|| refusal("of an unknown user"))?;
    if user.state == Standing::Disabled {
        return Err(refusal("the user is disabled"));
    }
    if user.signed_out_since(claims.iat) {
        return Err(refusal("the user has signed out"));
    }
    Ok(UserCaller { app, user: claims.user })
}

/// By bearer token, for this app.
pub(super) fn of_app(state: &State, headers: &HeaderMap, app: &str) -> Result<UserCaller, Refusal> {
    let caller = by_bearer(state, headers)?;
    if caller.app == app {
        Ok(caller)
    } else {
        Err(Refusal::forbidden("the token belongs to another app"))
    }
}

/// The token after `Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A header's text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
