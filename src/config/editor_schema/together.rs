//! The rules that hold one section against another: what is served is there, what is there is served,
//! and what a kind of issuer is needed for has one.

use serde_json::{Value, json};

use super::tools::{Rule, or_added_later, settings, where_holds};
use crate::config::sections::IssuerKind;

/// The conditions that mean something only together with the issuer that gave the value.
const OF_AN_ISSUER: [&str; 11] = [
    "user",
    "app",
    "app_variant",
    "verified",
    "scope",
    "group",
    "group_role",
    "attribute",
    "claim",
    "tenant",
    "equals",
];

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = served();
    rules.extend(passports());
    rules.extend(of_one_issuer());
    rules.extend(of_kinds());
    let uids = json!({ "required": ["uids"], "properties": { "uids": { "minItems": 1 } } });
    let socket = json!({ "grpc": { "required": ["address"],
        "properties": { "address": { "pattern": "^unix:" } } } });
    rules.push(where_holds(
        within(&["rownd_auth", "callers"], &contains(&uids)),
        or_added_later(json!({ "required": ["listeners"], "properties": { "listeners": {
            "required": ["grpc"], "properties": socket,
        } } })),
    ));
    vec![(String::new(), json!({ "allOf": rules }))]
}

/// The setting at this path is written, and these rules hold for it.
fn within(path: &[&str], rules: &Value) -> Value {
    path.iter().rev().fold(
        rules.clone(),
        |inner, name| json!({ "required": [name], "properties": { *name: inner } }),
    )
}

/// Some entry of the list has this.
fn contains(entry: &Value) -> Value {
    json!({ "contains": entry })
}

/// A setting that is written.
fn written(name: &str) -> Value {
    json!({ "required": [name] })
}

/// This listener serves the group.
fn serves_at(listener: &str, group: &str) -> Value {
    within(&["listeners", listener, "serve"], &contains(&json!({ "const": group })))
}

/// One of the listeners over HTTP serves this group.
fn serves(group: &str) -> Value {
    json!({ "anyOf": [serves_at("http", group), serves_at("public_http", group)] })
}

/// Each group has its section, and each section that is asked has its group.
fn served() -> Vec<Value> {
    let pushed = within(&["events", "sources"], &contains(&json!({ "not": written("poll") })));
    let callers = within(&["rownd_auth", "callers"], &json!({ "minItems": 1 }));
    let groups = ["passport_keys", "resource_metadata", "token_validator", "webhooks"];
    let by_both = groups.iter().map(|group| {
        json!({ "not": { "allOf": [serves_at("http", group), serves_at("public_http", group)] } })
    });
    let mut rules: Vec<Value> = by_both.collect();
    rules.extend(
        [
            where_holds(serves("passport_keys"), written("passport")),
            where_holds(serves("resource_metadata"), written("protected_resource")),
            where_holds(serves("token_validator"), written("token_validator")),
            where_holds(written("token_validator"), serves("token_validator")),
            where_holds(serves("webhooks"), pushed.clone()),
            where_holds(pushed, serves("webhooks")),
            where_holds(serves("rpc"), callers),
        ]
        .map(or_added_later),
    );
    rules
}

/// A passport is signed, for a domain where its form needs one.
fn passports() -> Vec<Value> {
    let route = |passport: &Value| within(&["routes"], &contains(&within(&["passport"], passport)));
    let format = json!({ "required": ["format"],
        "properties": { "format": { "const": "txn-token" } } });
    let mixed = json!({ "allOf": [route(&json!(true)), several_issuers()] });
    [
        where_holds(route(&json!(true)), written("passport")),
        where_holds(route(&format), within(&["passport"], &written("trust_domain"))),
        where_holds(mixed, within(&["passport"], &written("subject"))),
    ]
    .map(or_added_later)
    .into()
}

fn several_issuers() -> Value {
    within(&["issuers"], &json!({ "minItems": 2 }))
}

/// A user id of one issuer is nothing to another.
fn of_one_issuer() -> Vec<Value> {
    let asked = OF_AN_ISSUER.map(written);
    let bounds = ["issuer", "all", "any"].map(written);
    let unbound = json!({ "type": "object", "anyOf": asked, "not": { "anyOf": bounds } });
    let bound = json!({ "properties": { "require": { "not": unbound } } });
    vec![where_holds(
        several_issuers(),
        settings(json!({
            "default": bound,
            "routes": { "items": bound },
            "guards": { "items": bound },
            "role_sources": { "items": { "required": ["issuers"] } },
        })),
    )]
}

/// Issuers are written, and none of these kinds.
fn none_of(kinds: &[IssuerKind]) -> Value {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let one = within(&["kind"], &json!({ "enum": words }));
    within(&["issuers"], &json!({ "not": contains(&one) }))
}

/// Profiles, sessions, events and clients are those of some kinds.
fn of_kinds() -> Vec<Value> {
    let token = json!({ "properties": { "freshness": { "not": { "const": "profile" } } } });
    let header = json!({ "items": { "properties": {
        "from": { "properties": { "profile": false } },
    } } });
    let none = json!({ "const": false });
    let profiles = json!({
        "default": token,
        "routes": { "items": { "allOf": [
            token,
            { "properties": { "headers": header, "response_headers": header } },
        ] } },
        "headers": header,
        "response_headers": header,
        "role_sources": { "items": { "properties": { "attribute": false, "group_roles": none } } },
        "events": { "properties": { "sources": { "items": { "properties": {
            "kind": { "not": { "const": "rownd_webhook" } },
        } } } } },
    });
    let sessions = json!({ "role_sources": { "items": {
        "properties": { "st_role": none, "st_perm": none },
    } } });
    let signed = json!({
        "events": { "properties": { "sources": { "items": { "properties": {
            "kind": { "not": { "enum": ["shared_signals", "back_channel_logout"] } },
        } } } } },
        "token_validator": false,
    });
    let clients = json!({ "rownd_auth": { "properties": { "oidc_clients": { "maxItems": 0 } } } });
    vec![
        where_holds(none_of(&[IssuerKind::Rownd]), settings(profiles)),
        where_holds(none_of(&[IssuerKind::Supertokens]), settings(sessions)),
        where_holds(none_of(&[IssuerKind::Oidc, IssuerKind::Static]), settings(signed)),
        where_holds(none_of(&[IssuerKind::Oidc]), settings(clients)),
    ]
}
