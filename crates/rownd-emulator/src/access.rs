//! Who is asking: an app by key and secret, a page or phone by the key alone, a user by
//! the bearer token.
//!
//! In: headers. Out: the app, variant and user they stand for, or a 401 or 403.

use axum::http::{HeaderMap, header};
use serde::Deserialize;

use super::{
    jws::{self, Flaw},
    request::Refusal,
    state::{State, unix_now},
    users::Standing,
};

/// An app, asking by itself.
pub(super) struct AppCaller {
    pub(super) app: String,
    pub(super) variant: Option<String>,
}

/// By the publishable key alone.
pub(super) fn by_key(state: &State, headers: &HeaderMap) -> Result<AppCaller, Refusal> {
    let key = text(headers, "x-rownd-app-key")
        .ok_or_else(|| Refusal::unauthorized("an app key is needed"))?;
    let world = state.world();
    let (tenant, variant) =
        world.by_key(key).ok_or_else(|| Refusal::unauthorized("the app key is not known"))?;
    let variant = variant.map(|variant| variant.id.clone());
    Ok(AppCaller { app: tenant.app.id.clone(), variant })
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
    pub(super) variant: Option<String>,
    pub(super) user: String,
}

/// What the emulator reads in its own tokens. The names are those that `mint` writes.
#[derive(Deserialize)]
pub(super) struct OwnClaims {
    #[serde(default)]
    pub(super) jti: String,
    pub(super) aud: Vec<String>,
    pub(super) iat: u64,
    /// A user with `access_token_ttl: never` gets none.
    pub(super) exp: Option<u64>,
    #[serde(rename = "https://auth.rownd.io/app_user_id")]
    pub(super) user: String,
    #[serde(default, rename = "https://auth.rownd.io/jwt_type")]
    pub(super) kind: Option<String>,
}

impl OwnClaims {
    /// The app, the first `app:` of the audience.
    pub(super) fn app(&self) -> Option<&str> {
        self.aud.iter().find_map(|entry| entry.strip_prefix("app:"))
    }

    /// The variant, the first `app_variant:`.
    pub(super) fn variant(&self) -> Option<&str> {
        self.aud.iter().find_map(|entry| entry.strip_prefix("app_variant:"))
    }

    pub(super) fn is_refresh(&self) -> bool {
        self.kind.as_deref() == Some("refresh_token")
    }

    pub(super) fn is_expired(&self) -> bool {
        self.exp.is_some_and(|exp| exp <= unix_now())
    }
}

/// Checks signature and issuer of a token of the emulator's own, and nothing else.
pub(super) fn own_claims(state: &State, token: &str) -> Result<OwnClaims, Flaw> {
    let set = state.ring().key_set();
    let claims = jws::verify(token, &set, &state.issuer)?;
    serde_json::from_value(claims).map_err(|_| Flaw::Claims)
}

/// By bearer token: genuine, current, an access token, of an enabled user who has not
/// signed out since.
pub(super) fn by_bearer(state: &State, headers: &HeaderMap) -> Result<UserCaller, Refusal> {
    let token = bearer(headers).ok_or_else(|| Refusal::unauthorized("a bearer token is needed"))?;
    let refusal = |why: &str| Refusal::unauthorized(format!("the token is not good: {why}"));
    let claims = own_claims(state, token).map_err(|flaw| refusal(&flaw.to_string()))?;
    if claims.is_expired() {
        return Err(refusal("expired"));
    }
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
    let variant = claims.variant().map(str::to_owned);
    Ok(UserCaller { app, variant, user: claims.user })
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

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    text(headers, header::COOKIE.as_str())?
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
}
