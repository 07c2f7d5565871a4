//! The vendor's `@rownd/node` 3.1.0 takes the emulator for Rownd.
//!
//! In: the emulator on a free port and tokens of every kind. Out: which of them the
//! vendor's own `validateToken` accepts, and what its `fetchUserInfo` reads.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::talk::{Running, node};
use rownd_emulator::{Rotation, SignedBy, TokenOrder};

#[derive(Debug, Deserialize)]
struct Judgement {
    version: String,
    tokens: BTreeMap<String, Verdict>,
    users: BTreeMap<String, Verdict>,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    ok: bool,
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    auth_level: String,
    #[serde(default)]
    error: String,
}

/// Puts tokens and users before a fresh process of the vendor's client.
async fn judge(running: &Running, tokens: &[(&str, String)], users: &[&str]) -> Judgement {
    let question = json!({
        "api_url": running.base_url,
        "app_key": running.settings.app_key,
        "app_secret": running.settings.app_secret,
        "tokens": tokens.iter().cloned().collect::<BTreeMap<_, _>>(),
        "users": users,
    });
    let answer = node("tests/foreign/node/validate.cjs", &question).await;
    let judgement: Judgement = serde_json::from_value(answer).unwrap();
    assert_eq!(judgement.version, "3.1.0");
    judgement
}

/// Invalid tokens, and the answer of the vendor's client to each.
fn spoilt(mint: impl Fn(TokenOrder) -> String) -> [(&'static str, String, &'static str); 5] {
    let forged = TokenOrder::default().signed_by(SignedBy::Foreign);
    let (guest, other) = (mint(TokenOrder::of("guest")), mint(TokenOrder::of("verified")));
    let signature = other.rsplit('.').next().unwrap();
    let tampered = format!("{}.{signature}", guest.rsplit_once('.').unwrap().0);
    [
        ("forged", mint(forged), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
        ("signature of another", tampered, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
        ("expired", mint(TokenOrder::default().issued(-7_200)), "ERR_JWT_EXPIRED"),
        (
            "unknown kid",
            mint(TokenOrder::default().header("kid", "sig-0")),
            "ERR_JWKS_NO_MATCHING_KEY",
        ),
        (
            "other algorithm",
            mint(TokenOrder::default().header("alg", "none")),
            "ERR_JOSE_NOT_SUPPORTED",
        ),
    ]
}

#[tokio::test]
async fn the_vendors_client_accepts_what_is_good_and_nothing_else() {
    let running = Running::start().await;
    let minter = running.minter.clone();
    let mint = |order: TokenOrder| minter.mint(&order).unwrap();
    let good = [
        ("verified", "user_verified"),
        ("unverified", "user_unverified"),
        ("guest", "user_guest"),
        ("instant", "user_instant"),
        ("disabled", "user_disabled"),
        ("auth0|somebody", "auth0|somebody"),
    ];
    let mut tokens: Vec<(&str, String)> =
        good.iter().map(|(name, _)| (*name, mint(TokenOrder::of(name)))).collect();
    let spoilt = spoilt(mint);
    tokens.extend(spoilt.iter().map(|(name, token, _)| (*name, token.clone())));

    let judgement = judge(&running, &tokens, &[]).await;
    for (name, id) in good {
        let verdict = &judgement.tokens[name];
        assert!(verdict.ok, "{name}: {}", verdict.error);
        assert_eq!(verdict.user_id, id, "{name}");
    }
    for (name, _, error) in spoilt {
        let verdict = &judgement.tokens[name];
        assert!(!verdict.ok, "{name}");
        assert_eq!(verdict.error, error, "{name}");
    }
    running.end().await;
}

#[tokio::test]
async fn the_vendors_client_follows_rotations() {
    let running = Running::start().await;
    let (minter, controls) = (running.minter.clone(), running.controls.clone());
    let first = minter.mint(&TokenOrder::default()).unwrap();
    controls.rotate(Rotation::default()).unwrap();
    let second = minter.mint(&TokenOrder::default()).unwrap();
    let tokens = [("first", first), ("second", second)];

    let beside = judge(&running, &tokens, &[]).await.tokens;
    assert!(beside["first"].ok && beside["second"].ok, "{beside:?}");

    let how = Rotation { withdraw: true, ..Rotation::default() };
    controls.rotate(how).unwrap();
    let third = minter.mint(&TokenOrder::default()).unwrap();
    let tokens = [tokens.as_slice(), &[("third", third)]].concat();
    let after = judge(&running, &tokens, &[]).await.tokens;
    assert!(!after["first"].ok && !after["second"].ok, "{after:?}");
    assert!(after["third"].ok, "{after:?}");
    running.end().await;
}

#[tokio::test]
async fn the_vendors_client_reads_profiles() {
    let running = Running::start().await;
    let users = ["user_verified", "user_guest", "user_disabled", "user_nobody"];
    let read = judge(&running, &[], &users).await.users;
    let expected = [
        ("user_verified", "enabled", "verified"),
        ("user_guest", "enabled", "guest"),
        ("user_disabled", "disabled", "verified"),
    ];
    for (id, state, level) in expected {
        let verdict = &read[id];
        assert!(verdict.ok, "{id}: {}", verdict.error);
        assert_eq!(verdict.user_id, id);
        assert_eq!(verdict.state, state, "{id}");
        assert_eq!(verdict.auth_level, level, "{id}");
    }
    assert!(!read["user_nobody"].ok);
    assert_eq!(read["user_nobody"].error, "ERR_NON_2XX_3XX_RESPONSE");
    running.end().await;
}

#[tokio::test]
async fn the_vendors_client_writes_users_and_guards_an_express() {
    let running = Running::start().await;
    let token = running.minter.mint(&TokenOrder::default()).unwrap();
    let forged = TokenOrder::default().signed_by(SignedBy::Foreign);
    let data = json!({ "user_id": "juliet", "email": "juliet@example.com", "first_name": "J" });
    let question = json!({
        "api_url": running.base_url,
        "app_key": running.settings.app_key,
        "app_secret": running.settings.app_secret,
        "user": { "id": "juliet", "data": data },
        "token": token,
        "stranger": running.minter.mint(&forged).unwrap(),
    });
    let said = node("tests/foreign/node/backend.cjs", &question).await;
    let profile = |step: &str| said[step]["answer"].clone();
    assert_eq!(profile("created")["data"]["user_id"], "juliet", "{said}");
    assert_eq!(profile("read")["data"], data);
    assert_eq!(profile("updated")["data"]["first_name"], "Changed");
    let status = |step: &str| (said[step]["ok"].clone(), said[step]["status"].clone());
    assert_eq!(status("refused"), (json!(false), json!(400)));
    assert_eq!(said["deleted"]["ok"], true);
    assert_eq!(status("gone"), (json!(false), json!(404)));
    assert_eq!(status("wrong_secret"), (json!(false), json!(401)));
    let link = profile("link");
    let start = format!("{}/hub/auth/magic/", running.base_url);
    assert!(link["link"].as_str().unwrap().starts_with(&start), "{link}");
    assert!(link["app_user_id"].as_str().unwrap().starts_with("user_"), "{link}");
    let express = &said["middleware"];
    let statuses: Vec<&Value> =
        ["none", "good", "bad"].iter().map(|name| &express[name]["status"]).collect();
    assert_eq!(statuses, [400, 200, 401]);
    assert_eq!(express["good"]["body"]["id"], "user_verified");
    assert_eq!(express["good"]["body"]["user"]["email"], "vera@example.com");
    running.end().await;
}
