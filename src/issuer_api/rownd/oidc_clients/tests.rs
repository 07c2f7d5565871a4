//! The parts of the client that need no server: bodies, paths and secrets.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    open_points::{body_of_put, logo_paths},
    secrets,
};
use crate::{
    config::{LogoPath, PutEffect, Secret},
    issuer_api::administration::oidc_clients::{OidcClientChange, OidcClientDocument},
};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other}"),
    }
}

fn known() -> OidcClientDocument {
    let members = object(json!({
        "id": "oc_1", "app_id": "app", "name": "Web", "description": "old", "created_at": "x",
        "updated_at": "x", "credentials": [{ "client_id": "key_1" }], "a_member_of_tomorrow": [1],
        "config": {
            "redirect_uris": ["https://a.test/cb"], "hub_title": "Shop",
            "a_setting_of_tomorrow": { "deep": null },
        },
    }));
    OidcClientDocument { id: "oc_1".to_owned(), members }
}

#[test]
fn a_put_has_the_whole_client_with_the_change() {
    let known = known();
    let members = BTreeMap::from([
        ("name".to_owned(), Some(json!("Shop"))),
        ("description".to_owned(), None),
    ]);
    let config = BTreeMap::from([
        ("redirect_uris".to_owned(), None),
        ("hub_title".to_owned(), None),
        ("logo_uri".to_owned(), None),
        ("hub_show_logos".to_owned(), Some(json!(true))),
    ]);
    let change = OidcClientChange { known: &known, members: &members, config: &config };
    let body = |put| Value::Object(body_of_put(change, put));
    let setting = json!({ "deep": null });
    assert_eq!(
        body(PutEffect::Replaces),
        json!({
            "name": "Shop", "a_member_of_tomorrow": [1],
            "config": { "hub_show_logos": true, "a_setting_of_tomorrow": setting },
        })
    );
    assert_eq!(
        body(PutEffect::Merges),
        json!({
            "name": "Shop", "description": "", "a_member_of_tomorrow": [1],
            "config": {
                "redirect_uris": [], "hub_title": null, "logo_uri": null, "hub_show_logos": true,
                "a_setting_of_tomorrow": setting,
            },
        })
    );
}

#[test]
fn both_documented_paths_of_a_logo_can_be_used() {
    let paths = |path| logo_paths(path, "app", "oc_1", "dark");
    let specification = "/applications/app/oidc-clients/oc_1/logo/dark";
    let manual = "/application/app/oidc_clients/oc_1/logo/dark";
    assert_eq!(paths(LogoPath::Specification), [specification]);
    assert_eq!(paths(LogoPath::Manual), [manual]);
    assert_eq!(paths(LogoPath::SpecificationThenManual), [specification, manual]);
}

#[test]
fn no_secret_and_no_hash_stays_in_a_document() {
    let mut members = object(json!({
        "id": "oc_1", "client_secret": "ras_0", "credentials": [
            { "client_id": "key_1", "secret": "ras_1" },
            { "client_id": "key_2", "secret": "$argon2id$v=19$x" },
            { "client_id": "key_3", "secret": null, "secret_hash": "x", "passwordHash": "x" },
            { "client_id": "key_4", "secret": { "value": "ras_4" } },
            "ras_5",
            { "client_id": "key_6", "client_secret": "ras_6" },
        ],
    }));
    let secrets = secrets::take(&mut members);
    let shown: Vec<Option<&str>> =
        secrets.iter().map(|secret| secret.as_ref().map(Secret::expose)).collect();
    assert_eq!(shown, [Some("ras_1"), None, None, None, None, Some("ras_6")]);
    let left = Value::Object(members).to_string();
    assert_eq!(
        left,
        json!({ "id": "oc_1", "credentials": [
            { "client_id": "key_1" }, { "client_id": "key_2" }, { "client_id": "key_3" },
            { "client_id": "key_4" }, null, { "client_id": "key_6" },
        ] })
        .to_string()
    );
}
