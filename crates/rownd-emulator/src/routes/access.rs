//! Authenticates the caller: an app by key and secret, a page or a phone by the key alone, a user by
//! the bearer token.
//!
//! In: headers. Out: app, variant and user, or an error with status 401 or 403.

use axum::http::{HeaderMap, header};
use serde::Deserialize;

use super::request::ApiError;
use crate::{
    data::{time::unix_now, users::AccountState},
    keys::jws::{self, TokenError},
    state::State,
};

/// The app of Rownd itself: its users are the platform's operators, who configure every other app.
pub const PLATFORM_APP: &str = "app_rownd_platform";

/// An app as the caller.
pub(crate) struct AppCaller {
    pub(crate) app: String,
    pub(crate) variant: Option<String>,
}

/// Authenticates by the publishable key alone.
pub(crate) fn by_key(state: &State, headers: &HeaderMap) -> Result<AppCaller, ApiError> {
    let key = header_text(headers, "x-rownd-app-key")
        .ok_or_else(|| ApiError::unauthorized("an app key is needed"))?;
    let records = state.records();
    let (app_records, variant) = records
        .find_by_key(key)
        .ok_or_else(|| ApiError::unauthorized("the app key is not known"))?;
    let variant = variant.map(|variant| variant.id.clone());
    Ok(AppCaller { app: app_records.app.id.clone(), variant })
}

/// Authenticates by key and secret.
pub(crate) fn by_secret(state: &State, headers: &HeaderMap) -> Result<AppCaller, ApiError> {
    // One message for both, so that it does not tell which of the two is wrong.
    let denied = || ApiError::unauthorized("the app key and secret do not fit");
    let caller = by_key(state, headers).map_err(|_| denied())?;
    let given = headers.get("x-rownd-app-secret").ok_or_else(denied)?;
    let records = state.records();
    let secret = &records.app(&caller.app)?.app.secret;
    if given.as_bytes() == secret.as_bytes() { Ok(caller) } else { Err(denied()) }
}

/// Authenticates by key and secret, for this app.
pub(crate) fn for_app(
    state: &State,
    headers: &HeaderMap,
    app: &str,
) -> Result<AppCaller, ApiError> {
    let caller = by_secret(state, headers)?;
    if caller.app == app {
        Ok(caller)
    } else {
        Err(ApiError::forbidden("the credentials belong to another app"))
    }
}

/// A user as the caller.
pub(crate) struct UserCaller {
    pub(crate) app: String,
    pub(crate) variant: Option<String>,
    pub(crate) user: String,
}

/// The claims that the emulator reads in its own tokens.
#[derive(Deserialize)]
pub(crate) struct OwnClaims {
    #[serde(default)]
    pub(crate) jti: String,
    pub(crate) aud: Vec<String>,
    pub(crate) iat: u64,
    /// `None` for a user with `access_token_ttl: never`.
    pub(crate) exp: Option<u64>,
    #[serde(rename = "https://auth.rownd.io/app_user_id")]
    pub(crate) user: String,
    #[serde(default, rename = "https://auth.rownd.io/jwt_type")]
    pub(crate) kind: Option<String>,
}

impl OwnClaims {
    /// The app, the first `app:` of the audience.
    pub(crate) fn app(&self) -> Option<&str> {
        self.aud.iter().find_map(|entry| entry.strip_prefix("app:"))
    }

    /// Whether the app stands anywhere in the audience.
    pub(crate) fn is_for(&self, app: &str) -> bool {
        self.aud.iter().any(|entry| entry.strip_prefix("app:") == Some(app))
    }

    /// The variant, the first `app_variant:`.
    pub(crate) fn variant(&self) -> Option<&str> {
        self.aud.iter().find_map(|entry| entry.strip_prefix("app_variant:"))
    }

    pub(crate) fn is_refresh(&self) -> bool {
        self.kind.as_deref() == Some("refresh_token")
    }

    pub(crate) fn is_expired(&self) -> bool {
        self.exp.is_some_and(|exp| exp <= unix_now())
    }
}

/// Verifies signature and issuer of one of the emulator's own tokens, and nothing else.
pub(crate) fn own_claims(state: &State, token: &str) -> Result<OwnClaims, TokenError> {
    let set = state.ring().key_set();
    let claims = jws::verify(token, &set, &state.issuer)?;
    serde_json::from_value(claims).map_err(|_| TokenError::Claims)
}

/// Authenticates by bearer token: a genuine, current access token of an enabled user who has not
/// signed out since.
pub(crate) fn by_bearer(state: &State, headers: &HeaderMap) -> Result<UserCaller, ApiError> {
    let token =
        bearer(headers).ok_or_else(|| ApiError::unauthorized("a bearer token is needed"))?;
    let denied = |why: &str| ApiError::unauthorized(format!("the token is not accepted: {why}"));
    let claims = own_claims(state, token).map_err(|error| denied(&error.to_string()))?;
    if claims.is_expired() {
        return Err(denied("it has expired"));
    }
    if claims.kind.as_deref().is_some_and(|kind| kind != "access_token") {
        return Err(denied("it is not an access token"));
    }
    let app = claims.app().ok_or_else(|| denied("`aud` names no app"))?.to_owned();
    let records = state.records();
    let app_records = records.apps.get(&app).ok_or_else(|| denied("its app is unknown"))?;
    let user = app_records.users.get(&claims.user).ok_or_else(|| denied("its user is unknown"))?;
    if user.state == AccountState::Disabled {
        return Err(denied("the user is disabled"));
    }
    if user.signed_out_since(claims.iat) {
        return Err(denied("the user has signed out"));
    }
    let variant = claims.variant().map(str::to_owned);
    Ok(UserCaller { app, variant, user: claims.user })
}

/// Authenticates a platform operator: a user of Rownd's own app, whom no record has to know.
pub(crate) fn by_operator(state: &State, headers: &HeaderMap) -> Result<(), ApiError> {
    let needed = || ApiError::unauthorized("the access token of a platform operator is needed");
    let claims = own_claims(state, bearer(headers).ok_or_else(needed)?).map_err(|_| needed())?;
    if claims.is_expired() || claims.kind.as_deref().is_some_and(|kind| kind != "access_token") {
        return Err(needed());
    }
    if claims.is_for(PLATFORM_APP) {
        Ok(())
    } else {
        Err(ApiError::forbidden("the token is not a platform operator's"))
    }
}

/// Authenticates by bearer token, for this app.
pub(crate) fn of_app(
    state: &State,
    headers: &HeaderMap,
    app: &str,
) -> Result<UserCaller, ApiError> {
    let caller = by_bearer(state, headers)?;
    if caller.app == app {
        Ok(caller)
    } else {
        Err(ApiError::forbidden("the token belongs to another app"))
    }
}

/// The token after `Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = header_text(headers, header::AUTHORIZATION.as_str())?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A header's text.
pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    header_text(headers, header::COOKIE.as_str())?
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
}
