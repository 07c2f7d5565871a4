//! Issuers that stay, change, come and go with a reload.

use std::time::Duration;

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::{Ask, Claims, House, Issuer, Key, TestApp};
use crate::support::{
    Reply,
    app::issuer_settings,
    control::order,
    eventually,
    forge::{APP, USER},
    issuer::{APP_CONFIG, KEYS},
};

const SUCCESS: &str = "rownd_authz_key_fetch_last_success_timestamp_seconds";

fn token(issuer: &Issuer, key: &Key) -> Ask {
    Ask::with_token(key.token(&Claims::of(&issuer.url())))
}

#[tokio::test]
async fn an_issuer_that_did_not_change_keeps_its_keys_and_is_not_asked_again() {
    let mut house = House::open(|_| {}).await;
    let asked = house.issuer.hits(KEYS);
    house.issuer.set(KEYS, Reply::Hang);
    for (name, change) in [
        ("a route", json!({ "routes": [] })),
        ("the leeway", json!({ "leeway": "7s" })),
        ("the apps", json!({ "apps": [{ "id": APP }, { "id": "app_other" }] })),
        ("whether it is required", json!({ "required": false })),
    ] {
        house
            .put_in_force(|settings| match change.get("routes") {
                Some(routes) => settings["routes"] = routes.clone(),
                None => {
                    for (key, value) in change.as_object().unwrap() {
                        settings["issuers"][0][key] = value.clone();
                    }
                }
            })
            .await;
        house.check(&house.good()).await.assert_allowed(name, "authenticated");
        assert!(house.app.readiness.is_ready(), "{name}");
    }
    assert_eq!(house.issuer.hits(KEYS), asked, "its keys were there");
}

#[tokio::test]
async fn keys_go_on_where_only_the_rules_of_fetching_change() {
    let mut house = House::open(|_| {}).await;
    let asked = house.issuer.hits(KEYS);
    house.issuer.set(KEYS, Reply::status(500));
    house.put_in_force(|settings| settings["issuers"][0]["keys"]["max_stale"] = json!("1h")).await;
    house.check(&house.good()).await.assert_allowed("with the keys of before", "authenticated");
    house.issuer.asked(KEYS, asked + 1).await;
    house.check(&house.good()).await.assert_allowed("after a fetch that failed", "authenticated");
}

#[tokio::test]
async fn a_new_issuer_has_its_keys_when_it_is_in_force() {
    let mut house = House::open(|_| {}).await;
    let key = Key::new("sig-2");
    let second = Issuer::with_keys(&[&key]);
    let ask = token(&second, &key);
    house.check(&ask).await.assert_denied("before", DenyReason::IssuerUntrusted);
    let added = issuer_settings("second", &second);
    house.put_in_force(|settings| settings["issuers"].as_array_mut().unwrap().push(added)).await;
    let allowed = house.check(&ask).await;
    allowed.assert_allowed("at once", "authenticated");
    assert_eq!(allowed.set("x-rownd-issuer"), Some("second"));
    let labels = [("issuer", "second"), ("result", "verified")];
    assert_eq!(house.app.metric("rownd_authz_verifications_total", &labels), 1.0);
    assert!(house.app.metric(SUCCESS, &[("issuer", "second")]) > 0.0);
}

