//! A second door, plain HTTP, in as few lines as one takes; and that it tells a client the same as
//! Envoy's does, for every reason.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use envoy_types::pb::envoy::{
    config::core::v3::HeaderValueOption,
    service::auth::v3::{CheckResponse, check_response::HttpResponse},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use prost::Message as _;

use super::{
    additions::edits_of_everything,
    answers::{PROTOCOLS, allow_with, facts, settings},
    denied,
};
use crate::{
    authz::Verdict,
    config::DenialSettings,
    grpc::ext_authz::response::Encoder,
    model::{
        AccentColor, Denial, DenialForm, DenialPage, DenyReason, Headers, NameValue, Redirect,
        RedirectKind, RequestContext, ResponseEdits, SignInPage,
    },
    response::{DenialResponder, Recipient},
};

/// The whole of the second door: 200 with the headers for the service behind, or the denial.
fn http_response(
    settings: &DenialSettings,
    verdict: &Verdict,
    request: Option<&RequestContext>,
) -> Response<String> {
    let (status, body, edits) = match verdict {
        Verdict::Allow(allowance) => {
            let request = allowance.request();
            let identity = request.identity.set.iter();
            let identity = identity.map(|(name, value)| ((*name).into(), value.to_string().into()));
            let headers = identity.chain(request.headers.iter().cloned()).collect();
            let cookies = allowance.response().cookies.clone();
            (200, String::new(), ResponseEdits { headers, cookies })
        }
        Verdict::Deny { denial, redirect, response, facts } => {
            let client = Recipient {
                protocol: facts.protocol,
                request_id: &facts.request_id,
                rule: &facts.rule,
                request,
            };
            let denials = DenialResponder::new(settings);
            let told = denials.respond(denial, redirect.as_ref(), response, client);
            let edits = ResponseEdits { headers: told.headers, cookies: told.cookies };
            (told.http_status, told.body, edits)
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    append(response.headers_mut(), &edits);
    response
}

fn append(to: &mut HeaderMap, edits: &ResponseEdits) {
    let cookie = |value: &String| ("set-cookie".into(), value.clone().into());
    let cookies: Vec<NameValue> = edits.cookies.iter().map(cookie).collect();
    for (name, value) in edits.headers.iter().chain(&cookies) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        to.append(name, HeaderValue::from_str(value).unwrap());
    }
}

// The door ends here; the rest compares the two.

type Told = (i32, BTreeMap<String, Vec<String>>, String);

fn told_by_http(response: &Response<String>) -> Told {
    let mut headers = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in response.headers() {
        let value = value.to_str().unwrap().to_owned();
        headers.entry(name.to_string()).or_default().push(value);
    }
    (response.status().as_u16().into(), headers, response.body().clone())
}

fn told_by_envoy(
    settings: &DenialSettings,
    verdict: &Verdict,
    request: Option<&RequestContext>,
) -> CheckResponse {
    let response = Encoder::new(settings).encode(verdict, request);
    CheckResponse::decode(response.message()).unwrap()
}

fn grouped(options: &[HeaderValueOption]) -> BTreeMap<String, Vec<String>> {
    let mut headers = BTreeMap::<String, Vec<String>>::new();
    for option in options {
        let header = option.header.clone().unwrap();
        headers.entry(header.key).or_default().push(header.value);
    }
    headers
}

/// A request by a browser that navigates.
fn browser() -> RequestContext {
    let accept = (Bytes::from("accept"), Bytes::from("text/html,*/*;q=0.8"));
    let headers = Headers::new(vec![accept], false);
    RequestContext { headers, ..RequestContext::for_test("/a?b=c") }
}

#[test]
fn two_doors_tell_a_client_the_same_denial() {
    let page =
        DenialPage { title: "A <shop>".to_owned(), accent: AccentColor::parse("#1a56db").unwrap() };
    let sign_in = SignInPage::new("https://login.test/".to_owned(), "return_to".to_owned());
    let form = Arc::new(DenialForm { page: Some(page), sign_in: Some(sign_in) });
    let settings = DenialSettings { form, ..settings(true) };
    let browser = browser();
    let location = "https://login.test/".to_owned();
    let redirect = Redirect { kind: RedirectKind::SeeOther, location };
    let cookies = vec!["a=1".to_owned(), "b=2".to_owned()];
    let response = ResponseEdits { cookies, ..ResponseEdits::default() };
    for reason in DenyReason::ALL {
        for protocol in PROTOCOLS {
            for denial in [Denial::from(*reason), Denial::for_everybody(*reason)] {
                for (redirect, request) in
                    [(None, None), (Some(redirect.clone()), None), (None, Some(&browser))]
                {
                    let (response, facts) = (response.clone(), facts(protocol));
                    let denial = denial.clone();
                    let verdict = Verdict::Deny { denial, redirect, response, facts };
                    let envoy = told_by_envoy(&settings, &verdict, request);
                    let denied = denied(&envoy);
                    let status = denied.status.as_ref().unwrap().code;
                    let expected = (status, grouped(&denied.headers), denied.body.clone());
                    let found = told_by_http(&http_response(&settings, &verdict, request));
                    assert_eq!(found, expected, "{reason:?} {protocol:?}");
                }
            }
        }
    }
}

#[test]
fn two_doors_set_the_same_headers_for_the_service_behind() {
    let settings = settings(false);
    let verdict = allow_with(edits_of_everything());
    let envoy = told_by_envoy(&settings, &verdict, None);
    let Some(HttpResponse::OkResponse(ok)) = envoy.http_response else { panic!("{envoy:?}") };
    let (status, mut headers, _) = told_by_http(&http_response(&settings, &verdict, None));
    let cookies = headers.remove("set-cookie");
    assert_eq!((status, headers), (200, grouped(&ok.headers)));
    assert_eq!(cookies, grouped(&ok.response_headers_to_add).remove("set-cookie"));
}
