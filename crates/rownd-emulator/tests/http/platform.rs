//! The requests that need a platform operator: the configuration of an app, and its variants.

use rownd_emulator::{PLATFORM_APP, TokenOrder};
use serde_json::{Value, json};

use super::{Answer, Emulator, claims};

fn operator(emulator: &Emulator, method: &str, below: &str, body: Option<Value>) -> Answer {
    let order = TokenOrder { app: Some(PLATFORM_APP.to_owned()), ..TokenOrder::of("operator") };
    with_bearer(emulator, &order, method, below, body)
}

fn with_bearer(
    emulator: &Emulator,
    order: &TokenOrder,
    method: &str,
    below: &str,
    body: Option<Value>,
) -> Answer {
    let bearer = format!("Bearer {}", emulator.token(order));
    let path = format!("/applications/{}{below}", emulator.settings.app_id);
    emulator.ask(method, &path, &[("authorization", &bearer)], body)
}

fn claims_patch(claims: &Value) -> Value {
    json!({ "config": { "hub": { "auth": { "access_tokens": { "custom_claims": claims } } } } })
}

fn token_claims(emulator: &Emulator) -> Value {
    claims(&emulator.token(&TokenOrder::of("verified")))
}

fn app_config(emulator: &Emulator) -> Value {
    let headers = [("x-rownd-app-key", emulator.settings.app_key.as_str())];
    emulator.ask("GET", "/hub/app-config", &headers, None).json()["app"].clone()
}

#[test]
fn tokens_carry_the_claims_that_an_operator_configures() {
    let emulator = Emulator::start();
    let before = app_config(&emulator);
    let wanted = json!({
        "mail": { "source": "user_profile", "value": "email" },
        "https://example.com/tier": { "source": "static_value", "value": 3 },
        "nobody": null,
    });
    let answer = operator(&emulator, "PATCH", "", Some(claims_patch(&wanted)));
    assert_eq!(answer.status, 200, "{}", answer.json());
    let token = token_claims(&emulator);
    assert_eq!(
        (&token["mail"], &token["https://example.com/tier"]),
        (&json!("vera@example.com"), &json!(3))
    );
    let after = app_config(&emulator);
    assert_eq!(after, answer.json(), "the answer is the app");
    let tokens = &after["config"]["hub"]["auth"]["access_tokens"];
    let mut kept = wanted.clone();
    kept.as_object_mut().unwrap().remove("nobody");
    assert_eq!(tokens["custom_claims"], kept);
    assert_eq!(after["schema"], before["schema"], "the rest stays");

    // The map is replaced, by the spelling without `hub` as well; other members are kept.
    let patch = json!({ "name": "New", "config": {
        "auth": { "access_tokens": { "custom_claims": {} } },
        "hub": { "auth": { "audience": ["https://api.example.com"], "of_tomorrow": 1 } },
        "content_gates": [{ "id": 1 }],
    } });
    assert_eq!(operator(&emulator, "PATCH", "", Some(patch)).status, 200);
    let token = token_claims(&emulator);
    assert_eq!(token.get("mail"), None);
    assert_eq!(token["aud"][1], "https://api.example.com");
    let after = operator(&emulator, "GET", "", None).json();
    assert_eq!(
        (&after["name"], &after["config"]["content_gates"]),
        (&json!("New"), &json!([{ "id": 1 }]))
    );
    let auth = &after["config"]["hub"]["auth"];
    assert_eq!(
        (&auth["of_tomorrow"], &auth["access_tokens"]["custom_claims"]),
        (&json!(1), &json!({}))
    );
    assert!(auth["sign_in_methods"]["email"]["enabled"].as_bool().unwrap());
}

#[test]
fn a_patch_with_a_mistake_changes_nothing() {
    let emulator = Emulator::start();
    let before = app_config(&emulator);
    let claim = |claim: Value| {
        claims_patch(&json!({ "ok": { "source": "static_value", "value": 1 }, "bad": claim }))
    };
    for body in [
        claim(json!({ "source": "user_profile", "value": "no_such_field" })),
        claim(json!({ "source": "user_profile", "value": 1 })),
        claim(json!({ "source": "static_value", "value": ["list"] })),
        claim(json!({ "source": "elsewhere", "value": "x" })),
        claim(json!("x")),
        claims_patch(&json!([])),
        json!({ "name": " " }),
        json!({ "name": "New", "config": { "hub": { "auth": [] } } }),
        json!({ "name": "New", "config": { "hub": { "auth": { "refresh_tokens": { "ttl": 1 } } } } }),
        json!([]),
    ] {
        let answer = operator(&emulator, "PATCH", "", Some(body.clone()));
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(app_config(&emulator), before);
    assert_eq!(token_claims(&emulator).get("ok"), None);
}

#[test]
fn key_and_secret_do_not_configure_an_app() {
    let emulator = Emulator::start();
    let nobody = |order: &TokenOrder, method: &str, below: &str| {
        with_bearer(&emulator, order, method, below, Some(json!({}))).status
    };
    let of_platform = TokenOrder { app: Some(PLATFORM_APP.to_owned()), ..TokenOrder::default() };
    for (method, below) in [("PATCH", ""), ("GET", ""), ("GET", "/variants")] {
        assert_eq!(
            emulator.backend(method, below, Some(json!({}))).status,
            401,
            "{method} {below}"
        );
        assert_eq!(nobody(&TokenOrder::of("verified"), method, below), 403, "a user of the app");
        for (case, order) in [
            ("expired", of_platform.clone().expired()),
            ("refresh", of_platform.clone().refresh()),
            ("forged", of_platform.clone().signed_by(rownd_emulator::SignedBy::Foreign)),
        ] {
            assert_eq!(nobody(&order, method, below), 401, "{case}");
        }
    }
    let variants = operator(&emulator, "GET", "/variants", None).json();
    assert_eq!(
        (&variants["total_results"], &variants["results"][0]["id"]),
        (&json!(1), &json!(emulator.settings.variant.id))
    );
    assert!(!variants.to_string().contains(&emulator.settings.variant.key));
}