#[tokio::test]
async fn a_new_issuer_that_is_down_harms_nobody_else() {
    let mut house = House::open(|_| {}).await;
    let key = Key::new("sig-2");
    let second = Issuer::with_keys(&[&key]);
    second.set(KEYS, Reply::status(500));
    let added = issuer_settings("second", &second);
    // First in the list: the places of the others shift.
    house
        .put_in_force(|settings| settings["issuers"].as_array_mut().unwrap().insert(0, added))
        .await;
    assert!(house.app.readiness.is_ready(), "{:?}", house.app.readiness.waiting_for());
    let unavailable = house.check(&token(&second, &key)).await;
    unavailable.assert_denied("no keys yet", DenyReason::KeysUnavailable);
    house.check(&house.good()).await.assert_allowed("the other", "authenticated");
    let labels = [("issuer", "rownd"), ("result", "verified")];
    assert_eq!(house.app.metric("rownd_authz_verifications_total", &labels), 1.0);
    second.publish(&[&key]);
    eventually("its keys", async || {
        house.check(&token(&second, &key)).await.is_allowed().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_removed_issuer_is_unknown_at_once_and_is_left_alone() {
    let key = Key::new("sig-2");
    let second = Issuer::with_keys(&[&key]);
    let added = issuer_settings("second", &second);
    let mut house = House::open(|settings| {
        settings["issuers"].as_array_mut().unwrap().insert(0, added);
        // After the last check may have ended, its refresher does.
        settings["check"]["timeout"] = json!("2s");
        settings["issuers"][0]["keys"]["refresh_interval"] = json!("1s");
    })
    .await;
    let ask = token(&second, &key);
    house.check(&ask).await.assert_allowed("before", "authenticated");
    house
        .put_in_force(|settings| drop(settings["issuers"].as_array_mut().unwrap().remove(0)))
        .await;
    house.check(&ask).await.assert_denied("after", DenyReason::IssuerUntrusted);
    house.check(&house.good()).await.assert_allowed("the other", "authenticated");
    assert!(house.app.metric(SUCCESS, &[("issuer", "second")]).is_nan(), "no alert fires for it");
    assert_eq!(house.status().await["issuers"].as_array().unwrap().len(), 1);
    // Its refresher would ask at least once a second.
    eventually("quiet", async || {
        let asked = second.hits(KEYS);
        let mut tick = tokio::time::interval(Duration::from_millis(1_500));
        tick.tick().await;
        tick.tick().await;
        (second.hits(KEYS) == asked).then_some(())
    })
    .await;
    // And back again, under the name that it had.
    let again = issuer_settings("second", &second);
    house.put_in_force(|settings| settings["issuers"].as_array_mut().unwrap().push(again)).await;
    house.check(&ask).await.assert_allowed("back again", "authenticated");
    assert!(house.app.metric(SUCCESS, &[("issuer", "second")]) > 0.0);
}

#[tokio::test]
async fn what_was_verified_under_one_configuration_is_judged_anew_under_the_next() {
    let mut house = House::open(|_| {}).await;
    let good = house.good();
    house.check(&good).await.assert_allowed("before", "authenticated");
    house.check(&good).await.assert_allowed("cached", "authenticated");
    house
        .put_in_force(|settings| settings["issuers"][0]["apps"] = json!([{ "id": "app_other" }]))
        .await;
    house.check(&good).await.assert_denied("after", DenyReason::AudienceMismatch);
    house.put_in_force(|settings| settings["issuers"][0]["apps"] = json!([{ "id": APP }])).await;
    house.check(&good).await.assert_allowed("back again", "authenticated");
}

#[tokio::test]
async fn an_app_id_that_was_learned_stays_known() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    issuer.set(APP_CONFIG, Reply::json(&json!({ "app": { "id": APP } })));
    let app = json!([{ "key": "key_one" }]);
    let url = issuer.url();
    let mut house = House::open(|settings| {
        settings["issuers"][0]["base_url"] = json!(url);
        settings["issuers"][0]["apps"] = app;
    })
    .await;
    let ask = token(&issuer, &key);
    house.check(&ask).await.assert_allowed("learned", "authenticated");
    issuer.set(APP_CONFIG, Reply::Hang);
    house.put_in_force(|settings| settings["issuers"][0]["leeway"] = json!("9s")).await;
    house.check(&ask).await.assert_allowed("still known", "authenticated");
    assert_eq!(issuer.hits(APP_CONFIG), 1);
}

#[tokio::test]
async fn a_wrong_address_can_be_mended_before_the_first_readiness() {
    let key = Key::new("sig-1");
    let (wrong, right) = (Issuer::with_keys(&[]), Issuer::with_keys(&[&key]));
    wrong.set(KEYS, Reply::status(404));
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    right.set(KEYS, Reply::Gated(gate.clone(), Box::new(Reply::keys(&[&key]))));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    std::fs::write(&file, crate::support::config(&wrong).to_string()).unwrap();
    let app = TestApp::follow(&file).await;
    wrong.asked(KEYS, 1).await;
    assert!(!app.readiness.is_ready());
    std::fs::write(&file, crate::support::config(&right).to_string()).unwrap();
    app.put_in_force(2).await;
    assert!(!app.readiness.is_ready(), "the keys of the right one are awaited");
    gate.add_permits(1);
    app.is_ready().await;
    app.check(&token(&right, &key)).await.assert_allowed("mended", "authenticated");
}

#[tokio::test]
async fn what_was_revoked_stays_revoked() {
    let sockets = tempfile::tempdir().unwrap();
    let socket = sockets.path().join("control.sock");
    let address = format!("unix:{}", socket.display());
    let mut house =
        House::open(|settings| settings["listeners"]["control"] = json!({ "address": address }))
            .await;
    let claims = Claims::of(&house.issuer.url()).with("jti", "stolen");
    let stolen = Ask::with_token(house.key.token(&claims));
    house.check(&stolen).await.assert_allowed("before", "authenticated");
    order(&socket, "/revoke", &json!({ "jti": "stolen" })).await;
    house.put_in_force(|settings| settings["routes"] = json!([])).await;
    house.check(&stolen).await.assert_denied("after a reload", DenyReason::Revoked);
    // A command is about the configuration in force, and a reload can be asked for by one.
    house.change(|settings| settings["issuers"][0]["name"] = json!("renamed"));
    let answer = order(&socket, "/reload", &json!({})).await;
    assert_eq!(answer["result"], "in_force", "{answer}");
    let revoke = json!({ "jti": "stolen", "issuer": "renamed" });
    order(&socket, "/revoke", &revoke).await;
    house.check(&stolen).await.assert_denied("by the new name", DenyReason::Revoked);
}

#[tokio::test]
async fn profiles_are_read_with_the_secret_in_force() {
    let path = format!("/applications/{APP}/users/{USER}/data");
    let mut house = House::open(|settings| {
        settings["issuers"][0]["apps"][0] = json!({ "id": APP, "key": "key_1", "secret": "old" });
        settings["default"] = json!({ "freshness": "profile" });
        settings["profiles"] = json!({ "ttl": "0s" });
    })
    .await;
    house.issuer.set(&path, Reply::json(&json!({ "rownd_user": USER })));
    let sent = |house: &House| {
        let heads = house.issuer.heads();
        let head = heads.iter().rev().find(|head| head.contains("/users/")).unwrap().clone();
        head.split("x-rownd-app-secret: ").nth(1).unwrap().split('\r').next().unwrap().to_owned()
    };
    house.check(&house.good()).await.assert_allowed("before", "authenticated");
    assert_eq!(sent(&house), "old");
    house.put_in_force(|s| s["issuers"][0]["apps"][0]["secret"] = json!("new")).await;
    house.check(&house.good()).await.assert_allowed("after", "authenticated");
    assert_eq!(sent(&house), "new");
}
