//! The changes that an allow can make on the way to the service behind, and to the client.

use envoy_types::pb::envoy::{
    config::core::v3::header_value_option::HeaderAppendAction,
    service::auth::v3::{OkHttpResponse, check_response::HttpResponse},
};

use super::{
    Expect::{Answer, Counted, Log, Path, Reached, Status, Stopped, Upstream},
    Fact,
    answers::{
        action, allow, allow_answering, allow_with, answer, append, bare, metadata, query,
        raw_value, set,
    },
    fact,
};
use crate::support::raw::Raw;

fn with_user(user: &str) -> Raw {
    Raw::get("/").header("x-user", user)
}

fn removing(names: &[&str], ok: OkHttpResponse) -> OkHttpResponse {
    OkHttpResponse {
        headers_to_remove: names.iter().map(|name| (*name).to_owned()).collect(),
        ..ok
    }
}

/// Rows about headers to the service behind.
pub(super) fn facts() -> Vec<Fact> {
    let mut facts = setting_facts();
    facts.extend(removing_facts());
    facts.extend(query_facts());
    facts.extend(answer_facts());
    facts.extend(metadata_facts());
    facts
}

fn setting_facts() -> Vec<Fact> {
    let mut facts = vec![
        fact(
            "append unset overwrites",
            "closed",
            allow_with([bare("x-user", "ours")]),
            [Upstream("x-user", &["ours"])],
        )
        .ask(with_user("theirs").header("x-user", "again")),
        fact(
            "append false overwrites every copy",
            "closed",
            allow_with([append("x-user", "ours", false)]),
            [Upstream("x-user", &["ours"])],
        )
        .ask(with_user("theirs").header("X-User", "again")),
        fact(
            "append false adds where there is none",
            "closed",
            allow_with([append("x-user", "ours", false)]),
            [Upstream("x-user", &["ours"])],
        ),
        fact(
            "append true joins by a comma",
            "closed",
            allow_with([append("x-user", "ours", true)]),
            [Upstream("x-user", &["theirs,ours"])],
        )
        .ask(with_user("theirs")),
        fact(
            "append true adds nothing where there is none",
            "closed",
            allow_with([append("x-user", "ours", true)]),
            [Upstream("x-user", &[])],
        ),
        fact(
            "append false, then append true",
            "closed",
            allow_with([append("x-user", "a", false), append("x-user", "b", true)]),
            [Upstream("x-user", &["a,b"])],
        ),
        fact(
            "both fields set overwrites and adds",
            "closed",
            allow_with([set("x-user", "ours"), set("x-level", "high")]),
            [Upstream("x-user", &["ours"]), Upstream("x-level", &["high"])],
        )
        .ask(with_user("theirs")),
        fact(
            "of two entries the last wins",
            "closed",
            allow_with([set("x-user", "first"), set("x-user", "last")]),
            [Upstream("x-user", &["last"])],
        ),
        fact(
            "a raw_value sets an empty header",
            "closed",
            allow_with([raw_value("x-user", b"ours")]),
            [Reached, Upstream("x-user", &[""])],
        )
        .ask(with_user("theirs")),
        fact(
            "an empty value sets an empty header",
            "closed",
            allow_with([set("x-user", "")]),
            [Upstream("x-user", &[""])],
        ),
        fact(
            "names become lower-case",
            "closed",
            allow_with([set("X-User", "ours")]),
            [Upstream("x-user", &["ours"])],
        ),
        fact(
            "text beyond ASCII goes out as UTF-8",
            "closed",
            allow_with([set("x-user", "ü")]),
            [Upstream("x-user", &["ü"])],
        ),
    ];
    for (name, chosen) in [
        ("an append action APPEND overwrites", HeaderAppendAction::AppendIfExistsOrAdd),
        ("an append action ADD_IF_ABSENT overwrites", HeaderAppendAction::AddIfAbsent),
        ("an append action OVERWRITE_IF_EXISTS overwrites", HeaderAppendAction::OverwriteIfExists),
    ] {
        let answer = allow_with([action("x-user", "ours", chosen)]);
        let expect = [Upstream("x-user", &["ours"])];
        facts.push(fact(name, "closed", answer, expect).ask(with_user("theirs")));
    }
    facts
}

fn removing_facts() -> Vec<Fact> {
    let none = OkHttpResponse::default;
    let both = OkHttpResponse { headers: vec![set("x-user", "ours")], ..none() };
    vec![
        fact(
            "removal takes every spelling of the case and every copy",
            "closed",
            allow(removing(&["X-USER"], none())),
            [Upstream("x-user", &[])],
        )
        .ask(with_user("theirs").header("X-User", "again")),
        fact(
            "removal does not know that an underscore is a dash",
            "closed",
            allow(removing(&["x-user"], none())),
            [Upstream("x_user", &["theirs"])],
        )
        .ask(Raw::get("/").header("x_user", "theirs")),
        fact(
            "removal takes an underscore spelling by its own name",
            "closed",
            allow(removing(&["x_user"], none())),
            [Upstream("x_user", &[])],
        )
        .ask(Raw::get("/").header("X_User", "theirs")),
        fact(
            "a header both set and removed is gone",
            "closed",
            allow(removing(&["x-user"], both)),
            [Reached, Upstream("x-user", &[])],
        )
        .ask(with_user("theirs")),
        fact(
            "pseudo-headers and host cannot be removed",
            "closed",
            allow(removing(&[":path", ":method", "host"], none())),
            [Status(200), Reached, Path("/kept")],
        )
        .ask(Raw::get("/kept")),
        fact(
            "the path can be set",
            "closed",
            allow_with([set(":path", "/other")]),
            [Path("/other")],
        ),
        fact(
            "the path can be set under mutation rules",
            "rules",
            allow_with([set(":path", "/other")]),
            [Path("/other")],
        ),
        fact(
            "the authority can be set",
            "closed",
            allow_with([set(":authority", "other.test")]),
            [Upstream("host", &["other.test"])],
        ),
    ]
}

