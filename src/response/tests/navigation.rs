//! The clients that are sent to a sign-in page, and the path that they come back to.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::{form, page, request, settings, told_to, value};
use crate::{
    config::DenialSettings,
    model::{AuthLevel, CallerProtocol, Denial, DenialClass, DenyReason, RequestContext},
    response::statuses,
};

const LOGIN: &str = "https://login.test/start";
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const NAVIGATES: (&str, &str) = ("sec-fetch-mode", "navigate");

fn redirecting() -> DenialSettings {
    DenialSettings { form: form(None, Some(LOGIN)), ..settings() }
}

fn location(denial: &Denial, request: &RequestContext, protocol: CallerProtocol) -> Option<String> {
    let response = told_to(denial, &redirecting(), protocol, Some(request));
    let location = value(&response, "location").map(str::to_owned);
    assert_eq!(location.is_some(), response.http_status == 303, "{response:?}");
    assert_eq!(location.is_some(), response.body.is_empty(), "{response:?}");
    assert_eq!(value(&response, "cache-control"), Some("no-store"));
    location
}

fn is_sent(request: &RequestContext) -> bool {
    location(&DenyReason::CredentialMissing.into(), request, CallerProtocol::Http).is_some()
}

#[test]
fn only_browsers_that_navigate_are_sent_to_sign_in() {
    let json = ("accept", "application/json");
    for (name, headers, expected) in [
        ("a browser of today", &[NAVIGATES, BROWSER][..], true),
        ("a browser without fetch metadata", &[BROWSER], true),
        ("a navigation, whatever it accepts", &[NAVIGATES, ("accept", "*/*")], true),
        ("an app's own browser", &[BROWSER, ("x-requested-with", "com.example.app")], true),
        ("no header at all", &[], false),
        ("a program", &[("accept", "*/*")], false),
        ("a script that takes JSON", &[json], false),
        ("fetch", &[("sec-fetch-mode", "cors"), BROWSER], false),
        ("fetch of the same origin", &[("sec-fetch-mode", "same-origin"), BROWSER], false),
        ("an image", &[("sec-fetch-mode", "no-cors"), BROWSER], false),
        ("a WebSocket by its mode", &[("sec-fetch-mode", "websocket"), BROWSER], false),
        ("a WebSocket by its upgrade", &[NAVIGATES, BROWSER, ("upgrade", "websocket")], false),
        ("a WebSocket by its key", &[BROWSER, ("sec-websocket-key", "x")], false),
        ("an old script", &[BROWSER, ("x-requested-with", "XMLHttpRequest")], false),
        (
            "an old script in other case",
            &[NAVIGATES, ("x-requested-with", "xmlhttprequest")],
            false,
        ),
        ("the mode twice", &[NAVIGATES, NAVIGATES, BROWSER], false),
        ("the mode twice in one line", &[("sec-fetch-mode", "navigate, navigate"), BROWSER], false),
        ("an empty mode", &[("sec-fetch-mode", ""), BROWSER], false),
        ("the mode in other case", &[("sec-fetch-mode", "NAVIGATE"), BROWSER], false),
    ] {
        assert_eq!(is_sent(&request("/a", headers)), expected, "{name}");
    }
}

#[test]
fn only_get_and_head_are_sent_to_sign_in() {
    for (method, expected) in [
        ("GET", true),
        ("HEAD", true),
        ("POST", false),
        ("PUT", false),
        ("OPTIONS", false),
        ("CONNECT", false),
        ("get", false),
        ("GET ", false),
        ("", false),
    ] {
        let request = RequestContext { method: method.into(), ..request("/a", &[BROWSER]) };
        assert_eq!(is_sent(&request), expected, "{method}");
    }
}

