//! The real binary: SIGHUP, a kill, and a second signal during the shutdown.

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::{Ask, Claims, Issuer, Key, config, open_to_all};
use crate::support::{binary::Binary, eventually, wire::Wire};

#[tokio::test]
async fn sighup_reads_everything_again_and_the_log_says_how_it_ended() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let mut settings = config(&issuer);
    settings["log"] = json!({ "level": "info", "format": "json" });
    let binary = Binary::start(&settings).await;
    binary.is_ready().await;
    binary.signal("HUP");
    binary.logged(&["the configuration did not change"]).await;
    let mut bad = settings.clone();
    bad["check"]["timeout"] = json!("never");
    bad["default"] = json!({ "auht": "none" });
    binary.rewrite(&bad);
    binary.signal("HUP");
    let line = binary.logged(&["refused; the last good one stays in force"]).await;
    assert_eq!(line["level"], "ERROR");
    let problems = line["problems"].as_str().unwrap();
    for word in ["check.timeout: `never`", "default.auht: unknown field"] {
        assert!(problems.contains(word), "{problems}");
    }
    binary.check(&Ask::get("/")).await.assert_denied("refused", DenyReason::CredentialMissing);
    open_to_all(&mut settings);
    binary.rewrite(&settings);
    binary.signal("HUP");
    let line = binary.logged(&["a new configuration is in force"]).await;
    assert_eq!(line["epoch"], 2);
    binary.check(&Ask::get("/")).await.assert_allowed("in force", "public");
}

#[tokio::test]
async fn an_end_that_is_told_twice_comes_at_once() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let mut settings = config(&issuer);
    settings["log"] = json!({ "level": "info", "format": "json" });
    settings["shutdown"] = json!({ "drain_delay": "10m", "grace": "10m" });
    let mut binary = Binary::start(&settings).await;
    binary.is_ready().await;
    let wire = Wire::connect(binary.grpc).await;
    let _held = wire.begin_check().await.unwrap();
    binary.signal("TERM");
    binary.logged(&["draining"]).await;
    binary.signal("TERM");
    assert_eq!(binary.ended().await.code(), Some(1));
    binary.logged(&["second signal"]).await;
}

#[tokio::test]
async fn after_a_kill_it_serves_again_on_the_same_port() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let mut binary = Binary::start(&config(&issuer)).await;
    binary.is_ready().await;
    let good = Ask::with_token(key.token(&Claims::of(&issuer.url())));
    binary.check(&good).await.assert_allowed("before", "authenticated");
    binary.signal("KILL");
    binary.ended().await;
    let mut settings = config(&issuer);
    settings["listeners"]["grpc"]["address"] = json!(binary.grpc.to_string());
    let began = std::time::Instant::now();
    let again = Binary::start(&settings).await;
    eventually("a good answer", async || again.check(&good).await.is_allowed().then_some(())).await;
    println!("serving again {} ms after the start", began.elapsed().as_millis());
}
