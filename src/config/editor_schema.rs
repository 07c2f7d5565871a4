//! The JSON Schema for editors and charts: the shape of the file, with more of the rules that the
//! checks of the sections have, so that a mistake shows while it is written.
//!
//! In: the schema of the shape. Out: the same with conditions and patterns. Each of them refuses only
//! what the reader refuses too; what a schema cannot say well is left to the reader, whose words are
//! better. The patterns are in the dialect that ECMA, Python and RE2 share.

use serde_json::{Map, Value, json};

use super::sections::{IssuerKind, REQUIREMENT, SETTINGS_OF_KINDS};

const ISSUER: &str = "/properties/issuers/items";
const ROUTE: &str = "/properties/routes/items";
const GUARD: &str = "/properties/guards/items";
const LISTENERS: &str = "/properties/listeners/properties";

/// A name of HTTP: a token (RFC 9110 section 5.6.2).
const TOKEN: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
const IP_PORT: &str = "([0-9]{1,3}(\\.[0-9]{1,3}){3}|\\[[0-9A-Fa-f:.%]+\\]):0*([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
const WEB: &str = "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\s]+";
/// https, or http on an address that may be this machine's.
const SAFE_WEB: &str = "^([Hh][Tt][Tt][Pp][Ss]://|[Hh][Tt][Tt][Pp]://([Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|[0-9]|\\[))";
const HOST: &str = "^(\\*\\.)?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*\\.?$";
/// A path without a query, an escape and the like.
const PLAIN_PATH: &str = "^/[^?#%\\\\;]*$";
/// Parts that no plain path has: an empty or a dot segment, and a list of paths.
const ODD_PATH: &str = "//|/\\.\\.?(/|$)|,[ /]|\\s$";
/// Signs of the patterns of routers, which are compared literally.
const ROUTER_PATTERN: &str = "/[:*]|[*$](/|$)|[{}<>]";
/// The same for templates, in which `{name}` stands for a segment.
const TEMPLATE_PATTERN: &str = "/[:*]|[*$](/|$)|[<>]";
const SCOPE: &str = "^[!#-\\[\\]-~]+$";
const NAME: &str = "^[A-Za-z0-9_-]+$";
/// A text without blanks at its ends.
const TRIMMED: &str = "^\\S(.*\\S)?$";
/// The name of a header that a rule sets.
const LOWER_NAME: &str = "^[a-z0-9-]+$";
/// The address of the metadata of an issuer.
const METADATA: &str = "/\\.well-known/";

/// The schema of the shape with the rules.
pub(super) fn with_rules(mut schema: Value) -> Value {
    for (at, rules) in [
        (ISSUER, issuer()),
        (ROUTE, route()),
        (GUARD, guard()),
        ("/properties/default", vec![levels(), expired_cookie()]),
        ("/properties/credentials/items", credential()),
        ("/properties/rownd_auth/properties/callers/items", caller()),
    ] {
        add(&mut schema, at, rules);
    }
    for (pointer, limits) in limits() {
        merge(&mut schema, &pointer, limits);
    }
    let tops = ["/properties/default", GUARD, ROUTE];
    let mut requirements: Vec<String> =
        tops.iter().map(|at| format!("{at}/properties/require")).collect();
    requirements.push(format!("/$defs/{REQUIREMENT}"));
    for at in requirements {
        requirement(&mut schema, &at);
    }
    schema
}

/// Adds conditions that all have to hold.
fn add(schema: &mut Value, at: &str, mut rules: Vec<Value>) {
    let Some(Value::Object(node)) = schema.pointer_mut(at) else { return };
    if let Some(Value::Array(known)) = node.get_mut("allOf") {
        known.append(&mut rules);
    } else {
        node.insert("allOf".to_owned(), Value::Array(rules));
    }
}

/// Sets keywords of one setting that it does not have yet.
fn merge(schema: &mut Value, at: &str, limits: Value) {
    let (Some(Value::Object(node)), Value::Object(limits)) = (schema.pointer_mut(at), limits)
    else {
        return;
    };
    for (keyword, value) in limits {
        node.entry(keyword).or_insert(value);
    }
}

fn pattern(form: &str) -> Value {
    json!({ "pattern": form })
}

