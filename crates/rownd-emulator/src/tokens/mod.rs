//! `POST /hub/auth/token` and `POST /hub/auth/instant`: tokens for tokens, and tokens
//! for devices.
//!
//! In: somebody else's token, a refresh token, or nothing but the app's key. Out: a pair
//! of Rownd tokens; 200 without any where an intent does not fit.

mod exchange;
mod identity;
pub(super) mod issue;
mod refresh;
pub(super) mod validator;

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access::{self, AppCaller},
    request::{Answer, Refusal, Sent, ok},
    state::State,
    users::{Level, User, ids},
};
use issue::Holder;

/// What a client asks of the token endpoint. Members that Rownd may know and the
/// emulator does not are passed over.
#[derive(Deserialize)]
pub(super) struct TokenRequest {
    refresh_token: Option<String>,
    id_token: Option<String>,
    access_token: Option<String>,
    access_token_type: Option<Provider>,
    app_id: Option<String>,
    intent: Option<Intent>,
    #[serde(default)]
    intent_mismatch_behavior: Mismatch,
    #[serde(default)]
    user_data: Map<String, Value>,
    group_to_join: Option<String>,
    instant_user_id: Option<String>,
}

/// Whose token an `access_token` is.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Provider {
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
enum Mismatch {
    #[default]
    ReturnOkWithoutTokens,
    Throw,
}

pub(super) async fn token(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Sent(request): Sent<TokenRequest>,
) -> Answer {
    if let Some(token) = &request.refresh_token {
        if request.id_token.is_some() || request.access_token.is_some() {
            return Err(bad("a refresh and an exchange in one request"));
        }
        return refresh::refresh(&state, token, request.app_id.as_deref());
    }
    let caller = caller(&state, &headers, request.app_id.as_deref())?;
    let proof = match (&request.id_token, request.access_token_type) {
        (Some(token), None) => validator::prove(&state, &caller.app, token).await?,
        (None, Some(Provider::Anonymous)) => {
            identity::Proof::anonymous(request.access_token.as_deref())
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

fn bad(why: &str) -> Refusal {
    Refusal::bad_request("E_BAD_REQUEST", why)
}

/// The app by its key, by `app_id`, or by both if they agree.
fn caller(state: &State, headers: &HeaderMap, app: Option<&str>) -> Result<AppCaller, Refusal> {
    if access::text(headers, "x-rownd-app-key").is_some() {
        let caller = access::by_key(state, headers)?;
        return match app {
            Some(app) if app != caller.app => Err(bad("`app_id` is not the app of the key")),
            _ => Ok(caller),
        };
    }
    let app = app.ok_or_else(|| bad("neither an app key nor `app_id`"))?;
    state.world().tenant(app)?;
    Ok(AppCaller { app: app.to_owned(), variant: None })
}

/// A new user whom nothing is known of but the device.
pub(super) async fn instant(Shared(state): Shared<Arc<State>>, headers: HeaderMap) -> Answer {
    let caller = access::by_key(&state, &headers)?;
    let mut user = User::new(ids::rownd("user"), Level::Instant);
    let instant_id = ids::uuid_v4();
    user.data.insert("anonymous_id".to_owned(), json!(format!("anon_{instant_id}")));
    user.signed_in("instant");
    let holder = Holder { app: caller.app, variant: caller.variant, user: user.id.clone() };
    state.world_mut().tenant_mut(&holder.app)?.put(user)?;
    let tokens = issue::issue(&state, &holder)?;
    ok(json!({
        "message": "an instant user was made",
        "auth_tokens": { "access_token": tokens.access, "refresh_token": tokens.refresh },
        "init_data": { "instant_id": instant_id, "user_id": holder.user },
        "registration_status": "instant_user",
        "user_type": "instant_user",
    }))
}
