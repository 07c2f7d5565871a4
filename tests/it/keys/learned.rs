//! The facts that an issuer tells: its app ids and the address of its keys.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{FETCHES, judge};
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config, config_with,
    forge::APP,
    issuer::{APP_CONFIG, KEYS, METADATA},
    until,
};

fn app_config(id: &str) -> Reply {
    Reply::json(&json!({ "config_type": "app", "app": { "id": id, "name": "x" } }))
}

fn by_key(issuer: &Issuer) -> Value {
    config_with(issuer, |c| c["issuers"][0]["apps"] = json!([{ "key": "key_test1" }]))
}

#[tokio::test]
async fn the_app_id_is_asked_for_by_key_until_it_comes() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    issuer.set(APP_CONFIG, Reply::status(500));
    let app = TestApp::start(&by_key(&issuer)).await;
    issuer.asked(APP_CONFIG, 1).await;
    until("the keys", || app.metric("rownd_authz_keys", &[]) == 1.0).await;
    let page = app.page("/readyz").await;
    assert!(page.status == 503 && page.body.contains("the app id"), "{}", page.body);
    let denied = judge(&app, &issuer, &key).await;
    denied.assert_denied("which app?", DenyReason::AppUnknown);
    let sent =
        issuer.heads().into_iter().find(|head| head.starts_with("get /hub/app-config ")).unwrap();
    assert!(sent.contains("\r\nx-rownd-app-key: key_test1\r\n"), "{sent}");
    let keys =
        issuer.heads().into_iter().find(|head| head.starts_with("get /hub/auth/keys ")).unwrap();
    assert!(!keys.contains("key_test1"), "the app key goes where it is needed only: {keys}");

    issuer.set(APP_CONFIG, app_config(APP));
    app.is_ready().await;
    let answer = judge(&app, &issuer, &key).await;
    answer.assert_allowed("known", "authenticated");
    assert_eq!(answer.set("x-rownd-app-id"), Some(APP));
    let other = Claims::of(&issuer.url()).with("aud", "app:other");
    let denied = app.check(&Ask::with_token(key.token(&other))).await;
    denied.assert_denied("another app", DenyReason::AudienceMismatch);
}

#[tokio::test]
async fn an_answer_without_an_app_id_is_none() {
    let key = Key::new("sig-1");
    let replies = [
        Reply::text("{}"),
        Reply::text("null"),
        Reply::text("{\"app\":{}}"),
        Reply::text("{\"app\":null}"),
        Reply::text("{\"app\":{\"id\":\"\"}}"),
        Reply::text("{\"app\":{\"id\":5}}"),
        Reply::text("<html>"),
        Reply::status(401),
        Reply::status(404),
        Reply::Endless,
        Reply::redirect(302, "/elsewhere"),
    ];
    let running = replies.into_iter().map(async |reply| {
        let issuer = Issuer::with_keys(&[&key]);
        issuer.set(APP_CONFIG, reply);
        issuer.set("/elsewhere", app_config(APP));
        let app = TestApp::start(&by_key(&issuer)).await;
        // Asked twice: the first answer was taken for no answer.
        issuer.asked(APP_CONFIG, 2).await;
        assert!(!app.readiness.is_ready());
        judge(&app, &issuer, &key).await.assert_denied("unknown", DenyReason::AppUnknown);
        assert_eq!(issuer.hits("/elsewhere"), 0);
    });
    futures_util::future::join_all(running).await;
}

fn metadata(issuer: &str, jwks_uri: &str) -> Reply {
    Reply::json(&json!({ "issuer": issuer, "jwks_uri": jwks_uri }))
}

#[tokio::test]
async fn metadata_lead_to_the_keys() {
    let key = Key::new("sig-1");
    let issuer = Issuer::start();
    issuer.set(METADATA, metadata(&issuer.url(), &format!("{}/elsewhere/keys", issuer.url())));
    issuer.set("/elsewhere/keys", Reply::keys(&[&key]));
    let app = TestApp::ready(&config(&issuer)).await;
    judge(&app, &issuer, &key).await.assert_allowed("by metadata", "authenticated");
    assert_eq!((issuer.hits(KEYS), issuer.hits("/elsewhere/keys")), (0, 1));
}

/// Metadata of one issuer that lead elsewhere, to another one for example.
type Astray<'a> = dyn Fn(&Issuer, &Issuer) -> Reply + 'a;

#[tokio::test]
async fn metadata_that_lead_astray_are_refused() {
    let (key, lure) = (Key::new("sig-1"), Key::new("sig-lure"));
    let keys = |issuer: &Issuer| format!("{}{KEYS}", issuer.url());
    let rows: [(&str, &Astray<'_>); 8] = [
        ("another issuer", &|own, _| metadata("https://evil.example", &keys(own))),
        ("a slash more", &|own, _| metadata(&format!("{}/", own.url()), &keys(own))),
        ("another origin", &|own, other| metadata(&own.url(), &keys(other))),
        ("a cloud's address", &|own, _| metadata(&own.url(), "http://169.254.169.254/latest")),
        ("a file", &|own, _| metadata(&own.url(), "file:///etc/passwd")),
        ("no address", &|own, _| metadata(&own.url(), "/hub/auth/keys")),
        ("no JSON", &|_, _| Reply::text("<html>")),
        ("no jwks_uri", &|own, _| Reply::json(&json!({ "issuer": own.url() }))),
    ];
    let running = rows.into_iter().map(async |(what, reply)| {
        let (issuer, other) = (Issuer::with_keys(&[&key]), Issuer::with_keys(&[&lure]));
        issuer.set(METADATA, reply(&issuer, &other));
        let app = TestApp::start(&config(&issuer)).await;
        until(what, || app.metric(FETCHES, &[]) >= 1.0).await;
        assert_eq!(app.metric(FETCHES, &[("result", "ok")]), 0.0, "{what}");
        assert!(!app.readiness.is_ready(), "{what}");
        let denied = judge(&app, &issuer, &lure).await;
        denied.assert_denied(what, DenyReason::KeysUnavailable);
        assert_eq!((other.connections(), issuer.hits(KEYS)), (0, 0), "{what}");
        let status: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
        assert!(status["issuers"][0]["keys"]["last_error"].is_string(), "{what}: {status}");
    });
    futures_util::future::join_all(running).await;
}

#[tokio::test]
async fn metadata_that_are_down_leave_the_usual_place() {
    let key = Key::new("sig-1");
    for reply in [Reply::status(500), Reply::status(404), Reply::Reset, Reply::redirect(302, "/x")]
    {
        let issuer = Issuer::with_keys(&[&key]);
        issuer.set(METADATA, reply);
        let app = TestApp::ready(&config(&issuer)).await;
        judge(&app, &issuer, &key).await.assert_allowed("the usual place", "authenticated");
        assert_eq!(issuer.hits("/x"), 0);
    }
}