/// Where a setting has this value, these rules hold.
fn where_is(name: &str, value: impl Into<Value>, then: impl Into<Value>) -> Value {
    let (value, then): (Value, Value) = (value.into(), then.into());
    json!({ "if": { "required": [name], "properties": { name: { "const": value } } }, "then": then })
}

/// Where a setting is written, these rules hold.
fn where_written(name: &str, then: impl Into<Value>) -> Value {
    let then: Value = then.into();
    json!({ "if": { "required": [name] }, "then": then })
}

fn issuer() -> Vec<Value> {
    let kinds = [
        IssuerKind::Rownd,
        IssuerKind::Supertokens,
        IssuerKind::Oidc,
        IssuerKind::Firebase,
        IssuerKind::Static,
    ];
    let mut rules: Vec<Value> =
        kinds.iter().map(|kind| where_is("kind", kind.as_str(), of_kind(*kind))).collect();
    rules.push(where_is(
        "accepts",
        "id",
        json!({ "properties": { "audiences": { "minItems": 1 } } }),
    ));
    rules.push(json!({
        "if": { "not": { "required": ["allow_insecure_http"],
            "properties": { "allow_insecure_http": { "const": true } } } },
        "then": { "properties": {
            "base_url": pattern(SAFE_WEB),
            "jwks_url": pattern(SAFE_WEB),
            "jwks_fallback_url": pattern(SAFE_WEB),
        } },
    }));
    rules.push(json!({
        "if": { "required": ["keys"],
            "properties": { "keys": { "required": ["fetch"],
                "properties": { "fetch": { "const": false } } } } },
        "then": { "required": ["key_set"] },
    }));
    rules.push(json!({ "properties": { "name": { "not": { "const": "unknown" } } } }));
    rules
}

/// The settings that a kind has, and those that it needs.
fn of_kind(kind: IssuerKind) -> Value {
    let mut properties = Map::new();
    let foreign = SETTINGS_OF_KINDS.iter().filter(|(_, kinds)| !kinds.contains(&kind));
    for (name, _) in foreign {
        match name.split_once('/') {
            Some((outer, inner)) => {
                let none = json!({ "properties": {} });
                let within = properties.entry(outer).or_insert(none);
                if let Some(Value::Object(within)) = within.get_mut("properties") {
                    within.insert(inner.to_owned(), false.into());
                }
            }
            None => {
                // An empty list and `false` are as good as nothing.
                let nothing = match *name {
                    "apps" | "audiences" | "tenants" => json!({ "maxItems": 0 }),
                    "allow_missing_exp" => json!({ "const": false }),
                    _ => false.into(),
                };
                properties.insert((*name).to_owned(), nothing);
            }
        }
    }
    let has_tokens = json!([{ "required": ["audiences"] }, { "required": ["audience"] }]);
    let mut rules = match kind {
        IssuerKind::Rownd => {
            let known = json!({ "anyOf": [{ "required": ["id"] }, { "required": ["key"] }],
                "properties": { "id": { "not": pattern("^(key|ras)_") } } });
            properties.insert("apps".to_owned(), json!({ "items": known }));
            properties.insert("algorithms".to_owned(), algorithms(&["EdDSA", "Ed25519"]));
            json!({})
        }
        IssuerKind::Supertokens => {
            properties.insert(
                "apps".to_owned(),
                json!({ "maxItems": 1, "items": { "required": ["id"] } }),
            );
            properties.insert("algorithms".to_owned(), algorithms(&["RS256"]));
            json!({ "required": ["base_url"] })
        }
        IssuerKind::Firebase => {
            properties.insert("algorithms".to_owned(), algorithms(&["RS256"]));
            json!({ "required": ["project"] })
        }
        IssuerKind::Oidc => json!({
            "anyOf": has_tokens,
            "allOf": [{ "anyOf": [{ "required": ["issuer"] }, { "required": ["preset"] }] }],
        }),
        IssuerKind::Static => json!({
            "anyOf": has_tokens,
            "required": ["key_set"],
            "allOf": [{ "anyOf": [{ "required": ["issuer"] }, { "required": ["preset"] }] }],
        }),
    };
    if let Value::Object(rules) = &mut rules {
        rules.insert("properties".to_owned(), Value::Object(properties));
    }
    rules
}

fn algorithms(known: &[&str]) -> Value {
    json!({ "items": { "enum": known } })
}

