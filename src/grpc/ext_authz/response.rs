//! Verdict to CheckResponse: the only place where a response is made, and each has its outer
//! status. A missing one would be an "allow" to Envoy.
//!
//! A response is written straight into its frame. The part about the identity was encoded once and
//! stands at its end: two encoded messages after each other are one merged message (protobuf,
//! "Encoding", section "Last One Wins").

use bytes::Bytes;
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

use super::{frame::EncodedResponse, wire::MessagePart};
use crate::{
    authz::{Allowance, EncodingDoor, IdentityHeaders, ListHeader, Verdict, outcome},
    config::DenialSettings,
    metrics::Label as _,
    model::{
        Denial, DenialClass, NameValue, QueryEdits, RequestContext, ResponseEdits, SharedText,
        visible,
    },
    response::{DenialResponder, DenialResponse, Recipient},
    verify::Identity,
};

/// The outer statuses of a denial. Releases of Envoy differ on which other codes are denials,
/// so only these two are used.
const PERMISSION_DENIED: i32 = 7;
const UNAUTHENTICATED: i32 = 16;

/// The metadata's word for the issuer's configured name.
const ISSUER: &str = "issuer";

/// Encodes verdicts by the settings that the check was judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoder<'a> {
    denials: DenialResponder<'a>,
}

impl<'a> Encoder<'a> {
    pub(super) const fn new(settings: &'a DenialSettings) -> Self {
        Self { denials: DenialResponder::new(settings) }
    }

    /// The response to a verdict about this request; `None` if what arrived is none.
    pub(super) fn encode(
        &self,
        verdict: &Verdict,
        request: Option<&RequestContext>,
    ) -> EncodedResponse {
        match verdict {
            Verdict::Allow(allowance) => allowed(allowance, verdict),
            Verdict::Deny { denial, redirect, response, facts } => {
                let client = Recipient {
                    protocol: facts.protocol,
                    request_id: &facts.request_id,
                    rule: &facts.rule,
                    request,
                };
                let told = self.denials.respond(denial, redirect.as_ref(), response, client);
                let reason = denial.reason();
                let outer = match reason.class() {
                    DenialClass::Forbidden => PERMISSION_DENIED,
                    DenialClass::Anonymous
                    | DenialClass::BadCredential
                    | DenialClass::Conflict
                    | DenialClass::BadRequest
                    | DenialClass::StepUp
                    | DenialClass::Pending
                    | DenialClass::Unavailable => UNAUTHENTICATED,
                };
                let message = CheckResponse {
                    status: Some(Status { code: outer, ..Status::default() }),
                    dynamic_metadata: None,
                    http_response: Some(denied(told)),
                };
                let message = message.encode_to_vec();
                let mut about = MessagePart::of_check(&[], &message);
                about.more(&message);
                about_check(&mut about, outcome(reason).as_str(), verdict);
                if let Some(identity) = facts.identity.as_deref() {
                    about_identity(&mut about, identity);
                } else if let Some(issuer) = denial.issuer() {
                    about.metadata(&[(ISSUER, issuer)]);
                }
                EncodedResponse::of_frame(about.finish())
            }
        }
    }
}

fn allowed(allowance: &Allowance, verdict: &Verdict) -> EncodedResponse {
    let (request, identity) = (allowance.request(), verdict.facts().identity.as_deref());
    // A copy, because it is kept for as long as the identity and takes no more than it needs.
    let encode = || Bytes::copy_from_slice(&of_identity(&request.identity, identity));
    let kept = request.identity.encoded(EncodingDoor::ExtAuthz, encode);
    let mut part = MessagePart::of_check(&request.headers, &kept);
    part.allowed();
    let set = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let removed = request.spoofed.iter().chain(&request.remove);
    part.ok_response(set, removed.map(SharedText::as_str));
    let response = allowance.response();
    if request.query != QueryEdits::default() || *response != ResponseEdits::default() {
        part.ok_response_edits(&request.query, response);
    }
    about_check(&mut part, "allow", verdict);
    part.more(&kept);
    EncodedResponse::of_frame(part.finish())
}

