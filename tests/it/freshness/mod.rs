//! Routes with `freshness: profile`: what Rownd knows of the user now decides beside the token.

mod kinds;
mod profiles;

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config_with, eventually,
    forge::{APP, USER, now},
    page,
};

/// Where the user's profile is.
pub(crate) fn path() -> String {
    format!("/applications/{APP}/users/{USER}/data")
}

/// A configuration with a route that asks for profiles.
pub(crate) fn settings(issuer: &Issuer, profiles: &Value) -> Value {
    config_with(issuer, |config| {
        config["issuers"][0]["apps"][0] = json!({ "id": APP, "key": "key_1", "secret": "ras_1" });
        config["routes"].as_array_mut().unwrap().extend([
            json!({ "id": "fresh", "match": { "path": { "prefix": "/fresh" } }, "freshness": "profile" }),
            json!({ "id": "fresh-verified", "match": { "path": { "prefix": "/strong" } },
                "freshness": "profile", "auth_level": "verified" }),
            json!({ "id": "fresh-optional", "match": { "path": { "prefix": "/maybe" } },
                "freshness": "profile", "auth": "optional" }),
        ]);
        config["profiles"] = profiles.clone();
    })
}

fn timestamp(seconds: i64) -> String {
    humantime_of(u64::try_from(seconds).unwrap())
}

fn humantime_of(seconds: u64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    humantime::format_rfc3339_millis(time).to_string()
}

fn signed_out_at(seconds: i64) -> Reply {
    Reply::json(&json!({ "meta": { "tokens_valid_since": timestamp(seconds) } }))
}

/// The status page and the metric say that Rownd refuses the secret, until it takes it.
#[tokio::test]
async fn a_secret_that_is_refused_is_on_the_status_page_and_in_a_metric() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app =
        TestApp::ready(&settings(&issuer, &json!({ "ttl": "0s", "not_found_ttl": "0s" }))).await;
    let token = key.token(&Claims::of(&issuer.url()));
    let known = Reply::json(&json!({ "rownd_user": USER }));
    for (reply, refused) in [
        (known.clone(), false),
        (Reply::refusal(401), true),
        // It says nothing about the secret.
        (Reply::status(500), true),
        (Reply::refusal(404), false),
        (Reply::refusal(403), true),
        // So does anything that is not Rownd's.
        (Reply::page(404), true),
        (known, false),
    ] {
        issuer.set(&path(), reply);
        app.check(&Ask::get("/fresh").bearer(&token)).await;
        let page: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
        let fault = page["issuers"][0]["app_errors"].get(0).cloned();
        assert_eq!(fault.is_some(), refused, "{page}");
        let fault = fault.unwrap_or(json!({ "app": "apps[0]", "key_refused": true }));
        assert_eq!((&fault["app"], &fault["key_refused"]), (&json!("apps[0]"), &json!(true)));
        assert!(!fault.to_string().contains("ras_1"), "{fault}");
        let scrape = app.page("/metrics").await.body;
        let counted = page::metric(&scrape, "rownd_authz_app_keys_refused", &[]);
        assert_eq!(counted, f64::from(u8::from(refused)));
    }
}