#[test]
fn only_a_401_is_mended_by_a_sign_in() {
    let request = request("/a", &[NAVIGATES, BROWSER]);
    for reason in DenyReason::ALL {
        let found = location(&(*reason).into(), &request, CallerProtocol::Http).is_some();
        let expected = match reason.class() {
            DenialClass::Anonymous | DenialClass::BadCredential | DenialClass::StepUp => true,
            DenialClass::Conflict
            | DenialClass::BadRequest
            | DenialClass::Forbidden
            | DenialClass::Pending
            | DenialClass::Unavailable => false,
        };
        assert_eq!(found, expected, "{reason:?}");
        assert_eq!(expected, statuses(*reason).http == 401, "{reason:?}");
        for protocol in [CallerProtocol::Grpc, CallerProtocol::GrpcWeb] {
            assert_eq!(location(&(*reason).into(), &request, protocol), None, "{reason:?}");
        }
    }
}

#[test]
fn a_machine_is_not_sent_to_sign_in() {
    let denial = Denial::authentication_too_old(Duration::from_secs(1)).for_machine();
    assert_eq!(location(&denial, &request("/a", &[BROWSER]), CallerProtocol::Http), None);
}

#[test]
fn the_path_comes_along_as_one_parameter() {
    for (url, target, expected) in [
        (LOGIN, "/", "https://login.test/start?return_to=%2F"),
        (LOGIN, "/a/b?c=d&e=f", "https://login.test/start?return_to=%2Fa%2Fb%3Fc%3Dd%26e%3Df"),
        (LOGIN, "/%C3%A4%20b", "https://login.test/start?return_to=%2F%25C3%25A4%2520b"),
        ("https://login.test/?app=1", "/a", "https://login.test/?app=1&return_to=%2Fa"),
        (LOGIN, "/a-b.c_d~e", "https://login.test/start?return_to=%2Fa-b.c_d~e"),
    ] {
        let settings = DenialSettings { form: form(None, Some(url)), ..settings() };
        let (denial, request) = (DenyReason::TokenExpired.into(), request(target, &[BROWSER]));
        let response = told_to(&denial, &settings, CallerProtocol::Http, Some(&request));
        assert_eq!(value(&response, "location"), Some(expected), "{target}");
    }
}

#[test]
fn a_sign_in_page_is_told_the_sign_in_that_is_enough() {
    let (step_up, age) =
        (Denial::level_too_low(AuthLevel::Verified, true), Duration::from_secs(900));
    for (name, denial, expected) in [
        ("nobody", DenyReason::CredentialMissing.into(), ""),
        ("a level", step_up.clone(), "&acr_values=verified"),
        ("an age", Denial::authentication_too_old(age), "&max_age=900"),
        ("both", step_up.and_max_age(age), "&acr_values=verified&max_age=900"),
    ] {
        let location = location(&denial, &request("/a", &[BROWSER]), CallerProtocol::Http);
        let url = format!("https://login.test/start?return_to=%2Fa{expected}");
        assert_eq!(location, Some(url), "{name}");
    }
}

/// The path that a client is sent back to after it asked for this one.
fn back(target: &[u8]) -> String {
    let request = RequestContext {
        target: bytes::Bytes::copy_from_slice(target),
        host: "evil.test".into(),
        ..request("/", &[BROWSER, ("host", "evil.test"), ("x-forwarded-host", "evil.test")])
    };
    let denial = DenyReason::CredentialMissing.into();
    let location = location(&denial, &request, CallerProtocol::Http).unwrap();
    let back = location.strip_prefix("https://login.test/start?return_to=").unwrap();
    assert!(back.bytes().all(|b| b.is_ascii_alphanumeric() || b"%-._~".contains(&b)), "{back}");
    percent_decode_str(back).decode_utf8().unwrap().into_owned()
}

