//! Redirects, pages, explanations, challenges and edits of the response. The form of each denial
//! itself is held by the tests of the doors, which answer by it.

mod accept;
mod challenges;
mod explained;
mod navigation;
mod pages;

use std::sync::Arc;

use bytes::Bytes;

use super::{DenialResponder, DenialResponse, Recipient, statuses};
use crate::{
    config::DenialSettings,
    model::{
        AccentColor, CallerProtocol, Denial, DenialForm, DenialPage, DenyReason, Headers, Redirect,
        RedirectKind, RequestContext, ResponseEdits, SignInPage,
    },
};

fn settings() -> DenialSettings {
    DenialSettings {
        realm: "the realm".to_owned(),
        retry_after: 7,
        error_response: true,
        explain: false,
        resource_metadata: None,
        form: Arc::default(),
        secret_parameters: vec!["access_token".to_owned()],
    }
}

fn page(title: &str) -> DenialPage {
    DenialPage { title: title.to_owned(), accent: AccentColor::parse("#1a56db").unwrap() }
}

fn form(page: Option<DenialPage>, sign_in: Option<&str>) -> Arc<DenialForm> {
    let sign_in = sign_in.map(|url| SignInPage::new(url.to_owned(), "return_to".to_owned()));
    Arc::new(DenialForm { page, sign_in })
}

fn request(target: &str, headers: &[(&'static str, &str)]) -> RequestContext {
    let header = |(name, value): &(&'static str, &str)| {
        (Bytes::from(*name), Bytes::copy_from_slice(value.as_bytes()))
    };
    let headers = Headers::new(headers.iter().map(header).collect(), false);
    RequestContext { headers, ..RequestContext::for_test(target) }
}

/// The response to a client that sent this request.
fn told_to(
    denial: &Denial,
    settings: &DenialSettings,
    protocol: CallerProtocol,
    request: Option<&RequestContext>,
) -> DenialResponse {
    let client = Recipient { protocol, request_id: b"request-1", rule: "the-rule", request };
    DenialResponder::new(settings).respond(denial, None, &ResponseEdits::default(), client)
}

/// The response to a client that is no browser.
fn told(denial: &Denial) -> DenialResponse {
    told_to(denial, &settings(), CallerProtocol::Http, None)
}

fn respond(
    reason: DenyReason,
    redirect: Option<&Redirect>,
    edits: &ResponseEdits,
    protocol: CallerProtocol,
) -> DenialResponse {
    let client = Recipient { protocol, request_id: b"request-1", rule: "the-rule", request: None };
    DenialResponder::new(&settings()).respond(&reason.into(), redirect, edits, client)
}

fn value<'a>(response: &'a DenialResponse, name: &str) -> Option<&'a str> {
    let mut all = response.headers.iter().filter(|(known, _)| known == name);
    let value = all.next().map(|(_, value)| value.as_str());
    assert_eq!(all.next(), None, "{name} stands once");
    value
}
fn sign_in(kind: RedirectKind) -> Redirect {
    Redirect { kind, location: "https://login.test/?back=1".to_owned() }
}

#[test]
fn a_redirect_replaces_status_and_body_and_says_nothing_of_the_denial() {
    for (kind, status) in [
        (RedirectKind::Found, 302),
        (RedirectKind::SeeOther, 303),
        (RedirectKind::TemporaryRedirect, 307),
    ] {
        for reason in DenyReason::ALL {
            let edits = ResponseEdits::default();
            let to = sign_in(kind);
            let response = respond(*reason, Some(&to), &edits, CallerProtocol::Http);
            assert_eq!(response.http_status, status, "{reason:?}");
            assert_eq!(value(&response, "location"), Some("https://login.test/?back=1"));
            assert_eq!(value(&response, "cache-control"), Some("no-store"));
            assert_eq!((response.headers.len(), response.body.as_str()), (2, ""), "{reason:?}");
            assert!(!response.is_failure, "{reason:?}");
        }
    }
}

#[test]
fn a_client_that_speaks_grpc_gets_the_denial_instead_of_a_redirect() {
    let edits = ResponseEdits::default();
    for protocol in [CallerProtocol::Grpc, CallerProtocol::GrpcWeb] {
        for reason in DenyReason::ALL {
            let to = sign_in(RedirectKind::Found);
            let with = respond(*reason, Some(&to), &edits, protocol);
            assert_eq!(with, respond(*reason, None, &edits, protocol));
            assert_eq!(with.http_status, statuses(*reason).http);
        }
    }
}

#[test]
fn edits_come_on_top_of_a_denial_and_of_a_redirect() {
    let edits = ResponseEdits {
        headers: vec![
            ("cache-control".into(), "private".into()),
            ("x-sign-out".into(), "1".into()),
        ],
        cookies: vec!["a=1; Secure".to_owned(), "b=; Max-Age=0".to_owned()],
    };
    let to = sign_in(RedirectKind::SeeOther);
    for redirect in [None, Some(&to)] {
        let reason = DenyReason::CredentialMissing;
        let response = respond(reason, redirect, &edits, CallerProtocol::Http);
        assert_eq!(value(&response, "cache-control"), Some("private"));
        assert_eq!(value(&response, "x-sign-out"), Some("1"));
        assert_eq!(response.cookies, edits.cookies);
    }
}
