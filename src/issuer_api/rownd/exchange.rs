//! Rownd's tokens for other tokens: `POST /hub/auth/token` and `POST /hub/auth/instant`.
//!
//! In: the token of another issuer, a refresh token, or an app key. Out: tokens, or a yes without
//! any. The app key goes along where Rownd takes one, the secret never.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::client::{APP_KEY, RowndClient};
use crate::{
    config::Secret,
    issuer_api::{
        api::{ApiCall, Target, from_json, json},
        capabilities::{Asked, Guests, RefreshTokens, ThirdPartyTokens},
        error::{ApiError, ExchangeError},
        grants::{AppAndKey, GuestLevel, Intent, ThirdPartyToken},
        operation::Operation,
        rejection::{RefusedPart, Rejection},
        tokens::{Granted, Tokens, UserType, not_empty},
    },
    upstream::{HttpAnswer, UpstreamError},
};

const TOKEN: &str = "/hub/auth/token";
const INSTANT: &str = "/hub/auth/instant";

/// The body of each of these requests. A member that is `None` is not sent.
#[derive(Default, Serialize)]
struct TokenRequest<'a> {
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

/// The answer. Each member may be missing; tokens stand at the top, or with an instant user one
/// level below.
#[derive(Deserialize)]
struct RowndTokens {
    access_token: Option<String>,
    refresh_token: Option<String>,
    auth_tokens: Option<TokenPair>,
    user_type: Option<Value>,
    app_variant_user_type: Option<Value>,
}

#[derive(Default, Deserialize)]
struct TokenPair {
    access_token: Option<String>,
    refresh_token: Option<String>,
}

impl ThirdPartyTokens for RowndClient {
    fn exchange<'a>(
        &'a self,
        app: AppAndKey<'a>,
        token: &'a ThirdPartyToken,
        timeout: Duration,
    ) -> Asked<'a, Granted, ExchangeError> {
        Box::pin(async move {
            let body = TokenRequest {
                id_token: Some(token.token.expose()),
                app_id: Some(app.id),
                intent: token.intent,
                // So that an intent that does not fit is an answer, and an error is an error.
                intent_mismatch_behavior: token.intent.map(|_| "return_ok_without_tokens"),
                user_data: Some(&token.user_data).filter(|data| !data.is_empty()),
                group_to_join: token.group_to_join.as_deref(),
                instant_user_id: token.instant_user_id.as_deref(),
                ..TokenRequest::default()
            };
            let granted = self.tokens(Operation::RowndExchange, Some(app), &body, timeout).await;
            self.ended(app, granted.map_err(|error| refused_part(error, token)))
        })
    }
}

impl RefreshTokens for RowndClient {
    /// No key goes along: none is needed.
    fn refresh<'a>(&'a self, token: &'a Secret, timeout: Duration) -> Asked<'a, Granted> {
        Box::pin(async move {
            let body =
                TokenRequest { refresh_token: Some(token.expose()), ..TokenRequest::default() };
            match self.tokens(Operation::RowndRefresh, None, &body, timeout).await {
                // No intent was sent, so there is none that could not fit.
                Ok(Granted::Nothing(_)) => Err(ApiError::Shape),
                // Rownd refuses with 400. Any other status may be of a proxy in between: taking it
                // for a refusal would sign every user out.
                Err(ApiError::Rejected(Rejection { status, .. })) if status != 400 => {
                    Err(UpstreamError::Status(status).into())
                }
                other => other,
            }
        })
    }
}

