//! The log of the real binary: JSON, bounded, without a token, never in the way.

use std::collections::BTreeMap;

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use crate::support::{
    Ask, Claims, Issuer, Key, Reply,
    binary::{Binary, Log},
    config_with, eventually,
    forge::now,
    issuer::KEYS,
    page,
    wire::{Wire, frame_of},
};

const DENIAL_LOGS_DROPPED: &str = "rownd_authz_denial_logs_dropped_total";

/// A configuration for the real binary.
fn for_binary(issuer: &Issuer, level: &str, denials: u32) -> Value {
    config_with(issuer, |c| {
        c["log"] = json!({ "level": level, "denials_per_second": denials });
    })
}

#[tokio::test]
async fn a_key_set_of_which_nothing_can_be_used_is_logged_with_the_reasons() {
    let issuer = Issuer::start();
    let keys = json!([{ "kty": "oct", "kid": "a\nb", "k": "c2VjcmV0" }, {}]);
    issuer.set(KEYS, Reply::json(&json!({ "keys": keys })));
    let binary = Binary::start(&for_binary(&issuer, "info", 1000)).await;
    let line = binary.logged(&["keys could not be fetched"]).await;
    let expected = "the document holds no usable key: a private or symmetric key (kid a%0Ab); \
                    a member that the key type needs is missing or empty (no kid)";
    assert_eq!(line["error"], expected, "{line}");
    assert!(!line.to_string().contains("c2VjcmV0"), "{line}");
}

#[tokio::test]
async fn a_log_line_is_json_and_a_denial_names_its_request() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let binary = Binary::start(&for_binary(&issuer, "info", 1000)).await;
    binary.is_ready().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let ask = Ask::get("/verified")
        .header("x-request-id", "request-7")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .bearer(key.token(&Claims::of(&issuer.url()).level("guest")));
    binary.check(&ask).await.assert_denied("a guest", DenyReason::AuthLevelTooLow);
    let line = binary.logged(&["auth_level_too_low"]).await;
    for (field, expected) in [
        ("level", "INFO"),
        ("message", "denied"),
        ("reason", "auth_level_too_low"),
        ("request_id", "request-7"),
        ("trace_id", trace),
        ("rule", "verified"),
        ("issuer", "rownd"),
    ] {
        assert_eq!(line[field], expected, "{line}");
    }
    // An invalid token names its issuer, too, and a token of an unknown issuer names none.
    let claims = Claims::of(&issuer.url());
    for (claims, reason, expected) in [
        (claims.clone().with("exp", 1), DenyReason::TokenExpired, "rownd"),
        (claims.with("iss", "https://evil.example"), DenyReason::IssuerUntrusted, ""),
    ] {
        let ask = Ask::with_token(key.token(&claims));
        binary.check(&ask).await.assert_denied("a bad token", reason);
        assert_eq!(binary.logged(&[reason.code()]).await["issuer"], expected);
    }
    // A line cannot be broken out of, whatever a request brings.
    let odd = Ask::get("/\n{\"level\":\"ERROR\"}")
        .host("\u{1b}[31m")
        .header("x-request-id", "\n{\"level\":\"ERROR\"}")
        .header("traceparent", "00-\u{1b}[31mxxxxxxxxxxxxxxxxxxxxxxxxxxx-00f067aa0ba902b7-01")
        .bearer("\n\u{1b}[31m");
    binary.check(&odd).await;
    binary.logged(&["host_refused"]).await;
    for line in binary.log() {
        let line: BTreeMap<String, Value> =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
        for field in ["timestamp", "level", "message"] {
            assert!(line.contains_key(field), "{line:?}");
        }
        assert_ne!(line["level"], "ERROR", "{line:?}");
    }
    assert!(!binary.log().iter().any(|line| line.contains('\u{1b}')));
}

#[tokio::test]
async fn no_log_at_any_level_holds_a_token() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let binary = Binary::start(&for_binary(&issuer, "trace", 100_000)).await;
    binary.is_ready().await;
    let base =
        Claims::of(&issuer.url()).with("canary", "canary-in-claims").with("sub", "canary-sub");
    let header = json!({ "alg": "EdDSA", "kid": "sig-1", "x": "canary-in-header" });
    let tokens = [
        key.token_under(&header, &base),
        key.token_under(&header, &base.clone().with("exp", now() - 3600)),
        key.token_under(&header, &base.clone().with("aud", "app:canary-aud")),
        key.token_under(&header, &base.clone().with("iss", "https://canary-iss.example")),
        key.token_under(&json!({ "alg": "EdDSA", "kid": "canary-kid" }), &base),
        Key::new("sig-1").token_under(&header, &base),
        "canary-garbage".to_owned(),
        "canary.gar.bage".to_owned(),
    ];
    for token in &tokens {
        let cookie = format!("app_session={token}");
        for ask in [
            Ask::with_token(token),
            Ask::get("/optional").header("cookie", &cookie),
            Ask::get("/").method("POST").header("cookie", &cookie),
            Ask::get("/").bearer(token).bearer(token).joined(),
            Ask::get(format!("/?access_token={token}")),
            Ask::with_token(token).header("x-rownd-app-key", "canary-app-key"),
        ] {
            binary.check(&ask).await;
        }
    }
    // Every one of them is in the log by now: the last is answered, and so logged.
    binary.check(&Ask::get("/").header("x-request-id", "the-last")).await;
    binary.logged(&["the-last"]).await;
    let log = binary.log().join("\n");
    assert!(log.contains("token_malformed") && log.contains("allowed"), "the log is on");
    let parts = tokens.iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 8);
    for secret in parts.chain(["canary", "Bearer ", "eyJ"]) {
        assert!(!log.contains(secret), "{secret} in the log");
    }
    let metrics = page::get(binary.ops, "/metrics").await.body;
    assert!(!metrics.contains("canary"));
}

