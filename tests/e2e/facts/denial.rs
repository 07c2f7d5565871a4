//! A denial as the client sees it: plain HTTP, gRPC and gRPC-Web callers.

use super::{
    Expect::{Answer, Body, Check, Grpc, Log, Status, Stopped},
    Fact,
    answers::{append, bare, deny, metadata, set},
    fact,
};
use crate::support::{raw::Raw, scripted::Seen};

/// Rows about denials of plain HTTP requests.
pub(super) fn facts() -> Vec<Fact> {
    let mut facts = vec![
        fact(
            "several cookies and challenges survive, append unset, false or overwriting",
            "closed",
            deny(
                401,
                "no",
                [
                    bare("set-cookie", "a=1"),
                    append("set-cookie", "b=2", false),
                    set("set-cookie", "c=3"),
                    set("www-authenticate", "Bearer"),
                    set("www-authenticate", "Basic"),
                ],
            ),
            [
                Answer("set-cookie", &["a=1", "b=2", "c=3"]),
                Answer("www-authenticate", &["Bearer", "Basic"]),
            ],
        ),
        fact(
            "an entry with append true is dropped from a denial",
            "closed",
            deny(
                401,
                "no",
                [append("x-a", "1", true), append("x-a", "2", false), append("x-a", "3", true)],
            ),
            [Answer("x-a", &["2"])],
        ),
        fact(
            "the content type is text/plain unless given",
            "closed",
            deny(401, "no", []),
            [Answer("content-type", &["text/plain"])],
        ),
        fact(
            "the content type is ours if given",
            "closed",
            deny(401, "{}", [set("content-type", "application/json")]),
            [Answer("content-type", &["application/json"]), Body("{}")],
        ),
        fact(
            "HEAD keeps the length and drops the body",
            "closed",
            deny(401, "four", []),
            [Status(401), Answer("content-length", &["4"]), Body("")],
        )
        .ask(Raw::new("HEAD", "/")),
        fact(
            "a body above the operator's limit is cut",
            "short",
            deny(401, "123456", []),
            [Status(401), Body("1234")],
        ),
        {
            let mut answer = deny(401, "no", []);
            answer.dynamic_metadata = Some(metadata("reason", "because"));
            fact(
                "the metadata of a denial reaches the access log",
                "closed",
                answer,
                [
                    Log("our reason", |line| line["reason"] == "because"),
                    Log("Envoy's details", |line| line["details"] == "ext_authz_denied"),
                    Log("Envoy's flag", |line| line["flags"] == "UAEX"),
                ],
            )
        },
        fact(
            "Envoy's CORS filter decorates a denial",
            "cors",
            deny(401, "no", []),
            [Status(401), Answer("access-control-allow-origin", &["https://app.example.com"])],
        )
        .ask(Raw::get("/").header("origin", "https://app.example.com")),
    ];
    for (name, status) in [
        ("a denied 200 reaches the client as it is", 200),
        ("a denied 302 reaches the client as it is", 302),
        ("a denied 429 reaches the client as it is", 429),
        ("a denied 999 reaches the client as it is", 999),
    ] {
        let expect = [Status(u16::try_from(status).expect("a status")), Stopped, Body("no")];
        facts.push(fact(name, "closed", deny(status, "no", []), expect));
    }
    facts
}

/// Rows about denials of gRPC and gRPC-Web callers.
pub(super) fn grpc_facts() -> Vec<Fact> {
    const GRPC: &str = "application/grpc";
    let mut facts = vec![
        fact(
            "our content type does no harm to a gRPC caller",
            "closed",
            deny(401, "no", [set("content-type", "application/json")]),
            [Status(200), Answer("content-type", &["application/grpc"]), Grpc("16", "no")],
        )
        .grpc(GRPC, &[]),
        fact(
            "a grpc-status of ours overrides the mapped one",
            "closed",
            deny(403, "no", [set("grpc-status", "8")]),
            [Status(200), Grpc("8", "no")],
        )
        .grpc(GRPC, &[]),
        fact(
            "a grpc-message of ours does not override a body",
            "closed",
            deny(403, "the body", [set("grpc-message", "the header")]),
            [Grpc("7", "the body")],
        )
        .grpc(GRPC, &[]),
        fact(
            "gRPC-Web translated before us looks like gRPC and is denied as both",
            "web_before",
            deny(401, "no", []),
            [
                Check("content type application/grpc", |seen| content_type(seen) == GRPC),
                Status(401),
                Answer("grpc-status", &["16"]),
                Answer("grpc-message", &["no"]),
            ],
        )
        .grpc("application/grpc-web+proto", &[]),
        fact(
            "gRPC-Web translated after us looks like gRPC-Web and is denied as HTTP",
            "web_after",
            deny(401, "no", []),
            [
                Check("content type of gRPC-Web", |seen| {
                    content_type(seen) == "application/grpc-web+proto"
                }),
                Status(401),
                Body("no"),
            ],
        )
        .grpc("application/grpc-web+proto", &[]),
    ];
    for (name, status, code) in [
        ("401 is gRPC 16", 401, "16"),
        ("403 is gRPC 7", 403, "7"),
        ("404 is gRPC 12", 404, "12"),
        ("429 is gRPC 14", 429, "14"),
        ("503 is gRPC 14", 503, "14"),
        ("200 is gRPC 2", 200, "2"),
        ("302 is gRPC 2", 302, "2"),
    ] {
        let expect = [Status(200), Stopped, Grpc(code, "no")];
        facts.push(fact(name, "closed", deny(status, "no", []), expect).grpc(GRPC, &[]));
    }
    facts
}

fn content_type(seen: &Seen) -> &str {
    super::arrival::joined(seen, "content-type").unwrap_or_default()
}
