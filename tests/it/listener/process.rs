//! The real binary: signals, memory, descriptors.

use std::time::Duration;

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::Instant};

use crate::support::{
    Ask, Claims, Issuer, Key, TIME_LIMIT,
    binary::{Binary, Log},
    config_with, eventually, page,
    wire::{Flood, Wire, frame_of},
};

/// A configuration for the real binary.
fn for_binary(issuer: &Issuer) -> Value {
    config_with(issuer, |c| {
        c["log"] = json!({ "level": "info", "format": "json" });
        c["check"]["timeout"] = json!("1s");
        c["shutdown"] = json!({ "drain_delay": "0s", "grace": "25s" });
    })
}

#[tokio::test]
async fn sigterm_and_ctrl_c_end_the_binary_well() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    for signal in ["TERM", "INT"] {
        let mut settings = for_binary(&issuer);
        settings["check"]["timeout"] = json!("20s");
        let mut binary = Binary::start(&settings).await;
        binary.is_ready().await;
        let wire = Wire::connect(binary.grpc).await;
        let mut held = wire.begin_check().await.unwrap();
        let arrived =
            async || (binary.metric("rownd_authz_in_flight", &[]).await == 1.0).then_some(());
        eventually("it arrived", arrived).await;
        binary.signal(signal);
        binary.logged(&["draining"]).await;
        held.finish(frame_of(&Ask::with_token(key.token(&Claims::of(&issuer.url())))));
        held.reply().await.answer().assert_allowed("in flight", "authenticated");
        assert_eq!(binary.ended().await.code(), Some(0), "{signal}");
        let last = binary.logged(&["stopped"]).await;
        assert_eq!(last["all_finished"], true, "{last}");
    }
}

#[tokio::test]
async fn memory_is_dumped_nowhere_and_has_small_pages() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let binary =
        Binary::start_with(&for_binary(&issuer), Log::Read, Some("ulimit -c unlimited")).await;
    let of = |file: &str| {
        std::fs::read_to_string(format!("/proc/{}/{file}", binary.pid())).unwrap_or_default()
    };
    let limits = of("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let core: Vec<_> = core.split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"], "{core:?}");
    // A process that may be dumped has files of its own user here, another one those of root.
    let owner = std::fs::metadata(format!("/proc/{}/mem", binary.pid())).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), 0);
    let status = of("status");
    assert!(status.lines().any(|line| line.replace('\t', " ") == "THP_enabled: 0"), "{status}");
}

#[tokio::test]
async fn a_held_stream_does_not_spoil_the_exit() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let mut settings = for_binary(&issuer);
    settings["shutdown"]["grace"] = json!("200ms");
    settings["check"]["timeout"] = json!("60s");
    let mut binary = Binary::start(&settings).await;
    binary.is_ready().await;
    let wire = Wire::connect(binary.grpc).await;
    let _held = wire.begin_check().await.unwrap();
    eventually("it arrived", async || {
        (binary.metric("rownd_authz_in_flight", &[]).await == 1.0).then_some(())
    })
    .await;
    binary.signal("TERM");
    assert_eq!(binary.ended().await.code(), Some(0));
}

/// The most that a debug build may grow by for four connections; without bounds one takes several
/// times as much.
const GROWTH: u64 = 100 << 20;

#[tokio::test]
async fn streams_without_an_end_take_bounded_memory() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let binary = Binary::start(&for_binary(&issuer)).await;
    binary.is_ready().await;
    let good = Ask::with_token(key.token(&Claims::of(&issuer.url())));
    binary.check(&good).await.assert_allowed("before", "authenticated");
    let before = binary.resident();
    let mut peak = before;
    // Streams that never end; whole ones whose answers nobody takes; and more of both on one
    // connection than it may have.
    for (flood, asked) in [(Flood::NeverEnding, 2_000.0), (Flood::ZeroWindow, 4_000.0)] {
        let mut open = Vec::new();
        for _ in 0..2 {
            open.push(flood.send(binary.grpc, 1_000).await);
            peak = peak.max(binary.resident());
        }
        for _ in 0..2 {
            open.push(flood.send(binary.grpc, 20_000).await);
            peak = peak.max(binary.resident());
        }
        eventually("all of them answered", async || {
            peak = peak.max(binary.resident());
            let answered = binary.metric("rownd_authz_checks_total", &[]).await >= asked;
            let in_flight = binary.metric("rownd_authz_in_flight", &[]).await;
            (answered && in_flight == 0.0).then_some(())
        })
        .await;
        // On a busy machine one may still be late: that is a denial, and the next is allowed.
        eventually("an honest check to be allowed", async || {
            binary.check(&good).await.is_allowed().then_some(())
        })
        .await;
    }
    assert!(peak < before + GROWTH, "from {before} to {peak} bytes");
    let late = binary.metric("rownd_authz_checks_total", &[("reason", "deadline_exceeded")]).await;
    assert!(late >= 1000.0, "the streams were real: {late}");
    binary.check(&good).await.assert_allowed("after", "authenticated");
}

#[tokio::test]
async fn without_descriptors_it_neither_spins_nor_dies() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let binary = Binary::start_with(&for_binary(&issuer), Log::Read, Some("ulimit -n 128")).await;
    binary.is_ready().await;
    let good = frame_of(&Ask::with_token(key.token(&Claims::of(&issuer.url()))));
    let wire = Wire::connect(binary.grpc).await;
    wire.check(&[], good.clone()).await.assert_allowed("before", "authenticated");
    // Both listeners are filled. Each has a cap, and this process not even enough for those.
    let mut hoard = Vec::new();
    eventually("a want of descriptors", async || {
        for address in [binary.ops, binary.ops, binary.grpc] {
            hoard.push(TcpStream::connect(address).await.unwrap());
        }
        binary.log().iter().any(|line| line.contains("accepting failed")).then_some(())
    })
    .await;
    let log = binary.log();
    let line = log.iter().find(|line| line.contains("accepting failed")).unwrap();
    for part in ["Too many open files", "all 128 that", "LimitNOFILE=65536", "ulimit -n 65536"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let (ticks, began) = (binary.ticks(), Instant::now());
    while began.elapsed() < Duration::from_secs(1) {
        wire.check(&[], good.clone()).await.assert_allowed("starved", "authenticated");
        tokio::time::interval_at(Instant::now() + Duration::from_millis(50), TIME_LIMIT)
            .tick()
            .await;
    }
    let spent = binary.ticks() - ticks;
    assert!(spent < 50, "{spent} hundredths of a second in one");
    drop(hoard);
    eventually("new connections", async || {
        (page::get(binary.ops, "/livez").await.status == 200).then_some(())
    })
    .await;
    assert!(binary.log().iter().any(|line| line.contains("connections are accepted again")));
    let wire = Wire::connect(binary.grpc).await;
    wire.check(&[], good).await.assert_allowed("after", "authenticated");
    wire.check(&[], frame_of(&Ask::get("/")))
        .await
        .assert_denied("after", DenyReason::CredentialMissing);
}
