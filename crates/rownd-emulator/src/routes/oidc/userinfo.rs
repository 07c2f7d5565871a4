//! `/me` of the provider: the claims about the user that the granted scopes allow.
//!
//! In: an access token of the provider. Out: claims.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap, response::Response};
use serde_json::{Map, Value, json};

use super::protocol::{OAuthError, uncached};
use crate::{
    data::{
        clients::STANDARD_SCOPES,
        time::unix_now,
        users::{AccountState, User},
    },
    routes::{access, request::PathParams},
    state::State,
};

pub(crate) async fn me(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
) -> Result<Response, OAuthError> {
    let wrong = || OAuthError::unauthorized("invalid_token", "the access token is not valid");
    let token = access::bearer(&headers).ok_or_else(wrong)?;
    let records = state.records();
    let (access, grant) = records.grants.find_valid(token, unix_now()).ok_or_else(wrong)?;
    if grant.app != app {
        return Err(wrong());
    }
    let user = records.app(&app)?.user(&grant.user).map_err(|_| wrong())?;
    if user.state == AccountState::Disabled || user.signed_out_since(grant.auth_time) {
        return Err(wrong());
    }
    Ok(uncached(Value::Object(claims(user, &access.scopes))))
}

fn claims(user: &User, scopes: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(user.id));
    let mut put = |claim: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            claims.insert(claim.to_owned(), value);
        }
    };
    let data = |field: &str| user.data.get(field).cloned();
    let proved =
        |field: &str| user.data.get(field).map(|_| json!(user.verified.contains_key(field)));
    for scope in scopes {
        match scope.as_str() {
            "profile" => {
                let names = ["first_name", "last_name"].map(data);
                let [given, family] = &names;
                let parts = [given, family].map(|name| name.as_ref().and_then(Value::as_str));
                let full: Vec<&str> = parts.into_iter().flatten().collect();
                put("name", (!full.is_empty()).then(|| json!(full.join(" "))));
                put("given_name", given.clone());
                put("family_name", family.clone());
            }
            "email" => {
                put("email", data("email"));
                put("email_verified", proved("email"));
            }
            "phone" => {
                put("phone_number", data("phone_number"));
                put("phone_number_verified", proved("phone_number"));
            }
            // Any other scope is a field of the schema.
            field if !STANDARD_SCOPES.contains(&field) => put(field, data(field)),
            _ => {}
        }
    }
    claims
}
