//! Verdict to CheckResponse: the only place where an answer is made, and each has its outer
//! status. A missing one would be an "allow" to Envoy.

use std::{iter, time::Duration};

use envoy_types::pb::{
    envoy::{
        config::core::v3::{
            HeaderValue, HeaderValueOption, header_value_option::HeaderAppendAction,
        },
        service::auth::v3::{CheckResponse, DeniedHttpResponse, check_response::HttpResponse},
        r#type::v3::HttpStatus,
    },
    google::{protobuf::BoolValue, rpc::Status},
};

use prost::Message as _;

use super::{codec::Answer, wire::Part};
use crate::{
    authz::{EncodingDoor, IdentityHeaders, Verdict, VerdictFacts},
    config::{Check, Unavailable},
    model::{CallerProtocol, Denial, DenialClass, DenyReason, visible},
    verify::Identity,
};

/// What Envoy is told by the outer status. Releases differ on which other codes are denials,
/// so only these two are used.
const PERMISSION_DENIED: i32 = 7;
const UNAUTHENTICATED: i32 = 16;

/// The metadata's word for the issuer's configured name.
const ISSUER: &str = "issuer";

/// One class of denial in both protocols.
struct Form {
    http: i32,
    grpc: i32,
    outer: i32,
    error: &'static str,
    challenge: Challenge,
}

/// What stands in `WWW-Authenticate`.
enum Challenge {
    None,
    /// The realm alone (RFC 6750 section 3.1).
    Bare,
    /// With error and description.
    Error,
}

/// The one table from cause to protocol.
const fn form(class: DenialClass) -> Form {
    let (http, grpc, outer, error, challenge) = match class {
        DenialClass::Anonymous => (401, 16, UNAUTHENTICATED, "unauthenticated", Challenge::Bare),
        DenialClass::BadCredential => (401, 16, UNAUTHENTICATED, "invalid_token", Challenge::Error),
        DenialClass::Conflict => (400, 16, UNAUTHENTICATED, "invalid_request", Challenge::Error),
        DenialClass::BadRequest => (400, 3, UNAUTHENTICATED, "invalid_request", Challenge::None),
        DenialClass::Forbidden => {
            (403, 7, PERMISSION_DENIED, "insufficient_scope", Challenge::Error)
        }
        DenialClass::StepUp => {
            (401, 16, UNAUTHENTICATED, "insufficient_user_authentication", Challenge::Error)
        }
        DenialClass::Pending | DenialClass::Unavailable => {
            (503, 14, UNAUTHENTICATED, "temporarily_unavailable", Challenge::None)
        }
    };
    Form { http, grpc, outer, error, challenge }
}

/// HTTP status and gRPC code of a reason.
pub(super) const fn statuses(reason: DenyReason) -> (i32, i32) {
    let form = form(reason.class());
    (form.http, form.grpc)
}

/// Makes answers by the settings that the check was judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoder<'a> {
    realm: &'a str,
    retry_after: u64,
    error_response: bool,
}

impl<'a> Encoder<'a> {
    pub(super) fn of(check: &'a Check) -> Self {
        let error_response = check.unavailable == Unavailable::ErrorResponse;
        Self::new(&check.realm, check.retry_after.get().as_secs().max(1), error_response)
    }

    pub(super) const fn new(realm: &'a str, retry_after: u64, error_response: bool) -> Self {
        Self { realm, retry_after, error_response }
    }

    /// The answer to a verdict.
    pub(super) fn encode(&self, verdict: &Verdict) -> Answer {
        let facts = verdict.facts();
        match verdict {
            Verdict::Allow(allowance) => {
                let request = allowance.request();
                let mut part = Part::of_check();
                part.allowed();
                part.ok_response(iter::empty(), request.spoofed.iter().map(String::as_str));
                about_check(&mut part, "allow", verdict);
                let headers = &request.identity;
                let encode = || of_identity(headers, facts.identity.as_deref()).into();
                let encoded = headers.encoded(EncodingDoor::ExtAuthz, encode);
                Answer { message: part.finish(), encoded }
            }
            Verdict::Deny { denial, .. } => {
                let class = denial.reason().class();
                let form = form(class);
                let outcome =
                    if class == DenialClass::Unavailable { "unavailable" } else { "deny" };
                let message = CheckResponse {
                    status: Some(Status { code: form.outer, ..Status::default() }),
                    dynamic_metadata: None,
                    http_response: Some(self.denied(&form, denial, facts)),
                };
                let mut about = Part::of_check();
                about_check(&mut about, outcome, verdict);
                if let Some(identity) = facts.identity.as_deref() {
                    about_identity(&mut about, identity);
                } else if let Some(issuer) = denial.issuer() {
                    about.metadata(&[(ISSUER, issuer)]);
                }
                Answer { message: message.encode_to_vec(), encoded: about.finish().into() }
            }
        }
    }

