//! The rules of `issuers`: the settings of each kind, and the forms of addresses, ids and secrets.

use serde_json::{Map, Value, json};

use super::{
    texts::{NAME, NO_PATH, SAFE_WEB, TRIMMED, WEB, base_web, web},
    tools::{
        Rule, all_of, any_of, below, form, no, pattern, settings, where_holds, where_is,
        where_is_not,
    },
};
use crate::config::sections::{IssuerKind, SETTINGS_OF_KINDS};

const ISSUER: &str = "/properties/issuers/items";
/// The address of the metadata of an issuer.
const METADATA: &str = "/\\.well-known/";
/// One place of the tenant at most, and no other brace.
const TENANT_PLACE: &str = "^[^{}]*(\\{tenant\\}[^{}]*)?$";
const TENANT: &str = "\\{tenant\\}";

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![(ISSUER.to_owned(), issuer())];
    rules.extend(below(&format!("{ISSUER}/properties"), addresses()));
    rules.extend(below(&format!("{ISSUER}/properties"), lists()));
    rules.extend(below(&format!("{ISSUER}/properties/apps/items/properties"), of_apps()));
    rules
}

fn issuer() -> Value {
    let kinds = [
        IssuerKind::Rownd,
        IssuerKind::Supertokens,
        IssuerKind::Oidc,
        IssuerKind::Firebase,
        IssuerKind::Static,
    ];
    let mut rules: Vec<Value> =
        kinds.iter().map(|kind| where_is("kind", kind.as_str(), of_kind(*kind))).collect();
    let not_fetched = settings(json!({ "fetch": { "const": false } }));
    rules.extend([
        where_is("accepts", "id", settings(json!({ "audiences": { "minItems": 1 } }))),
        where_is_not(
            "allow_insecure_http",
            true,
            settings(json!({
                "base_url": pattern(SAFE_WEB),
                "jwks_url": pattern(SAFE_WEB),
                "jwks_fallback_url": pattern(SAFE_WEB),
                "core": { "properties": { "base_url": pattern(SAFE_WEB) } },
            })),
        ),
        where_holds(
            json!({ "required": ["keys"],
                "properties": { "keys": { "required": ["fetch"], "allOf": [not_fetched] } } }),
            json!({ "required": ["key_set"] }),
        ),
        settings(json!({ "name": { "not": { "const": "unknown" } } })),
    ]);
    json!({ "allOf": rules })
}

/// The settings that a kind has, and those that it needs.
fn of_kind(kind: IssuerKind) -> Value {
    let mut properties = foreign(kind);
    let has_tokens =
        json!({ "anyOf": [{ "required": ["audiences"] }, { "required": ["audience"] }] });
    let has_issuer = any_of(&["issuer", "preset"]);
    let no_tenant = || no(TENANT);
    let mut rules = match kind {
        IssuerKind::Rownd => {
            let known = json!({ "anyOf": [{ "required": ["id"] }, { "required": ["key"] }],
                "properties": { "id": no("^(key|ras)_") } });
            properties.insert("apps".to_owned(), json!({ "items": known }));
            properties.insert("algorithms".to_owned(), algorithms(&["EdDSA", "Ed25519"]));
            json!({})
        }
        IssuerKind::Supertokens => {
            let one = json!({ "maxItems": 1, "items": { "required": ["id"] } });
            properties.insert("apps".to_owned(), one);
            properties.insert("algorithms".to_owned(), algorithms(&["RS256"]));
            json!({ "required": ["base_url"] })
        }
        IssuerKind::Firebase => {
            properties.insert("algorithms".to_owned(), algorithms(&["RS256"]));
            json!({ "required": ["project"] })
        }
        IssuerKind::Oidc => all_of([has_tokens, has_issuer, tenants(), discovery()]),
        IssuerKind::Static => {
            json!({ "required": ["key_set"], "allOf": [has_tokens, has_issuer] })
        }
    };
    if kind != IssuerKind::Oidc {
        for name in ["issuer", "base_url", "jwks_url", "jwks_fallback_url"] {
            properties.entry(name).or_insert_with(no_tenant);
        }
    }
    if let Value::Object(rules) = &mut rules {
        rules.insert("properties".to_owned(), Value::Object(properties));
    }
    rules
}

