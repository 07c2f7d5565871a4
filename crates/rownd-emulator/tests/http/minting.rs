//! Minted tokens carry what the app says: claims, audience and lifetimes. And a migration takes the
//! tokens of its own app alone.

use rownd_emulator::TokenOrder;
use serde_json::{Value, json};

use super::{Emulator, claims};

const APP: &str = "app_seeded000000000000000000001";

fn seeded() -> Emulator {
    Emulator::seeded(Some(&seed(false)))
}

fn seed(plugin: bool) -> Value {
    json!({ "apps": [{
        "supertokens_plugin": plugin,
        "id": APP, "key": "key_seeded", "secret": "ras_seeded",
        "variants": [{ "id": "demo", "key": "key_brand", "name": "Brand" }],
        "schema": { "email": {}, "plan": {} },
        "audience": ["https://api.example.com"],
        "custom_claims": {
            "plan": { "source": "user_profile", "value": "plan" },
            "tier": { "source": "static_value", "value": 3 },
            "iss": { "source": "static_value", "value": "https://evil.example.com" },
            "https://auth.rownd.io/auth_level": { "source": "static_value", "value": "verified" },
        },
        "refresh_tokens": { "ttl": "90d" },
        "users": [
            { "id": "ann", "name": "ann", "data": { "plan": "pro" } },
            { "id": "guest_1", "auth_level": "guest" },
            { "id": "old", "meta": { "access_token_ttl": "never" } },
        ],
    }] })
}

/// Mints over HTTP, as `token mint` does.
fn mint(emulator: &Emulator, order: Value) -> Value {
    let answer = emulator.ask("POST", "/__emulator/token", &[], Some(order));
    assert_eq!(answer.status, 200, "{}", answer.json());
    claims(answer.json()["token"].as_str().unwrap())
}

fn lifetime(claims: &Value) -> Option<i64> {
    Some(claims.get("exp")?.as_i64()? - claims["iat"].as_i64()?)
}

#[test]
fn a_minted_token_is_as_the_app_says() {
    let emulator = seeded();
    let ann = mint(&emulator, json!({ "user": "ann", "app": APP }));
    assert_eq!(ann["aud"], json!([format!("app:{APP}"), "https://api.example.com"]));
    assert_eq!((&ann["plan"], &ann["tier"]), (&json!("pro"), &json!(3)));
    assert_eq!(ann["iss"], emulator.base_url, "no claim of an app takes the place of Rownd's");
    assert_eq!(lifetime(&ann), Some(3_600));

    let guest = mint(&emulator, json!({ "user": "guest_1", "app": APP }));
    assert_eq!(guest.get("plan"), None, "a field without a value adds no claim");
    assert_eq!(guest["https://auth.rownd.io/auth_level"], "guest");
    let nobody = mint(&emulator, json!({ "user": "nobody", "app": APP }));
    assert_eq!((nobody.get("plan"), &nobody["tier"]), (None, &json!(3)));

    let refresh = mint(&emulator, json!({ "user": "ann", "app": APP, "refresh": true }));
    assert_eq!((refresh.get("plan"), refresh.get("tier")), (None, None));
    assert_eq!(lifetime(&refresh), Some(90 * 86_400));
    let old = mint(&emulator, json!({ "user": "old", "app": APP }));
    assert_eq!(old.get("exp"), None);

    let brand = mint(&emulator, json!({ "user": "ann", "app": APP, "variant": "demo" }));
    assert_eq!(brand["aud"][1], "app_variant:demo", "a variant that has the word for the demo's");
    let ordered = json!({ "user": "ann", "app": APP, "ttl_seconds": 60, "claims": { "plan": "x", "aud": ["y"] } });
    let ordered = mint(&emulator, ordered);
    assert_eq!((&ordered["plan"], &ordered["aud"]), (&json!("x"), &json!(["y"])), "an order wins");
    assert_eq!(lifetime(&ordered), Some(60));
    let plain = mint(&emulator, json!({ "user": "ann", "app": "app_other" }));
    assert_eq!(plain["aud"], json!(["app:app_other"]), "an app that nobody knows has no rules");
}