#[tokio::test]
async fn a_flood_of_denials_is_no_flood_of_logs() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let binary = Binary::start(&for_binary(&issuer, "info", 1)).await;
    binary.is_ready().await;
    let began = std::time::Instant::now();
    for _ in 0..500 {
        binary.check(&Ask::get("/")).await.assert_denied("flood", DenyReason::CredentialMissing);
        binary
            .check(&Ask::with_token("x"))
            .await
            .assert_denied("flood", DenyReason::TokenMalformed);
    }
    binary.check(&Ask::get("/").host("").header("x-request-id", "the-last")).await;
    binary.logged(&["the-last"]).await;
    // One a second for each reason, and one to begin with.
    let most = began.elapsed().as_secs() + 2;
    for reason in ["credential_missing", "token_malformed"] {
        let logged = binary.log().iter().filter(|line| line.contains(reason)).count() as u64;
        assert!((1..=most).contains(&logged), "{logged} lines of {reason}, at most {most}");
        let dropped = binary.metric(DENIAL_LOGS_DROPPED, &[("reason", reason)]).await;
        assert_eq!(dropped as u64 + logged, 500, "what is not logged is counted: {reason}");
    }
}

/// One that is down for a minute says so a few times, not sixty.
#[tokio::test]
async fn an_issuer_that_is_down_gets_few_lines() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let up = Reply::json(&json!({ "keys": [key.jwk()] }));
    issuer.set(KEYS, Reply::status(503));
    let binary = Binary::start(&for_binary(&issuer, "info", 1000)).await;
    let failed = "rownd_authz_key_fetches_total";
    let asked =
        async || (binary.metric(failed, &[("result", "status")]).await >= 5.0).then_some(());
    eventually("five fetches that failed", asked).await;
    let lines = || binary.log().iter().filter(|line| line.contains("keys could not be")).count();
    assert_eq!(lines(), 1, "{:?}", binary.log());
    issuer.set(KEYS, up);
    binary.logged(&["the first keys have come"]).await;
    assert!(lines() <= 2, "{:?}", binary.log());
}

/// A closed pipe below the log is like a full disk: the lines are lost and counted, and nothing else
/// happens.
#[tokio::test]
async fn a_log_whose_reader_has_gone_is_counted_and_ends_nothing() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = for_binary(&issuer, "info", 1000);
    let mut binary = Binary::start_with(&settings, Log::Closed, None).await;
    binary.is_ready().await;
    for _ in 0..20 {
        let answer = binary.check(&Ask::get("/")).await;
        answer.assert_denied("all the same", DenyReason::CredentialMissing);
    }
    let lost = "rownd_authz_log_write_errors_total";
    let counted = async || (binary.metric(lost, &[]).await >= 20.0).then_some(());
    eventually("lost lines to be counted", counted).await;
    binary.signal("TERM");
    assert_eq!(binary.ended().await.code(), Some(0), "and it ends as ever");
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_nothing() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = for_binary(&issuer, "trace", 100_000);
    let mut binary = Binary::start_with(&settings, Log::Abandoned, None).await;
    binary.is_ready().await;
    // A pipe holds 64 KiB, the process 8192 lines more; each check writes a line of 200 bytes.
    let wire = Wire::connect(binary.grpc).await;
    let ask = frame_of(&Ask::get("/"));
    for _ in 0..100 {
        let checks = (0..100).map(|_| wire.check(&[], ask.clone()));
        for answer in futures_util::future::join_all(checks).await {
            answer.assert_denied("all the same", DenyReason::CredentialMissing);
        }
    }
    let lost =
        async || (binary.metric("rownd_authz_log_lines_lost", &[]).await > 0.0).then_some(());
    eventually("lost lines to be counted", lost).await;
    binary.signal("TERM");
    assert_eq!(binary.ended().await.code(), Some(0), "and it ends all the same");
}
