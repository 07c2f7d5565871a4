//! The form of a denial in HTTP and gRPC, made in this one place for every door.
//!
//! In: a denial, the client that gets it, and the settings of the configuration that judged it.
//! Out: status, headers and body as numbers and texts of no particular wire. A door only encodes
//! them. gRPC callers get plain text, browsers that navigate a redirect or a page where that is
//! configured, all others JSON.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_same_arms)]

mod accept;
mod challenge;
mod navigation;
mod page;
#[cfg(test)]
mod tests;
mod told;

use std::time::Duration;

use crate::{
    config::DenialSettings,
    model::{
        CallerProtocol, Denial, DenialClass, DenialForm, DenyReason, NameValue, Redirect,
        RequestContext, ResponseEdits,
    },
};
use challenge::{Challenge, challenge};
use told::Told;

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
    /// The name of the rule that judged its request.
    pub rule: &'a str,
    /// Its request; `None` if what arrived is none. Without it the client is no browser.
    pub request: Option<&'a RequestContext>,
}

/// Makes the responses to denials by the settings that their check was judged by.
#[derive(Debug, Clone, Copy)]
pub struct DenialResponder<'a> {
    settings: &'a DenialSettings,
}

impl<'a> DenialResponder<'a> {
    /// By these settings.
    #[must_use]
    pub const fn new(settings: &'a DenialSettings) -> Self {
        Self { settings }
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
        let mut response = match client.protocol {
            CallerProtocol::Http => match (redirect, self.sign_in(denial, client)) {
                (Some(redirect), _) => Self::redirected(redirect),
                (None, Some(redirect)) => Self::redirected(&redirect),
                (None, None) => self.denied(denial, client),
            },
            CallerProtocol::Grpc | CallerProtocol::GrpcWeb => self.denied(denial, client),
        };
        for (name, value) in &edits.headers {
            response.headers.retain(|(known, _)| known != name);
            response.headers.push((name.clone(), value.clone()));
        }
        response.cookies.clone_from(&edits.cookies);
        response
    }

    /// The redirect to a sign-in page, for browsers where one is configured.
    fn sign_in(&self, denial: &Denial, client: Recipient<'_>) -> Option<Redirect> {
        let page = form_of(denial, self.settings).sign_in.as_ref()?;
        navigation::sign_in(page, denial, client.request?, &self.settings.secret_parameters)
    }

    fn redirected(redirect: &Redirect) -> DenialResponse {
        DenialResponse {
            http_status: redirect.kind.status(),
            headers: vec![
                ("cache-control".into(), "no-store".into()),
                ("location".into(), redirect.location.clone().into()),
            ],
            cookies: Vec::new(),
            body: String::new(),
            is_failure: false,
        }
    }

    fn denied(&self, denial: &Denial, client: Recipient<'_>) -> DenialResponse {
        let form = ClassForm::of(denial.reason().class());
        let mut headers: Vec<NameValue> = vec![("cache-control".into(), "no-store".into())];
        if let Some(challenge) = challenge(&form, self.settings, denial) {
            headers.push(("www-authenticate".into(), challenge.into()));
        }
        if form.retry {
            headers.push(("retry-after".into(), self.retry_after(denial).to_string().into()));
        }
        let told = Told::of(denial, self.settings, client);
        let looks = form_of(denial, self.settings).page.as_ref();
        let prefers_html = || client.request.is_some_and(navigation::accepts_html);
        let (content_type, body) = match (client.protocol, looks) {
            (CallerProtocol::Grpc | CallerProtocol::GrpcWeb, _) => {
                headers.push(("grpc-status".into(), form.statuses.grpc.to_string().into()));
                ("text/plain", told.text())
            }
            (CallerProtocol::Http, Some(looks)) if prefers_html() => {
                headers
                    .push(("content-security-policy".into(), page::security_policy(looks).into()));
                ("text/html; charset=utf-8", told.page(looks, &form))
            }
            (CallerProtocol::Http, _) => ("application/json", told.json(&form)),
        };
        if client.protocol == CallerProtocol::Http {
            headers.push(("x-content-type-options".into(), "nosniff".into()));
        }
        headers.push(("content-type".into(), content_type.into()));
        DenialResponse {
            http_status: form.statuses.http,
            headers,
            cookies: Vec::new(),
            body,
            // A proxy may let such a request through, so nothing that a client can bring about is
            // ever told that way.
            is_failure: self.settings.error_response && denial.is_for_everybody(),
        }
    }

    /// Whole seconds, rounded up: a client that comes back earlier is denied again.
    fn retry_after(&self, denial: &Denial) -> u64 {
        let up = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        denial.retry_after().map_or(self.settings.retry_after, |wait| up(wait).max(1))
    }
}

/// The form of a denial: that of its rule, else that of the whole configuration.
fn form_of<'a>(denial: &'a Denial, settings: &'a DenialSettings) -> &'a DenialForm {
    denial.form().unwrap_or(&settings.form)
}

/// The form that the denials of one class have in common.
struct ClassForm {
    statuses: Statuses,
    /// The word under `error` in the body and in the challenge.
    error: &'static str,
    /// The heading of the page.
    heading: &'static str,
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
        let heading = match http {
            401 => "Please sign in",
            403 => "No access",
            503 => "Not available at the moment",
            _ => "The request cannot be accepted",
        };
        let retry = matches!(class, DenialClass::Pending | DenialClass::Unavailable);
        Self { statuses: Statuses { http, grpc }, error, heading, challenge, retry }
    }
}