#[test]
fn no_path_leads_to_another_host() {
    let long = format!("/{}", "a".repeat(2048));
    for target in [
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "/\\/evil.test",
        "\\\\evil.test",
        "\\/evil.test",
        "https://evil.test/",
        "HTTPS://evil.test",
        "javascript:alert(1)",
        "evil.test",
        "@evil.test",
        "",
        "?a",
        "#a",
        "*",
        ".",
        "..",
        "./a",
        "/./",
        "/.//evil.test",
        "/..//evil.test",
        "/a/..//evil.test",
        "/a/../../evil.test",
        "/%2e%2e//evil.test",
        "/%2E/%2Fevil.test",
        "/%2fevil.test",
        "/%2F%2Fevil.test",
        "/%5cevil.test",
        "/%5C%5Cevil.test",
        "/%252fevil.test",
        "/%255cevil.test",
        "/%252e%252e//evil.test",
        "/\tevil.test",
        "/\t/evil.test",
        "/\n/evil.test",
        "/\r/evil.test",
        "/\u{0}/evil.test",
        "/ /evil.test",
        "/%09/evil.test",
        "/%0a/evil.test",
        "/%0d%0aset-cookie:%20a=b",
        "/%00",
        "/%2509/evil.test",
        "/a\\..\\b",
        "/a%5c..%5cb",
        "/\r\nlocation: https://evil.test",
        "/a\u{7f}b",
        "/a%7fb",
        "/\u{2028}",
        "/\u{ff0f}evil.test",
        "/a?b\tc",
        "/a?b\r\nc",
        &long,
    ] {
        assert_eq!(back(target.as_bytes()), "/", "{target:?}");
    }
    assert_eq!(back(b"/\xff"), "/");
}

#[test]
fn every_other_path_is_kept() {
    let long = format!("/{}", "a".repeat(2047));
    for target in [
        "/",
        "/a",
        "/a/",
        "/a//b",
        "/a/.b/..c",
        "/a%20b",
        "/%C3%A4",
        "/a?b=//evil.test",
        "/a?b=%0a",
        "/a?b=\\",
        "/a?",
        "/a;b=c",
        "/@evil.test",
        "/:80",
        "/a?b='\"<script>&c",
        "/a?url=https%3A%2F%2Fevil.test",
        &long,
    ] {
        assert_eq!(back(target.as_bytes()), target, "{target:?}");
    }
}

#[test]
fn no_credential_comes_along() {
    for (target, expected) in [
        ("/a?access_token=eyJ", "/a"),
        ("/a?b=c&access_token=eyJ&d=e", "/a?b=c&d=e"),
        ("/a?access_token=1&access_token=2", "/a"),
        ("/a?%61ccess_token=eyJ&b", "/a?b"),
        ("/a?access_token", "/a"),
        ("/a?b=access_token", "/a?b=access_token"),
        ("/a?access_tokens=1", "/a?access_tokens=1"),
        ("/a?b#access_token=eyJ", "/a?b"),
        ("/a#?access_token=eyJ", "/a"),
    ] {
        assert_eq!(back(target.as_bytes()), expected, "{target}");
    }
}

#[test]
fn a_browser_that_cannot_be_redirected_gets_the_page() {
    let settings = DenialSettings { form: form(Some(page("Shop")), Some(LOGIN)), ..settings() };
    let post = RequestContext { method: "POST".into(), ..request("/a", &[NAVIGATES, BROWSER]) };
    let get = request("/a", &[NAVIGATES, BROWSER]);
    for (name, reason, request, status, kind) in [
        ("a 401 of a GET", DenyReason::CredentialMissing, Some(&get), 303, None),
        (
            "a 401 of a POST",
            DenyReason::CredentialMissing,
            Some(&post),
            401,
            Some("text/html; charset=utf-8"),
        ),
        (
            "a 403 of a GET",
            DenyReason::RequirementUnmet,
            Some(&get),
            403,
            Some("text/html; charset=utf-8"),
        ),
        ("no request", DenyReason::RequestUndecodable, None, 400, Some("application/json")),
    ] {
        let response = told_to(&reason.into(), &settings, CallerProtocol::Http, request);
        assert_eq!(response.http_status, status, "{name}");
        assert_eq!(value(&response, "content-type"), kind, "{name}");
    }
}
