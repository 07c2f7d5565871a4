//! SuperTokens with Rownd's plugin: sessions for Rownd tokens and for guests, and the user of a
//! session.
//!
//! In: a token, or a level. Out: the tokens of a session, which travel in headers; or a profile.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Error, Rejection,
    api::{self, Api},
    tokens::{Granted, Tokens},
    user,
};
use crate::{config::Secret, metrics::ApiEndpoint, model::Profile, upstream::Answer};

const MIGRATE: &str = "/plugin/rownd/migrate";
const GUEST: &str = "/plugin/rownd/guest?tenantId=public";
const USER: &str = "/plugin/rownd/user";
const JSON: &str = "application/json";
/// Tokens in headers, not in cookies; and what marks a call of a SuperTokens client.
const HEADERS: [(&str, &str); 3] =
    [("rid", "session"), ("fdi-version", "1.18"), ("st-auth-mode", "header")];

/// What a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuestLevel {
    /// A device.
    Instant,
    /// Somebody who chose to be one.
    Guest,
}

/// Calls the API below one `apiDomain` and `apiBasePath`.
#[derive(Debug, Clone)]
pub struct SuperTokens {
    api: Api,
}

impl SuperTokens {
    pub(super) const fn new(api: Api) -> Self {
        Self { api }
    }

    /// A session for a Rownd access or refresh token. It may be asked for again.
    pub async fn migrate(&self, token: &Secret, timeout: Duration) -> Result<Granted, Error> {
        let bearer = bearer(token);
        let headers: Vec<_> =
            HEADERS.into_iter().chain([("authorization", bearer.expose())]).collect();
        let endpoint = (ApiEndpoint::Migrate, ApiEndpoint::Migrate.into());
        let call = self.api.call(endpoint, Method::POST, MIGRATE, &headers, None, timeout)?;
        self.api.send_once(call, session).await
    }

    /// A session for somebody nobody knows yet.
    pub async fn guest(&self, level: GuestLevel, timeout: Duration) -> Result<Granted, Error> {
        let level = match level {
            GuestLevel::Instant => "instant",
            GuestLevel::Guest => "guest",
        };
        let body = Some((JSON, json!({ "auth_level": level }).to_string().into_bytes()));
        let endpoint = (ApiEndpoint::Guest, ApiEndpoint::Guest.into());
        let call = self.api.call(endpoint, Method::POST, GUEST, &HEADERS, body, timeout)?;
        self.api.send_once(call, session).await
    }

    /// The user of a session, whose access token this is.
    pub async fn user(&self, token: &Secret, timeout: Duration) -> Result<Profile, Error> {
        let bearer = bearer(token);
        let headers = [HEADERS[0], HEADERS[1], HEADERS[2], ("authorization", bearer.expose())];
        let endpoint = (ApiEndpoint::SessionUser, ApiEndpoint::SessionUser.into());
        let asked = self.api.get(endpoint, USER, &headers, timeout, |body| {
            refused(body)?;
            user::read(body)
        });
        asked.await.map_err(|error| match error {
            Error::Rejected(Rejection { status: 404, .. }) => Error::NotFound,
            error => error,
        })
    }
}

fn bearer(token: &Secret) -> Secret {
    Secret::new(&format!("Bearer {}", token.expose()))
}

/// How the plugin says no with a 200.
#[derive(Deserialize)]
struct Status {
    status: String,
    reason: Option<Value>,
    code: Option<Value>,
}

fn refused(body: &[u8]) -> Result<(), Error> {
    let said: Status = serde_json::from_slice(body).map_err(|_| Error::Shape)?;
    if said.status == "OK" {
        return Ok(());
    }
    let code = said.reason.as_ref().and_then(Value::as_str).and_then(api::code);
    let status = said.code.and_then(|code| code.as_u64()?.try_into().ok());
    Err(Error::Rejected(Rejection { status: status.unwrap_or(200), code }))
}

/// A yes that lacks one of the three headers is no session.
fn session(answer: &Answer) -> Result<Granted, Error> {
    refused(&answer.body)?;
    let header = |name| answer.header(name).filter(|value| !value.is_empty());
    let access = header("st-access-token").ok_or(Error::Shape)?;
    let refresh = header("st-refresh-token").ok_or(Error::Shape)?;
    let front = header("front-token").ok_or(Error::Shape)?;
    Ok(Granted::Tokens(Box::new(Tokens {
        refresh: Some(Secret::new(refresh)),
        front: Some(Secret::new(front)),
        ..Tokens::new(access)
    })))
}
