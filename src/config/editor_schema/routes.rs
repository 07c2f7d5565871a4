//! The rules of `routes`, `guards` and `default`: their matches, their requirements, and what belongs
//! together.

use serde_json::{Value, json};

use super::{
    rights::{PERMISSION, ROLE},
    texts::{HOST, SAFE_WEB, SCOPE, TOKEN},
    tools::{
        Rule, all_of, any_case_of, below, form, no, pattern, settings, where_is, where_written,
    },
};
use crate::config::sections::REQUIREMENT;

const DEFAULT: &str = "/properties/default";
const GUARD: &str = "/properties/guards/items";
const ROUTE: &str = "/properties/routes/items";

/// A path without a query, an escape and the like.
const PLAIN_PATH: &str = "^/[^?#%\\\\;]*$";
/// Parts that no plain path has: an empty or a dot segment, and a list of paths.
const ODD_PATH: &str = "//|/\\.\\.?(/|$)|,[ /]|\\s$";
/// Signs of the patterns of routers, which are compared literally.
const ROUTER_PATTERN: &str = "/[:*]|[*$](/|$)|[{}<>]";
/// The same for templates, in which `{name}` stands for a segment, and `{name...}` for the rest.
const TEMPLATE_PATTERN: &str =
    "/[:*]|[*$](/|$)|[<>]|[^/]\\{|\\}[^/]|\\.\\.\\.\\}.|\\{[^a-z_]|\\{[^}]*$|\\{[^}]*[^a-z0-9_.}]";
/// Look-around, and a beginning that no path has.
const NO_REGEX: &str = "^([^\\[\\\\]|\\\\.)*\\(\\?(=|!|<=|<!)|^\\^?[A-Za-z0-9_-]([^?*{|][^|]*)?$";
/// The tests of the value of a claim.
const TESTS: [&str; 7] = ["equals", "in", "matches", "contains", "exists", "gt", "lt"];

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = vec![
        (DEFAULT.to_owned(), all_of([levels(), expired_cookie()])),
        (ROUTE.to_owned(), route()),
        (GUARD.to_owned(), settings(json!({ "id": { "not": { "const": "default" } } }))),
    ];
    for rule in [ROUTE, GUARD] {
        rules.push((format!("{rule}/properties/match"), json!({ "minProperties": 1 })));
        rules.extend(below(&format!("{rule}/properties/match/properties"), matches()));
    }
    for rule in ["", ROUTE] {
        rules.extend(below(&format!("{rule}/properties"), denials()));
    }
    rules.push((
        format!("{ROUTE}/properties/denial"),
        json!({ "anyOf": [
            { "required": ["html"] },
            { "required": ["redirect"] },
            { "required": ["json"], "properties": { "json": { "const": true } } },
        ] }),
    ));
    rules.extend(below(&format!("{ROUTE}/properties/passport"), passports()));
    rules.push((format!("{ROUTE}/properties/passport"), passport()));
    for rule in [DEFAULT, GUARD, ROUTE] {
        rules.extend(requirement(&format!("{rule}/properties/require")));
    }
    rules.extend(requirement(&format!("/$defs/{REQUIREMENT}")));
    rules
}

/// An auth level needs a credential, and a step up needs a level.
fn levels() -> Value {
    all_of([
        where_written("auth_level", settings(json!({ "auth": { "const": "required" } }))),
        where_is("step_up", true, json!({ "required": ["auth_level"] })),
        where_is(
            "freshness",
            "profile",
            settings(json!({ "auth": { "not": { "const": "none" } } })),
        ),
    ])
}

fn expired_cookie() -> Value {
    where_is(
        "expired_cookie",
        "anonymous",
        json!({ "required": ["auth"], "properties": { "auth": { "const": "optional" } } }),
    )
}

fn route() -> Value {
    all_of([
        json!({
            "if": { "required": ["by_name"], "properties": { "by_name": { "const": true } } },
            "then": { "not": { "required": ["match"] } },
            "else": { "required": ["match"] },
        }),
        settings(json!({ "id": { "not": { "const": "default" } } })),
        levels(),
        expired_cookie(),
        where_is(
            "auth",
            "none",
            settings(json!({
                "passport": false,
                "denial": { "properties": { "redirect": false } },
            })),
        ),
    ])
}

