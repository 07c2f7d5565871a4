//! The content of a check: headers joined or raw, odd bytes, paths, bodies.

use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;

use super::{
    Expect::{Check, Counted, Status, Stopped},
    Fact,
    answers::{allow_with, deny},
    fact,
};
use crate::support::{raw::Raw, scripted::Seen};

fn http(seen: &Seen) -> &HttpRequest {
    seen.check
        .attributes
        .as_ref()
        .and_then(|attributes| attributes.request.as_ref()?.http.as_ref())
        .expect("an HTTP request in the check")
}

/// The value of a header in the joined map.
pub(super) fn joined<'a>(seen: &'a Seen, name: &str) -> Option<&'a str> {
    http(seen).headers.get(name).map(String::as_str)
}

/// The values of a header in the raw list.
fn raw<'a>(seen: &'a Seen, name: &str) -> Vec<&'a [u8]> {
    let headers = http(seen).header_map.as_ref().map_or(&[][..], |map| &map.headers);
    headers.iter().filter(|header| header.key == name).map(|header| &header.raw_value[..]).collect()
}

/// Rows about headers.
pub(super) fn facts() -> Vec<Fact> {
    let twice = || {
        Raw::get("/")
            .header("authorization", "Bearer a")
            .header("Authorization", "Bearer b")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("x-own", "a")
            .header("x-own", "b")
    };
    vec![
        fact(
            "names are lower-case and pseudo-headers are there",
            "closed",
            allow_with([]),
            [Check("the joined map", |seen| {
                joined(seen, "x-upper") == Some("A")
                    && joined(seen, ":method") == Some("GET")
                    && joined(seen, ":path") == Some("/")
                    && joined(seen, ":scheme") == Some("http")
                    && joined(seen, ":authority") == Some(&http(seen).host)
            })],
        )
        .ask(Raw::get("/").header("X-UPPER", "A")),
        fact(
            "repeated headers are joined by a comma, cookies too",
            "closed",
            allow_with([]),
            [Check("joined by a comma", |seen| {
                joined(seen, "authorization") == Some("Bearer a,Bearer b")
                    && joined(seen, "cookie") == Some("a=1,b=2")
                    && http(seen).header_map.is_none()
            })],
        )
        .ask(twice()),
        fact(
            "HTTP/2 cookie crumbs are joined by a semicolon",
            "closed",
            deny(401, "no", []),
            [Check("joined by a semicolon", |seen| joined(seen, "cookie") == Some("a=1; b=2"))],
        )
        .grpc("application/json", &[("cookie", "a=1"), ("cookie", "b=2")]),
        fact(
            "bytes that are not UTF-8 become an exclamation mark",
            "closed",
            allow_with([]),
            [Check("replaced", |seen| joined(seen, "x-odd") == Some("a!b"))],
        )
        .ask(Raw::get("/").header("x-odd", b"a\xffb")),
        fact(
            "raw headers leave the joined map empty and keep repeated ones apart",
            "raw",
            allow_with([]),
            [Check("kept apart", |seen| {
                http(seen).headers.is_empty()
                    && raw(seen, "cookie") == [b"a=1", b"b=2"]
                    && raw(seen, "x-own") == [b"a", b"b"]
                    && raw(seen, ":method") == [b"GET"]
            })],
        )
        .ask(twice()),
        fact(
            "a repeated Authorization is joined even among raw headers",
            "raw",
            allow_with([]),
            [Check("joined", |seen| raw(seen, "authorization") == [b"Bearer a,Bearer b"])],
        )
        .ask(twice()),
        fact(
            "a repeated Authorization of HTTP/2 is joined even among raw headers",
            "raw",
            deny(401, "no", []),
            [Check("joined", |seen| raw(seen, "authorization") == [b"Bearer a,Bearer b"])],
        )
        .grpc("text/plain", &[("authorization", "Bearer a"), ("authorization", "Bearer b")]),
        fact(
            "raw headers keep bytes that are not UTF-8",
            "raw",
            allow_with([]),
            [Check("kept as they are", |seen| raw(seen, "x-odd") == [b"a\xffb"])],
        )
        .ask(Raw::get("/").header("x-odd", b"a\xffb")),
        fact(
            "allowed_headers hides the others, pseudo-headers too, but not the fields",
            "allowed",
            allow_with([]),
            [Check("only the allowed ones", |seen| {
                let mut names: Vec<_> = http(seen).headers.keys().map(String::as_str).collect();
                names.sort_unstable();
                names == ["authorization", "x-rownd-user-id"]
                    && http(seen).method == "GET"
                    && http(seen).path == "/"
                    && !http(seen).host.is_empty()
            })],
        )
        .ask(
            Raw::get("/")
                .header("authorization", "Basic x")
                .header("x-rownd-user-id", "eve")
                .header("x_rownd_user_id", "eve"),
        ),
    ]
}

