//! A start while the issuer is down, with and without a key set on disk.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{FETCHES, health, judge};
use crate::support::{Issuer, Key, Reply, TestApp, config_with, issuer::KEYS, until};
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