fn matches() -> [(&'static str, Value); 12] {
    let path = |patterns: &str| form(PLAIN_PATH, format!("{ODD_PATH}|{patterns}"));
    let kept = any_case_of(&[
        "host",
        "cookie",
        "authorization",
        "proxy-authorization",
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
    ]);
    let headers = format!("^({kept})$|^[Xx][^A-Za-z0-9][Rr][Oo][Ww][Nn][Dd][^A-Za-z0-9]");
    [
        ("hosts/items", pattern(HOST)),
        ("methods", json!({ "uniqueItems": true })),
        ("methods/items", pattern("^[A-Z0-9_-]+$")),
        ("path/properties/exact", path(ROUTER_PATTERN)),
        ("path/properties/prefix", path(ROUTER_PATTERN)),
        ("path/properties/template", path(TEMPLATE_PATTERN)),
        ("path/properties/regex", no(NO_REGEX)),
        ("headers/items/properties/name", form(TOKEN, headers)),
        ("headers/items/properties/exact", pattern("^([!-+.-~-]([ !-+.-~-]*[!-+.-~-])?)?$")),
        ("query/items/properties/name", pattern("^[A-Za-z0-9._~-]*$")),
        ("query/items/properties/exact", pattern("^[A-Za-z0-9._~:@/,*!$'()-]*$")),
        (
            "principal",
            all_of([
                no("^[^:]*\\*|^[Ss][Pp][Ii][Ff][Ff][Ee]://[^/]*/?$|^[^:]*/ns/"),
                json!({ "if": pattern("^spiffe://"), "then": pattern("^spiffe://[a-z0-9._-]+(/([A-Za-z0-9._-]+|\\*))*(/\\*\\*)?$") }),
            ]),
        ),
    ]
}

fn denials() -> [(&'static str, Value); 5] {
    let alone = settings(json!({ "html": false, "redirect": false }));
    [
        ("denial", all_of([where_is("json", true, alone)])),
        ("denial/properties/html/properties/accent", pattern("^#[0-9A-Fa-f]{6}$")),
        ("denial/properties/html/properties/title", json!({ "maxLength": 80 })),
        ("denial/properties/redirect/properties/url", form(SAFE_WEB, "#")),
        (
            "denial/properties/redirect/properties/return_to",
            form("^[A-Za-z0-9._~-]{1,64}$", "^(acr_values|max_age)$"),
        ),
    ]
}

/// A passport for one service, or a transaction token for all of the domain.
fn passport() -> Value {
    all_of([json!({
        "if": { "required": ["format"], "properties": { "format": { "const": "txn-token" } } },
        "then": { "required": ["scope"], "properties": { "audience": false } },
        "else": { "required": ["audience"], "properties": { "scope": false } },
    })])
}

fn passports() -> [(&'static str, Value); 3] {
    const STATED: &str =
        "^(iss|sub|aud|exp|nbf|iat|jti|act|may_act|cnf|idp|txn|tctx|rctx|req_wl|client_id)$";
    [
        ("properties/audience", pattern("^[!-~]+$")),
        ("properties/scope", pattern("^[!#-\\[\\]-~]+( [!#-\\[\\]-~]+)*$")),
        (
            "properties/claims",
            json!({ "maxProperties": 64, "propertyNames": form("^[!-~]{1,128}$", STATED) }),
        ),
    ]
}

/// The rules of a requirement: something is asked for, and each test can be passed.
fn requirement(at: &str) -> Vec<Rule> {
    let listed = |name: &str, form: &str| {
        let one = pattern(form);
        [
            (format!("{at}/properties/{name}"), one.clone()),
            (format!("{at}/properties/{name}/items"), one),
        ]
    };
    let mut rules = vec![(at.to_owned(), json!({ "minProperties": 1 }))];
    rules.extend(listed("scope", SCOPE));
    rules.extend(listed("permission", PERMISSION));
    rules.extend(listed("role", ROLE));
    for name in ["claim", "attribute"] {
        let at = format!("{at}/properties/{name}");
        let one = json!({ "anyOf": TESTS.map(|test| json!({ "required": [test] })) });
        let others: Vec<Value> = (TESTS.iter().filter(|test| **test != "exists"))
            .map(|test| json!({ "required": [test] }))
            .collect();
        let absent = where_is("exists", false, json!({ "not": { "anyOf": others } }));
        rules.push((at.clone(), all_of([one, absent])));
        rules.push((format!("{at}/properties/pointer"), pattern("^/([^~]|~[01])+$")));
    }
    rules
}
