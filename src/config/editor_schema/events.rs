//! The rules of `events` and `token_validator`: sinks of one kind, and sources with what their kind has.

use serde_json::{Value, json};

use super::{
    texts::{
        ABSOLUTE, GRAPHIC, NETWORK, ODD_NETWORK, PLAIN_WEB, PRIVATE_WEB, SAFE_WEB, TOKEN,
        path_secret, safe_web, signing_secret, web,
    },
    tools::{
        Rule, all_of, any_case_of, below, form, no, one_of, or_added_later, pattern, settings,
        where_holds, where_is, where_is_not, where_written,
    },
};
use crate::model::EventType;

const EVENTS: &str = "/properties/events";
const SINK: &str = "/properties/events/properties/sinks/items";
const SOURCE: &str = "/properties/events/properties/sources/items";
const VALIDATOR: &str = "/properties/token_validator";
/// The name of a field of Rownd's settings.
const FIELD: &str = "^[A-Za-z0-9_]{1,64}$";

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![
        (EVENTS.to_owned(), events()),
        (SINK.to_owned(), sink()),
        (SOURCE.to_owned(), source()),
        (VALIDATOR.to_owned(), validator()),
        (format!("{SINK}/properties/http"), post_target()),
    ];
    rules.extend(below(
        &format!("{EVENTS}/properties"),
        [
            ("source", pattern(GRAPHIC)),
            ("profile_fields", json!({ "uniqueItems": true })),
            ("profile_fields/items", json!({ "minLength": 1, "maxLength": 128 })),
        ],
    ));
    rules.extend(below(&format!("{SINK}/properties"), of_sinks()));
    rules.extend(of_post_targets(&format!("{SINK}/properties/http")));
    rules.push((format!("{SOURCE}/properties/poll/properties/url"), safe_web()));
    rules.extend(inbound_caller(&format!("{SOURCE}/properties/caller")));
    rules.extend(inbound_caller(&format!("{VALIDATOR}/properties/caller")));
    rules.extend(below(&format!("{VALIDATOR}/properties"), of_validator()));
    rules
}

/// Without sinks nobody is told anything.
fn events() -> Value {
    let told = json!({ "required": ["sinks"], "properties": { "sinks": { "minItems": 1 } } });
    all_of([or_added_later(where_holds(
        json!({ "not": told }),
        settings(json!({ "source": false, "profile_fields": { "maxItems": 0 } })),
    ))])
}

/// A sink of one kind, which leaves out only what it gets.
fn sink() -> Value {
    let mut rules = vec![one_of(&["http", "file", "stdout", "stream", "redis_stream"])];
    rules.extend(EventType::ALL.iter().filter(|kind| kind.is_frequent()).map(|kind| {
        let sampled = json!({
            "required": ["types", "sample"],
            "properties": { "sample": { "required": [kind.word()] } },
        });
        where_holds(sampled, settings(json!({ "types": { "contains": { "const": kind.word() } } })))
    }));
    json!({ "allOf": rules })
}

