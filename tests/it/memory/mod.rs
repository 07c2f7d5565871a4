//! The memory of the real binary under attack, and the effect on well-behaved callers.
//!
//! In: peers that announce and do not send, ask and do not read, or bring more than anybody
//! reads. Out: resident memory within twice its idle size and the budget of unfinished
//! messages, checks that are answered as before meanwhile, and memory that goes back. The figures
//! of the release are printed by `make memory`.

mod attacks;
mod frames;
#[cfg(feature = "dev")]
mod pages;

use std::time::Duration;

use bytes::Bytes;
use rownd_authz::grpc::ext_authz::PATH;
use serde_json::{Value, json};
use tokio::time::{Instant, interval};

use crate::support::{
    Ask, Claims, Issuer, Key, Reply,
    binary::Binary,
    config_with, eventually,
    issuer::KEYS,
    wire::{Wire, frame, frame_of},
};
use frames::Flood;

const HEALTH: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const VERIFY: &str = "/rownd.auth.v1.RowndAuth/Verify";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
/// Bytes that unfinished messages may hold over all connections (docs/operations.md).
const MESSAGES: u64 = 64 << 20;
/// The memory of a connection that stops within a header block, or opens streams that are
/// refused (docs/operations.md).
const CONNECTION: u64 = 128 << 10;
/// How long each attack is watched.
const WATCHED: Duration = Duration::from_millis(1_200);

struct House {
    key: Key,
    issuer: Issuer,
    binary: Binary,
}

impl House {
    async fn open(change: impl FnOnce(&mut Value)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let settings = config_with(&issuer, |c| {
            c["log"] = json!({ "level": "info", "format": "json" });
            // A busy machine must not turn an answer into a 503.
            c["check"]["timeout"] = json!("20s");
            c["listeners"]["grpc"]["reflection"] = json!(true);
            c["listeners"]["grpc"]["workers"] = json!(2);
            // The connections must stay open and not be evicted for each other.
            c["listeners"]["grpc"]["max_connections"] = json!(4096);
            change(c);
        });
        let binary = Binary::start(&settings).await;
        binary.is_ready().await;
        let house = Self { key, issuer, binary };
        // Connections, caches and threads as they are at work.
        for _ in 0..50 {
            house.binary.check(&house.good()).await.assert_allowed("before", "authenticated");
        }
        house
    }

    fn good(&self) -> Ask {
        Ask::with_token(self.key.token(&Claims::of(&self.issuer.url())))
    }

    /// Watches an attack: the peak of the memory, and the answers to a well-behaved caller.
    async fn stands(&self, name: &str, flood: Flood) -> u64 {
        let (good, honest) = (frame_of(&self.good()), Wire::connect(self.binary.grpc).await);
        self.binary.forget_peak();
        let attack = flood.start(self.binary.grpc);
        let began = Instant::now();
        let mut tick = interval(Duration::from_millis(10));
        while began.elapsed() < WATCHED {
            tick.tick().await;
            honest.check(&[], good.clone()).await.assert_allowed(name, "authenticated");
        }
        let peak = self.binary.peak();
        drop(attack);
        peak
    }
}

