//! The store is taken away, slowed, emptied and filled: checks go on from memory, replicas say that
//! they are degraded, and nothing that was acknowledged is lost.

use std::time::{Duration, Instant};

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{Fleet, Replica, section};
use crate::support::{
    eventually,
    redis::{Kind, Passage, RedisServer, Way},
};

/// Two replicas, the second by a way that can be cut.
struct Two {
    server: RedisServer,
    way: Way,
    fleet: Fleet,
    a: Replica,
    b: Replica,
}

impl Two {
    async fn start(kind: Kind) -> Self {
        let server = RedisServer::start(kind).await;
        let way = Way::to(server.address).await;
        let fleet = Fleet::new();
        let a = fleet.ready("a", &section(&server.url())).await;
        let b = fleet.ready("b", &section(&way.url())).await;
        Self { server, way, fleet, a, b }
    }
}

async fn is_degraded(replica: &Replica, expected: bool) {
    eventually("readiness that says it", async || {
        let page = replica.app.page("/readyz").await;
        assert_eq!(page.status, 200, "it serves on: {}", page.body);
        (page.body.contains("degraded: the shared state does not answer") == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn checks_go_on_while_the_store_is_gone_and_say_so() {
    let Two { server, fleet, a, b, way: _way } = Two::start(Kind::Redis).await;
    let (known, late) = (fleet.token("known"), fleet.token("late"));
    a.order("/revoke", json!({ "jti": "known" })).await;
    b.denies_soon(&known).await;
    server.kill();
    for replica in [&a, &b] {
        is_degraded(replica, true).await;
        assert_eq!(replica.app.metric("rownd_authz_shared_up", &[]), 0.0);
        assert!(replica.denies(&known).await, "from memory");
        assert!(!replica.denies(&late).await);
    }
    let (status, answer) = a.command("/revoke", json!({ "jti": "late" })).await;
    assert_eq!((status, &answer["error"]), (503, &json!("not_shared")), "{answer}");
    assert!(a.denies(&late).await, "obeyed here all the same");
    let (status, answer) = a.command("/unrevoke", json!({ "jti": "known" })).await;
    assert_eq!((status, &answer["error"]), (503, &json!("not_shared")), "{answer}");
    assert!(a.denies(&known).await, "not taken back by one alone");
    // It comes back empty: both commands are put into it again.
    server.restart().await;
    b.denies_soon(&late).await;
    for replica in [&a, &b] {
        is_degraded(replica, false).await;
        assert!(replica.denies(&known).await);
    }
    let c = fleet.ready("c", &section(&server.url())).await;
    assert!(c.denies(&known).await && c.denies(&late).await, "a new replica has both");
}

#[tokio::test]
async fn a_store_that_lost_its_state_gets_it_again() {
    for (name, lose) in [
        ("all of it", &["FLUSHALL"][..]),
        ("the records", &["DEL", "{rownd-authz}:set:records"]),
        ("the changes", &["DEL", "{rownd-authz}:set:changes"]),
        ("what is known about them", &["DEL", "{rownd-authz}:set:about"]),
    ] {
        let server = RedisServer::start(Kind::Valkey).await;
        let fleet = Fleet::new();
        let shared = section(&server.url());
        let (a, b) = (fleet.ready("a", &shared).await, fleet.ready("b", &shared).await);
        a.order("/revoke", json!({ "jti": "one" })).await;
        b.order("/revoke", json!({ "jti": "two" })).await;
        b.order("/unrevoke", json!({ "jti": "two" })).await;
        let _: redis::Value = server.tell(lose);
        eventually("the set filled again", async || {
            let count: usize = server.tell(&["HLEN", "{rownd-authz}:set:records"]);
            (count == 2).then_some(())
        })
        .await;
        let c = fleet.ready("c", &shared).await;
        assert!(c.denies(&fleet.token("one")).await, "{name}");
        assert!(!c.denies(&fleet.token("two")).await, "{name}: taken back stays taken back");
    }
}

/// A replica that cannot hear is not counted; it catches up by itself.
#[tokio::test]
async fn a_replica_behind_a_dead_way_is_not_counted_and_catches_up() {
    for passage in [Passage::Silent, Passage::Deaf, Passage::Cut] {
        let Two { way, fleet, a, b, server: _server } = Two::start(Kind::Redis).await;
        let (before, meanwhile) = (fleet.token("before"), fleet.token("meanwhile"));
        b.order("/revoke", json!({ "jti": "before" })).await;
        way.set(passage);
        b.is_connected(false).await;
        let answer = a.order("/revoke", json!({ "jti": "meanwhile" })).await;
        assert!(answer["replicas"]["have"].as_u64() >= Some(1), "{passage:?}: {answer}");
        assert_ne!(answer["replicas"]["have"], 2, "{passage:?}: {answer}");
        let began = Instant::now();
        assert!(b.denies(&before).await && !b.denies(&meanwhile).await, "{passage:?}");
        assert!(began.elapsed() < Duration::from_secs(2), "no check waits for the store");
        let (status, _) = b.command("/revoke", json!({ "jti": "own" })).await;
        assert_eq!(status, 503, "{passage:?}");
        way.set(Passage::Open);
        b.denies_soon(&meanwhile).await;
        a.denies_soon(&fleet.token("own")).await;
    }
}

#[tokio::test]
async fn a_slow_way_is_slow_and_not_dead() {
    let Two { way, fleet, a, b, server: _server } = Two::start(Kind::Redis).await;
    way.set(Passage::Slow(Duration::from_millis(60)));
    let answer = a.order("/revoke", json!({ "jti": "slow" })).await;
    assert_eq!(answer["replicas"]["known"], 2, "{answer}");
    b.denies_soon(&fleet.token("slow")).await;
    is_degraded(&b, false).await;
}

/// One command that takes seconds holds up everything in the store, and no check.
#[tokio::test]
async fn no_check_waits_for_a_store_that_sleeps() {
    let Two { server, fleet, a, b, way: _way } = Two::start(Kind::Redis).await;
    a.order("/revoke", json!({ "jti": "known" })).await;
    let (known, other) = (fleet.token("known"), fleet.token("other"));
    b.denies_soon(&known).await;
    let mut connection = server.connection();
    let sleep = std::thread::spawn(move || {
        let slept: redis::RedisResult<()> =
            redis::cmd("DEBUG").arg("SLEEP").arg("4").query(&mut connection);
        slept.unwrap();
    });
    is_degraded(&b, true).await;
    let began = Instant::now();
    for _ in 0..50 {
        assert!(b.denies(&known).await && !b.denies(&other).await);
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(a.command("/revoke", json!({ "jti": "late" })).await.0, 503);
    sleep.join().unwrap();
    b.denies_soon(&fleet.token("late")).await;
    is_degraded(&b, false).await;
}

#[tokio::test]
async fn a_paused_store_is_an_outage_that_ends() {
    let Two { server, fleet, a, b, way: _way } = Two::start(Kind::Valkey).await;
    let () = server.tell(&["CLIENT", "PAUSE", "4000", "ALL"]);
    is_degraded(&a, true).await;
    assert_eq!(a.command("/revoke", json!({ "jti": "late" })).await.0, 503);
    b.denies_soon(&fleet.token("late")).await;
    is_degraded(&a, false).await;
}

#[tokio::test]
async fn a_full_store_refuses_the_command_and_checks_go_on() {
    let Two { server, fleet, a, b, way: _way } = Two::start(Kind::Redis).await;
    a.order("/revoke", json!({ "jti": "known" })).await;
    b.denies_soon(&fleet.token("known")).await;
    let () = server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    for replica in [&a, &b] {
        is_degraded(replica, true).await;
    }
    let (status, answer) = a.command("/revoke", json!({ "jti": "late" })).await;
    assert_eq!((status, &answer["error"]), (503, &json!("not_shared")), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("full"), "{answer}");
    assert!(b.denies(&fleet.token("known")).await);
    let () = server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    b.denies_soon(&fleet.token("late")).await;
    is_degraded(&a, false).await;
}

/// A store that takes every write and keeps none: nothing is acknowledged.
#[tokio::test]
async fn a_store_that_evicts_everything_is_an_outage_that_ends() {
    let Two { server, fleet, a, b, way: _way } = Two::start(Kind::Redis).await;
    a.order("/revoke", json!({ "jti": "known" })).await;
    let () = server.tell(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]);
    let () = server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    is_degraded(&a, true).await;
    let (status, answer) = a.command("/revoke", json!({ "jti": "late" })).await;
    assert_eq!((status, &answer["error"]), (503, &json!("not_shared")), "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("evicts keys"), "{answer}");
    assert!(b.denies(&fleet.token("known")).await);
    let () = server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    b.denies_soon(&fleet.token("late")).await;
    is_degraded(&a, false).await;
}

/// The clock of the store is two hours behind that of the replica, and may be put right.
#[tokio::test]
async fn a_record_ends_by_the_later_clock_of_store_and_replica() {
    let server = RedisServer::start(Kind::Redis).await;
    let scripts = [
        include_str!("../../../src/shared/redis/scripts/set.lua"),
        include_str!("../../../src/shared/redis/scripts/merge.lua"),
    ];
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    const HOUR: u64 = 3_600_000;
    for (id, replica, least) in [
        ("ahead", now + 2 * HOUR, now + 2 * HOUR),
        ("behind", now - 2 * HOUR, now),
        ("wild", u64::MAX / 2048, now),
    ] {
        let (script, replica) = (scripts.join("\n"), replica.to_string());
        let _: Vec<String> = server.tell(&[
            "EVAL",
            &script,
            "4",
            "{t}:records",
            "{t}:changes",
            "{t}:ends",
            "{t}:about",
            "set",
            "10",
            "{t}:changed",
            &replica,
            id,
            "0",
            "0",
            "60000",
            "0",
            "0",
        ]);
        let record: String = server.tell(&["HGET", "{t}:records", id]);
        let end: u64 = record.split(' ').nth(2).unwrap().parse().unwrap();
        assert!(end >= least + 60_000 && end < now + 31 * 24 * HOUR, "{id}: {record}");
    }
}

/// A store that became a copy takes no writes.
#[tokio::test]
async fn a_store_that_takes_no_writes_is_an_outage_that_ends() {
    let Two { server, fleet, a, b, way: _way } = Two::start(Kind::Redis).await;
    let () = server.tell(&["REPLICAOF", "127.0.0.1", "1"]);
    let (status, answer) = a.command("/revoke", json!({ "jti": "late" })).await;
    assert_eq!(status, 503, "{answer}");
    let () = server.tell(&["REPLICAOF", "NO", "ONE"]);
    b.denies_soon(&fleet.token("late")).await;
    let (status, answer) = a.command("/revoke", json!({ "jti": "late" })).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn a_start_without_the_store_waits_for_it_or_does_not_as_configured() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let mut shared = section(&server.url());
    let a = fleet.ready("a", &shared).await;
    a.order("/revoke", json!({ "jti": "known" })).await;
    server.kill();
    let refuses = fleet.start("refuses", &shared).await;
    shared["on_outage"] = json!("local");
    let goes_on = fleet.ready("local", &shared).await;
    is_degraded(&goes_on, true).await;
    refuses.is_connected(false).await;
    let page = refuses.app.page("/readyz").await;
    assert_eq!(page.status, 503, "{}", page.body);
    assert!(page.body.contains("shared: the revocations of the other replicas"), "{}", page.body);
    // A check that comes before that cannot be decided.
    let denied = eventually("the keys", async || {
        let answer = refuses.app.check(&fleet.token("known")).await;
        assert!(!answer.is_allowed());
        (answer.reason() != DenyReason::KeysUnavailable.code()).then_some(answer)
    })
    .await;
    denied.assert_denied("a list that was not read", DenyReason::RevocationsUnavailable);
    server.restart().await;
    refuses.app.is_ready().await;
    assert!(refuses.denies(&fleet.token("known")).await, "at the first check");
    goes_on.denies_soon(&fleet.token("known")).await;
}

/// Commands without end to a store that is gone: the list bounds what waits.
#[tokio::test]
async fn what_waits_for_the_store_is_bounded_by_the_list() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let mut settings = fleet.settings("a", &section(&server.url()));
    settings["revocation"] = json!({ "max_entries": 3 });
    let app = crate::support::TestApp::ready(&settings).await;
    let a = Replica { app, socket: fleet.files.path().join("a") };
    server.kill();
    a.is_connected(false).await;
    let mut last = (0, Value::Null);
    for index in 0..6 {
        last = a.command("/revoke", json!({ "jti": format!("t{index}") })).await;
    }
    assert_eq!(last.0, 507, "{last:?}");
    eventually("the count of what waits", async || {
        (a.app.metric("rownd_authz_shared_unsent_revocations", &[]) == 3.0).then_some(())
    })
    .await;
}