    fn denied(&self, form: &Form, denial: &Denial, facts: &VerdictFacts) -> HttpResponse {
        let reason = denial.reason();
        let plain = facts.protocol != CallerProtocol::Http;
        let mut headers = vec![
            header("cache-control", "no-store"),
            header("content-type", if plain { "text/plain" } else { "application/json" }),
        ];
        if let Some(challenge) = self.challenge(form, denial) {
            headers.push(header("www-authenticate", challenge));
        }
        if matches!(reason.class(), DenialClass::Pending | DenialClass::Unavailable) {
            headers.push(header("retry-after", self.wait(denial).to_string()));
        }
        if plain {
            headers.push(header("grpc-status", form.grpc.to_string()));
        }
        let body = if plain {
            format!("{}: {}", reason.code(), reason.message())
        } else {
            serde_json::json!({
                "error": form.error,
                "reason": reason.code(),
                "message": reason.message(),
                "request_id": String::from_utf8_lossy(&facts.request_id),
            })
            .to_string()
        };
        let status = Some(HttpStatus { code: form.http });
        let denied = DeniedHttpResponse { status, headers, body };
        // Envoy may let an error response through, so nothing that a client can bring about
        // is ever told that way.
        if self.error_response && denial.is_for_everybody() {
            HttpResponse::ErrorResponse(denied)
        } else {
            HttpResponse::DeniedResponse(denied)
        }
    }

    /// Whole seconds, rounded up: a client that comes back earlier comes in vain.
    fn wait(&self, denial: &Denial) -> u64 {
        let up = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        denial.retry_after().map_or(self.retry_after, |wait| up(wait).max(1))
    }

    /// RFC 6750 section 3, RFC 9470 section 3.
    fn challenge(&self, form: &Form, denial: &Denial) -> Option<String> {
        let realm = || format!("Bearer realm=\"{}\"", self.realm);
        let Form { error, challenge, .. } = form;
        let message = denial.reason().message();
        match challenge {
            Challenge::None => None,
            Challenge::Bare => Some(realm()),
            Challenge::Error => {
                let mut text = realm();
                text.push_str(&format!(", error=\"{error}\", error_description=\"{message}\""));
                if denial.reason().class() == DenialClass::StepUp
                    && let Some(level) = denial.required_level()
                {
                    text.push_str(&format!(", acr_values=\"{}\"", level.as_str()));
                }
                Some(text)
            }
        }
    }
}

/// What every allowed answer to an identity, or to nobody, has in common.
fn of_identity(headers: &IdentityHeaders, identity: Option<&Identity>) -> Vec<u8> {
    let mut part = Part::of_identity();
    let set = headers.set.iter().map(|(name, value)| (*name, value.as_ref()));
    part.ok_response(set, headers.remove.iter().copied());
    if let Some(identity) = identity {
        about_identity(&mut part, identity);
    }
    part.finish()
}

/// A header that replaces whatever was there, said in both ways that Envoy's releases know.
fn header(name: &str, value: impl Into<String>) -> HeaderValueOption {
    #[expect(deprecated, reason = "released Envoys obey `append`, later ones `append_action`")]
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            value: value.into(),
            ..HeaderValue::default()
        }),
        append: Some(BoolValue { value: false }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
        ..HeaderValueOption::default()
    }
}

/// What access logs and later filters can read of a check, under `envoy.filters.http.ext_authz`.
fn about_check(part: &mut Part, outcome: &'static str, verdict: &Verdict) {
    let facts = verdict.facts();
    let request_id = String::from_utf8_lossy(&facts.request_id);
    part.metadata(&[
        ("outcome", outcome),
        ("reason", verdict.reason_code()),
        ("rule", &facts.rule),
        ("request_id", &request_id),
    ]);
}

/// What they can read of the caller.
fn about_identity(part: &mut Part, identity: &Identity) {
    // A text access log writes these as they are.
    part.metadata(&[
        ("user_id", &*visible(&identity.user_id)),
        ("auth_level", identity.auth_level.as_str()),
        ("app_id", &*visible(identity.app_id.as_deref().unwrap_or_default())),
        (ISSUER, &identity.issuer),
    ]);
}
