//! The documents of an app and of the issuer, and the user's own metadata.

use serde_json::{Value, json};

use super::Emulator;

#[test]
fn verifiers_that_know_openid_alone_find_the_keys_at_the_root() {
    let emulator = Emulator::start();
    let root = emulator.ask("GET", "/.well-known/openid-configuration", &[], None);
    assert_eq!(root.status, 200);
    let root = root.json();
    assert_eq!(root["issuer"], emulator.base_url);
    assert_eq!(root["jwks_uri"], format!("{}/hub/auth/keys", emulator.base_url));
    assert_eq!(root["userinfo_endpoint"], format!("{}/me", emulator.base_url));
    assert_eq!(root["id_token_signing_alg_values_supported"], json!(["EdDSA"]));
    assert_eq!(root["subject_types_supported"], json!(["public"]));
    let path = "/hub/auth/.well-known/oauth-authorization-server";
    assert_eq!(root, emulator.ask("GET", path, &[], None).json());
    let keys = emulator.ask("GET", emulator.path(root["jwks_uri"].as_str().unwrap()), &[], None);
    assert_eq!(keys.json()["keys"][0]["crv"], "Ed25519");
}

#[test]
fn an_app_shows_its_name_to_everybody_and_its_schema_by_key() {
    let emulator = Emulator::start();
    let app = emulator.settings.app_id.clone();
    let name = emulator.ask("GET", &format!("/applications/{app}/public"), &[], None);
    assert_eq!(name.status, 200);
    let name = name.json();
    assert_eq!((&name["id"], &name["name"]), (&json!(app), &json!("Demo app")));
    assert_eq!(name["slug"], "demo-app");
    assert!(name["icon"].is_string());
    assert_eq!(emulator.ask("GET", "/applications/app_x/public", &[], None).status, 404);

    let path = format!("/applications/{app}/schema");
    let key = [("x-rownd-app-key", emulator.settings.app_key.as_str())];
    let schema = emulator.ask("GET", &path, &key, None).json();
    assert_eq!(schema["schema"]["email"]["type"], "string");
    assert_eq!(schema["user_verification_field"], "email");
    assert_eq!(schema["application"], app);
    for (case, headers, path, expected) in [
        ("no key", &key[..0], path.as_str(), 401),
        ("a wrong key", &[("x-rownd-app-key", "key_x")], &path, 401),
        ("another app", &key, "/applications/app_x/schema", 403),
        ("the key alone writes nothing", &key, &path, 401),
    ] {
        let method = if case.ends_with("nothing") { "PUT" } else { "GET" };
        let body = (method == "PUT").then(|| json!({ "schema": {} }));
        assert_eq!(emulator.ask(method, path, headers, body).status, expected, "{case}");
    }
}

#[test]
fn a_schema_takes_every_type_of_rownd_and_holds_at_once() {
    let emulator = Emulator::start();
    let types = ["string", "boolean", "number", "image", "document", "object", "any", "array"];
    let mut schema = json!({ "email": { "type": null, "display_name": "E-mail", "data_category": "pii_basic" } });
    for kind in types {
        schema[format!("a_{kind}")] =
            json!({ "type": kind, "display_name": kind, "owned_by": "user" });
    }
    let written = emulator.done("PUT", "/schema", Some(json!({ "schema": schema })));
    assert_eq!(written["schema"]["a_document"]["type"], "document");
    assert_eq!(written["schema"]["email"]["type"], "string");
    let data = json!({
        "a_string": "x", "a_boolean": true, "a_number": 1.5, "a_image": "https://example.com/i.png",
        "a_document": "https://example.com/d.pdf", "a_object": { "k": 1 }, "a_any": [null], "a_array": [1],
    });
    let made = emulator.done("PUT", "/users/u/data", Some(json!({ "data": data })));
    let kept = made["data"].as_object().unwrap();
    for (name, value) in data.as_object().unwrap() {
        assert_eq!(kept[name], *value, "{name}");
    }
    let wrong = json!({ "data": { "a_image": 5, "a_boolean": "yes" } });
    let wrong = emulator.backend("PUT", "/users/u/data", Some(wrong));
    let expected = json!({ "a_image": ["must be a file or an address"], "a_boolean": ["must be true or false"] });
    assert_eq!((wrong.status, &wrong.json()["field_errors"]), (400, &expected));
    let sample = emulator.done("GET", "/users/__SAMPLE__/data", None);
    assert!(sample["data"]["a_document"].is_string());
    let refused =
        emulator.backend("PUT", "/schema", Some(json!({ "schema": { "x": { "type": "date" } } })));
    assert_eq!(refused.status, 400);
    let own = format!("/me/applications/{}/schema", emulator.settings.app_id);
    let own = emulator.user("guest", "GET", &own, None).json();
    assert_eq!(own["schema"], written["schema"]);
}

#[test]
fn a_user_reads_and_adds_metadata() {
    let emulator = Emulator::start();
    let read = emulator.user("verified", "GET", "/me/meta", None).json();
    assert_eq!(read["meta"]["last_sign_in_method"], "email");
    let order = json!({ "meta": {
        "theme": "dark", "last_sign_in": "2000-01-01T00:00:00.000Z", "tokens_valid_since": "x",
        "access_token_ttl": "never",
    } });
    let written = emulator.user("verified", "PUT", "/me/meta", Some(order)).json();
    assert_eq!(written["meta"]["theme"], "dark");
    assert_eq!(written["meta"]["last_sign_in"], read["meta"]["last_sign_in"], "Rownd's own stays");
    assert_eq!(written["meta"].get("tokens_valid_since"), None::<&Value>);
    assert_eq!(written["meta"].get("access_token_ttl"), None::<&Value>);
    let profile = emulator.done("GET", "/users/user_verified/data", None);
    assert_eq!(profile["meta"]["theme"], "dark");
    assert_eq!(emulator.ask("GET", "/me/meta", &[], None).status, 401);
    assert_eq!(emulator.user("verified", "PUT", "/me/meta", Some(json!([]))).status, 400);
}
