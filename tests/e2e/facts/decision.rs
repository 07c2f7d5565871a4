//! The outer status alone decides. Some answers are errors and not denials.

use envoy_types::pb::envoy::service::auth::v3::{
    CheckResponse, OkHttpResponse, check_response::HttpResponse,
};

use super::{
    Expect::{self, Answer, Body, Counted, Reached, Status, Stopped, Upstream},
    Fact,
    answers::{allow_with, answer, bare, deny, local, set},
    fact,
};
use crate::support::scripted::Script;

fn denied_body() -> HttpResponse {
    HttpResponse::DeniedResponse(local(401, "no", []))
}

fn error_body() -> HttpResponse {
    HttpResponse::ErrorResponse(local(503, "later", [set("retry-after", "1")]))
}

fn let_through() -> [Expect; 3] {
    [Status(200), Reached, Counted(&["ok"])]
}

fn fails_closed(status: u16) -> [Expect; 3] {
    [Status(status), Stopped, Counted(&["error"])]
}

fn fails_open() -> [Expect; 4] {
    [
        Status(200),
        Reached,
        Upstream("x-envoy-auth-failure-mode-allowed", &["true"]),
        Counted(&["error", "failure_mode_allowed"]),
    ]
}

/// Rows about allow, deny and error.
pub(super) fn facts() -> Vec<Fact> {
    let mut facts = verdicts();
    facts.extend(errors());
    // All of these were taken for errors by some release; none may be let through.
    for (name, code) in [
        ("outer code 1 is a denial under fail-open", 1),
        ("outer code 2 is a denial under fail-open", 2),
        ("outer code 4 is a denial under fail-open", 4),
        ("outer code 7 is a denial under fail-open", 7),
        ("outer code 8 is a denial under fail-open", 8),
        ("outer code 13 is a denial under fail-open", 13),
        ("outer code 14 is a denial under fail-open", 14),
        ("outer code 16 is a denial under fail-open", 16),
    ] {
        let expect = [Status(401), Stopped, Counted(&["denied"])];
        facts.push(fact(name, "open", answer(Some(code), Some(denied_body())), expect));
    }
    facts
}

fn verdicts() -> Vec<Fact> {
    let ok = HttpResponse::OkResponse(OkHttpResponse {
        headers: vec![set("x-mutation", "1")],
        response_headers_to_add: vec![set("x-mutation", "1")],
        ..OkHttpResponse::default()
    });
    vec![
        fact("an empty answer allows", "closed", CheckResponse::default(), let_through()),
        fact(
            "a denial without a status allows",
            "closed",
            answer(None, Some(denied_body())),
            let_through(),
        ),
        fact(
            "a denial with status 0 allows",
            "closed",
            answer(Some(0), Some(denied_body())),
            let_through(),
        ),
        fact(
            "an error response with status 0 allows",
            "closed",
            answer(Some(0), Some(error_body())),
            let_through(),
        ),
        fact(
            "status 7 with an ok response denies and drops the mutations",
            "closed",
            answer(Some(7), Some(ok)),
            [Status(403), Stopped, Answer("x-mutation", &[]), Body(""), Counted(&["denied"])],
        ),
        fact(
            "status 7 and nothing else denies with 403 and no body",
            "open",
            answer(Some(7), None),
            [Status(403), Stopped, Body(""), Counted(&["denied"])],
        ),
        fact(
            "a denial gives status, headers and body",
            "closed",
            deny(401, "no", [set("www-authenticate", "Bearer realm=\"x\"")]),
            [
                Status(401),
                Stopped,
                Body("no"),
                Answer("www-authenticate", &["Bearer realm=\"x\""]),
                Counted(&["denied"]),
            ],
        ),
        fact(
            "a denial without an HTTP status is a 403",
            "closed",
            deny(0, "no", []),
            [Status(403), Stopped, Body("no")],
        ),
        fact(
            "a denied 503 stays closed under fail-open",
            "open",
            deny(503, "later", [set("retry-after", "1")]),
            [Status(503), Stopped, Answer("retry-after", &["1"]), Counted(&["denied"])],
        ),
    ]
}

fn errors() -> Vec<Fact> {
    let error = || answer(Some(16), Some(error_body()));
    let unset = || answer(Some(16), Some(HttpResponse::ErrorResponse(local(0, "later", []))));
    // `CheckResponse.dynamic_metadata` cut short in the middle of its length.
    let undecodable = || Script::Bytes(vec![0x22, 0xff]);
    // `ok_response.headers[0].header.value` is the byte 0xff: no UTF-8.
    let mut not_utf8 = prost::Message::encode_to_vec(&allow_with([bare("x", "?")]));
    *not_utf8.last_mut().expect("an encoded answer") = 0xff;
    vec![
        fact(
            "an error response is closed with its own answer",
            "closed",
            error(),
            [
                Status(503),
                Stopped,
                Body("later"),
                Answer("retry-after", &["1"]),
                Counted(&["error"]),
            ],
        ),
        fact("an error response is open under fail-open", "open", error(), fails_open()),
        fact("an error response without a status is a 403", "closed", unset(), fails_closed(403)),
        fact(
            "an error response without a status takes status_on_error",
            "on_error",
            unset(),
            fails_closed(503),
        ),
        fact("an RPC error is a 403", "closed", Script::Error(16), fails_closed(403)),
        fact("an RPC error takes status_on_error", "on_error", Script::Error(7), fails_closed(503)),
        fact("RPC error 16 is open under fail-open", "open", Script::Error(16), fails_open()),
        fact("RPC error 7 is open under fail-open", "open", Script::Error(7), fails_open()),
        fact("RPC error 1 is open under fail-open", "open", Script::Error(1), fails_open()),
        fact("a timeout is an error", "hasty", Script::Silence, fails_closed(403)),
        fact("a timeout is open under fail-open", "hasty_open", Script::Silence, fails_open()),
        fact("nobody there is an error", "nobody", Script::Silence, fails_closed(403)),
        fact("nobody there is open under fail-open", "nobody_open", Script::Silence, fails_open()),
        fact("an undecodable answer is an error", "closed", undecodable(), fails_closed(403)),
        fact("an undecodable answer is open under fail-open", "open", undecodable(), fails_open()),
        fact(
            "text that is not UTF-8 makes an answer undecodable",
            "closed",
            Script::Bytes(not_utf8),
            fails_closed(403),
        ),
    ]
}
