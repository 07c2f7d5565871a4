//! Answers that are no keys: the last good ones stay, for a bounded time.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{FETCHES, fetched, judge, provoke};
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config, config_with, eventually,
    issuer::{KEYS, METADATA},
};

/// Answers that an issuer may send instead of its keys, and the label that counts each.
fn spoilt(elsewhere: &Issuer) -> Vec<(&'static str, Reply, &'static str)> {
    let gzip = vec![("content-encoding", "gzip".to_owned())];
    let brotli = vec![("content-encoding", "br".to_owned())];
    let huge = format!("{{\"keys\":[],\"pad\":\"{}\"}}", "x".repeat(1 << 20));
    let many: Vec<Value> = (0..101).map(|i| Key::new(&format!("k{i}")).jwk()).collect();
    let status = |what, reply| (what, reply, "status");
    let invalid = |what, reply| (what, reply, "invalid");
    let text = |what, text: &str| (what, Reply::text(text), "invalid");
    let keys = format!("{}{KEYS}", elsewhere.url());
    let patience = vec![("retry-after", "9999".to_owned())];
    let deep = format!("{{\"keys\":{}", "[".repeat(100_000));
    vec![
        status("500", Reply::status(500)),
        status("404", Reply::status(404)),
        status("204", Reply::status(204)),
        status("429", Reply::Answer(429, patience, Vec::new())),
        status("301", Reply::redirect(301, &keys)),
        status("302", Reply::redirect(302, &keys)),
        status("307 to itself", Reply::redirect(307, KEYS)),
        text("nothing", ""),
        text("HTML", "<html><body>down for maintenance</body></html>"),
        text("{}", "{}"),
        text("null", "null"),
        text("no keys", "{\"keys\":[]}"),
        text("keys: null", "{\"keys\":null}"),
        text("keys: {}", "{\"keys\":{}}"),
        text("keys twice", "{\"keys\":[],\"keys\":[]}"),
        text("deep", &deep),
        text("larger than 1 MiB", &huge),
        invalid("garbage", Reply::text(vec![0xff; 1000])),
        invalid("too many keys", Reply::json(&json!({ "keys": many }))),
        invalid("an endless body", Reply::Endless),
        invalid("said to be compressed", Reply::Answer(200, gzip.clone(), vec![0x1f, 0x8b, 8, 0])),
        invalid("packed by another coding", Reply::Answer(200, brotli, b"{}".to_vec())),
        invalid("a gzip bomb", Reply::Answer(200, gzip, bomb())),
        ("a reset", Reply::Reset, "network"),
        ("a byte now and then", Reply::Drip, "timeout"),
        ("silence", Reply::Hang, "timeout"),
    ]
}

/// Half a megabyte of gzip (RFC 1952) that unfolds to 83 MB of blanks: one block of fixed codes
/// (RFC 1951), in it a blank and then "258 bytes, as the one before" 320 000 times.
fn bomb() -> Vec<u8> {
    let mut bits = vec![true, true, false];
    let code = |bits: &mut Vec<bool>, value: u32, length: u32| {
        bits.extend((0..length).rev().map(|at| value >> at & 1 == 1));
    };
    code(&mut bits, 0x30 + u32::from(b' '), 8);
    for _ in 0..320_000 {
        code(&mut bits, 0b1100_0101, 8);
        code(&mut bits, 0, 5);
    }
    code(&mut bits, 0, 7);
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(bits.chunks(8).map(byte));
    // Checksum and length, which nobody should come to.
    gzip.extend([0; 8]);
    gzip
}

#[tokio::test]
async fn a_connection_that_died_after_its_answer_costs_no_fetch() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    issuer.reset_reused();
    let app = TestApp::ready(&config(&issuer)).await;
    fetched(&app, &issuer, 5.0).await;
    assert_eq!(app.metric(FETCHES, &[("result", "ok")]), app.metric(FETCHES, &[]));
    assert_eq!(issuer.connections(), issuer.hits(KEYS) + issuer.hits(METADATA));
    let heads = issuer.heads();
    assert!(heads.iter().all(|head| !head.contains("accept-encoding")), "{heads:?}");
}

#[tokio::test]
async fn the_last_good_keys_stay_whatever_the_issuer_says() {
    let (key, lure) = (Key::new("sig-1"), Key::new("sig-lure"));
    let (issuer, elsewhere) = (Issuer::with_keys(&[&key]), Issuer::with_keys(&[&lure]));
    let settings =
        config_with(&issuer, |c| c["issuers"][0]["keys"]["fetch_timeout"] = json!("300ms"));
    let app = TestApp::ready(&settings).await;
    for (what, reply, result) in spoilt(&elsewhere) {
        issuer.set(KEYS, reply);
        // One fetch may have begun before.
        let total = app.metric(FETCHES, &[]) + 1.0;
        fetched(&app, &issuer, total).await;
        let counted = || app.metric(FETCHES, &[("result", result)]);
        let before = counted();
        eventually(&format!("{what} to be counted as {result}"), async || {
            provoke(&app, &issuer).await;
            (counted() > before).then_some(())
        })
        .await;
        judge(&app, &issuer, &key).await.assert_allowed(what, "authenticated");
        let denied = judge(&app, &issuer, &lure).await;
        assert!(!denied.is_allowed(), "{what}: {denied:?}");
    }
    assert_eq!(elsewhere.connections(), 0, "a redirect was followed");
    let status: Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
    assert!(status["issuers"][0]["keys"]["last_error"].is_string(), "{status}");
    assert!(app.readiness.is_ready(), "and it stays ready");

    issuer.publish(&[&lure]);
    eventually("recovery", async || judge(&app, &issuer, &lure).await.is_allowed().then_some(()))
        .await;
}

#[tokio::test]
async fn keys_too_old_to_trust_are_dropped() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |c| {
        c["issuers"][0]["keys"]["refresh_interval"] = json!("1s");
        c["issuers"][0]["keys"]["max_stale"] = json!("0s");
    });
    let app = TestApp::ready(&settings).await;
    let ask = Ask::with_token(key.token(&Claims::of(&issuer.url())));
    app.check(&ask).await.assert_allowed("fresh", "authenticated");
    issuer.set(KEYS, Reply::status(500));
    // A token from the cache and one that is verified again: both end.
    eventually("the end of the keys", async || {
        let answer = app.check(&ask).await;
        (!answer.is_allowed()).then(|| answer.assert_denied("stale", DenyReason::KeysUnavailable))
    })
    .await;
    judge(&app, &issuer, &key).await.assert_denied("stale", DenyReason::KeysUnavailable);
    issuer.publish(&[&key]);
    eventually("recovery", async || app.check(&ask).await.is_allowed().then_some(())).await;
}