fn denied(told: DenialResponse) -> HttpResponse {
    let DenialResponse { http_status, headers, cookies, body, is_failure } = told;
    let status = Some(HttpStatus { code: i32::from(http_status) });
    let headers = response_headers(&headers, &cookies);
    let denied = DeniedHttpResponse { status, headers, body };
    if is_failure {
        HttpResponse::ErrorResponse(denied)
    } else {
        HttpResponse::DeniedResponse(denied)
    }
}

/// The common part of every allowed response to an identity, or to none.
fn of_identity(headers: &IdentityHeaders, identity: Option<&Identity>) -> Vec<u8> {
    let mut part = MessagePart::of_identity();
    let set = headers.set.iter().map(|(name, value)| (*name, value.as_ref()));
    part.ok_response(set, headers.remove.iter().copied());
    if let Some(identity) = identity {
        about_identity(&mut part, identity);
        about_lists(&mut part, headers, identity);
    }
    part.finish()
}

fn response_headers(headers: &[NameValue], cookies: &[String]) -> Vec<HeaderValueOption> {
    let cookie = |value: &String| header_option("set-cookie", value, true);
    headers.iter().map(header).chain(cookies.iter().map(cookie)).collect()
}

/// A header that replaces whatever was there.
fn header((name, value): &NameValue) -> HeaderValueOption {
    header_option(name, value, false)
}

/// Whether a header is added to those of its name is said in both ways that Envoy's releases know.
fn header_option(name: &str, value: &str, append: bool) -> HeaderValueOption {
    let action = if append {
        HeaderAppendAction::AppendIfExistsOrAdd
    } else {
        HeaderAppendAction::OverwriteIfExistsOrAdd
    };
    #[expect(deprecated, reason = "released Envoys obey `append`, later ones `append_action`")]
    HeaderValueOption {
        header: Some(HeaderValue {
            key: name.to_owned(),
            value: value.to_owned(),
            ..HeaderValue::default()
        }),
        append: Some(BoolValue { value: append }),
        append_action: action.into(),
        ..HeaderValueOption::default()
    }
}

/// The fields about a check that access logs and later filters can read, under `envoy.filters.http.ext_authz`.
fn about_check(part: &mut MessagePart, outcome: &'static str, verdict: &Verdict) {
    let facts = verdict.facts();
    // Visible ASCII, or nothing: judged when it was taken over.
    let request_id = std::str::from_utf8(&facts.request_id).unwrap_or_default();
    part.metadata(&[
        ("outcome", outcome),
        ("reason", verdict.reason_code()),
        ("rule", &facts.rule),
        ("request_id", request_id),
    ]);
    let would_deny = facts.would_deny();
    if !would_deny.is_empty() {
        part.metadata_list("would_deny", &would_deny);
    }
    if let Some(guard) = verdict.result().err().and_then(Denial::guard) {
        part.metadata(&[("guard", guard)]);
    }
}

/// The fields about the caller.
fn about_identity(part: &mut MessagePart, identity: &Identity) {
    // A text access log writes these as they are.
    part.metadata(&[
        ("user_id", &*visible(&identity.user_id)),
        ("auth_level", identity.auth_level.as_str()),
        ("app_id", &*visible(identity.app_id.as_deref().unwrap_or_default())),
        (ISSUER, &identity.issuer),
    ]);
    if let Some(tenant) = identity.tenant.as_deref().filter(|tenant| !tenant.is_empty()) {
        part.metadata(&[("tenant", &*visible(tenant))]);
    }
}

/// The lists that the service behind gets as headers, and the names of those that it does not get
/// because they are too large.
fn about_lists(part: &mut MessagePart, headers: &IdentityHeaders, identity: &Identity) {
    let lists = [
        ("roles", ListHeader::Roles, &identity.roles),
        ("groups", ListHeader::Groups, &identity.groups),
        ("scopes", ListHeader::Scopes, &identity.scopes),
    ];
    for (name, header, items) in lists {
        if headers.set.iter().any(|(set, _)| *set == header.name()) {
            let items: Vec<_> = items.iter().map(|item| visible(item)).collect();
            part.metadata_list(name, &items);
        }
    }
    if !headers.omitted.is_empty() {
        let names: Vec<&str> = headers.omitted.iter().map(|header| header.name()).collect();
        part.metadata_list("omitted_headers", &names);
    }
}