/// Rows about paths, bodies, ids and the metadata of the call.
pub(super) fn shape_facts() -> Vec<Fact> {
    let mut facts = vec![
        fact(
            "the id is Envoy's own, in digits, and not x-request-id",
            "closed",
            allow_with([]),
            [Check("digits", |seen| {
                let id = &http(seen).id;
                !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
            })],
        ),
        fact(
            "the query stays in the path and the fragment is cut",
            "closed",
            allow_with([]),
            [Check("query in the path", |seen| {
                http(seen).path == "/a?b=c" && http(seen).query.is_empty()
            })],
        )
        .ask(Raw::get("/a?b=c")),
        fact(
            "a call carries the timeout as gRPC metadata",
            "closed",
            allow_with([]),
            [Check("grpc-timeout", |seen| seen.metadata.contains_key("grpc-timeout"))],
        ),
        fact(
            "a route can say something to us that no client can say",
            "routes",
            allow_with([]),
            [Check("context extensions", |seen| {
                let context =
                    &seen.check.attributes.as_ref().expect("attributes").context_extensions;
                context.get("route").map(String::as_str) == Some("named")
            })],
        )
        .ask(Raw::get("/named/x")),
        fact(
            "a route can switch the check off",
            "routes",
            deny(401, "no", []),
            [Status(200), Counted(&[])],
        )
        .ask(Raw::get("/off/x")),
        fact(
            "nothing of the body arrives unless asked for",
            "closed",
            allow_with([]),
            [Check("no body", |seen| http(seen).size == 0 && http(seen).raw_body.is_empty())],
        )
        .ask(Raw::new("POST", "/").body("0123456789")),
        fact(
            "a long body arrives in part, and says so",
            "partial",
            allow_with([]),
            [
                Check("the first bytes", |seen| {
                    http(seen).raw_body == b"01234567"
                        && joined(seen, "x-envoy-auth-partial-body") == Some("true")
                }),
                Status(200),
            ],
        )
        .ask(Raw::new("POST", "/").body("0123456789")),
        fact(
            "a short body arrives whole, as text",
            "whole",
            allow_with([]),
            [Check("the body", |seen| {
                http(seen).body == "0123"
                    && joined(seen, "x-envoy-auth-partial-body") == Some("false")
            })],
        )
        .ask(Raw::new("POST", "/").body("0123")),
        fact(
            "a body that is too long is a 413 without a check, also under fail-open",
            "whole",
            allow_with([]),
            [Status(413), Stopped, Counted(&[])],
        )
        .ask(Raw::new("POST", "/").body("0123456789")),
    ];
    for (name, path) in [
        ("dot segments arrive as they are", "/a/../b"),
        ("escaped dots and slashes arrive as they are", "/a%2f..%2Fb"),
        ("double slashes arrive as they are", "//a"),
        ("escaped letters arrive as they are", "/%61dmin"),
    ] {
        let expect = [Check("path", |seen| {
            [&b"/a/../b"[..], b"/a%2f..%2Fb", b"//a", b"/%61dmin"]
                .contains(&http(seen).path.as_bytes())
        })];
        facts.push(fact(name, "closed", allow_with([]), expect).ask(Raw::get(path)));
    }
    facts
}

/// Rows about what a client can write into the metadata of the call itself.
pub(super) fn metadata_facts() -> Vec<Fact> {
    vec![
        fact(
            "no header of a client reaches the metadata of the call",
            "closed",
            allow_with([]),
            [Check("none of them", |seen| {
                ["grpc-timeout", "x-envoy-expected-rq-timeout-ms"]
                    .iter()
                    .all(|name| seen.metadata.get(*name).is_some_and(|value| value != "1n"))
                    && ["x-own", "traceparent", "tracestate", "x-b3-traceid", "baggage"]
                        .iter()
                        .all(|name| !seen.metadata.contains_key(*name))
                    && seen.metadata.get_all("x-forwarded-for").iter().all(|ip| ip != "1.2.3.4")
            })],
        )
        .ask(odd_metadata()),
        fact(
            "a tracing Envoy copies the client's trace state into the metadata of the call",
            "traced",
            allow_with([]),
            [Check("the trace state", |seen| {
                seen.metadata.get("tracestate").is_some_and(|state| state == "a=b")
            })],
        )
        .ask(odd_metadata()),
        fact(
            "... as long as it lets a header be, in one line",
            "traced",
            allow_with([]),
            [Check("one long trace state", |seen| {
                let states: Vec<_> = seen.metadata.get_all("tracestate").iter().collect();
                states.len() == 1 && states[0].len() == 2 * (100 << 10) + 1
            })],
        )
        .ask(
            Raw::get("/")
                .header("traceparent", TRACE)
                .header("tracestate", "a".repeat(100 << 10))
                .header("tracestate", "b".repeat(100 << 10)),
        ),
    ]
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn odd_metadata() -> Raw {
    Raw::get("/")
        .header("grpc-timeout", "1n")
        .header("x-envoy-expected-rq-timeout-ms", "1n")
        .header("x-envoy-upstream-rq-timeout-ms", "1")
        .header("x-own", "1")
        .header("x-forwarded-for", "1.2.3.4")
        .header("traceparent", TRACE)
        .header("tracestate", "a=b")
        .header("x-b3-traceid", "0af7651916cd43dd8448eb211c80319c")
        .header("baggage", "a=b")
}
