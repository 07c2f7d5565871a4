//! The rules of the sections without many: `credentials`, `trusted_origins`, `check`, `key_snapshots`,
//! `protected_resource` and `passport`.

use serde_json::{Value, json};

use super::{
    texts::{ABSOLUTE, GRAPHIC, ORIGIN, SCOPE, TOKEN, safe_base_web, safe_web},
    tools::{Rule, all_of, any_case_of, below, no, pattern, where_written},
};

const CREDENTIAL: &str = "/properties/credentials/items";

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![(CREDENTIAL.to_owned(), credential())];
    let names = ["header", "cookie", "query", "websocket_protocol"];
    rules.extend(names.map(|name| (format!("{CREDENTIAL}/properties/{name}"), pattern(TOKEN))));
    rules.extend(below("/properties", of_sections()));
    rules.extend(below("/properties/passport/properties", of_passports()));
    rules.extend(below("/properties/protected_resource/properties", of_resources()));
    rules
}

fn credential() -> Value {
    let taken = any_case_of(&["cookie", "sec-websocket-protocol"]);
    let ours = "[Xx][^A-Za-z0-9][Rr][Oo][Ww][Nn][Dd][^A-Za-z0-9]";
    all_of([
        where_written("format", json!({ "required": ["cookie"] })),
        json!({ "properties": { "header": no(format!("^({ours}|({taken})$)")) } }),
    ])
}

fn of_sections() -> [(&'static str, Value); 5] {
    [
        ("credentials", json!({ "minItems": 1, "uniqueItems": true })),
        ("trusted_origins", json!({ "uniqueItems": true })),
        ("trusted_origins/items", pattern(ORIGIN)),
        ("check/properties/extra_methods/items", pattern("^[A-Z0-9_-]+$")),
        ("key_snapshots/properties/directory", pattern(ABSOLUTE)),
    ]
}

fn of_passports() -> [(&'static str, Value); 4] {
    [
        ("issuer", all_of([safe_base_web(), no("/$")])),
        ("keys", json!({ "uniqueItems": true })),
        ("keys/items/properties/file", pattern(ABSOLUTE)),
        ("trust_domain", pattern(GRAPHIC)),
    ]
}

fn of_resources() -> [(&'static str, Value); 6] {
    [
        ("resource", safe_base_web()),
        ("authorization_servers/items", safe_base_web()),
        ("scopes_supported/items", pattern(SCOPE)),
        ("resource_documentation", safe_web()),
        ("resource_policy_uri", safe_web()),
        ("resource_tos_uri", safe_web()),
    ]
}
