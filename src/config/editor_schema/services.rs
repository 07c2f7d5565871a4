//! The rules of the sections about services: `listeners`, `rownd_auth`, `hooks`, `shared` and
//! `network`.

use serde_json::{Value, json};

use super::{
    events::{of_post_targets, post_target},
    texts::{IP_PORT, ORIGIN, SAFE_WEB, base_web, secret},
    tools::{
        Rule, all_of, any_case_of, any_of, below, form, no, one_of, or_added_later, pattern,
        settings, where_holds, where_is, where_is_not, where_written,
    },
};

const CALLER: &str = "/properties/rownd_auth/properties/callers/items";
const CLIENT: &str = "/properties/rownd_auth/properties/oidc_clients/items";
const HOOK: &str = "/properties/hooks/properties/before_exchange";
const LISTENERS: &str = "/properties/listeners/properties";
const NETWORK: &str = "/properties/network";
const SHARED: &str = "/properties/shared";

const REDIS: &str =
    "^(unix:/.*|([Rr][Ee][Dd][Ii][Ss]|[Vv][Aa][Ll][Kk][Ee][Yy])[Ss]?://[^/?#@\\s]+/*\\+?[0-9]*)$";
/// By TLS, by a socket, or to an address that may be this machine's.
const SAFE_REDIS: &str = "^(unix:|[Rr][Ee][Dd][Ii][Ss][Ss]:|[Vv][Aa][Ll][Kk][Ee][Yy][Ss]:|[A-Za-z]+://([Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|[0-9]|\\[))";
/// By TLS, by a socket, or to an address that surely is this machine's.
const PRIVATE_REDIS: &str =
    "^(unix:|rediss:|valkeys:|(redis|valkey)://(localhost|127\\.0\\.0\\.1|\\[::1\\])([:/]|$))";
const BAD_PORT: &str = "://[^/?#]*:0*(6553[6-9]|655[4-9][0-9]|65[6-9][0-9]{2}|6[6-9][0-9]{3}|[7-9][0-9]{4}|[1-9][0-9]{5,})(/|$)";
/// Schemes that no app can receive a code by.
const SCRIPTS: [&str; 7] =
    ["about", "blob", "data", "file", "filesystem", "javascript", "vbscript"];

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![
        (CALLER.to_owned(), all_of([or_added_later(known_by())])),
        (CLIENT.to_owned(), client()),
        (HOOK.to_owned(), all_of([one_of(&["http", "grpc"])])),
        (format!("{HOOK}/properties/http"), post_target()),
        (format!("{HOOK}/properties/grpc"), post_target()),
        (format!("{LISTENERS}/http"), http()),
        (NETWORK.to_owned(), network()),
        (SHARED.to_owned(), shared()),
    ];
    rules.extend(of_post_targets(&format!("{HOOK}/properties/http")));
    rules.extend(below(&format!("{HOOK}/properties"), of_hooks()));
    rules.extend(below(&format!("{CALLER}/properties"), of_callers()));
    rules.extend(below(&format!("{CLIENT}/properties"), of_clients()));
    rules.extend(below(LISTENERS, of_listeners()));
    rules.extend(below(&format!("{NETWORK}/properties"), of_network()));
    rules.extend(below(&format!("{SHARED}/properties"), of_shared()));
    rules
}

fn known_by() -> Value {
    any_of(&["secret", "uris", "dns_names", "uids"])
}

