//! The form of a denial in HTTP and gRPC, made in this one place for every door.
//!
//! In: a denial, the client that gets it, and the settings of the configuration that judged it.
//! Out: status, headers and body as numbers and texts of no particular wire. A door only encodes
//! them.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_same_arms)]

mod challenge;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{
    config::{Check, Unavailable},
    model::{CallerProtocol, Denial, DenialClass, DenyReason, NameValue, Redirect, ResponseEdits},
};
use challenge::{Challenge, challenge};

/// A denial's status in both protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statuses {
    /// The HTTP status.
    pub http: u16,
    /// The gRPC status code.
    pub grpc: i32,
}

/// HTTP status and gRPC code that a client sees for a reason.
#[must_use]
pub const fn statuses(reason: DenyReason) -> Statuses {
    ClassForm::of(reason.class()).statuses
}

/// A denial as a client is told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialResponse {
    /// The HTTP status: an error, or a redirect.
    pub http_status: u16,
    /// The headers, names in lower case, each once. A gRPC client finds its status in
    /// `grpc-status`.
    pub headers: Vec<NameValue>,
    /// Values of `Set-Cookie`, each a header of its own.
    pub cookies: Vec<String>,
    /// The body.
    pub body: String,
    /// The proxy may be told that the check itself failed, and decide by its own settings.
    pub is_failure: bool,
}

/// The client that gets a response.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The protocol it speaks.
    pub protocol: CallerProtocol,
    /// The id by which its request is found in logs.
    pub request_id: &'a [u8],
}

/// Makes the responses to denials by the settings that their check was judged by.
#[derive(Debug, Clone, Copy)]
pub struct DenialResponder<'a> {
    realm: &'a str,
    /// Seconds, where the denial knows no better.
    retry_after: u64,
    error_response: bool,
}

impl<'a> DenialResponder<'a> {
    /// By the section `check` of a configuration.
    #[must_use]
    pub fn of(check: &'a Check) -> Self {
        let error_response = check.unavailable == Unavailable::ErrorResponse;
        Self::new(&check.realm, check.retry_after.get().as_secs().max(1), error_response)
    }

    /// By the realm of challenges, the seconds of `Retry-After`, and whether a fault that holds for
    /// everybody is told as a failure of the check.
    #[must_use]
    pub const fn new(realm: &'a str, retry_after: u64, error_response: bool) -> Self {
        Self { realm, retry_after, error_response }
    }

    /// The response to a denial. A redirect takes the place of status and body for clients that can
    /// follow it; `edits` come on top of either.
    #[must_use]
    pub fn respond(
        &self,
        denial: &Denial,
        redirect: Option<&Redirect>,
        edits: &ResponseEdits,
        client: Recipient<'_>,
    ) -> DenialResponse {
        let mut response = match (redirect, client.protocol) {
            (Some(redirect), CallerProtocol::Http) => Self::redirected(redirect),
            (Some(_) | None, _) => self.denied(denial, client),
        };
        for (name, value) in &edits.headers {
            response.headers.retain(|(known, _)| known != name);
            response.headers.push((name.clone(), value.clone()));
        }
        response.cookies.clone_from(&edits.cookies);
        response
    }

    fn redirected(redirect: &Redirect) -> DenialResponse {
        DenialResponse {
            http_status: redirect.kind.status(),
            headers: vec![
                ("cache-control".into(), "no-store".to_owned()),
                ("location".into(), redirect.location.clone()),
            ],
            cookies: Vec::new(),
            body: String::new(),
            is_failure: false,
        }
    }

    fn denied(&self, denial: &Denial, client: Recipient<'_>) -> DenialResponse {
        let reason = denial.reason();
        let form = ClassForm::of(reason.class());
        let is_grpc = client.protocol != CallerProtocol::Http;
        let content_type = if is_grpc { "text/plain" } else { "application/json" };
        let mut headers = vec![
            ("cache-control".into(), "no-store".to_owned()),
            ("content-type".into(), content_type.to_owned()),
        ];
        if let Some(challenge) = challenge(&form, self.realm, denial) {
            headers.push(("www-authenticate".into(), challenge));
        }
        if form.retry {
            headers.push(("retry-after".into(), self.retry_after(denial).to_string()));
        }
        if is_grpc {
            headers.push(("grpc-status".into(), form.statuses.grpc.to_string()));
        }
        let body = if is_grpc {
            format!("{}: {}", reason.code(), denial.message())
        } else {
            serde_json::json!({
                "error": form.error,
                "reason": reason.code(),
                "message": denial.message(),
                "request_id": String::from_utf8_lossy(client.request_id),
            })
            .to_string()
        };
        DenialResponse {
            http_status: form.statuses.http,
            headers,
            cookies: Vec::new(),
            body,
            // A proxy may let such a request through, so nothing that a client can bring about is
            // ever told that way.
            is_failure: self.error_response && denial.is_for_everybody(),
        }
    }

    /// Whole seconds, rounded up: a client that comes back earlier is denied again.
    fn retry_after(&self, denial: &Denial) -> u64 {
        let up = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        denial.retry_after().map_or(self.retry_after, |wait| up(wait).max(1))
    }
}

/// The form that the denials of one class have in common.
struct ClassForm {
    statuses: Statuses,
    /// The word under `error` in the body and in the challenge.
    error: &'static str,
    challenge: Challenge,
    /// The client is told when to come again.
    retry: bool,
}

impl ClassForm {
    /// The one table from class to protocol.
    const fn of(class: DenialClass) -> Self {
        let (http, grpc, error, challenge) = match class {
            DenialClass::Anonymous => (401, 16, "unauthenticated", Challenge::Bare),
            DenialClass::BadCredential => (401, 16, "invalid_token", Challenge::Error),
            DenialClass::Conflict => (400, 16, "invalid_request", Challenge::Error),
            DenialClass::BadRequest => (400, 3, "invalid_request", Challenge::None),
            DenialClass::Forbidden => (403, 7, "insufficient_scope", Challenge::Error),
            DenialClass::StepUp => (401, 16, "insufficient_user_authentication", Challenge::Error),
            DenialClass::Pending | DenialClass::Unavailable => {
                (503, 14, "temporarily_unavailable", Challenge::None)
            }
        };
        let retry = matches!(class, DenialClass::Pending | DenialClass::Unavailable);
        Self { statuses: Statuses { http, grpc }, error, challenge, retry }
    }
}
