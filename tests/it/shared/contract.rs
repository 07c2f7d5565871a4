//! One suite for every store: what a caller may rely on, whichever it is.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use rownd_authz::{
    app, config,
    metrics::Metrics,
    shared::{MemoryStore, Position, RedisListener, RedisStore, SetRecord, SharedStore},
};
use serde_json::{Value, json};

use super::{section, shared_in};
use crate::support::{
    eventually,
    redis::{Kind, RedisServer},
    redis_sets::{FORMS, RedisSet},
};

const LONG: Duration = Duration::from_secs(60);

fn store_at(url: &str, prefix: &str) -> Arc<RedisStore> {
    build(section(url), prefix).0
}

fn build(shared: Value, prefix: &str) -> (Arc<RedisStore>, RedisListener) {
    let mut settings = json!({});
    settings["shared"] = shared;
    settings["shared"]["prefix"] = json!(prefix);
    settings["issuers"] = json!([{ "name": "a", "kind": "rownd", "apps": [{ "id": "app" }] }]);
    let settings = config::parse("t", &settings.to_string(), &Default::default()).unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let metrics = Metrics::build(&app::labels([])).unwrap();
    RedisStore::build(&settings.shared.unwrap(), &metrics).unwrap()
}

/// Runs the suite against each store, empty.
async fn with_each(suite: impl AsyncFn(&str, Arc<dyn SharedStore>)) {
    suite("memory", Arc::new(MemoryStore::new())).await;
    for form in FORMS {
        let set = RedisSet::for_prefix(form, "test").await;
        let (store, listener) = build(shared_in(&set), "test");
        let listening = tokio::spawn(listener.run());
        suite(&format!("{form:?}"), store).await;
        listening.abort();
    }
}

#[tokio::test]
async fn a_value_is_put_once_and_ends_by_itself() {
    with_each(async |name, store| {
        let odd = "a key:with {odd} \u{e9} characters";
        for key in ["k", odd] {
            let put = store.put_if_absent(key, b"one\0\xff", LONG).await.unwrap();
            assert_eq!(put, None, "{name}");
            let held = store.put_if_absent(key, b"two", LONG).await.unwrap().expect(name);
            assert_eq!(held.value, b"one\0\xff", "{name}");
            assert!(held.left <= LONG && held.left > LONG / 2, "{name}: {held:?}");
            assert_eq!(store.get(key).await.unwrap().expect(name).value, b"one\0\xff", "{name}");
        }
        assert_eq!(store.get("other").await.unwrap(), None, "{name}");
        let short = Duration::from_millis(30);
        store.put_if_absent("short", b"x", short).await.unwrap();
        eventually("the end of a value", async || {
            store.get("short").await.unwrap().is_none().then_some(())
        })
        .await;
        assert_eq!(store.put_if_absent("short", b"y", LONG).await.unwrap(), None, "{name}");
    })
    .await;
}

#[tokio::test]
async fn a_value_is_changed_only_by_who_knows_it() {
    with_each(async |name, store| {
        store.put_if_absent("k", b"one", LONG).await.unwrap();
        assert!(!store.replace("k", b"two", b"three", LONG).await.unwrap(), "{name}");
        assert!(!store.replace("absent", b"", b"three", LONG).await.unwrap(), "{name}");
        assert!(store.replace("k", b"one", b"two", LONG).await.unwrap(), "{name}");
        assert!(!store.remove("k", b"one").await.unwrap(), "{name}");
        assert_eq!(store.get("k").await.unwrap().expect(name).value, b"two");
        assert!(store.remove("k", b"two").await.unwrap(), "{name}");
        assert_eq!(store.get("k").await.unwrap(), None, "{name}");
    })
    .await;
}

#[tokio::test]
async fn of_a_thousand_one_wins() {
    with_each(async |name, store| {
        let claim = |index: usize| {
            let store = store.clone();
            async move { store.put_if_absent("k", format!("{index}").as_bytes(), LONG).await.unwrap() }
        };
        let answers = join_all((0..1000).map(claim)).await;
        let winners = answers.iter().filter(|held| held.is_none()).count();
        assert_eq!(winners, 1, "{name}");
        let value = store.get("k").await.unwrap().expect(name).value;
        assert!(answers.iter().flatten().all(|held| held.value == value), "{name}");
    })
    .await;
}

