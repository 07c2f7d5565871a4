//! Logout tokens: which session or user each ends, and those that end nothing.

use serde_json::{Value, json};

use super::{API, FORM, LOGOUT, Rig, signed_by};
use crate::{
    it::inbound::send,
    support::{
        Claims, Key,
        forge::{Algorithm, now},
    },
};

const TYP: &str = "logout+jwt";

#[tokio::test]
async fn a_logout_token_ends_a_session_or_all_of_a_user() {
    let rig = Rig::open().await;
    let both = rig.logout("sid", "sid-b").with("sub", "b");
    for (name, claims, all) in [
        ("a", rig.logout("sid", "sid-a"), false),
        ("b", both, false),
        ("c", rig.logout("sub", "c"), true),
    ] {
        let token = rig.signed(TYP, &claims);
        assert_eq!(rig.log_out(&token).await, (200, Value::Null), "{name}");
        assert_eq!(rig.reason(&rig.access(name, 60)).await, "revoked", "{name}");
        let elsewhere = rig.access(name, 60).with("sid", "sid-x");
        let expected = if all { "revoked" } else { "authenticated" };
        assert_eq!(rig.reason(&elsewhere).await, expected, "{name}: another session");
        // It comes once (section 2.6).
        assert_eq!(rig.log_out(&token).await.0, 400, "{name}: again");
    }
}

#[tokio::test]
async fn a_hostile_logout_token_ends_nothing() {
    let rig = Rig::open().await;
    let good = rig.logout("sub", "victim");
    let signed = |claims: &Claims| rig.signed(TYP, claims);
    let with = |name: &str, value: Value| signed(&good.clone().with(name, value));
    let old = good.clone().without("exp").with("iat", now() - 2000);
    for (name, token) in [
        ("a nonce", with("nonce", json!("n"))),
        ("a nonce of null", with("nonce", Value::Null)),
        ("no subject", signed(&good.clone().without("sub"))),
        ("an empty subject", with("sub", json!(""))),
        ("a session that is a number", with("sid", json!(7))),
        ("no events", signed(&good.clone().without("events"))),
        ("another event", with("events", json!({ "x": {} }))),
        ("an event that is no object", with("events", json!({ LOGOUT: null }))),
        ("another audience", with("aud", json!(API))),
        ("another issuer", with("iss", json!(rig.other.0.url()))),
        ("expired", with("exp", json!(now() - 900))),
        ("old and without an end", signed(&old)),
        ("no time", signed(&good.clone().without("iat"))),
        ("no id", signed(&good.clone().without("jti"))),
        ("of another key", signed_by(&Key::of(Algorithm::EdDsa, "idp"), TYP, &good)),
        ("without a type", rig.key.token(&good)),
        ("an event token", rig.signed("secevent+jwt", &good)),
        ("an access token", rig.signed("at+jwt", &good)),
        ("nothing", String::new()),
    ] {
        let (status, body) = rig.log_out(&token).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_request")), "{name}: {body}");
        assert_eq!(rig.reason(&rig.access("victim", 60)).await, "authenticated", "{name}");
    }
    let token = signed(&good);
    let text = "content-type: text/plain\r\n";
    for (name, headers, body) in [
        ("twice", FORM, format!("logout_token={token}&logout_token={token}")),
        ("another member", FORM, format!("token={token}")),
        ("no form", text, format!("logout_token={token}")),
    ] {
        let answer = send(&rig.app, "POST /webhooks/logout", headers, &body).await;
        assert_eq!(answer.status, 400, "{name}");
    }
    assert_eq!(rig.reason(&rig.access("victim", 60)).await, "authenticated");
    assert_eq!(rig.log_out(&token).await.0, 200, "and the good one beside them");
    assert_eq!(rig.reason(&rig.access("victim", 60)).await, "revoked");
}

#[tokio::test]
async fn older_providers_and_tokens_without_a_session_are_a_setting() {
    let rig = Rig::with(|config| {
        config["events"]["sources"][1]["untyped"] = json!(true);
        config["events"]["sources"][1]["session_is_user"] = json!(true);
    })
    .await;
    let claims = rig.logout("sub", "u").with("sid", "sid-x");
    assert_eq!(rig.log_out(&rig.key.token(&claims)).await.0, 200);
    assert_eq!(rig.reason(&rig.access("u", 60).without("sid")).await, "revoked");
    assert_eq!(rig.log_out(&rig.signed("at+jwt", &rig.logout("sub", "v"))).await.0, 400);
}
