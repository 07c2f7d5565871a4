//! SuperTokens with Rownd's plugin: sessions for Rownd tokens and for guests, the renewal of a
//! session, and its user.
//!
//! In: a token, or a level. Out: the tokens of a session, which travel in headers; or a profile.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    administration::accounts::AccountAdministration,
    api::{self, Api, ApiCall, Target, bearer, from_json},
    capabilities::{Asked, Guests, IssuerApi, Migration, OwnProfiles, OwnUser, RefreshTokens},
    error::{ApiError, ExchangeError},
    grants::{AppAndKey, GuestLevel},
    operation::Operation,
    rejection::{Rejection, error_code},
    rownd::read_profile_of,
    supertokens_core::CoreClient,
    tokens::{Granted, Tokens},
};
use crate::{
    config::Secret,
    model::Profile,
    upstream::{HttpAnswer, UpstreamError},
};

const MIGRATE: &str = "/plugin/rownd/migrate";
const GUEST: &str = "/plugin/rownd/guest?tenantId=public";
const REFRESH: &str = "/session/refresh";
const USER: &str = "/plugin/rownd/user";
/// Asks for tokens in headers, not in cookies, and marks the request of a SuperTokens client.
const HEADERS: [(&str, &str); 3] =
    [("rid", "session"), ("fdi-version", "1.18"), ("st-auth-mode", "header")];

/// Calls the API below one `apiDomain` and `apiBasePath`.
#[derive(Debug)]
struct SuperTokensClient {
    api: Api,
}

/// How the plugin says with a status of 200 that it refuses.
#[derive(Deserialize)]
struct PluginStatus {
    status: String,
    reason: Option<Value>,
    code: Option<Value>,
}

/// The capabilities of SuperTokens' API, and of the core where one is configured.
pub(super) fn table(api: Api, core: Option<CoreClient>) -> IssuerApi {
    let client = Arc::new(SuperTokensClient { api });
    IssuerApi {
        app_ids: None,
        third_party_tokens: None,
        refresh_tokens: Some(client.clone()),
        migration: Some(client.clone()),
        guests: Some(client.clone()),
        user_profiles: None,
        own_profiles: Some(client),
        code_flow: None,
        user_info: None,
        token_control: None,
        magic_links: None,
        oidc_clients: None,
        users: None,
        groups: None,
        apps: None,
        accounts: core.map(|core| Arc::new(core) as Arc<dyn AccountAdministration>),
    }
}

impl Migration for SuperTokensClient {
    fn migrate<'a>(&'a self, token: &'a Secret, timeout: Duration) -> Asked<'a, Granted> {
        Box::pin(async move {
            let bearer = bearer(token);
            let call = ApiCall {
                operation: Operation::SuperTokensMigration,
                app: None,
                target: Target::Path(MIGRATE),
                headers: &with_token(&bearer),
                body: Bytes::new(),
                timeout,
            };
            self.api.call(call, read_session).await
        })
    }
}

impl RefreshTokens for SuperTokensClient {
    /// The token is the refresh token of a session. Each works once: a second use looks like theft,
    /// and ends the session.
    fn refresh<'a>(&'a self, token: &'a Secret, timeout: Duration) -> Asked<'a, Granted> {
        Box::pin(async move {
            let bearer = bearer(token);
            let call = ApiCall {
                operation: Operation::SuperTokensRefresh,
                app: None,
                target: Target::Path(REFRESH),
                headers: &with_token(&bearer),
                body: Bytes::new(),
                timeout,
            };
            match self.api.call(call, read_tokens).await {
                // SuperTokens refuses with 401, by which its clients end the session. Any other
                // status may be of a proxy in between: taking it for a refusal would sign users out.
                Err(ApiError::Rejected(Rejection { status, .. })) if status != 401 => {
                    Err(UpstreamError::Status(status).into())
                }
                other => other,
            }
        })
    }
}

impl Guests for SuperTokensClient {
    /// The session is for the one app of this API, so none is sent.
    fn guest<'a>(
        &'a self,
        _app: Option<AppAndKey<'a>>,
        level: GuestLevel,
        timeout: Duration,
    ) -> Asked<'a, Granted, ExchangeError> {
        Box::pin(async move {
            let level = match level {
                GuestLevel::Instant => "instant",
                GuestLevel::Guest => "guest",
            };
            let call = ApiCall {
                operation: Operation::SuperTokensGuest,
                app: None,
                target: Target::Path(GUEST),
                headers: &HEADERS,
                body: api::json(&json!({ "auth_level": level }))?,
                timeout,
            };
            Ok(self.api.call(call, read_session).await?)
        })
    }
}

impl OwnProfiles for SuperTokensClient {
    /// The token is the access token of a session.
    fn own_user<'a>(
        &'a self,
        who: OwnUser<'a>,
        token: &'a Secret,
        timeout: Duration,
    ) -> Option<Asked<'a, Profile>> {
        Some(Box::pin(async move {
            let bearer = bearer(token);
            let call = ApiCall {
                operation: Operation::SuperTokensUser,
                app: None,
                target: Target::Path(USER),
                headers: &with_token(&bearer),
                body: Bytes::new(),
                timeout,
            };
            let profile = self.api.call(call, |answer| {
                refuse_unless_ok(answer)?;
                read_profile_of(who.id, &answer.body)
            });
            profile.await.map_err(ApiError::of_user)
        }))
    }
}

fn with_token(bearer: &Secret) -> [(&'static str, &str); 4] {
    let [first, second, third] = HEADERS;
    [first, second, third, ("authorization", bearer.expose())]
}

fn refuse_unless_ok(answer: &HttpAnswer) -> Result<(), ApiError> {
    let said: PluginStatus = from_json(answer)?;
    if said.status == "OK" {
        return Ok(());
    }
    let code = said.reason.as_ref().and_then(Value::as_str).and_then(error_code);
    let status = said.code.and_then(|code| code.as_u64()?.try_into().ok());
    Err(ApiError::Rejected(Rejection::new(status.unwrap_or(200), code)))
}

/// The session that a route of the plugin gives; its body says whether it does.
fn read_session(answer: &HttpAnswer) -> Result<Granted, ApiError> {
    refuse_unless_ok(answer)?;
    read_tokens(answer)
}

/// The tokens of a session. An answer that lacks one of the three headers is no session.
fn read_tokens(answer: &HttpAnswer) -> Result<Granted, ApiError> {
    let header = |name| answer.header(name).filter(|value| !value.is_empty());
    let access = header("st-access-token").ok_or(ApiError::Shape)?;
    let refresh = header("st-refresh-token").ok_or(ApiError::Shape)?;
    let front = header("front-token").ok_or(ApiError::Shape)?;
    Ok(Granted::Tokens(Box::new(Tokens {
        refresh: Some(Secret::new(refresh)),
        front: Some(Secret::new(front)),
        ..Tokens::new(access)
    })))
}
