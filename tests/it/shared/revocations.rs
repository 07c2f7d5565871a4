//! Revocations of several replicas: a command to one is obeyed by all.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Fleet, section, shared_in, user};
use crate::support::{
    Ask, Claims,
    binary::Binary,
    control, eventually,
    forge::now,
    redis::{Kind, RedisServer},
    redis_sets::{FORMS, RedisSet},
};

#[tokio::test]
async fn a_command_to_one_replica_is_obeyed_by_all_when_it_is_acknowledged() {
    for form in FORMS {
        let set = RedisSet::start(form).await;
        let fleet = Fleet::new();
        let shared = shared_in(&set);
        let mut replicas = Vec::new();
        for name in ["a", "b", "c"] {
            replicas.push(fleet.ready(name, &shared).await);
        }
        let token = fleet.token("stolen");
        let session =
            Ask::with_token(fleet.key.token(&Claims::of(&fleet.issuer.url()).with("jti", "other")));
        for replica in &replicas {
            assert!(!replica.denies(&token).await, "before");
        }
        let began = Instant::now();
        let answer = replicas[0].order("/revoke", json!({ "jti": "stolen" })).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(answer["replicas"], json!({ "have": 3, "known": 3 }), "{form:?}");
        for replica in &replicas {
            assert!(replica.denies(&token).await, "{form:?}: at the very next check");
            assert!(!replica.denies(&session).await, "another token");
        }
        // Any replica takes it back.
        let answer = replicas[2].order("/unrevoke", json!({ "jti": "stolen" })).await;
        assert_eq!(answer, json!({ "taken_back": 1, "replicas": { "have": 3, "known": 3 } }));
        for replica in &replicas {
            assert!(!replica.denies(&token).await, "taken back");
        }
        // And it can be given again.
        replicas[1].order("/revoke", json!({ "jti": "stolen" })).await;
        assert!(replicas[0].denies(&token).await, "again");
    }
}

#[tokio::test]
async fn a_user_is_signed_out_everywhere_and_may_come_back() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let (a, b) = (
        fleet.ready("a", &section(&server.url())).await,
        fleet.ready("b", &section(&server.url())).await,
    );
    let issued = |iat: i64| {
        Ask::with_token(fleet.key.token(&Claims::of(&fleet.issuer.url()).with("iat", iat)))
    };
    let (before, after) = (issued(now() - 10), issued(now() + 2));
    a.order("/revoke", user()).await;
    assert!(b.denies(&before).await);
    assert!(!b.denies(&after).await, "signed in again");
    // A later command never shortens what another replica said.
    let earlier = json!({ "user_id": crate::support::forge::USER, "not_before": 1000 });
    b.order("/revoke", earlier).await;
    assert!(a.denies(&before).await && b.denies(&before).await);
}

/// A replica that comes later has everything before it is ready.
#[tokio::test]
async fn a_replica_that_was_away_knows_everything_before_it_is_ready() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let shared = section(&server.url());
    let a = fleet.ready("a", &shared).await;
    for index in 0..1500 {
        // Enough for more than one page of changes; only the last one waits for an answer.
        let jti = format!("stolen-{index}");
        if index % 100 == 0 || index == 1499 {
            a.order("/revoke", json!({ "jti": jti })).await;
        }
    }
    let tokens = [fleet.token("stolen-0"), fleet.token("stolen-1499")];
    let b = fleet.ready("b", &shared).await;
    for token in &tokens {
        assert!(b.denies(token).await, "at the first check");
    }
    let kept = b.status().await;
    assert_eq!(kept["shared"]["connected"], true, "{kept}");
}

#[tokio::test]
async fn an_entry_has_its_end_on_every_replica_and_a_minute_for_the_clocks() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let (a, b) = (
        fleet.ready("a", &section(&server.url())).await,
        fleet.ready("b", &section(&server.url())).await,
    );
    a.order("/revoke", json!({ "jti": "short", "ttl": "1s" })).await;
    assert!(b.denies(&fleet.token("short")).await, "it is kept for a minute more, for clocks");
    let entries = control::command(&b.socket, "GET", "/revocations", "").await.1;
    assert_eq!(entries["tokens"], 1, "{entries}");
}

/// The entry of a list that is full is left out, and said.
#[tokio::test]
async fn a_list_that_is_full_says_what_it_leaves_out() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let shared = section(&server.url());
    let large = fleet.ready("large", &shared).await;
    let mut settings = fleet.settings("small", &shared);
    settings["revocation"] = json!({ "max_entries": 2 });
    let small = crate::support::TestApp::ready(&settings).await;
    for jti in ["one", "two", "three"] {
        large.order("/revoke", json!({ "jti": jti })).await;
    }
    eventually("the degradation", async || {
        small.page("/readyz").await.body.contains("list of revocations is full").then_some(())
    })
    .await;
    assert_eq!(small.metric("rownd_authz_shared_left_out_revocations", &[]), 1.0);
    assert_eq!(small.metric("rownd_authz_revocations", &[]), 2.0, "bounded");
    assert_eq!(small.page("/readyz").await.status, 200, "it serves on");
}

/// Two real processes: one is killed in the middle, and nothing that it acknowledged is lost.
#[tokio::test]
async fn nothing_that_a_killed_replica_acknowledged_is_lost() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let shared = section(&server.url());
    let settings = fleet.settings("a.sock", &shared);
    let a = Binary::start(&settings).await;
    a.is_ready().await;
    let b = fleet.ready("b", &shared).await;
    let socket = fleet.files.path().join("a.sock");
    let mut acknowledged = Vec::new();
    for index in 0..40 {
        let jti = format!("stolen-{index}");
        let (status, answer) =
            control::command(&socket, "POST", "/revoke", &json!({ "jti": jti }).to_string()).await;
        assert_eq!(status, 200, "{answer}");
        acknowledged.push(jti);
    }
    a.signal("KILL");
    for jti in &acknowledged {
        assert!(b.denies(&fleet.token(jti)).await, "{jti}");
    }
}
