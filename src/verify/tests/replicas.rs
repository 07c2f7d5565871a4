//! Lists of several replicas over one store in memory: what each has after commands, absences and
//! commands that contradict.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::NOW;
use crate::{
    config::{Revocation as Settings, Span},
    health::Readiness,
    metrics::{Labels, Metrics},
    model::{AuthLevel, IdentityFacts},
    shared::{MemoryStore, SharedHealth, SharedStore, fakes::Gone},
    verify::revocation::{
        MemoryRevocations, RevocationList as _, RevocationReplica, RevocationSync, RevokedSubject,
        RevokingIssuer, Spread,
    },
};

const ISSUERS: &[RevokingIssuer<'_>] =
    &[RevokingIssuer { iss: "one", takes_endless_tokens: false }];
const MINUTE: Duration = Duration::from_secs(60);

struct Replica {
    list: Arc<MemoryRevocations>,
    replica: Arc<RevocationReplica>,
    readiness: Readiness,
    _sync: JoinSet<()>,
}

#[expect(clippy::disallowed_methods, reason = "a replica ends with its test")]
fn running(sync: RevocationSync) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(sync.run());
    tasks
}

fn start(name: &str, store: &Arc<MemoryStore>, max_entries: usize) -> Replica {
    let mut labels = Labels::of_issuers(["one".to_owned()]);
    crate::verify::add_labels(&mut labels);
    crate::shared::add_labels(&mut labels);
    let metrics = Metrics::build(&labels).unwrap();
    let settings = Settings { max_entries, max_ttl: Span::from_secs(3600) };
    let list = MemoryRevocations::replicated(&settings, &metrics);
    let readiness = Readiness::new();
    let health = SharedHealth::new(&readiness, &metrics, name);
    let store: Arc<dyn SharedStore> = store.clone();
    let latch = Some(readiness.latch("revocations"));
    let (replica, sync) = RevocationReplica::new(name, &list, store, &health, latch);
    Replica { list, replica, readiness, _sync: running(sync) }
}

impl Replica {
    fn revoke(&self, subject: RevokedSubject<'_>) {
        let now = crate::verify::unix_time::unix_seconds(std::time::SystemTime::now());
        self.list.revoke(ISSUERS, subject, None, now).unwrap();
    }

    fn denies(&self, token: &str) -> bool {
        let who = IdentityFacts {
            token_id: Some(token.to_owned()),
            issued_at: Some(NOW),
            ..IdentityFacts::new("user".to_owned(), "one".into(), AuthLevel::Verified)
        };
        let now = crate::verify::unix_time::unix_seconds(std::time::SystemTime::now());
        self.list.hits("one", &who, now)
    }
}

/// Time is steered: this waits for every task that has something to do.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(10)).await;
}

#[tokio::test(start_paused = true)]
async fn every_replica_has_what_each_of_them_was_told() {
    let store = Arc::new(MemoryStore::new());
    let all = ["a", "b", "c"].map(|name| start(name, &store, 10));
    settle().await;
    assert!(all.iter().all(|replica| replica.readiness.is_ready()));
    for (index, replica) in all.iter().enumerate() {
        replica.revoke(RevokedSubject::Token(&format!("token-{index}")));
        let spread = replica.replica.share().await.unwrap();
        assert_eq!((spread.have, spread.known), (3, 3));
    }
    for replica in &all {
        for index in 0..3 {
            assert!(replica.denies(&format!("token-{index}")));
        }
        assert!(!replica.denies("other"));
        assert_eq!(replica.list.counts().tokens, 3);
    }
    let taken = all[2].replica.take_back(ISSUERS, RevokedSubject::Token("token-0")).await.unwrap();
    assert_eq!((taken.0, taken.1.have), (1, 3));
    assert!(all.iter().all(|replica| !replica.denies("token-0") && replica.denies("token-1")));
}

