//! Sentinels and a cluster: the server that takes the writes is lost, another takes its place, and the
//! replicas find it by themselves; the settings that lead to none say so.

use std::fs;

use serde_json::{Value, json};

use super::{Fleet, Replica, section, shared_in};
use crate::support::{
    certs::Authority,
    eventually,
    redis::{Kind, RedisServer},
    redis_sets::{Form, MASTER, RedisSet},
};

async fn is_degraded(replica: &Replica) {
    eventually("readiness that says it", async || {
        let page = replica.app.page("/readyz").await;
        assert_eq!(page.status, 200, "it serves on: {}", page.body);
        page.body.contains("degraded: the shared state does not answer").then_some(())
    })
    .await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_writer_is_lost() {
    for form in [Form::Sentinels, Form::Cluster] {
        let set = RedisSet::that_fails_over(form).await;
        let fleet = Fleet::new();
        let shared = shared_in(&set);
        let (a, b) = (fleet.ready("a", &shared).await, fleet.ready("b", &shared).await);
        let mut acknowledged = Vec::new();
        for index in 0..20 {
            let jti = format!("before-{index}");
            let answer = a.order("/revoke", json!({ "jti": jti })).await;
            assert_eq!(answer["replicas"], json!({ "have": 2, "known": 2 }), "{form:?}");
            acknowledged.push(jti);
        }
        let lost = set.writer();
        set.servers[lost].kill();
        for replica in [&a, &b] {
            is_degraded(replica).await;
        }
        for jti in &acknowledged {
            assert!(b.denies(&fleet.token(jti)).await, "{form:?}: from memory");
        }
        let other = fleet.token("another");
        assert!(!b.denies(&other).await, "{form:?}: checks go on");
        let (status, answer) = a.command("/revoke", json!({ "jti": "late" })).await;
        assert_eq!((status, &answer["error"]), (503, &json!("not_shared")), "{form:?}: {answer}");
        assert!(a.denies(&fleet.token("late")).await, "{form:?}: obeyed here all the same");
        // The copy is promoted, and found.
        for replica in [&a, &b] {
            replica.is_connected(true).await;
        }
        assert_ne!(set.writer(), lost, "{form:?}");
        b.denies_soon(&fleet.token("late")).await;
        let after = eventually("a command that is acknowledged", async || {
            let (status, answer) = b.command("/revoke", json!({ "jti": "after" })).await;
            (status == 200 && answer["replicas"]["have"] == 2).then_some(answer)
        })
        .await;
        assert_eq!(after["replicas"]["known"], 2, "{form:?}: {after}");
        acknowledged.extend(["late".to_owned(), "after".to_owned()]);
        // The lost server comes back as a copy, empty, and takes nothing away.
        set.servers[lost].restart().await;
        let c = fleet.ready("c", &shared).await;
        for (name, replica) in [("a", &a), ("b", &b), ("c", &c)] {
            for jti in &acknowledged {
                assert!(replica.denies(&fleet.token(jti)).await, "{form:?}: {jti} at {name}");
            }
            assert!(!replica.denies(&other).await, "{form:?}: {name}");
        }
    }
}

/// Two servers go on from one state, each with commands that the other lacks, and the same numbers:
/// the replicas leave the one that the Sentinel does not name any more, and miss nothing.
#[tokio::test]
async fn a_master_that_still_answers_is_left_when_its_sentinel_names_another() {
    let set = RedisSet::start(Form::Sentinels).await;
    let fleet = Fleet::new();
    let shared = shared_in(&set);
    let (a, b) = (fleet.ready("a", &shared).await, fleet.ready("b", &shared).await);
    a.order("/revoke", json!({ "jti": "both" })).await;
    let old = set.server();
    let port = old.address.port().to_string();
    let new = RedisServer::with(Kind::Redis, &["--replicaof", "127.0.0.1", &port]).await;
    eventually("a copy of the set", async || {
        let count = new.try_tell::<usize>(&["HLEN", "{rownd-authz}:set:records"]);
        (count.ok() == Some(1)).then_some(())
    })
    .await;
    let () = new.tell(&["REPLICAOF", "NO", "ONE"]);
    // Both count it as their second change.
    a.order("/revoke", json!({ "jti": "old" })).await;
    let mut elsewhere = section(&new.url());
    elsewhere["on_outage"] = json!("local");
    let c = fleet.ready("c", &elsewhere).await;
    c.order("/revoke", json!({ "jti": "new" })).await;
    let sentinel = &set.sentinels[0];
    let () = sentinel.tell(&["SENTINEL", "REMOVE", MASTER]);
    let port = new.address.port().to_string();
    let () = sentinel.tell(&["SENTINEL", "MONITOR", MASTER, "127.0.0.1", &port, "1"]);
    for replica in [&a, &b] {
        replica.denies_soon(&fleet.token("new")).await;
        assert!(replica.denies(&fleet.token("both")).await);
        assert!(replica.denies(&fleet.token("old")).await);
    }
    c.denies_soon(&fleet.token("old")).await;
    let answer = a.order("/revoke", json!({ "jti": "last" })).await;
    assert_eq!(answer["replicas"]["known"], 3, "all are at one server: {answer}");
}

/// With the default settings of a cluster, the loss of any part stops all of it.
#[tokio::test]
async fn a_cluster_that_lost_another_part_is_an_outage_that_ends() {
    let set = RedisSet::start(Form::Cluster).await;
    let fleet = Fleet::new();
    let shared = shared_in(&set);
    let (a, b) = (fleet.ready("a", &shared).await, fleet.ready("b", &shared).await);
    a.order("/revoke", json!({ "jti": "known" })).await;
    let other = (set.writer() + 1) % set.servers.len();
    set.servers[other].kill();
    is_degraded(&b).await;
    assert!(b.denies(&fleet.token("known")).await, "from memory");
    let error = b.last_error().await;
    assert!(error.contains("cluster is down"), "{error}");
    assert_eq!(a.command("/revoke", json!({ "jti": "late" })).await.0, 503);
    set.servers[other].restart().await;
    b.denies_soon(&fleet.token("late")).await;
    b.is_connected(true).await;
}

/// One node or one Sentinel that answers is enough to find the others.
#[tokio::test]
async fn nodes_and_sentinels_that_are_lost_are_passed_over() {
    let set = RedisSet::that_fails_over(Form::Sentinels).await;
    let cluster = RedisSet::start(Form::Cluster).await;
    let gone = crate::support::free_port();
    let fleet = Fleet::new();
    let writer = cluster.server().url();
    let others = cluster.servers.iter().filter(|node| node.url() != writer);
    let one = others.map(RedisServer::url).next().unwrap();
    for (name, place) in [
        ("cluster", json!({ "cluster": { "nodes": [format!("redis://{gone}"), one] } })),
        (
            "sentinel",
            json!({ "sentinel": { "master": MASTER, "nodes": [
                format!("redis://{gone}"), set.sentinels[2].url(),
            ] } }),
        ),
    ] {
        let mut shared = place;
        shared["key"] = json!(super::KEY);
        let a = fleet.ready(name, &shared).await;
        let answer = a.order("/revoke", json!({ "jti": "stolen" })).await;
        assert_eq!(answer["replicas"]["have"], 1, "{name}: {answer}");
    }
}

#[tokio::test]
async fn a_place_that_leads_nowhere_says_what_to_write() {
    let sentinels = RedisSet::start(Form::Sentinels).await;
    let cluster = RedisSet::start(Form::Cluster).await;
    let other = &cluster.servers[(cluster.writer() + 1) % 3];
    let at = |place: Value| {
        let mut shared = place;
        shared["key"] = json!(super::KEY);
        shared
    };
    let fleet = Fleet::new();
    let nodes = [sentinels.sentinels[0].url()];
    let master = [sentinels.servers[0].url()];
    for (name, shared, said) in [
        ("a", section(&sentinels.sentinels[0].url()), "write `sentinel:"),
        ("b", section(&other.url()), "write `cluster:"),
        ("c", at(json!({ "sentinel": { "master": "other", "nodes": nodes } })), "No such master"),
        ("d", at(json!({ "sentinel": { "master": MASTER, "nodes": master } })), "a Sentinel"),
        ("e", at(json!({ "cluster": { "nodes": master } })), "no node of a cluster"),
        ("f", at(json!({ "cluster": { "nodes": nodes } })), "a Sentinel"),
    ] {
        let replica = fleet.start(name, &shared).await;
        replica.says(name, |error| error.contains(said)).await;
        assert_eq!(replica.app.page("/readyz").await.status, 503, "{name}");
    }
}

/// A master, its Sentinel and a cluster of one node, with TLS and users.
async fn guarded(authority: &Authority) -> (RedisServer, RedisServer, RedisServer) {
    let users = "--user authz on >pass-word ~* &* +@all --user default off";
    let users: Vec<&str> = users.split(' ').collect();
    let master = RedisServer::by_tls(authority, &users).await;
    let lines = format!(
        "sentinel monitor {MASTER} 127.0.0.1 {} 1\n\
         sentinel auth-user {MASTER} authz\n\
         sentinel auth-pass {MASTER} pass-word\n\
         user watcher on >watch-word ~* &* +@all\n",
        master.address.port()
    );
    let sentinel = RedisServer::sentinel(&lines, Some(authority)).await;
    let bus = crate::support::free_port().port().to_string();
    let in_cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--tls-cluster", "yes"];
    let node = RedisServer::by_tls(authority, &in_cluster).await;
    let () = node.tell(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let () = node.tell(&["ACL", "SETUSER", "authz", "on", ">pass-word", "~*", "&*", "+@all"]);
    (master, sentinel, node)
}

/// TLS and users to Sentinels, to the master that they name, and to a cluster.
#[tokio::test]
async fn tls_and_users_reach_every_server_of_a_set() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (_master, sentinel, node) = guarded(&authority).await;
    let fleet = Fleet::new();
    let file = |name: &str, text: &str| {
        let path = fleet.files.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let ca = file("ca.pem", &authority.pem());
    let at = |mut place: Value| {
        place["key"] = json!(super::KEY);
        place["username"] = json!("authz");
        place["password"] = json!("pass-word");
        place["tls"] = json!({ "ca_file": ca });
        place
    };
    let sentinels = |password: &str| {
        at(json!({ "sentinel": {
            "master": MASTER, "nodes": [sentinel.url()],
            "username": "watcher", "password": password,
        } }))
    };
    let cluster = at(json!({ "cluster": { "nodes": [node.url()] } }));
    for (name, shared) in [("sentinel", sentinels("watch-word")), ("cluster", cluster.clone())] {
        assert!(shared.to_string().contains("rediss://"), "{name}");
        let (first, second) = (format!("{name}-1"), format!("{name}-2"));
        let (a, b) = (fleet.ready(&first, &shared).await, fleet.ready(&second, &shared).await);
        let answer = a.order("/revoke", json!({ "jti": name })).await;
        assert_eq!(answer["replicas"]["have"], 2, "{name}: {answer}");
        assert!(b.denies(&fleet.token(name)).await, "{name}");
    }
    let mut untrusted = cluster;
    untrusted["tls"]["ca_file"] = json!(file("other.pem", &stranger.pem()));
    let mut other_word = sentinels("watch-word");
    other_word["password"] = json!("other-word");
    for (name, shared, said) in [
        ("a stranger's certificate", untrusted, "certificate"),
        ("another password at the master", other_word, "WRONGPASS"),
        ("another password at the Sentinel", sentinels("other-word"), "a Sentinel"),
    ] {
        let replica = fleet.start(&name.replace(' ', "-"), &shared).await;
        let fits =
            |error: &str| error.contains(said) || error.to_lowercase().contains("authentication");
        replica.says(name, fits).await;
        assert!(!replica.status().await.to_string().contains("other-word"), "{name}");
    }
}
