//! A start while the issuer is down, with and without a key set on disk.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{FETCHES, health, judge};
use crate::support::{
    Issuer, Key, Reply, TestApp, config_with,
    forge::APP,
    issuer::{APP_CONFIG, KEYS},
    until,
};
use tonic_health::pb::health_check_response::ServingStatus;

const SNAPSHOTS: &str = "rownd_authz_key_snapshots_total";

#[tokio::test]
async fn a_pod_that_restarts_during_an_outage_serves() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let disk = tempfile::tempdir().unwrap();
    let directory = disk.path().join("keys");
    let settings = config_with(&issuer, |c| {
        c["key_snapshots"] = json!({ "directory": directory.to_str().unwrap() });
    });
    let app = TestApp::ready(&settings).await;
    until("the snapshot", || app.metric(SNAPSHOTS, &[("result", "written")]) >= 1.0).await;
    drop(app);

    issuer.set(KEYS, Reply::status(500));
    let app = TestApp::ready(&settings).await;
    assert_eq!(health(&app, "").await, ServingStatus::Serving);
    judge(&app, &issuer, &key).await.assert_allowed("from the disk", "authenticated");
    until("a failed fetch", || app.metric(FETCHES, &[("result", "status")]) >= 1.0).await;
    judge(&app, &issuer, &key).await.assert_allowed("still", "authenticated");
    assert_eq!(app.metric("rownd_authz_keys_stale", &[]), 1.0);
    let status: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
    assert_eq!(status["issuers"][0]["keys"]["stale"], true, "{status}");
    drop(app);

    // Somebody else's keys under the same name: not one byte of them is trusted.
    let lure = Key::new("sig-1");
    let file = directory.join("rownd.keys");
    let text = std::fs::read_to_string(&file).unwrap();
    let ours = key.jwk()["x"].as_str().unwrap().to_owned();
    assert!(text.contains(&ours), "{text}");
    std::fs::write(&file, text.replace(&ours, lure.jwk()["x"].as_str().unwrap())).unwrap();
    let app = TestApp::start(&settings).await;
    until("the refusal", || app.metric(SNAPSHOTS, &[("result", "refused")]) >= 1.0).await;
    for key in [&lure, &key] {
        judge(&app, &issuer, key).await.assert_denied("refused", DenyReason::KeysUnavailable);
    }
    assert_eq!(app.page("/readyz").await.status, 503);

    // And the issuer's return mends it all.
    issuer.publish(&[&key]);
    app.is_ready().await;
    judge(&app, &issuer, &key).await.assert_allowed("fetched", "authenticated");
    until("a good file again", || app.metric(SNAPSHOTS, &[("result", "written")]) >= 1.0).await;
}

/// Most installations know the app by its key alone.
#[tokio::test]
async fn a_pod_that_knows_its_app_by_the_key_restarts_during_an_outage() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let disk = tempfile::tempdir().unwrap();
    let directory = disk.path().join("keys");
    let by_key = |app_key: &str| {
        config_with(&issuer, |c| {
            c["key_snapshots"] = json!({ "directory": directory.to_str().unwrap() });
            c["issuers"][0]["apps"] = json!([{ "key": app_key }]);
        })
    };
    let says = |id: &str| Reply::json(&json!({ "app": { "id": id } }));
    issuer.set(APP_CONFIG, says(APP));
    let app = TestApp::ready(&by_key("key_test1")).await;
    let file = directory.join("rownd.apps");
    until("both files", || file.exists() && app.metric(SNAPSHOTS, &[("result", "written")]) >= 1.0)
        .await;
    drop(app);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(APP) && !text.contains("key_test1"), "{text}");

    issuer.set(KEYS, Reply::status(503));
    issuer.set(APP_CONFIG, Reply::status(503));
    let app = TestApp::ready(&by_key("key_test1")).await;
    let answer = judge(&app, &issuer, &key).await;
    answer.assert_allowed("from the disk", "authenticated");
    assert_eq!(answer.set("x-rownd-app-id"), Some(APP));
    drop(app);

    // A damaged file, a key that was never asked about, and a key that Rownd refuses: no id.
    let never_ready = async |what: &str, app_key: &str| {
        let before = issuer.hits(APP_CONFIG);
        let app = TestApp::start(&by_key(app_key)).await;
        until("its keys", || app.metric("rownd_authz_keys", &[]) == 1.0).await;
        // The second request comes after the disk was read, or was not.
        issuer.asked(APP_CONFIG, before + 2).await;
        judge(&app, &issuer, &key).await.assert_denied(what, DenyReason::AppUnknown);
        assert_eq!(app.page("/readyz").await.status, 503, "{what}");
    };
    never_ready("another key", "key_test2").await;
    issuer.set(APP_CONFIG, Reply::refusal(401));
    never_ready("a refused key", "key_test1").await;
    issuer.set(APP_CONFIG, Reply::status(503));
    std::fs::write(&file, text.replace(APP, "app_lure")).unwrap();
    never_ready("a damaged file", "key_test1").await;

    // And Rownd's return mends it all.
    issuer.set(APP_CONFIG, says(APP));
    let app = TestApp::ready(&by_key("key_test1")).await;
    judge(&app, &issuer, &key).await.assert_allowed("asked again", "authenticated");
    until("a good file again", || {
        std::fs::read_to_string(&file).is_ok_and(|now| now.contains(APP))
    })
    .await;
}
