//! Outputs whose value is in the user's profile: it is read once, only where a rule tells it, and a
//! rule that needs it denies without it.

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::freshness::{path, settings};
use crate::support::{Answer, Ask, Claims, Issuer, Key, Reply, TestApp, forge::USER};

fn configuration(issuer: &Issuer) -> serde_json::Value {
    let mut config = settings(issuer, &json!({}));
    let prefix = |path: &str| json!({ "path": { "prefix": path } });
    let email = json!({ "profile": "/verified_data/email" });
    config["routes"].as_array_mut().unwrap().splice(
        0..0,
        [
            json!({ "id": "told", "match": prefix("/told"), "auth": "optional", "headers": [
                { "name": "x-email", "from": email },
                { "name": "x-city", "from": { "profile": "city" } },
                { "name": "x-state", "from": { "cel": "profile.state + \"!\"" } },
            ] }),
            json!({ "id": "needed", "match": prefix("/needed"), "headers": [
                { "name": "x-email", "from": email, "on_missing": "deny" },
            ] }),
        ],
    );
    config
}

#[tokio::test]
async fn a_value_of_the_profile_is_read_once_and_only_where_it_is_told() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let profile = json!({
        "rownd_user": USER, "state": "enabled", "data": { "city": "Z\u{fc}rich\r\n", "email": "own" },
        "verified_data": { "email": "ann@example.com" },
    });
    issuer.set(&path(), Reply::json(&profile));
    let app = TestApp::ready(&configuration(&issuer)).await;
    let token = key.token(&Claims::of(&issuer.url()));
    let told: Answer = app.check(&Ask::get("/told").bearer(&token)).await;
    told.assert_allowed("a known user", "authenticated");
    assert_eq!(told.set("x-email"), Some("ann@example.com"));
    assert_eq!(told.set("x-city"), Some("Z%C3%BCrich%0D%0A"));
    assert_eq!(told.set("x-state"), Some("enabled!"));
    app.check(&Ask::get("/needed").bearer(&token)).await.assert_allowed("there", "authenticated");
    assert_eq!(issuer.hits(&path()), 1);
    // A caller without a credential has no profile, and other routes tell nothing of it.
    let nobody = app.check(&Ask::get("/told")).await;
    nobody.assert_allowed("nobody", "anonymous");
    for name in ["x-email", "x-city", "x-state"] {
        assert!(nobody.removed().iter().any(|removed| removed == name), "{name}");
    }
    let other = app.check(&Ask::get("/").bearer(&token)).await;
    assert!(other.removed().iter().any(|removed| removed == "x-email"));
    assert_eq!(issuer.hits(&path()), 1);
}

#[tokio::test]
async fn a_rule_that_tells_the_profile_denies_where_it_cannot_be_read() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&configuration(&issuer)).await;
    let token = key.token(&Claims::of(&issuer.url()));
    issuer.set(&path(), Reply::status(500));
    let denied = app.check(&Ask::get("/told").bearer(&token)).await;
    denied.assert_denied("no answer", DenyReason::ProfileUnavailable);
    issuer.set(&path(), Reply::json(&json!({ "rownd_user": USER, "state": "enabled" })));
    let app = TestApp::ready(&configuration(&issuer)).await;
    let denied = app.check(&Ask::get("/needed").bearer(&token)).await;
    denied.assert_denied("no value", DenyReason::OutputMissing);
    issuer.set(&path(), Reply::json(&json!({ "state": "disabled" })));
    let app = TestApp::ready(&configuration(&issuer)).await;
    let denied = app.check(&Ask::get("/told").bearer(&token)).await;
    denied.assert_denied("disabled", DenyReason::UserDisabled);
}