#[tokio::test]
async fn a_counter_counts_and_begins_again() {
    with_each(async |name, store| {
        for expected in 1..=3 {
            assert_eq!(store.count("a", LONG).await.unwrap(), expected, "{name}");
        }
        assert_eq!(store.count("b", LONG).await.unwrap(), 1, "{name}");
        assert_eq!(store.get("a").await.unwrap(), None, "{name}: no value of this name");
        let short = Duration::from_millis(50);
        store.count("short", short).await.unwrap();
        eventually("a new window", async || {
            (store.count("short", short).await.unwrap() == 1).then_some(())
        })
        .await;
    })
    .await;
}

const fn record(id: u8) -> SetRecord {
    SetRecord { id: [id; 32], kind: 2, value: 0, left: Some(LONG), stamp: 0, removed: false }
}

/// The record of this id as the store has it, without its stamp.
async fn known(store: &dyn SharedStore, id: u8) -> SetRecord {
    let mut at = Position::default();
    loop {
        let changes = store.changes(&at, &at, "reader").await.unwrap();
        if let Some(found) = changes.records.iter().find(|record| record.id == [id; 32]) {
            return *found;
        }
        assert!(!changes.records.is_empty(), "no record {id}");
        at = changes.position;
    }
}

#[tokio::test]
async fn two_records_make_the_one_that_denies_more_and_later() {
    with_each(async |name, store| {
        let day = Some(Duration::from_secs(86_400));
        store.merge(&[SetRecord { value: 7, ..record(1) }]).await.unwrap();
        store.merge(&[SetRecord { value: 5, left: day, ..record(1) }]).await.unwrap();
        let both = known(&*store, 1).await;
        assert_eq!((both.value, both.kind, both.removed), (7, 2, false), "{name}");
        assert!(both.left.unwrap() > LONG * 2, "{name}: {both:?}");
        store.merge(&[SetRecord { left: None, ..record(1) }]).await.unwrap();
        store.merge(&[record(1)]).await.unwrap();
        assert_eq!(known(&*store, 1).await.left, None, "{name}: no end stays no end");
        let stamp = known(&*store, 1).await.stamp;
        assert!(stamp > both.stamp, "{name}: a command has a later stamp");
    })
    .await;
}

#[tokio::test]
async fn of_a_command_and_its_taking_back_the_later_counts_in_any_order() {
    with_each(async |name, store| {
        let at = |stamp, removed| SetRecord { stamp, removed, ..record(1) };
        for (id, first, second, removed) in [
            (1, at(10, false), at(20, true), true),
            (2, at(20, true), at(10, false), true),
            (3, at(10, true), at(20, false), false),
            (4, at(20, false), at(10, true), false),
            (5, at(10, true), at(10, false), false),
            (6, at(10, false), at(10, true), false),
        ] {
            for record in [first, second, first] {
                store.merge(&[SetRecord { id: [id; 32], ..record }]).await.unwrap();
            }
            assert_eq!(known(&*store, id).await.removed, removed, "{name}: case {id}");
        }
        // A command without a stamp is later than all that is known.
        store.merge(&[SetRecord { id: [1; 32], ..record(1) }]).await.unwrap();
        assert!(!known(&*store, 1).await.removed, "{name}");
    })
    .await;
}