impl Guests for RowndClient {
    fn guest<'a>(
        &'a self,
        app: Option<AppAndKey<'a>>,
        level: GuestLevel,
        timeout: Duration,
    ) -> Asked<'a, Granted, ExchangeError> {
        Box::pin(async move {
            let app = app.ok_or(ExchangeError::Unsupported)?;
            match level {
                GuestLevel::Instant if app.key.is_none() => Err(ExchangeError::NoKey),
                GuestLevel::Instant => {
                    let body = TokenRequest::default();
                    let operation = Operation::RowndInstantUser;
                    let granted = self.tokens(operation, Some(app), &body, timeout).await;
                    self.ended(app, granted.map_err(ApiError::of_key))
                }
                GuestLevel::Guest => {
                    let body = TokenRequest {
                        access_token_type: Some("anonymous"),
                        app_id: Some(app.id),
                        ..TokenRequest::default()
                    };
                    let granted = self.tokens(Operation::RowndGuest, Some(app), &body, timeout);
                    self.ended(app, granted.await.map_err(ApiError::of_key))
                }
            }
        })
    }
}

impl RowndClient {
    async fn tokens(
        &self,
        operation: Operation,
        app: Option<AppAndKey<'_>>,
        body: &TokenRequest<'_>,
        timeout: Duration,
    ) -> Result<Granted, ApiError> {
        let key = app.and_then(|app| app.key).map(|key| (APP_KEY, key.expose()));
        let path = if operation == Operation::RowndInstantUser { INSTANT } else { TOKEN };
        let call = ApiCall {
            operation,
            app: app.map(|app| app.id),
            target: Target::Path(path),
            headers: key.as_slice(),
            body: json(body)?,
            timeout,
        };
        self.api.call(call, read_tokens).await
    }

    /// The end of an exchange that carried this key. Where a key is refused and none was sent, one is
    /// missing.
    fn ended(
        &self,
        app: AppAndKey<'_>,
        granted: Result<Granted, ApiError>,
    ) -> Result<Granted, ExchangeError> {
        match (app.key, granted) {
            (None, Err(ApiError::KeyRefused(_))) => Err(ExchangeError::NoKey),
            (None, granted) => Ok(granted?),
            (Some(_), granted) => Ok(self.api.apps.note_key(app.id, granted)?),
        }
    }
}

/// The error of an exchange: about the app key, or about the part of the request that it names.
///
/// Rownd has published neither the statuses nor the codes of most of them. 401 is about the key, by
/// every library; 400 and 404 are the no of the token validator, unless the answer says otherwise,
/// or something else was sent that could be unknown.
fn refused_part(error: ApiError, sent: &ThirdPartyToken) -> ApiError {
    let ApiError::Rejected(rejection) = error else { return error };
    let (status, said) = (rejection.status, rejection.mentions);
    let (group, instant) = (sent.group_to_join.is_some(), sent.instant_user_id.is_some());
    let part = match status {
        401 => return ApiError::KeyRefused(status),
        _ if rejection.names_fields() => RefusedPart::UserData,
        404 if group && said.group => RefusedPart::UnknownGroup,
        _ if group && said.group => RefusedPart::ClosedGroup,
        _ if instant && said.instant_user => RefusedPart::InstantUser,
        _ if said.app => return ApiError::KeyRefused(status),
        400 | 403 if said.disabled => RefusedPart::DisabledUser,
        403 => return ApiError::KeyRefused(status),
        400 | 404 if said.token || !(group || instant) => RefusedPart::Token,
        _ => return ApiError::Rejected(rejection),
    };
    ApiError::Rejected(rejection.of(part))
}

pub(super) fn read_tokens(answer: &HttpAnswer) -> Result<Granted, ApiError> {
    let found: RowndTokens = from_json(answer)?;
    let below = found.auth_tokens.unwrap_or_default();
    let access = not_empty(found.access_token).or(not_empty(below.access_token));
    let refresh = not_empty(found.refresh_token).or(not_empty(below.refresh_token));
    let user_type = UserType::of(found.user_type.as_ref());
    let Some(access) = access else {
        // No document describes a refresh token alone.
        let alone = refresh.is_some();
        return if alone { Err(ApiError::Shape) } else { Ok(Granted::Nothing(user_type)) };
    };
    Ok(Granted::Tokens(Box::new(Tokens {
        refresh: refresh.as_deref().map(Secret::new),
        user_type,
        variant_user_type: UserType::of(found.app_variant_user_type.as_ref()),
        ..Tokens::new(&access)
    })))
}
