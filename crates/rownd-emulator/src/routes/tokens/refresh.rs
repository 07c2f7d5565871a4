//! Exchanges a refresh token for a new pair. Each works once, unless the app allows reuse.
//!
//! In: the token. Out: the next pair, or a 400, after which a client must not try again.

use std::sync::Arc;

use serde_json::json;

use super::issue::{self, TokenOwner};
use crate::{
    data::{apps::RefreshReuse, records::Records, users::AccountState},
    routes::{
        access::{self, OwnClaims},
        request::{ApiError, ApiResult, ok},
    },
    state::State,
};

pub(crate) fn refresh(state: &Arc<State>, token: &str, app: Option<&str>) -> ApiResult {
    let claims =
        access::own_claims(state, token).map_err(|error| ApiError::refresh(&error.to_string()))?;
    if !claims.is_refresh() {
        return Err(ApiError::refresh("it is not a refresh token"));
    }
    let holder = TokenOwner {
        app: claims.app().unwrap_or_default().to_owned(),
        variant: claims.variant().map(str::to_owned),
        user: claims.user.clone(),
    };
    if app.is_some_and(|app| app != holder.app) {
        return Err(ApiError::refresh("it belongs to another app"));
    }
    consume(&mut state.records_mut(), &claims, &holder)?;
    let pair = issue::issue(state, &holder)?;
    ok(json!({ "access_token": pair.access, "refresh_token": pair.refresh }))
}

/// Checks and uses the token under one lock: of two requests at the same time one succeeds.
fn consume(records: &mut Records, claims: &OwnClaims, holder: &TokenOwner) -> Result<(), ApiError> {
    let unknown = |_| ApiError::refresh("the user is unknown");
    let app_records = records.app_mut(&holder.app).map_err(unknown)?;
    let rules = &app_records.app.refresh_tokens;
    if claims.is_expired() && !rules.dangerously_ignore_expiration {
        return Err(ApiError::refresh("it has expired"));
    }
    let once = rules.allow_reuse == RefreshReuse::Disabled;
    let user = app_records.user_mut(&holder.user).map_err(unknown)?;
    if user.state == AccountState::Disabled {
        return Err(ApiError::refresh("the user is disabled"));
    }
    if user.signed_out_since(claims.iat) {
        return Err(ApiError::refresh("the user has signed out"));
    }
    user.stamp("last_token_refresh");
    user.stamp("last_active");
    if once && claims.jti.is_empty() {
        return Err(ApiError::refresh("it has no `jti`"));
    }
    if once && !records.used_tokens.insert(claims.jti.clone(), ()) {
        return Err(ApiError::refresh("Refresh token has been consumed"));
    }
    Ok(())
}
