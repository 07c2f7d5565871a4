//! A second door, plain HTTP, in as few lines as one takes; and that it tells a client the same as
//! Envoy's does, for every reason.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::{
    config::core::v3::HeaderValueOption,
    service::auth::v3::{CheckResponse, check_response::HttpResponse},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use prost::Message as _;

use super::{
    additions::edits_of_everything,
    answers::{PROTOCOLS, allow_with, facts},
    denied,
};
use crate::{
    authz::Verdict,
    grpc::ext_authz::response::Encoder,
    model::{Denial, DenyReason, NameValue, Redirect, RedirectKind, ResponseEdits},
    response::{DenialResponder, Recipient},
};

/// The whole of the second door: 200 with the headers for the service behind, or the denial.
fn http_response(denials: DenialResponder<'_>, verdict: &Verdict) -> Response<String> {
    let (status, body, edits) = match verdict {
        Verdict::Allow(allowance) => {
            let request = allowance.request();
            let identity = request.identity.set.iter();
            let identity = identity.map(|(name, value)| ((*name).into(), value.to_string()));
            let headers = identity.chain(request.headers.iter().cloned()).collect();
            let cookies = allowance.response().cookies.clone();
            (200, String::new(), ResponseEdits { headers, cookies })
        }
        Verdict::Deny { denial, redirect, response, facts } => {
            let client = Recipient { protocol: facts.protocol, request_id: &facts.request_id };
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
    let cookie = |value: &String| ("set-cookie".into(), value.clone());
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

fn told_by_envoy(encoder: Encoder<'_>, verdict: &Verdict) -> CheckResponse {
    let response = encoder.encode(verdict);
    CheckResponse::decode([response.message, response.kept.to_vec()].concat().as_slice()).unwrap()
}

fn grouped(options: &[HeaderValueOption]) -> BTreeMap<String, Vec<String>> {
    let mut headers = BTreeMap::<String, Vec<String>>::new();
    for option in options {
        let header = option.header.clone().unwrap();
        headers.entry(header.key).or_default().push(header.value);
    }
    headers
}

#[test]
fn two_doors_tell_a_client_the_same_denial() {
    let denials = DenialResponder::new("the realm", 7, true);
    let location = "https://login.test/".to_owned();
    let redirect = Redirect { kind: RedirectKind::SeeOther, location };
    let cookies = vec!["a=1".to_owned(), "b=2".to_owned()];
    let response = ResponseEdits { cookies, ..ResponseEdits::default() };
    for reason in DenyReason::ALL {
        for protocol in PROTOCOLS {
            for denial in [Denial::from(*reason), Denial::for_everybody(*reason)] {
                for redirect in [None, Some(redirect.clone())] {
                    let (response, facts) = (response.clone(), facts(protocol));
                    let denial = denial.clone();
                    let verdict = Verdict::Deny { denial, redirect, response, facts };
                    let envoy = told_by_envoy(Encoder::new(denials), &verdict);
                    let denied = denied(&envoy);
                    let status = denied.status.as_ref().unwrap().code;
                    let expected = (status, grouped(&denied.headers), denied.body.clone());
                    let found = told_by_http(&http_response(denials, &verdict));
                    assert_eq!(found, expected, "{reason:?} {protocol:?}");
                }
            }
        }
    }
}

#[test]
fn two_doors_set_the_same_headers_for_the_service_behind() {
    let denials = DenialResponder::new("the realm", 7, false);
    let verdict = allow_with(edits_of_everything());
    let envoy = told_by_envoy(Encoder::new(denials), &verdict);
    let Some(HttpResponse::OkResponse(ok)) = envoy.http_response else { panic!("{envoy:?}") };
    let (status, mut headers, _) = told_by_http(&http_response(denials, &verdict));
    let cookies = headers.remove("set-cookie");
    assert_eq!((status, headers), (200, grouped(&ok.headers)));
    assert_eq!(cookies, grouped(&ok.response_headers_to_add).remove("set-cookie"));
}