fn of_callers() -> [(&'static str, Value); 8] {
    let exact = || pattern("^[^*]+$");
    [
        ("allow", json!({ "minItems": 1 })),
        ("secret", secret("[!-~]{16,}")),
        ("apps", json!({ "minItems": 1 })),
        ("apps/items", json!({ "minLength": 1 })),
        ("issuers", json!({ "minItems": 1 })),
        ("issuers/items", json!({ "minLength": 1 })),
        ("uris/items", exact()),
        ("dns_names/items", exact()),
    ]
}

/// A client with a secret, or with PKCE.
fn client() -> Value {
    let other_method = settings(json!({ "auth_method": { "not": { "const": "none" } } }));
    let with_method = json!({ "required": ["auth_method"], "allOf": [other_method] });
    let without_secret =
        json!({ "not": { "anyOf": [{ "required": ["client_secret"] }, with_method] } });
    let needed = |method: &str| {
        or_added_later(where_is("auth_method", method, json!({ "required": ["client_secret"] })))
    };
    all_of([
        needed("basic"),
        needed("post"),
        where_is("auth_method", "none", settings(json!({ "client_secret": false }))),
        or_added_later(where_holds(without_secret, settings(json!({ "pkce": { "const": true } })))),
    ])
}

fn of_clients() -> [(&'static str, Value); 6] {
    let uri = || {
        all_of([
            form("^[A-Za-z][A-Za-z0-9+.-]*:", "#"),
            no(format!("^({}):", any_case_of(&SCRIPTS))),
            json!({ "anyOf": [no("^[Hh][Tt][Tt][Pp]:"), pattern(SAFE_WEB)] }),
            no("^[Hh][Tt][Tt][Pp][Ss]?://[^/?#:@\\\\]+(:[^/?#@\\\\]*)?@"),
        ])
    };
    [
        ("client_id", json!({ "minLength": 1 })),
        ("redirect_uris", json!({ "minItems": 1 })),
        ("redirect_uris/items", uri()),
        ("post_logout_redirect_uris/items", uri()),
        ("scopes", json!({ "contains": { "const": "openid" } })),
        ("scopes/items", pattern("^\\S+$")),
    ]
}

fn of_hooks() -> [(&'static str, Value); 3] {
    [
        ("grants", json!({ "uniqueItems": true })),
        ("grpc/properties/url", all_of([base_web(), no("^[^/]*//[^/?#]+/+[^/]")])),
        ("grpc/properties/tls/properties/ca_file", json!({ "minLength": 1 })),
    ]
}

/// Calls need names of hosts, and only calls and callbacks are made by pages.
fn http() -> Value {
    let calls = json!({ "required": ["serve"],
        "properties": { "serve": { "contains": { "const": "rpc" } } } });
    let of_pages = json!({ "required": ["serve"],
        "properties": { "serve": { "contains": { "enum": ["rpc", "webhooks"] } } } });
    let named = json!({ "required": ["hosts"], "properties": { "hosts": { "minItems": 1 } } });
    all_of([
        or_added_later(where_holds(calls, named)),
        where_holds(json!({ "not": of_pages }), settings(json!({ "cors": false }))),
    ])
}

fn of_listeners() -> [(&'static str, Value); 13] {
    // A path of a socket has at most 107 bytes.
    let any = || json!({ "pattern": format!("^(unix:/.+|{IP_PORT})$"), "maxLength": 112 });
    let ip = || pattern(format!("^({IP_PORT})$"));
    let host = || pattern("^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*)$");
    let once = || json!({ "minItems": 1, "uniqueItems": true });
    [
        ("grpc/properties/address", any()),
        ("http/properties/address", any()),
        ("public_http/properties/address", any()),
        ("ops/properties/address", ip()),
        (
            "ops/properties/probe_address",
            form(format!("^({IP_PORT})$"), "^(0\\.0\\.0\\.0|\\[::\\]):"),
        ),
        ("control/properties/address", json!({ "pattern": "^unix:/.+$", "maxLength": 112 })),
        ("http/properties/serve", once()),
        ("http/properties/hosts/items", host()),
        ("http/properties/cors/properties/allowed_origins", once()),
        ("http/properties/cors/properties/allowed_origins/items", pattern(ORIGIN)),
        ("public_http/properties/serve", once()),
        ("public_http/properties/serve/items", json!({ "not": { "const": "rpc" } })),
        ("public_http/properties/hosts/items", host()),
    ]
}

/// Hosts that are asked directly are an exception of one proxy.
fn network() -> Value {
    let proxy = json!({ "required": ["proxy"],
        "properties": { "proxy": { "not": { "enum": ["none", "environment"] } } } });
    all_of([or_added_later(where_holds(
        json!({ "not": proxy }),
        settings(json!({ "no_proxy": { "maxItems": 0 } })),
    ))])
}

fn of_network() -> [(&'static str, Value); 3] {
    let proxy = "^(none|environment|file:.+|[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\s{}\"`]+/?)$";
    [
        ("proxy", pattern(proxy)),
        ("no_proxy/items", pattern("^(\\.?[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+(/[0-9]{1,3})?)$")),
        ("tls/properties/ca_file", json!({ "minLength": 1 })),
    ]
}

/// One way to Redis, and settings that have an effect on it.
fn shared() -> Value {
    let url = |rule: Value| settings(json!({ "url": rule }));
    all_of([
        or_added_later(one_of(&["url", "sentinel", "cluster"])),
        where_is_not("allow_insecure", true, url(pattern(SAFE_REDIS))),
        where_is("allow_insecure", true, url(no(PRIVATE_REDIS))),
        where_holds(
            json!({ "required": ["tls"], "properties": { "tls": { "required": ["ca_file"] } } }),
            url(no("^(unix|[Rr][Ee][Dd][Ii][Ss]|[Vv][Aa][Ll][Kk][Ee][Yy]):")),
        ),
        or_added_later(where_written("username", json!({ "required": ["password"] }))),
    ])
}

fn of_shared() -> [(&'static str, Value); 3] {
    [
        ("url", form(REDIS, BAD_PORT)),
        ("key", all_of([secret("[A-Za-z0-9+/]{43}="), no("^A{43}=$")])),
        ("tls/properties/ca_file", json!({ "minLength": 1 })),
    ]
}