#[tokio::test]
async fn changes_come_once_each_and_in_pages() {
    with_each(async |name, store| {
        let many: Vec<SetRecord> = (0..2500_u32)
            .map(|index| {
                let mut id = [0; 32];
                id[..4].copy_from_slice(&index.to_be_bytes());
                SetRecord { id, ..record(0) }
            })
            .collect();
        let mut end = Position::default();
        for some in many.chunks(500) {
            end = store.merge(some).await.unwrap();
        }
        let (mut at, mut ids, mut first) = (Position::default(), Vec::new(), true);
        loop {
            let changes = store.changes(&at, &at, "reader").await.unwrap();
            assert_eq!(changes.restarted, first, "{name}: only the first is of another set");
            if changes.records.is_empty() {
                assert_eq!(changes.position, end, "{name}");
                break;
            }
            ids.extend(changes.records.iter().map(|record| record.id));
            (at, first) = (changes.position, false);
        }
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!((ids.len(), distinct.len()), (2500, 2500), "{name}");
        // A record that is merged again unchanged is no change; a new one is.
        let stamped = known(&*store, 0).await;
        let same = store.merge(&[stamped]).await.unwrap();
        assert_eq!(same, end, "{name}");
        let more = store.merge(&[many[3]]).await.unwrap();
        assert!(more.has(&end) && !end.has(&more), "{name}");
        let changes = store.changes(&end, &end, "reader").await.unwrap();
        let changed: Vec<_> = changes.records.iter().map(|record| record.id).collect();
        assert_eq!(changed, [many[3].id], "{name}");
        // A position of another set, and one that this set has not reached.
        let other = Position { generation: "other".to_owned(), ..more.clone() };
        let ahead = Position { number: more.number + 9, ..more.clone() };
        for from in [other, ahead] {
            let changes = store.changes(&from, &from, "reader").await.unwrap();
            assert!(changes.restarted && !changes.records.is_empty(), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_store_knows_how_far_each_replica_is() {
    with_each(async |name, store| {
        let end = store.merge(&[record(1)]).await.unwrap();
        let start = Position::default();
        store.changes(&start, &start, "slow").await.unwrap();
        store.changes(&end, &end, "fast").await.unwrap();
        let mut all = store.replicas().await.unwrap();
        all.sort_by(|a, b| a.replica.cmp(&b.replica));
        let found: Vec<_> =
            all.iter().map(|one| (one.replica.as_str(), one.position.has(&end))).collect();
        assert_eq!(found, [("fast", true), ("slow", false)], "{name}");
        assert!(all.iter().all(|one| one.ago < LONG), "{name}");
    })
    .await;
}

#[tokio::test]
async fn a_merge_wakes_who_listens() {
    with_each(async |name, store| {
        let merged = async {
            loop {
                store.merge(&[record(1)]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let woken = async {
            if name != "memory" {
                // A new connection wakes as well.
                store.changed().await;
            }
            store.changed().await;
        };
        tokio::select! {
            () = merged => unreachable!(),
            () = woken => {}
        }
    })
    .await;
}

/// Only Redis keeps ended records for a while, so that a clock that is wrong for a moment ends none.
#[tokio::test]
async fn an_ended_record_is_swept_when_both_clocks_say_so() {
    let server = RedisServer::start(Kind::Redis).await;
    let store = store_at(&server.url(), "test");
    store.merge(&[record(1), record(2)]).await.unwrap();
    assert_eq!(store.sweep().await.unwrap(), 0, "none has ended");
    // The first ended long ago.
    let mut connection = server.connection();
    let mut end = redis::cmd("ZADD");
    end.arg("{test}:set:ends").arg("XX").arg(1).arg(&[1_u8; 32]);
    let () = end.query(&mut connection).unwrap();
    assert_eq!(store.sweep().await.unwrap(), 1);
    assert_eq!(store.sweep().await.unwrap(), 0);
    let at = Position::default();
    let left = store.changes(&at, &at, "reader").await.unwrap().records;
    assert_eq!(left.iter().map(|record| record.id).collect::<Vec<_>>(), [[2; 32]]);
}

#[tokio::test]
async fn two_deployments_in_one_redis_do_not_meet() {
    let server = RedisServer::start(Kind::Redis).await;
    let (one, two) = (store_at(&server.url(), "one"), store_at(&server.url(), "two"));
    one.put_if_absent("k", b"1", LONG).await.unwrap();
    one.merge(&[record(1)]).await.unwrap();
    one.count("k", LONG).await.unwrap();
    assert_eq!(two.get("k").await.unwrap(), None);
    assert_eq!(two.count("k", LONG).await.unwrap(), 1);
    let at = Position::default();
    assert!(two.changes(&at, &at, "r").await.unwrap().records.is_empty());
}