fn of_sinks() -> [(&'static str, Value); 7] {
    let sampled: Vec<&str> =
        EventType::ALL.iter().filter(|kind| kind.is_frequent()).map(|kind| kind.word()).collect();
    [
        ("types", json!({ "minItems": 1, "uniqueItems": true })),
        ("sample", json!({ "propertyNames": { "enum": sampled } })),
        (
            "sample/additionalProperties",
            json!({ "allOf": [{ "minimum": 2, "maximum": 1_000_000 }] }),
        ),
        ("file/properties/path", form(ABSOLUTE, "^/+$|/\\.\\.$")),
        ("file/properties/max_bytes", json!({ "anyOf": [{ "const": 0 }, { "minimum": 65_536 }] })),
        ("http/properties/directory", pattern(ABSOLUTE)),
        ("redis_stream/properties/directory", pattern(ABSOLUTE)),
    ]
}

/// A server that gets requests: by https, on this machine, or in clear where that is meant.
pub(super) fn post_target() -> Value {
    let url = |rule: Value| settings(json!({ "url": rule }));
    all_of([
        where_is_not("allow_insecure_http", true, url(pattern(SAFE_WEB))),
        where_is("allow_insecure_http", true, url(no(PRIVATE_WEB))),
        where_holds(
            json!({ "required": ["tls"], "properties": { "tls": { "required": ["ca_file"] } } }),
            url(no(PLAIN_WEB)),
        ),
    ])
}

/// The settings of a server that gets signed requests.
pub(super) fn of_post_targets(at: &str) -> Vec<Rule> {
    below(
        &format!("{at}/properties"),
        [
            ("url", all_of([web(), no("://169\\.254\\.169\\.254([:/?#]|$)")])),
            ("secrets", json!({ "uniqueItems": true })),
            ("secrets/items", signing_secret()),
            ("tls/properties/ca_file", json!({ "minLength": 1 })),
        ],
    )
}

/// Each kind with what it has.
fn source() -> Value {
    let none = || json!({ "const": false });
    let of_signed = json!({ "required": ["audiences"],
        "properties": { "app_id": false, "audiences": { "minItems": 1 } } });
    let webhook = json!({
        "audiences": { "maxItems": 0 },
        "session_is_user": none(),
        "untyped": none(),
        "poll": false,
    });
    all_of([
        where_is("kind", "rownd_webhook", settings(webhook)),
        or_added_later(where_is(
            "kind",
            "rownd_webhook",
            json!({ "required": ["caller"], "properties": { "caller": proof() } }),
        )),
        where_is("kind", "shared_signals", of_signed.clone()),
        where_is("kind", "shared_signals", settings(json!({ "untyped": none() }))),
        where_is("kind", "back_channel_logout", of_signed),
        where_is("kind", "back_channel_logout", settings(json!({ "poll": false }))),
        where_written("poll", settings(json!({ "caller": false }))),
    ])
}

/// Something that another server proves who it is by.
fn proof() -> Value {
    let listed = ["sources", "uris", "dns_names"]
        .map(|name| json!({ "required": [name], "properties": { name: { "minItems": 1 } } }));
    let all: Vec<Value> = listed.into_iter().chain([json!({ "required": ["secret"] })]).collect();
    json!({ "anyOf": all })
}

fn inbound_caller(at: &str) -> Vec<Rule> {
    let taken = any_case_of(&[
        "host",
        "connection",
        "content-length",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "cookie",
        "te",
    ]);
    let with_secret = or_added_later(where_written("header", json!({ "required": ["secret"] })));
    let mut rules = vec![(at.to_owned(), all_of([with_secret]))];
    rules.extend(below(
        &format!("{at}/properties"),
        [
            ("secret", path_secret()),
            ("header", form(TOKEN, format!("^({taken})$"))),
            ("sources/items", form(NETWORK, ODD_NETWORK)),
            ("uris/items", pattern("\\S")),
            ("dns_names/items", pattern("\\S")),
        ],
    ));
    rules
}

/// An answer with something in it, for callers that prove who they are.
fn validator() -> Value {
    let claims = json!({ "required": ["claims"],
        "properties": { "claims": { "minProperties": 1 } } });
    let usual_field = json!({ "required": ["user_id"],
        "properties": { "user_id": { "not": { "required": ["field"] } } } });
    all_of([
        json!({ "anyOf": [{ "required": ["user_id"] }, claims] }),
        or_added_later(settings(json!({ "caller": proof() }))),
        where_holds(
            usual_field,
            settings(json!({ "claims": { "properties": { "userId": false } } })),
        ),
    ])
}

fn of_validator() -> [(&'static str, Value); 6] {
    let claim = || json!({ "minLength": 1, "not": { "const": "/" } });
    [
        ("issuers", json!({ "uniqueItems": true })),
        ("caller/properties/header", no(format!("^({})$", any_case_of(&["authorization"])))),
        ("user_id/properties/claim", claim()),
        ("user_id/properties/prefix", pattern("^[!-~]*$")),
        ("user_id/properties/field", pattern(FIELD)),
        (
            "claims",
            json!({
                "maxProperties": 64,
                "propertyNames": pattern(FIELD),
                "allOf": [{ "additionalProperties": claim() }],
            }),
        ),
    ]
}