/// An auth level needs a credential, and a step up needs a level.
fn levels() -> Value {
    json!({ "allOf": [
        where_written("auth_level", json!({ "properties": { "auth": { "const": "required" } } })),
        where_is("step_up", true, json!({ "required": ["auth_level"] })),
        where_is("freshness", "profile", json!({ "properties": { "auth": { "not": { "const": "none" } } } })),
    ] })
}

fn expired_cookie() -> Value {
    where_is(
        "expired_cookie",
        "anonymous",
        json!({ "required": ["auth"], "properties": { "auth": { "const": "optional" } } }),
    )
}

fn route() -> Vec<Value> {
    vec![
        json!({
            "if": { "required": ["by_name"], "properties": { "by_name": { "const": true } } },
            "then": { "not": { "required": ["match"] } },
            "else": { "required": ["match"] },
        }),
        json!({ "properties": { "id": { "not": { "const": "default" } } } }),
        levels(),
        expired_cookie(),
        where_is(
            "auth",
            "none",
            json!({ "properties": {
                "passport": false,
                "denial": { "properties": { "redirect": false } },
            } }),
        ),
    ]
}

fn guard() -> Vec<Value> {
    vec![json!({ "properties": { "id": { "not": { "const": "default" } } } })]
}

fn credential() -> Vec<Value> {
    vec![
        where_written("format", json!({ "required": ["cookie"] })),
        json!({ "properties": { "header": { "not": {
            "pattern": "^([Xx][^A-Za-z0-9][Rr][Oo][Ww][Nn][Dd][^A-Za-z0-9]|[Cc][Oo][Oo][Kk][Ii][Ee]$|[Ss][Ee][Cc]-[Ww][Ee][Bb][Ss][Oo][Cc][Kk][Ee][Tt]-[Pp][Rr][Oo][Tt][Oo][Cc][Oo][Ll]$)",
        } } } }),
    ]
}

fn caller() -> Vec<Value> {
    let known = ["secret", "uris", "dns_names", "uids"];
    vec![json!({ "anyOf": known.map(|name| json!({ "required": [name] })) })]
}

/// Keywords of single settings, by their JSON pointers in the schema.
fn limits() -> Vec<(String, Value)> {
    let below = |at: &str, limits: Vec<(&str, Value)>| -> Vec<(String, Value)> {
        limits.into_iter().map(|(name, limit)| (format!("{at}/{name}"), limit)).collect()
    };
    let mut all = below("/properties", of_sections());
    all.extend(below("/properties/credentials/items/properties", of_credentials()));
    all.extend(below("/properties/rownd_auth/properties/callers/items/properties", of_callers()));
    all.extend(below(LISTENERS, of_listeners()));
    all.extend(below(&format!("{ISSUER}/properties"), of_issuers()));
    for rule in ["", ROUTE] {
        let at = |rest: &str| format!("{rule}/properties/{rest}");
        let name = json!({ "pattern": LOWER_NAME, "not": pattern("^x-rownd-") });
        all.push((at("headers/items/properties/name"), name.clone()));
        all.push((at("response_headers/items/properties/name"), name));
        all.push((at("denial/properties/html/properties/accent"), pattern("^#[0-9A-Fa-f]{6}$")));
        all.push((at("denial/properties/redirect/properties/url"), pattern(SAFE_WEB)));
    }
    for rule in [ROUTE, GUARD] {
        all.extend(below(&format!("{rule}/properties/match/properties"), of_matches()));
        all.push((format!("{rule}/properties/match"), json!({ "minProperties": 1 })));
    }
    all
}

fn of_sections() -> Vec<(&'static str, Value)> {
    vec![
        ("credentials", json!({ "minItems": 1 })),
        ("trusted_origins/items", pattern("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\s]+$")),
        ("check/properties/extra_methods/items", pattern("^[A-Z0-9_-]+$")),
        ("key_snapshots/properties/directory", pattern("^/")),
        ("protected_resource/properties/resource", pattern(SAFE_WEB)),
        ("protected_resource/properties/authorization_servers/items", pattern(WEB)),
        ("protected_resource/properties/scopes_supported/items", pattern(SCOPE)),
    ]
}

fn of_credentials() -> Vec<(&'static str, Value)> {
    ["header", "cookie", "query", "websocket_protocol"].map(|name| (name, pattern(TOKEN))).into()
}

