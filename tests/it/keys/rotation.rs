//! Keys that are added, changed and removed, and the number of fetches for that.

use rownd_authz::model::DenyReason;
use serde_json::json;
use tokio::time::Instant;

use super::{FETCHES, fetched, gate, judge};
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config, config_with, eventually,
    forge::now,
    issuer::KEYS,
    until,
    wire::{Wire, frame_of},
};

#[tokio::test]
async fn the_next_check_finds_a_new_key_with_one_more_fetch() {
    let (old, new) = (Key::new("sig-1"), Key::new("sig-2"));
    let issuer = Issuer::with_keys(&[&old]);
    let app = TestApp::ready(&config(&issuer)).await;
    judge(&app, &issuer, &old).await.assert_allowed("before", "authenticated");
    assert_eq!(issuer.hits(KEYS), 1);
    issuer.publish(&[&new, &old]);
    // In the cooldown after the first fetch there may be none: ask until it is over.
    let token = new.token(&Claims::of(&issuer.url()));
    eventually("the new key", async || {
        let answer = app.check(&Ask::with_token(&token)).await;
        if !answer.is_allowed() {
            answer.assert_denied("in the cooldown", DenyReason::KidUnknown);
        }
        answer.is_allowed().then_some(())
    })
    .await;
    judge(&app, &issuer, &old).await.assert_allowed("the old one beside it", "authenticated");
    assert_eq!(issuer.hits(KEYS), 2, "one more fetch");
}

/// A client can bring the 503 about, so it never goes to Envoy's error path, and it counts as no
/// fault of ours.
#[tokio::test]
async fn a_new_token_is_told_when_its_key_may_be_known_and_never_as_an_error() {
    let (old, new) = (Key::new("sig-1"), Key::new("sig-2"));
    let issuer = Issuer::with_keys(&[&old]);
    let settings = config_with(&issuer, |c| {
        c["issuers"][0]["keys"]["cooldown"] = json!("1m");
        c["check"]["unavailable"] = json!("error_response");
    });
    let app = TestApp::ready(&settings).await;
    issuer.publish(&[&new, &old]);
    let claims = Claims::of(&issuer.url());
    let age = |age: i64| new.token(&claims.clone().with("iat", now() - age));
    for _ in 0..2 {
        let answer = app.check(&Ask::with_token(age(0))).await;
        answer.assert_denied("a new token", DenyReason::KeyPending);
        assert!(!answer.is_error_response());
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait} s");
        assert_eq!(answer.header("www-authenticate"), None, "nobody is signed out");
    }
    app.check(&Ask::with_token(age(300))).await.assert_denied("an old one", DenyReason::KidUnknown);
    assert_eq!(app.metric("rownd_authz_checks_total", &[("outcome", "unavailable")]), 0.0);
    assert_eq!(issuer.hits(KEYS), 1);
}

#[tokio::test]
async fn a_check_without_time_to_wait_leaves_the_fetch_to_the_next() {
    let (old, new) = (Key::new("sig-1"), Key::new("sig-2"));
    let issuer = Issuer::with_keys(&[&old]);
    let app = TestApp::ready(&config(&issuer)).await;
    let gate = gate();
    issuer.set(KEYS, Reply::Gated(gate.clone(), Box::new(Reply::keys(&[&new, &old]))));
    let ask = Ask::with_token(new.token(&Claims::of(&issuer.url())));
    // The answer of the issuer is held back, so no check can have the key yet.
    let wire = Wire::connect(app.address()).await;
    eventually("a check that waits for the key", async || {
        let answer = wire.check(&[("grpc-timeout", "60m")], frame_of(&ask)).await;
        (answer.reason() == "key_pending").then_some(())
    })
    .await;
    assert_eq!(issuer.hits(KEYS), 2);
    for _ in 0..20 {
        let answer = wire.check(&[("grpc-timeout", "40m")], frame_of(&ask)).await;
        answer.assert_denied("meanwhile", DenyReason::KeyPending);
        judge(&app, &issuer, &old).await.assert_allowed("known keys meanwhile", "authenticated");
    }
    gate.add_permits(1);
    app.check(&ask).await.assert_allowed("the next", "authenticated");
    assert_eq!(issuer.hits(KEYS), 2, "the one fetch has outlived who asked for it");
}

#[tokio::test]
async fn ten_thousand_unknown_kids_cause_a_handful_of_fetches() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |c| c["issuers"][0]["keys"]["cooldown"] = json!("1s"));
    let app = TestApp::ready(&settings).await;
    let began = Instant::now();
    let claims = Claims::of(&issuer.url()).json().to_string();
    let attack = async |part: usize| {
        for index in 0..1250 {
            let header = format!("{{\"alg\":\"EdDSA\",\"kid\":\"random-{part}-{index}\"}}");
            let answer = app.check(&Ask::with_token(key.sign(header, &claims))).await;
            answer.assert_denied("an unknown kid", DenyReason::KidUnknown);
        }
    };
    futures_util::future::join_all((0..8).map(attack)).await;
    let allowed = 2 + began.elapsed().as_secs();
    assert!(issuer.hits(KEYS) <= allowed, "{} fetches, {allowed} allowed", issuer.hits(KEYS));
    judge(&app, &issuer, &key).await.assert_allowed("a good one", "authenticated");
}

