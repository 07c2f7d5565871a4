//! `POST /hub/auth/token` and `POST /hub/auth/instant`: tokens in exchange for tokens, and tokens for
//! devices.
//!
//! In: a token of another issuer, a refresh token, or the app's key alone. Out: a pair of Rownd
//! tokens, or a 200 without tokens if the intent contradicts the app's users.

mod exchange;
pub(crate) mod issue;
mod proof;
mod refresh;
mod validator;

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access::{self, AppCaller},
    request::{ApiError, ApiResult, JsonBody, ok},
};
use crate::{
    data::{
        ids,
        users::{AuthLevel, User},
    },
    state::State,
};
use issue::TokenOwner;

/// The body of a request to the token endpoint. Unknown members are ignored.
#[derive(Deserialize)]
pub(crate) struct TokenRequest {
    refresh_token: Option<String>,
    id_token: Option<String>,
    access_token: Option<String>,
    access_token_type: Option<AccessTokenType>,
    app_id: Option<String>,
    intent: Option<Intent>,
    #[serde(default)]
    intent_mismatch_behavior: MismatchBehavior,
    #[serde(default)]
    user_data: Map<String, Value>,
    group_to_join: Option<String>,
    instant_user_id: Option<String>,
}

/// The issuer of an `access_token`, or the way in which the user signed in.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AccessTokenType {
    Apple,
    Google,
    Email,
    Phone,
    CryptoWallet,
    Passkeys,
    Anonymous,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Intent {
    SignIn,
    SignUp,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MismatchBehavior {
    #[default]
    ReturnOkWithoutTokens,
    Throw,
}

pub(crate) async fn token(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<TokenRequest>,
) -> ApiResult {
    let by_key = match access::header_text(&headers, "x-rownd-app-key") {
        Some(_) => Some(access::by_key(&state, &headers)?),
        None => None,
    };
    let request = body.read()?;
    if let Some(token) = &request.refresh_token {
        if request.id_token.is_some() || request.access_token.is_some() {
            return Err(bad("`refresh_token` beside `id_token` or `access_token`"));
        }
        if !request.user_data.is_empty() {
            return Err(bad("`user_data` is not valid beside `refresh_token`"));
        }
        return refresh::refresh(&state, token, request.app_id.as_deref());
    }
    let caller = caller(&state, by_key, request.app_id.as_deref())?;
    let proof = match (&request.id_token, request.access_token_type) {
        (Some(token), None) => validator::prove(&state, &caller.app, token).await?,
        (None, Some(AccessTokenType::Anonymous)) => {
            proof::Proof::anonymous(request.access_token.as_deref())
        }
        (None, Some(_)) => {
            let token = request.access_token.as_deref().ok_or_else(|| bad("no `access_token`"))?;
            validator::prove(&state, &caller.app, token).await?
        }
        (None, None) => return Err(bad("none of `id_token`, `access_token`, `refresh_token`")),
        (Some(_), Some(_)) => return Err(bad("`id_token` beside `access_token_type`")),
    };
    exchange::exchange(&state, &caller, &request, &proof)
}

fn bad(why: &str) -> ApiError {
    ApiError::bad_request("E_BAD_REQUEST", why)
}

/// The app of the request: by key, by `app_id`, or by both if they agree.
fn caller(
    state: &State,
    by_key: Option<AppCaller>,
    app: Option<&str>,
) -> Result<AppCaller, ApiError> {
    if let Some(caller) = by_key {
        return match app {
            Some(app) if app != caller.app => Err(bad("`app_id` is not the app of the key")),
            _ => Ok(caller),
        };
    }
    let app = app.ok_or_else(|| bad("neither an app key nor `app_id`"))?;
    state.records().app(app)?;
    Ok(AppCaller { app: app.to_owned(), variant: None })
}

/// A new user who is known by a device only.
pub(crate) async fn instant(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> ApiResult {
    let caller = access::by_key(&state, &headers)?;
    let mut user = User::new(ids::rownd("user"), AuthLevel::Instant);
    let instant_id = ids::uuid_v4();
    user.data.insert("anonymous_id".to_owned(), json!(format!("anon_{instant_id}")));
    user.signed_in("instant");
    let holder = TokenOwner { app: caller.app, variant: caller.variant, user: user.id.clone() };
    state.records_mut().app_mut(&holder.app)?.put_user(user)?;
    let tokens = issue::issue(&state, &holder)?;
    ok(json!({
        "message": "an instant user was made",
        "auth_tokens": { "access_token": tokens.access, "refresh_token": tokens.refresh },
        "init_data": { "instant_id": instant_id, "user_id": holder.user },
        "registration_status": "instant_user",
        "user_type": "instant_user",
    }))
}