#[tokio::test]
async fn memory_is_bounded_under_every_attack() {
    let house = House::open(|_| {}).await;
    let steady = house.binary.resident();
    let most = 2 * steady + MESSAGES;
    let mut found = Vec::new();
    for (name, flood) in attacks::all(&frame_of(&house.good())) {
        let most = most + flood.budget;
        let peak = house.stands(name, flood).await;
        found.push(format!("{name}: {} MB", peak >> 20));
        assert!(peak < most, "from {} to {} MB: {found:#?}", steady >> 20, peak >> 20);
        house.binary.check(&house.good()).await.assert_allowed("after", "authenticated");
    }
    println!("at rest {} MB; {found:#?}", steady >> 20);
    // The memory is given back while the service continues: the allocator of a thread does that in
    // the course of its work, after some thousand checks. Connections are dealt to both in turn.
    let good = frame_of(&house.good());
    let threads = [Wire::connect(house.binary.grpc).await, Wire::connect(house.binary.grpc).await];
    eventually("memory to go back", async || {
        for _ in 0..50 {
            for thread in &threads {
                thread.check(&[], good.clone()).await.assert_allowed("after", "authenticated");
            }
        }
        (house.binary.resident() < steady + MESSAGES / 2).then_some(())
    })
    .await;
    let refused =
        house.binary.metric("rownd_authz_calls_refused_total", &[("reason", "too_large")]).await;
    assert!(refused > 0.0, "what was too large is counted");
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_answers_is_ended() {
    let house = House::open(|_| {}).await;
    let good = frame_of(&house.good());
    let mut flood = Flood::on(PATH, 10, good);
    (flood.ends, flood.zero_window) = (true, true);
    let attack = flood.start(house.binary.grpc);
    eventually("its end", async || {
        let labels = [("result", "unread")];
        (house.binary.metric("rownd_authz_connections_total", &labels).await > 0.0).then_some(())
    })
    .await;
    drop(attack);
    house.binary.check(&house.good()).await.assert_allowed("after", "authenticated");
}

#[tokio::test]
async fn calls_beyond_the_cap_are_denied_and_the_honest_find_room() {
    let house = House::open(|c| {
        c["listeners"]["grpc"]["max_streams"] = json!(64);
        c["listeners"]["grpc"]["max_concurrent_streams"] = json!(64);
    })
    .await;
    let never = Flood { connections: 8, ..Flood::on(PATH, 60, Bytes::new()) };
    house.stands("never-ending checks", never).await;
    let refused = [("kind", "check"), ("reason", "streams")];
    let count = house.binary.metric("rownd_authz_calls_refused_total", &refused).await;
    assert!(count > 0.0, "the flood met the cap");
    let overloaded =
        house.binary.metric("rownd_authz_checks_total", &[("reason", "overloaded")]).await;
    assert!(overloaded >= count, "each was a denial: {count} of {overloaded}");
    // Health and its relatives have places of their own.
    let watches = Flood { connections: 8, ends: true, ..Flood::on(WATCH, 60, frame(b"")) };
    house.stands("watches", watches).await;
    let health = Flood { connections: 8, ..Flood::on(HEALTH, 60, Bytes::new()) };
    house.stands("never-ending questions", health).await;
}

#[tokio::test]
async fn calls_that_are_reset_at_once_take_nobodys_place() {
    let house = House::open(|c| c["check"]["max_in_flight"] = json!(64)).await;
    let resets = Flood { resets: true, connections: 4, ..Flood::on(PATH, 20_000, Bytes::new()) };
    house.stands("a burst of resets", resets).await;
    let cancelled =
        house.binary.metric("rownd_authz_checks_total", &[("reason", "cancelled")]).await;
    assert!(cancelled >= 1_000.0, "the burst was real: {cancelled}");
}

/// Claims that take the most memory for their length, in tokens as large as a configuration can
/// allow: small values, and objects of one member.
#[tokio::test]
async fn the_largest_tokens_take_little_more_than_their_bytes() {
    let house = House::open(|c| c["check"]["max_token_bytes"] = json!(65_536)).await;
    let steady = house.binary.resident();
    let most = 2 * steady + MESSAGES;
    let stranger = json!({ "alg": "EdDSA", "kid": "sig-stranger" }).to_string();
    let known = house.key.header().to_string();
    let dense = |header: &str, item: &str| {
        let claims = Claims::of(&house.issuer.url()).json().to_string();
        let items = vec![item; 48_000 / (item.len() + 1)].join(",");
        let token = house.key.sign(header, claims.replacen('{', &format!("{{\"x\":[{items}],"), 1));
        assert!(token.len() < 65_536, "{}", token.len());
        token
    };
    let forged = |token: String| {
        let (signed, _) = token.rsplit_once('.').unwrap();
        format!("{signed}.{}", "A".repeat(86))
    };
    // From here on a check that needs an unknown key waits.
    house.issuer.set(KEYS, Reply::Hang);
    let mut found = Vec::new();
    for (name, token) in [
        ("numbers that wait for a key", dense(&stranger, "1")),
        ("objects that wait for a key", dense(&stranger, "{\"a\":1}")),
        ("forged numbers", forged(dense(&known, "1"))),
        ("forged objects", forged(dense(&known, "{\"a\":1}"))),
    ] {
        let check = frame_of(&Ask::with_token(token));
        let flood = Flood { heeds_windows: true, connections: 10, ..Flood::on(PATH, 60, check) };
        let peak = house.stands(name, flood).await;
        found.push(format!("{name}: {} MB", peak >> 20));
        assert!(peak < most, "from {} to {} MB: {found:#?}", steady >> 20, peak >> 20);
    }
    println!("at rest {} MB; {found:#?}", steady >> 20);
    let labels = [("reason", "signature_invalid")];
    let refused = house.binary.metric("rownd_authz_checks_total", &labels).await;
    assert!(refused > 0.0, "the forged ones were judged");
    // Those that wait end with their connection, or where there is no place for more of them.
    eventually("the others to have waited", async || {
        let mut ended = 0.0;
        for reason in ["cancelled", "key_pending"] {
            ended += house.binary.metric("rownd_authz_checks_total", &[("reason", reason)]).await;
        }
        (ended > 50.0).then_some(())
    })
    .await;
}