#[tokio::test]
async fn claims_verified_by_a_withdrawn_key_die_with_it() {
    let (old, new) = (Key::new("sig-1"), Key::new("sig-2"));
    let issuer = Issuer::with_keys(&[&old]);
    let app = TestApp::ready(&config(&issuer)).await;
    let cached = Ask::with_token(old.token(&Claims::of(&issuer.url())));
    for _ in 0..2 {
        app.check(&cached).await.assert_allowed("while its key is there", "authenticated");
    }
    assert_eq!(app.metric("rownd_authz_verifications_total", &[("result", "cached")]), 1.0);
    // A set that is fetched again with the same key changes nothing.
    fetched(&app, &issuer, 2.0).await;
    app.check(&cached).await.assert_allowed("after another fetch", "authenticated");
    assert_eq!(app.metric("rownd_authz_verifications_total", &[("result", "cached")]), 2.0);

    issuer.publish(&[&new]);
    fetched(&app, &issuer, 3.0).await;
    app.check(&cached).await.assert_denied("withdrawn", DenyReason::KidUnknown);
    judge(&app, &issuer, &new).await.assert_allowed("the new key", "authenticated");
}

#[tokio::test]
async fn a_key_replaced_under_its_own_name_is_found() {
    let (old, new) = (Key::new("sig-1"), Key::new("sig-1"));
    let issuer = Issuer::with_keys(&[&old]);
    let app = TestApp::ready(&config(&issuer)).await;
    let cached = Ask::with_token(old.token(&Claims::of(&issuer.url())));
    app.check(&cached).await.assert_allowed("the old key", "authenticated");
    issuer.publish(&[&new]);
    let token = new.token(&Claims::of(&issuer.url()));
    eventually("the new key under the old name", async || {
        app.check(&Ask::with_token(&token)).await.is_allowed().then_some(())
    })
    .await;
    app.check(&cached).await.assert_denied("the old key", DenyReason::SignatureInvalid);
    // A flood of bad signatures is no flood of fetches.
    let before = issuer.hits(KEYS);
    let began = Instant::now();
    for _ in 0..300 {
        app.check(&cached).await.assert_denied("the old key", DenyReason::SignatureInvalid);
    }
    let allowed = 2 + u64::try_from(began.elapsed().as_millis() / 100).unwrap();
    assert!(issuer.hits(KEYS) - before <= allowed);
}

#[tokio::test]
async fn keys_are_renewed_in_time_and_no_faster_than_allowed() {
    let (key, next) = (Key::new("sig-1"), Key::new("sig-2"));
    let issuer = Issuer::with_keys(&[&key]);
    let settings =
        config_with(&issuer, |c| c["issuers"][0]["keys"]["refresh_interval"] = json!("1s"));
    let app = TestApp::ready(&settings).await;
    issuer.publish(&[&next]);
    // Nobody asks for anything: the keys come by themselves.
    until("a renewal", || app.metric(FETCHES, &[("result", "ok")]) >= 2.0).await;
    judge(&app, &issuer, &next).await.assert_allowed("renewed", "authenticated");
    judge(&app, &issuer, &key).await.assert_denied("gone", DenyReason::KidUnknown);

    // An issuer that says "do not keep" or "keep for ever" is held to sane bounds.
    for header in ["no-store", "max-age=0", "max-age=-1", "max-age=315360000", "private, no-cache"]
    {
        let issuer = Issuer::start();
        let body = json!({ "keys": [key.jwk()] }).to_string().into_bytes();
        issuer.set(KEYS, Reply::Answer(200, vec![("cache-control", header.to_owned())], body));
        let app = TestApp::ready(&config(&issuer)).await;
        for _ in 0..50 {
            judge(&app, &issuer, &key).await.assert_allowed(header, "authenticated");
        }
        assert_eq!(issuer.hits(KEYS), 1, "{header}");
    }
}

#[tokio::test]
async fn two_hundred_checks_wait_for_one_fetch() {
    let (old, new) = (Key::new("sig-1"), Key::new("sig-2"));
    let issuer = Issuer::with_keys(&[&old]);
    let app = TestApp::ready(&config(&issuer)).await;
    let gate = gate();
    issuer.set(KEYS, Reply::Gated(gate.clone(), Box::new(Reply::keys(&[&new]))));
    eventually("a fetch under way", async || {
        let wire = Wire::connect(app.address()).await;
        let ask = Ask::with_token(new.token(&Claims::of(&issuer.url())));
        wire.check(&[("grpc-timeout", "30m")], frame_of(&ask)).await;
        (issuer.hits(KEYS) == 2).then_some(())
    })
    .await;
    let asks: Vec<Ask> =
        (0..200).map(|_| Ask::with_token(new.token(&Claims::of(&issuer.url())))).collect();
    let all = futures_util::future::join_all(asks.iter().map(|ask| app.check(ask)));
    let open = async {
        let waiting = || app.metric("rownd_authz_in_flight", &[]);
        until("all of them waiting", || waiting() >= 200.0).await;
        gate.add_permits(1);
    };
    let (answers, ()) = tokio::join!(all, open);
    for answer in answers {
        answer.assert_allowed("after the wait", "authenticated");
    }
    assert_eq!(issuer.hits(KEYS), 2, "one fetch for all");
    assert!(app.metric("rownd_authz_in_flight", &[]) < 1.0);
}
