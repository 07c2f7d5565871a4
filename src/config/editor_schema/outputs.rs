//! The rules of `headers`, `response_headers` and `query`: the names that may be set, and values that
//! can be there.

use serde_json::{Value, json};

use super::{
    texts::{LINE, NAME},
    tools::{Rule, all_of, below, form, pattern, settings, where_holds, where_is},
};
use crate::config::sections::reserved_headers;

const ROUTE: &str = "/properties/routes/items";
/// The name of a header that a rule sets.
const LOWER_NAME: &str = "^[a-z]([a-z0-9-]*[a-z0-9])?$";
/// The credential of the client.
const AUTHORIZATION: &str = "authorization";

pub(super) fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for rule in ["", ROUTE] {
        for list in ["headers", "response_headers"] {
            let at = format!("{rule}/properties/{list}/items");
            rules.push((at.clone(), header(rule == ROUTE)));
            rules.extend(value(&at));
            rules.push((format!("{at}/properties/name"), header_name()));
        }
    }
    // A variable of the path belongs to one route.
    for list in ["headers", "response_headers"] {
        let at = format!("/properties/{list}/items/properties/from");
        rules.push((at, settings(json!({ "path": false }))));
    }
    let query = format!("{ROUTE}/properties/query");
    rules.push((query.clone(), json!({ "minProperties": 1 })));
    let at = format!("{query}/properties");
    rules.extend(below(
        &at,
        [
            ("set/items/properties/name", pattern(NAME)),
            ("remove", json!({ "uniqueItems": true })),
            ("remove/items", pattern(NAME)),
        ],
    ));
    rules.extend(value(&format!("{at}/set/items")));
    rules
}

fn header_name() -> Value {
    let (mut names, mut starts) = (Vec::new(), Vec::new());
    for (name, is_start) in reserved_headers() {
        if is_start { starts.push(name) } else { names.push(name) }
    }
    form(LOWER_NAME, format!("^({})$|^({})", names.join("|"), starts.join("|")))
}

/// The client's credential may be replaced, on one route and by a constant.
fn header(is_of_route: bool) -> Value {
    let replaced = json!({
        "required": ["replaces_credential"],
        "properties": {
            "replaces_credential": { "const": true },
            "from": { "required": ["constant"] },
        },
    });
    let authorization = if is_of_route { replaced } else { json!(false) };
    all_of([
        where_is("name", AUTHORIZATION, authorization),
        where_is(
            "replaces_credential",
            true,
            settings(json!({ "name": { "const": AUTHORIZATION } })),
        ),
    ])
}

/// A list needs a format for lists, and a constant is one line.
fn value(at: &str) -> Vec<Rule> {
    let list = json!({ "required": ["from"], "properties": { "from": {
        "required": ["identity"],
        "properties": { "identity": { "enum": ["roles", "permissions", "groups", "scopes"] } },
    } } });
    let formatted = json!({ "required": ["format"],
        "properties": { "format": { "not": { "const": "text" } } } });
    vec![
        (at.to_owned(), all_of([where_holds(list, formatted)])),
        (format!("{at}/properties/from/properties/constant"), pattern(LINE)),
    ]
}