/// The settings that a kind does not have.
fn foreign(kind: IssuerKind) -> Map<String, Value> {
    let mut properties = Map::new();
    for (name, _) in SETTINGS_OF_KINDS.iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
        if let Some((outer, inner)) = name.split_once('/') {
            let within = properties.entry(outer).or_insert(json!({ "properties": {} }));
            if let Some(Value::Object(within)) = within.get_mut("properties") {
                within.insert(inner.to_owned(), false.into());
            }
        } else {
            // An empty list and `false` are as good as nothing.
            let nothing = match *name {
                "apps" | "audiences" | "tenants" => json!({ "maxItems": 0 }),
                "allow_missing_exp" => json!({ "const": false }),
                _ => false.into(),
            };
            properties.insert((*name).to_owned(), nothing);
        }
    }
    properties
}

/// A place for the tenant, and a list of tenants: both or none.
fn tenants() -> Value {
    let listed = json!({ "anyOf": [
        { "required": ["tenants"], "properties": { "tenants": { "minItems": 1 } } },
        { "required": ["tenants_file"] },
    ] });
    let has_place = json!({ "required": ["issuer"], "properties": { "issuer": pattern(TENANT) } });
    all_of([
        where_holds(has_place, listed.clone()),
        where_holds(listed, settings(json!({ "issuer": pattern(TENANT) }))),
    ])
}

/// Where no other address is written, discovery begins at the `iss`.
fn discovery() -> Value {
    let elsewhere =
        ["base_url", "jwks_url", "keys", "preset"].map(|name| json!({ "required": [name] }));
    let from_issuer = json!({ "not": { "anyOf": elsewhere } });
    let in_clear =
        where_is_not("allow_insecure_http", true, settings(json!({ "issuer": pattern(SAFE_WEB) })));
    where_holds(from_issuer, all_of([settings(json!({ "issuer": pattern(WEB) })), in_clear]))
}

fn algorithms(known: &[&str]) -> Value {
    json!({ "items": { "enum": known } })
}

fn addresses() -> [(&'static str, Value); 6] {
    let place = || pattern(TENANT_PLACE);
    [
        ("issuer", all_of([form(TRIMMED, METADATA), place()])),
        ("base_url", all_of([base_web(), no("/\\.well-known/|\\s$"), place()])),
        (
            "jwks_url",
            all_of([
                web(),
                no("/\\.well-known/(.*/)?(openid-configuration|oauth-authorization-server)$"),
                place(),
            ]),
        ),
        ("jwks_fallback_url", all_of([web(), place()])),
        ("core/properties/base_url", base_web()),
        ("allowed_origins/items", form("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\s]+$", "[*@]")),
    ]
}

fn lists() -> [(&'static str, Value); 10] {
    [
        ("audiences/items", pattern(TRIMMED)),
        ("audience", json!({ "required": ["values"] })),
        ("audience/properties/values", json!({ "minItems": 1 })),
        ("key_set", no("^(/|\\.\\.?/|https?://)[^\\n]*$")),
        ("apps", json!({ "uniqueItems": true })),
        ("project", pattern(NAME)),
        ("tenants", json!({ "uniqueItems": true })),
        ("tenants/items", form("^[A-Za-z0-9._~-]{1,128}$", "\\.\\.|^\\.$")),
        ("tenants_file", form("^file:.+$", NO_PATH)),
        ("algorithms", json!({ "uniqueItems": true })),
    ]
}

fn of_apps() -> [(&'static str, Value); 4] {
    let secret = |others: &str| form("^(file:.+|[!-~]+)$", format!("{NO_PATH}|{others}"));
    [
        ("id", form(NAME, "^ras_")),
        ("key", secret("^(app|ras)_")),
        ("secret", secret("^(app|key)_")),
        ("operator_token", secret("^(app|key|ras)_")),
    ]
}
