//! The vendor's `rownd-django` 1.2.1 takes the emulator for Rownd.
//!
//! In: tokens of every kind. Out: what its `validate_jwt`, its session views and its
//! REST authentication make of each, in a Django project in memory.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    package,
    talk::{Running, python},
    tool,
};
use rownd_emulator::{SignedBy, TokenOrder};

#[tokio::test]
async fn the_vendors_django_lets_in_who_is_good_and_nobody_else() {
    tool("venv/django.stamp");
    let running = Running::start().await;
    let mint = |order: &TokenOrder| running.minter.mint(order).unwrap();
    let other_app = TokenOrder { app: Some("app_other".to_owned()), ..TokenOrder::default() };
    let tokens = BTreeMap::from([
        ("verified", mint(&TokenOrder::default())),
        ("expired", mint(&TokenOrder::default().issued(-7_200))),
        ("forged", mint(&TokenOrder::default().signed_by(SignedBy::Foreign))),
        ("other app", mint(&other_app)),
        ("unknown kid", mint(&TokenOrder::default().header("kid", "sig-0"))),
        ("nobody", mint(&TokenOrder::of("user_nobody"))),
    ]);
    let question = json!({
        "api_url": running.base_url,
        "app_key": running.settings.app_key,
        "app_secret": running.settings.app_secret,
        "tokens": tokens,
        "users": ["user_verified", "user_disabled", "user_nobody"],
    });
    let said = python("tests/foreign/django/judge.py", &question).await;
    let wanted = std::fs::read_to_string(package("tests/foreign/django/requirements.txt")).unwrap();
    let version = said["version"].as_str().unwrap();
    assert!(wanted.contains(&format!("rownd-django=={version}\n")), "run `make tools` again");

    assert_eq!(
        said["tokens"]["verified"],
        json!({
            "jwt": "user_verified", "session": 200, "api": 200, "username": "user_verified",
            "signed_out": [200, 200],
        }),
        "{said}"
    );
    for (name, error) in [
        ("expired", "ExpiredSignatureError"),
        ("forged", "InvalidSignatureError"),
        ("other app", "InvalidAudienceError"),
        ("unknown kid", "PyJWKClientError"),
        // A good token of a user whom Rownd does not know.
        ("nobody", "user_nobody"),
    ] {
        let expected = json!({ "jwt": error, "session": 401, "api": 403 });
        assert_eq!(said["tokens"][name], expected, "{name}");
    }
    assert_eq!(said["users"]["user_verified"], "enabled");
    assert_eq!(said["users"]["user_disabled"], "disabled");
    let nobody = said["users"]["user_nobody"].as_str().unwrap();
    assert!(nobody.contains("E_USER_NOT_FOUND"), "it read the error's JSON: {nobody}");
    running.end().await;
}
