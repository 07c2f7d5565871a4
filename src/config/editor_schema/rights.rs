//! The rules of `roles` and `role_sources`: names that somebody can have, and one place for each entry.

use serde_json::{Value, json};

use super::{
    texts::TRIMMED,
    tools::{Rule, all_of, below, form, pattern, settings, where_holds, where_written},
};

/// The name of a role.
pub(super) const ROLE: &str = "^[A-Za-z0-9_.:/@+-]([A-Za-z0-9_.:/@+ -]{0,126}[A-Za-z0-9_.:/@+-])?$";
/// The name of a permission.
pub(super) const PERMISSION: &str = "^[A-Za-z0-9_./@+-]+(:[A-Za-z0-9_./@+-]+)*$";
/// The permissions of a role: a name, all below a name, or all.
const PERMISSIONS: &str = "^(\\*|[A-Za-z0-9_./@+-]+(:[A-Za-z0-9_./@+-]+)*(:\\*)?)$";
/// The user id of an issuer, or all verified addresses of a domain.
const USER: &str = "^([^@\\s]|[^@\\s].*\\S|@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+)$";
/// Claims that have another meaning in every token.
const REGISTERED: &str = "^/?(iss|aud|exp|nbf|iat|jti|sub)$";

const ROLES: &str = "/properties/roles";
const SOURCE: &str = "/properties/role_sources/items";

pub(super) fn rules() -> Vec<Rule> {
    let of_role = format!("{ROLES}/additionalProperties/properties");
    let of_source = format!("{SOURCE}/properties");
    let roles =
        json!({ "minItems": 1, "maxItems": 64, "uniqueItems": true, "items": pattern(ROLE) });
    let permissions = json!({ "pattern": PERMISSIONS, "maxLength": 128 });
    let mut rules = vec![
        (ROLES.to_owned(), json!({ "propertyNames": pattern(ROLE), "maxProperties": 512 })),
        (SOURCE.to_owned(), source()),
    ];
    rules.extend(below(
        &of_role,
        [
            ("permissions", json!({ "uniqueItems": true })),
            ("permissions/items", permissions),
            ("inherits", json!({ "uniqueItems": true })),
            ("inherits/items", pattern(ROLE)),
        ],
    ));
    rules.extend(below(
        &of_source,
        [
            ("claim", form("^.", REGISTERED)),
            ("permission_claim", form("^.", REGISTERED)),
            ("attribute", json!({ "pattern": "^\\S+$", "maxLength": 256 })),
            ("prefix", pattern("^[A-Za-z0-9_.:/@+-][A-Za-z0-9_.:/@+ -]{0,126}$")),
            (
                "map",
                json!({
                    "minProperties": 1,
                    "maxProperties": 1000,
                    "propertyNames": pattern(TRIMMED),
                    "additionalProperties": pattern(ROLE),
                }),
            ),
            (
                "users",
                json!({
                    "minProperties": 1,
                    "maxProperties": 10000,
                    "propertyNames": pattern(USER),
                    "additionalProperties": roles,
                }),
            ),
        ],
    ));
    rules
}

/// Exactly one place, and other names only for the roles of an issuer.
fn source() -> Value {
    let texts = ["claim", "permission_claim", "attribute", "users"];
    let words = ["mapped", "st_role", "st_perm", "group_roles"];
    let texts = texts.map(|name| json!({ "required": [name] }));
    let words =
        words.map(|name| json!({ "required": [name], "properties": { name: { "const": true } } }));
    let places: Vec<Value> = texts.into_iter().chain(words).collect();
    let own_names = json!({ "anyOf": [
        { "required": ["permission_claim"] },
        { "required": ["users"] },
        { "required": ["st_perm"], "properties": { "st_perm": { "const": true } } },
    ] });
    all_of([
        json!({ "oneOf": places }),
        where_written("map", settings(json!({ "prefix": false }))),
        where_holds(own_names, settings(json!({ "map": false, "prefix": false }))),
    ])
}