fn of_callers() -> Vec<(&'static str, Value)> {
    let exact = || pattern("^[^*]+$");
    vec![
        ("allow", json!({ "minItems": 1 })),
        ("secret", pattern("^(file:.+|.{16,})$")),
        ("apps", json!({ "minItems": 1 })),
        ("issuers", json!({ "minItems": 1 })),
        ("uris/items", exact()),
        ("dns_names/items", exact()),
    ]
}

fn of_listeners() -> Vec<(&'static str, Value)> {
    let any = || pattern(&format!("^(unix:/.+|{IP_PORT})$"));
    let ip = || pattern(&format!("^({IP_PORT})$"));
    let host = || pattern("^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*)$");
    let groups = || json!({ "minItems": 1, "uniqueItems": true });
    vec![
        ("grpc/properties/address", any()),
        ("http/properties/address", any()),
        ("public_http/properties/address", any()),
        ("ops/properties/address", ip()),
        (
            "ops/properties/probe_address",
            json!({ "pattern": format!("^({IP_PORT})$"), "not": pattern("^(0\\.0\\.0\\.0|\\[::\\]):") }),
        ),
        ("control/properties/address", pattern("^unix:/.+$")),
        ("http/properties/serve", groups()),
        ("http/properties/hosts/items", host()),
        ("public_http/properties/serve", groups()),
        ("public_http/properties/serve/items", json!({ "not": { "const": "rpc" } })),
        ("public_http/properties/hosts/items", host()),
    ]
}

fn of_issuers() -> Vec<(&'static str, Value)> {
    let secret = |others: &str| json!({ "minLength": 1, "not": pattern(others) });
    vec![
        ("issuer", json!({ "pattern": TRIMMED, "not": pattern(METADATA) })),
        ("base_url", json!({ "pattern": WEB, "not": pattern("/\\.well-known/|\\s$") })),
        ("audiences/items", pattern(TRIMMED)),
        ("key_set", json!({ "not": pattern("^(/|\\.\\.?/|https?://)[^\\n]*$") })),
        ("apps", json!({ "uniqueItems": true })),
        (
            "jwks_url",
            json!({
                "pattern": WEB,
                "not": pattern("/\\.well-known/(.*/)?(openid-configuration|oauth-authorization-server)$"),
            }),
        ),
        ("jwks_fallback_url", pattern(WEB)),
        ("project", pattern(NAME)),
        ("tenants_file", pattern("^file:.+$")),
        ("algorithms", json!({ "uniqueItems": true })),
        ("apps/items/properties/id", json!({ "pattern": NAME, "not": pattern("^ras_") })),
        ("apps/items/properties/key", secret("^(app|ras)_")),
        ("apps/items/properties/secret", secret("^(app|key)_")),
        ("apps/items/properties/operator_token", secret("^(app|key|ras)_")),
    ]
}

fn of_matches() -> Vec<(&'static str, Value)> {
    let path = |patterns: &str| json!({ "pattern": PLAIN_PATH, "not": pattern(&format!("{ODD_PATH}|{patterns}")) });
    vec![
        ("hosts/items", pattern(HOST)),
        ("methods/items", pattern("^[A-Z0-9_-]+$")),
        ("path/properties/exact", path(ROUTER_PATTERN)),
        ("path/properties/prefix", path(ROUTER_PATTERN)),
        ("path/properties/template", path(TEMPLATE_PATTERN)),
        ("headers/items/properties/name", pattern(TOKEN)),
    ]
}

/// The rules of a requirement: something is asked for, and each test can be passed.
fn requirement(schema: &mut Value, at: &str) {
    merge(schema, at, json!({ "minProperties": 1 }));
    let scope = format!("{at}/properties/scope");
    merge(schema, &scope, pattern(SCOPE));
    merge(schema, &format!("{scope}/items"), pattern(SCOPE));
    for name in ["claim", "attribute"] {
        let at = format!("{at}/properties/{name}");
        let tests = ["equals", "in", "matches", "contains", "exists", "gt", "lt"];
        let one = json!({ "anyOf": tests.map(|test| json!({ "required": [test] })) });
        let others = tests.iter().filter(|test| **test != "exists");
        let others: Vec<Value> = others.map(|test| json!({ "required": [test] })).collect();
        let absent = where_is("exists", false, json!({ "not": { "anyOf": others } }));
        add(schema, &at, vec![one, absent]);
        merge(schema, &format!("{at}/properties/pointer"), pattern("^/([^~]|~[01])+$"));
    }
}
