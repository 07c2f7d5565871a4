//! Rownd's tokens for other tokens: `POST /hub/auth/token` and `POST /hub/auth/instant`.
//!
//! In: somebody else's token, a refresh token, or an app key. Out: tokens, or a yes without any.
//! Each request is sent once: a refresh token that was sent may be used up even where no answer
//! came. The app key goes along where Rownd takes one, the secret never.

use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    APP_KEY, Client, Error, Rejection,
    breaker::{Kind, Lane},
    tokens::{Granted, Tokens, UserType, some},
};
use crate::{
    config::Secret,
    metrics::ApiEndpoint,
    upstream::{Answer, Error as UpstreamError},
};

const TOKEN: &str = "/hub/auth/token";
const INSTANT: &str = "/hub/auth/instant";
const JSON: &str = "application/json";

/// What the user means to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Sign in: there must be such a user.
    SignIn,
    /// Sign up: there must be none.
    SignUp,
}

/// Somebody else's token, and what goes with it. `Debug` shows none of it: it is about a person.
#[derive(Clone)]
pub struct ThirdParty {
    /// The token.
    pub token: Secret,
    /// What the user means to do.
    pub intent: Option<Intent>,
    /// Fields of the profile to write.
    pub user_data: Map<String, Value>,
    /// An open group to join.
    pub group_to_join: Option<String>,
    /// The instant user who becomes this one.
    pub instant_user_id: Option<String>,
}

impl std::fmt::Debug for ThirdParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThirdParty").finish_non_exhaustive()
    }
}

/// The body of both exchanges. What is not there is not sent.
#[derive(Default, Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<Intent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent_mismatch_behavior: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_to_join: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instant_user_id: Option<&'a str>,
}

impl Client {
    /// Tokens for somebody else's token, which the app's token validator judges.
    pub async fn exchange(
        &self,
        (app, key): (&str, Option<&Secret>),
        asked: &ThirdParty,
        timeout: Duration,
    ) -> Result<Granted, Error> {
        let body = Body {
            id_token: Some(asked.token.expose()),
            app_id: Some(app),
            intent: asked.intent,
            // So that an intent that does not fit is an answer, and an error is an error.
            intent_mismatch_behavior: asked.intent.map(|_| "return_ok_without_tokens"),
            user_data: Some(&asked.user_data).filter(|data| !data.is_empty()),
            group_to_join: asked.group_to_join.as_deref(),
            instant_user_id: asked.instant_user_id.as_deref(),
            ..Body::default()
        };
        let lane = Lane::of_app(ApiEndpoint::TokenExchange, app);
        self.ask((ApiEndpoint::TokenExchange, lane), TOKEN, key, &body, timeout).await
    }

    /// Tokens for a refresh token, which is used up by it. No key goes along: none is needed.
    pub async fn refresh(&self, token: &Secret, timeout: Duration) -> Result<Granted, Error> {
        let body = Body { refresh_token: Some(token.expose()), ..Body::default() };
        let client = Self { api: self.api.on_new_connections() };
        let endpoint = (ApiEndpoint::TokenRefresh, ApiEndpoint::TokenRefresh.into());
        match client.ask(endpoint, TOKEN, None, &body, timeout).await {
            // There is no intent that could not fit.
            Ok(Granted::Nothing(_)) => Err(Error::Shape),
            // 400 is Rownd's no. Any other may be of something in between: whoever took it for
            // one would sign everybody out.
            Err(Error::Rejected(Rejection { status, .. })) if status != 400 => {
                Err(UpstreamError::Status(status).into())
            }
            other => other,
        }
    }

    /// A user of whom nothing is known but the device.
    pub async fn instant(
        &self,
        (app, key): (&str, &Secret),
        timeout: Duration,
    ) -> Result<Granted, Error> {
        let endpoint = (ApiEndpoint::Instant, Lane::of_app(ApiEndpoint::Instant, app));
        let asked = self.ask(endpoint, INSTANT, Some(key), &Body::default(), timeout).await;
        // Nothing but the key was shown.
        asked.map_err(Error::of_credentials)
    }

    /// A user who chose to go on as a guest.
    pub async fn guest(
        &self,
        (app, key): (&str, Option<&Secret>),
        timeout: Duration,
    ) -> Result<Granted, Error> {
        let body =
            Body { access_token_type: Some("anonymous"), app_id: Some(app), ..Body::default() };
        // No validator is asked, so one that is broken holds up no guest.
        let lane = Lane::of_app(Kind::RowndGuest, app);
        self.ask((ApiEndpoint::TokenExchange, lane), TOKEN, key, &body, timeout).await
    }

    async fn ask(
        &self,
        endpoint: (ApiEndpoint, Lane<'_>),
        path: &str,
        key: Option<&Secret>,
        body: &Body<'_>,
        timeout: Duration,
    ) -> Result<Granted, Error> {
        let body = serde_json::to_vec(body).map_err(|_| Error::Shape)?;
        let key = key.map(|key| (APP_KEY, key.expose()));
        let headers: &[_] = key.as_slice();
        let body = Some((JSON, body));
        let call = self.api.call(endpoint, Method::POST, path, headers, body, timeout)?;
        self.api.send_once(call, read).await
    }
}

/// Every member may be missing; tokens stand at the top, or with an instant user one below.
#[derive(Deserialize)]
struct Document {
    access_token: Option<String>,
    refresh_token: Option<String>,
    auth_tokens: Option<Pair>,
    user_type: Option<Value>,
    app_variant_user_type: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Pair {
    access_token: Option<String>,
    refresh_token: Option<String>,
}

fn read(answer: &Answer) -> Result<Granted, Error> {
    let found: Document = serde_json::from_slice(&answer.body).map_err(|_| Error::Shape)?;
    let below = found.auth_tokens.unwrap_or_default();
    let access = some(found.access_token).or(some(below.access_token));
    let refresh = some(found.refresh_token).or(some(below.refresh_token));
    let user_type = UserType::of(found.user_type.as_ref());
    let Some(access) = access else {
        // A refresh token alone is nothing that is documented.
        return if refresh.is_some() { Err(Error::Shape) } else { Ok(Granted::Nothing(user_type)) };
    };
    Ok(Granted::Tokens(Box::new(Tokens {
        refresh: refresh.as_deref().map(Secret::new),
        user_type,
        variant_user_type: UserType::of(found.app_variant_user_type.as_ref()),
        ..Tokens::new(&access)
    })))
}
