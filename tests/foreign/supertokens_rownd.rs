//! SuperTokens' own `supertokens-rownd` 1.0.2 takes the emulator for Rownd.
//!
//! In: tokens of every kind. Out: the verdict of both validators of the plugin on each, the profiles
//! and addresses that its client finds, and its judgement of a sign-out.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    package,
    talk::{Running, python},
    tool,
};
use rownd_emulator::{SignedBy, TokenOrder};

async fn judge(running: &Running, tokens: &BTreeMap<&str, String>) -> Value {
    tool("venv/supertokens.stamp");
    let question = json!({
        "api_url": running.base_url,
        "app_key": running.settings.app_key,
        "app_secret": running.settings.app_secret,
        "app_id": running.settings.app_id,
        "tokens": tokens,
        "users": ["user_verified", "user_disabled", "user_nobody"],
        "addresses": ["vera@example.com", "UMA@example.com", "nobody@example.com"],
    });
    let said = python("tests/foreign/supertokens/judge.py", &question).await;
    let wanted = std::fs::read_to_string(package(".ci/tools/supertokens.txt")).unwrap();
    let version = format!("supertokens-rownd=={} ", said["version"].as_str().unwrap());
    assert!(wanted.contains(&version), "{version}: run `make tools` again");
    said
}

#[tokio::test]
async fn the_plugins_client_of_rownd_reads_tokens_profiles_and_addresses() {
    let running = Running::start().await;
    let mint = |order: &TokenOrder| running.minter.mint(order).unwrap();
    let other_app = TokenOrder { app: Some("app_other".to_owned()), ..TokenOrder::default() };
    let plain = TokenOrder::default;
    let refused = |reason: &str| format!("error: {reason}");
    let cases = [
        ("verified", plain(), "user_verified".to_owned(), "user_verified".to_owned()),
        ("guest", TokenOrder::of("guest"), "user_guest".to_owned(), "user_guest".to_owned()),
        ("refresh", plain().refresh(), "user_verified".to_owned(), "user_verified".to_owned()),
        // The older validator lets tokens without end in, the hosted one does not.
        (
            "no end",
            plain().without_claim("exp"),
            "user_verified".to_owned(),
            refused("TOKEN_CLAIMS_INVALID"),
        ),
        ("expired", plain().expired(), refused("TOKEN_EXPIRED"), refused("TOKEN_EXPIRED")),
        (
            "forged",
            plain().signed_by(SignedBy::Foreign),
            refused("TOKEN_SIGNATURE_INVALID"),
            refused("TOKEN_SIGNATURE_INVALID"),
        ),
        (
            "unknown kid",
            plain().header("kid", "sig-0"),
            refused("TOKEN_KID_UNKNOWN"),
            refused("TOKEN_KID_UNKNOWN"),
        ),
        ("other app", other_app, refused("TOKEN_CLAIMS_INVALID"), refused("TOKEN_CLAIMS_INVALID")),
        (
            "other issuer",
            plain().claim("iss", "https://x"),
            refused("TOKEN_CLAIMS_INVALID"),
            refused("TOKEN_CLAIMS_INVALID"),
        ),
    ];
    let tokens = cases.iter().map(|(name, order, ..)| (*name, mint(order))).collect();
    let said = judge(&running, &tokens).await;
    for (name, _, rownd, hosted) in &cases {
        assert_eq!(said["tokens"][name], json!({ "rownd": rownd, "hosted": hosted }), "{name}");
    }
    assert_eq!(said["users"]["user_verified"]["verified_data"]["email"], "vera@example.com");
    assert_eq!(said["users"]["user_disabled"]["state"], "disabled");
    assert_eq!(said["users"]["user_nobody"], Value::Null, "{said}");
    let found = json!({
        "vera@example.com": ["user_verified"],
        "UMA@example.com": ["user_unverified"],
        "nobody@example.com": [],
    });
    assert_eq!(said["addresses"], found);
    assert_eq!(said["cut_off"], json!({ "before": "TOKEN_CLAIMS_INVALID", "after": null }));
    assert_eq!(said["wrong_secret"], "error: CREDENTIALS_REJECTED");
    running.end().await;
}