fn query_facts() -> Vec<Fact> {
    let setting = |key: &str, value: &str| {
        allow(OkHttpResponse {
            query_parameters_to_set: vec![query(key, value)],
            ..OkHttpResponse::default()
        })
    };
    vec![
        fact(
            "a query change sorts the whole query",
            "closed",
            setting("m", "1"),
            [Path("/?a=2&m=1&z=1")],
        )
        .ask(Raw::get("/?z=1&a=2")),
        fact(
            "a query value is not encoded by Envoy",
            "validate",
            setting("m", "a b"),
            [Status(500), Stopped],
        ),
        fact(
            "a query parameter can be removed",
            "closed",
            allow(OkHttpResponse {
                query_parameters_to_remove: vec!["a".to_owned()],
                ..OkHttpResponse::default()
            }),
            [Path("/?z=1")],
        )
        .ask(Raw::get("/?z=1&a=2")),
    ]
}

fn answer_facts() -> Vec<Fact> {
    let origin = || Raw::get("/").header("x-echo-cookie", "origin=1");
    let appended = HeaderAppendAction::AppendIfExistsOrAdd;
    vec![
        fact(
            "a header for the client is appended if nothing is said",
            "closed",
            allow_answering([bare("set-cookie", "a=1")]),
            [Answer("set-cookie", &["origin=1", "a=1"])],
        )
        .ask(origin()),
        fact(
            "append false wipes the cookies of the service itself, the last one wins",
            "closed",
            allow_answering([
                append("set-cookie", "a=1", false),
                append("set-cookie", "b=2", false),
            ]),
            [Answer("set-cookie", &["b=2"])],
        )
        .ask(origin()),
        fact(
            "an append action counts for the client's headers",
            "closed",
            allow_answering([
                action("set-cookie", "a=1", appended),
                action("set-cookie", "b=2", appended),
            ]),
            [Answer("set-cookie", &["origin=1", "a=1", "b=2"])],
        )
        .ask(origin()),
        fact(
            "an overwriting action wipes the service's own",
            "closed",
            allow_answering([action(
                "set-cookie",
                "a=1",
                HeaderAppendAction::OverwriteIfExistsOrAdd,
            )]),
            [Answer("set-cookie", &["a=1"])],
        )
        .ask(origin()),
    ]
}

#[expect(deprecated, reason = "the row is about the deprecated field")]
fn metadata_facts() -> Vec<Fact> {
    let with_outer = |mut answer: envoy_types::pb::envoy::service::auth::v3::CheckResponse| {
        answer.dynamic_metadata = Some(metadata("reason", "outer"));
        answer
    };
    let inner = OkHttpResponse {
        dynamic_metadata: Some(metadata("inner", "yes")),
        ..OkHttpResponse::default()
    };
    vec![
        fact(
            "the metadata of an allow reaches the access log, with Envoy's duration",
            "closed",
            with_outer(allow_with([])),
            [
                Log("our reason", |line| line["reason"] == "outer"),
                Log("Envoy's duration", |line| line["authz"]["ext_authz_duration"].is_number()),
            ],
        ),
        fact(
            "the deprecated inner metadata replaces the outer",
            "closed",
            with_outer(allow(inner)),
            [
                Log("the inner one", |line| line["authz"]["inner"] == "yes"),
                Log("no outer one", |line| line["reason"].is_null()),
            ],
        ),
        fact(
            "an operator can refuse our metadata",
            "no_metadata",
            with_outer(allow_with([])),
            [Reached, Log("none", |line| line["reason"].is_null())],
        ),
    ]
}

/// Rows about what Envoy refuses.
pub(super) fn limit_facts() -> Vec<Fact> {
    let newline = || allow_with([set("x-user", "a\nb")]);
    let many = || allow_with((0..20_100).map(|index| set(&format!("x-{index}"), "1")));
    vec![
        fact(
            "a newline in a value is a 503 after the filter",
            "closed",
            newline(),
            [Status(503), Counted(&["ok"])],
        ),
        fact(
            "a newline in a value is a 500 with validation",
            "validate",
            newline(),
            [
                Status(500),
                Stopped,
                Log("the details", |line| line["details"] == "ext_authz_invalid"),
            ],
        ),
        fact(
            "a newline in a value is dropped under mutation rules",
            "rules",
            newline(),
            [Status(200), Reached, Upstream("x-user", &[])],
        ),
        fact(
            "more headers than the connection may have are a 500",
            "closed",
            many(),
            [
                Status(500),
                Stopped,
                Log("the details", |line| line["details"] == "ext_authz_invalid"),
            ],
        ),
        fact(
            "an answer with an outer code and an ok body is never half applied",
            "validate",
            answer(
                Some(16),
                Some(HttpResponse::OkResponse(OkHttpResponse {
                    headers: vec![set("x-user", "ours")],
                    ..OkHttpResponse::default()
                })),
            ),
            [Status(403), Stopped],
        ),
    ]
}
