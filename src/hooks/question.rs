//! The question whether a user may sign in, and its form in JSON.

use bytes::Bytes;
use serde::Serialize;

use crate::config::HookedGrant;

/// The question whether `Exchange` may hand out tokens.
#[derive(Debug, Clone, Copy)]
pub struct ExchangeQuestion<'a> {
    /// The configured name of the issuer that gave the tokens.
    pub issuer: &'a str,
    /// The app that the tokens are for, where they name one.
    pub app_id: Option<&'a str>,
    /// The grant.
    pub grant: HookedGrant,
    /// The user that the tokens are for, where that is certain.
    pub user_id: Option<&'a str>,
    /// How strongly the user has proved who they are, where that is known.
    pub auth_level: Option<&'a str>,
    /// Whether the issuer knew the user before, where it says so.
    pub user_type: Option<&'a str>,
    /// The name of the caller.
    pub caller: &'a str,
}

/// The body of a question by HTTP, in the form that Standard Webhooks recommends.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    issuer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<&'a str>,
    grant: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_level: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_type: Option<&'a str>,
    caller: &'a str,
}

impl ExchangeQuestion<'_> {
    /// The question in JSON; `None` if it cannot be written, which its types rule out.
    pub(super) fn body(&self) -> Option<Bytes> {
        let Self { issuer, app_id, grant, user_id, auth_level, user_type, caller } = *self;
        let grant = grant.as_str();
        let now = std::time::SystemTime::now();
        let body = Body {
            r#type: "exchange.before",
            timestamp: humantime::format_rfc3339_seconds(now).to_string(),
            data: Data { issuer, app_id, grant, user_id, auth_level, user_type, caller },
        };
        serde_json::to_vec(&body).ok().map(Bytes::from)
    }
}