#[tokio::test]
async fn the_profile_decides_beside_the_token() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    // Nothing is kept: each row asks.
    let app =
        TestApp::ready(&settings(&issuer, &json!({ "ttl": "0s", "not_found_ttl": "0s" }))).await;
    let claims = Claims::of(&issuer.url()).with("iat", now() - 100);
    let (good, silent) = (claims.clone(), claims.clone().without("iat"));
    let state = |state: &str| Reply::json(&json!({ "state": state }));
    let cut_off = |value: Value| Reply::json(&json!({ "meta": { "tokens_valid_since": value } }));
    for (name, reply, claims, expected) in [
        ("enabled", state("enabled"), &good, None),
        ("no state", Reply::json(&json!({ "rownd_user": USER })), &good, None),
        ("nothing", Reply::json(&json!({})), &good, Some(DenyReason::ProfileUnavailable)),
        ("disabled", state("disabled"), &good, Some(DenyReason::UserDisabled)),
        ("another state", state("suspended"), &good, Some(DenyReason::UserDisabled)),
        ("signed out later", signed_out_at(now() - 99), &good, Some(DenyReason::Revoked)),
        ("signed out before", signed_out_at(now() - 200), &good, None),
        ("no iat", signed_out_at(0), &silent, Some(DenyReason::Revoked)),
        ("no iat, no cut-off", state("enabled"), &silent, None),
        ("unreadable", cut_off(json!("yesterday")), &good, Some(DenyReason::Revoked)),
        ("a number", cut_off(json!(0)), &good, Some(DenyReason::Revoked)),
        ("no such user", Reply::refusal(404), &good, Some(DenyReason::UserNotFound)),
        ("key refused", Reply::refusal(401), &good, Some(DenyReason::ProfileUnavailable)),
        ("a page with 404", Reply::page(404), &good, Some(DenyReason::ProfileUnavailable)),
        ("an empty 404", Reply::status(404), &good, Some(DenyReason::ProfileUnavailable)),
        ("a page with 401", Reply::page(401), &good, Some(DenyReason::ProfileUnavailable)),
        ("not JSON", Reply::text("<html>"), &good, Some(DenyReason::ProfileUnavailable)),
        (
            "a redirect",
            Reply::redirect(302, &issuer.url()),
            &good,
            Some(DenyReason::ProfileUnavailable),
        ),
        ("reset", Reply::Reset, &good, Some(DenyReason::ProfileUnavailable)),
    ] {
        issuer.set(&path(), reply);
        let ask = |path: &str| Ask::get(path).bearer(key.token(claims));
        for route in ["/fresh", "/strong", "/maybe"] {
            let answer = app.check(&ask(route)).await;
            match expected {
                None => answer.assert_allowed(name, "authenticated"),
                Some(reason) => {
                    answer.assert_denied(name, reason);
                    assert_eq!(answer.fact("issuer"), "rownd", "{name}");
                }
            }
        }
        app.check(&ask("/")).await.assert_allowed("by the token alone", "authenticated");
    }
    for head in issuer.heads().iter().filter(|head| head.contains("/users/")) {
        assert!(
            head.contains("x-rownd-app-key: key_1") && head.contains("x-rownd-app-secret: ras_1")
        );
    }
    let others = issuer.heads().iter().filter(|head| head.contains("ras_1")).count();
    assert_eq!(others as u64, issuer.hits(&path()), "the secret goes nowhere else");
    assert!(!app.metrics.render().contains(USER), "a user in a metric");
}

#[tokio::test]
async fn who_is_denied_anyway_costs_rownd_nothing() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    issuer.set(&path(), Reply::json(&json!({ "rownd_user": USER })));
    let app = TestApp::ready(&settings(&issuer, &json!({}))).await;
    let guest = key.token(&Claims::of(&issuer.url()).level("guest"));
    let answer = app.check(&Ask::get("/strong").bearer(&guest)).await;
    answer.assert_denied("a guest", DenyReason::AuthLevelTooLow);
    app.check(&Ask::get("/maybe")).await.assert_allowed("nobody", "anonymous");
    let answer = app.check(&Ask::get("/fresh").bearer("a.b.c")).await;
    answer.assert_denied("garbage", DenyReason::TokenMalformed);
    assert_eq!(issuer.hits(&path()), 0);
    app.check(&Ask::get("/fresh").bearer(&guest)).await.assert_allowed("a guest", "authenticated");
    assert_eq!(issuer.hits(&path()), 1);
}

#[tokio::test]
async fn a_sign_out_everywhere_is_seen_within_the_ttl() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    issuer.set(&path(), Reply::json(&json!({ "state": "enabled" })));
    let app = TestApp::ready(&settings(&issuer, &json!({ "ttl": "500ms" }))).await;
    let ask = Ask::get("/fresh").bearer(key.token(&Claims::of(&issuer.url())));
    app.check(&ask).await.assert_allowed("before", "authenticated");
    issuer.set(&path(), signed_out_at(now() + 1));
    eventually("the sign-out to be seen", async || {
        let answer = app.check(&ask).await;
        if !answer.is_allowed() {
            answer.assert_denied("after", DenyReason::Revoked);
        }
        (!answer.is_allowed()).then_some(())
    })
    .await;
    assert_eq!(issuer.hits(&path()), 2, "one request for each ttl");
    let later = key.token(&Claims::of(&issuer.url()).with("iat", now() + 2));
    let answer = app.check(&Ask::get("/fresh").bearer(later)).await;
    answer.assert_allowed("signed in again", "authenticated");
}

#[tokio::test]
async fn a_slow_rownd_ends_as_a_denial_in_time_and_the_next_check_finds_the_profile() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    issuer.set(
        &path(),
        Reply::Gated(gate.clone(), Box::new(Reply::json(&json!({ "rownd_user": USER })))),
    );
    let mut settings = settings(&issuer, &json!({ "timeout": "30s" }));
    settings["check"]["timeout"] = json!("100ms");
    let app = TestApp::ready(&settings).await;
    let ask = Ask::get("/fresh").bearer(key.token(&Claims::of(&issuer.url())));
    for _ in 0..3 {
        let answer = app.check(&ask).await;
        answer.assert_denied("meanwhile", DenyReason::ProfileUnavailable);
        assert_eq!(answer.fact("issuer"), "rownd");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    gate.add_permits(1);
    eventually("the profile", async || app.check(&ask).await.is_allowed().then_some(())).await;
    assert_eq!(issuer.hits(&path()), 1, "the one request has outlived who asked for it");
}