#[test]
fn expired_is_expired_whatever_the_lifetime() {
    let emulator = seeded();
    for more in [
        json!({ "user": "ann" }),
        json!({ "user": "ann", "refresh": true }),
        json!({ "user": "ann", "ttl_seconds": 10_000_000 }),
        json!({ "user": "old" }),
    ] {
        let mut order = json!({ "app": APP, "expired": true });
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let claims = mint(&emulator, order);
        let since =
            mint(&emulator, json!({}))["iat"].as_i64().unwrap() - claims["exp"].as_i64().unwrap();
        assert!((3_590..3_660).contains(&since), "{more}: {since}");
    }
}

#[test]
fn the_tokens_of_a_sign_in_are_the_same() {
    let emulator = seeded();
    let headers = [("x-rownd-app-key", "key_seeded"), ("x-rownd-app-secret", "ras_seeded")];
    let order = json!({ "user_id": "ann", "redirect_url": "https://a.example.com/", "data": {} });
    let link = emulator.ask("POST", "/hub/auth/magic", &headers, Some(order)).json();
    let signed_in = emulator.follow(link["link"].as_str().unwrap()).json();
    let access = claims(signed_in["access_token"].as_str().unwrap());
    assert_eq!((&access["plan"], &access["tier"]), (&json!("pro"), &json!(3)));
    assert_eq!(access["aud"][1], "https://api.example.com");
    let refresh = claims(signed_in["refresh_token"].as_str().unwrap());
    assert_eq!(lifetime(&refresh), Some(90 * 86_400));
}

#[test]
fn a_migration_refuses_the_token_of_another_app() {
    let emulator = seeded();
    let migrate = |order: &TokenOrder| {
        let bearer = format!("Bearer {}", emulator.token(order));
        emulator.ask("POST", "/auth/plugin/rownd/migrate", &[("authorization", &bearer)], None)
    };
    let own = TokenOrder::of("verified");
    let seeded = |user: &str| TokenOrder { app: Some(APP.to_owned()), ..TokenOrder::of(user) };
    let both = own
        .clone()
        .claim("aud", json!([format!("app:{APP}"), format!("app:{}", emulator.settings.app_id)]));
    for (case, order, reason) in [
        ("its own", own.clone(), None),
        ("its own refresh token", own.refresh(), None),
        ("its own among others", both, None),
        ("another app's", seeded("ann"), Some("TOKEN_CLAIMS_INVALID")),
        ("another app's refresh token", seeded("ann").refresh(), Some("TOKEN_CLAIMS_INVALID")),
        ("an id of both apps", seeded("user_verified"), Some("TOKEN_CLAIMS_INVALID")),
        (
            "no app",
            TokenOrder::of("verified").claim("aud", json!(["x"])),
            Some("TOKEN_CLAIMS_INVALID"),
        ),
    ] {
        let answer = migrate(&order);
        match reason {
            None => {
                assert_eq!(answer.status, 200, "{case}: {}", answer.json());
                assert!(!answer.header("st-access-token").is_empty(), "{case}");
            }
            Some(reason) => {
                assert_eq!(
                    (answer.status, &answer.json()["reason"]),
                    (401, &json!(reason)),
                    "{case}"
                );
                assert!(answer.header("st-access-token").is_empty(), "{case}");
            }
        }
    }
}

#[test]
fn a_seed_says_which_app_the_plugin_serves() {
    let emulator = Emulator::seeded(Some(&seed(true)));
    let own = TokenOrder { app: Some(APP.to_owned()), ..TokenOrder::of("ann") };
    for (order, expected) in [(own, 200), (TokenOrder::of("verified"), 401)] {
        let bearer = format!("Bearer {}", emulator.token(&order));
        let headers = [("authorization", bearer.as_str())];
        let answer = emulator.ask("POST", "/auth/plugin/rownd/migrate", &headers, None);
        assert_eq!(answer.status, expected, "{}", answer.json());
    }
    let config = emulator.ask("GET", "/auth/plugin/rownd/app-config", &[], None).json();
    assert_eq!(config["app"]["id"], APP);
    let mut two = seed(true);
    let mut second = two["apps"][0].clone();
    second["id"] = json!("app_second");
    two["apps"].as_array_mut().unwrap().push(second);
    let problems = rownd_emulator::Seed::parse("seed.yaml", &two.to_string()).err().unwrap();
    assert!(problems.to_string().contains("apps[1].supertokens_plugin: the plugin serves one app"));
}