/// The end of a process waits for this.
#[tokio::test(start_paused = true)]
async fn at_the_end_what_the_store_lacks_is_sent_or_counted() {
    let revoked = |list: &MemoryRevocations| {
        let now = crate::verify::unix_time::unix_seconds(std::time::SystemTime::now());
        list.revoke(ISSUERS, RevokedSubject::Token("token"), None, now).unwrap();
    };
    for (store, left) in [
        (Arc::new(MemoryStore::new()) as Arc<dyn SharedStore>, 0),
        (Arc::new(Gone { mark: None }), 1),
    ] {
        let settings = Settings { max_entries: 10, max_ttl: Span::from_secs(3600) };
        let metrics = Metrics::build(&Labels::default()).unwrap();
        let list = MemoryRevocations::replicated(&settings, &metrics);
        let health = SharedHealth::new(&Readiness::new(), &metrics, "a");
        let (replica, _) = RevocationReplica::new("a", &list, store, &health, None);
        let (began, time) = (tokio::time::Instant::now(), Duration::from_secs(2));
        assert_eq!(replica.send_rest(began + time).await, 0, "there is nothing to send");
        revoked(&list);
        assert_eq!(replica.send_rest(began + time).await, left);
        assert_eq!(began.elapsed(), if left > 0 { time } else { Duration::ZERO });
    }
}

/// Calls such as `SignOutUser` revoke and do not wait for the other replicas.
#[tokio::test(start_paused = true)]
async fn a_revocation_that_nobody_waits_for_is_sent_at_once() {
    let store = Arc::new(MemoryStore::new());
    let (a, b) = (start("a", &store, 10), start("b", &store, 10));
    settle().await;
    a.revoke(RevokedSubject::Token("token"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(b.denies("token"));
}

#[tokio::test(start_paused = true)]
async fn a_user_is_revoked_by_the_latest_time_of_all_commands() {
    let store = Arc::new(MemoryStore::new());
    let (a, b) = (start("a", &store, 10), start("b", &store, 10));
    settle().await;
    for (replica, not_before) in [(&a, NOW + 5), (&b, NOW - 5)] {
        replica.revoke(RevokedSubject::User { id: "user", not_before });
        replica.replica.share().await.unwrap();
    }
    assert!(a.denies("any") && b.denies("any"), "the token is older than the later time");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_comes_later_is_not_ready_before_it_has_all() {
    let store = Arc::new(MemoryStore::new());
    let a = start("a", &store, 5000);
    settle().await;
    for index in 0..1200 {
        a.revoke(RevokedSubject::Token(&format!("token-{index}")));
    }
    a.replica.share().await.unwrap();
    let b = start("b", &store, 5000);
    assert!(!b.readiness.is_ready());
    settle().await;
    assert!(b.readiness.is_ready());
    assert_eq!(b.list.counts().tokens, 1200);
}

#[tokio::test(start_paused = true)]
async fn an_empty_store_is_filled_and_what_was_taken_back_stays_so() {
    let (first, second) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    let a = start("a", &first, 10);
    settle().await;
    a.revoke(RevokedSubject::Token("kept"));
    a.revoke(RevokedSubject::Token("taken back"));
    a.replica.share().await.unwrap();
    a.replica.take_back(ISSUERS, RevokedSubject::Token("taken back")).await.unwrap();
    settle().await;
    // The same list before another store, which knows the first command only.
    let metrics = Metrics::build(&Labels::default()).unwrap();
    let health = SharedHealth::new(&a.readiness, &metrics, "a");
    let moved: Arc<dyn SharedStore> = second.clone();
    let (_replica, sync) = RevocationReplica::new("a", &a.list, moved, &health, None);
    let b = start("b", &second, 10);
    settle().await;
    b.revoke(RevokedSubject::Token("of b"));
    b.replica.share().await.unwrap();
    let _tasks = running(sync);
    settle().await;
    assert!(b.denies("kept") && !b.denies("taken back"), "filled by the other replica");
    assert!(a.denies("of b"));
}

#[tokio::test(start_paused = true)]
async fn a_full_list_leaves_out_and_takes_in_when_there_is_room() {
    let store = Arc::new(MemoryStore::new());
    let (large, small) = (start("large", &store, 10), start("small", &store, 2));
    settle().await;
    for token in ["one", "two", "three"] {
        large.revoke(RevokedSubject::Token(token));
    }
    large.replica.share().await.unwrap();
    settle().await;
    assert_eq!(small.list.counts().tokens, 2, "bounded");
    assert_eq!(small.readiness.degraded_by().len(), 1, "and it says so");
    let of_two = |have| Spread { have, known: 2 };
    assert_eq!(large.replica.share().await.unwrap(), of_two(1), "nor does it count");
    let held: Vec<&str> = ["one", "two", "three"].into_iter().filter(|t| small.denies(t)).collect();
    large.replica.take_back(ISSUERS, RevokedSubject::Token(held[0])).await.unwrap();
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(small.list.counts().tokens, 2, "the one that was left out");
    assert_eq!(small.readiness.degraded_by(), [""; 0]);
    assert_eq!(large.replica.share().await.unwrap(), of_two(2));
}
