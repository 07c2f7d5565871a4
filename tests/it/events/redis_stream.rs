//! A Redis Stream as a sink: what a group of readers gets, while Redis works, is killed, and refuses.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{anonymous, assert_fits, ids, wait_for};
use crate::{
    it::shared::shared_in,
    support::{
        Issuer, Key, TestApp,
        binary::run,
        config, eventually,
        redis::{Kind, RedisServer},
        redis_sets::{FORMS, Form, MASTER, RedisSet},
        until,
    },
};

const KEY: &str = "rownd-authz:events";

/// An entry of the stream: its fields.
type Entry = HashMap<String, String>;

struct House {
    key: Key,
    issuer: Issuer,
    files: TempDir,
}

impl House {
    fn new() -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        Self { key, issuer, files: TempDir::new().unwrap() }
    }

    /// Denials to the stream, with these settings of the sink beside its key, and to a file.
    fn settings(&self, sink: Value) -> Value {
        let mut settings = config(&self.issuer);
        let mut stream = sink;
        stream["key"] = json!(KEY);
        stream["directory"] = json!(self.files.path().join("q"));
        settings["events"] = json!({ "sinks": [
            { "name": "log", "types": ["check.denied"], "redis_stream": stream },
            { "name": "file", "types": ["check.denied"], "file": { "path": self.file() } },
        ] });
        settings
    }

    fn file(&self) -> std::path::PathBuf {
        self.files.path().join("events")
    }

    async fn told(&self, count: usize) -> HashSet<String> {
        ids(&wait_for(&self.file(), "check.denied", count).await)
    }
}

async fn deny(app: &TestApp, times: usize) {
    let (ask, reason) = anonymous();
    for _ in 0..times {
        app.check(&ask).await.assert_denied("no token", reason);
    }
}

/// All entries, each of which has three fields that agree.
fn entries(server: &RedisServer) -> Vec<Value> {
    let found: Vec<(String, Entry)> =
        server.try_tell(&["XRANGE", KEY, "-", "+"]).unwrap_or_default();
    found.iter().map(|(_, entry)| event_of(entry)).collect()
}

fn event_of(entry: &Entry) -> Value {
    assert_eq!(entry.len(), 3, "{entry:?}");
    let event: Value = serde_json::from_str(&entry["event"]).unwrap();
    assert_fits(&event);
    assert_eq!((&event["id"], &event["type"]), (&json!(entry["id"]), &json!(entry["type"])));
    event
}

fn arrived(server: &RedisServer) -> HashSet<String> {
    entries(server).iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_group_of_readers_gets_each_event_once() {
    let (server, house) = (RedisServer::start(Kind::Valkey).await, House::new());
    let () = server.tell(&["XGROUP", "CREATE", KEY, "readers", "0", "MKSTREAM"]);
    let app = TestApp::ready(&house.settings(json!({ "url": server.url() }))).await;
    deny(&app, 60).await;
    let expected = house.told(60).await;
    let (mut seen, mut turn) = (HashSet::new(), 0);
    until("all are read", || {
        turn += 1;
        let reader = if turn % 2 == 0 { "one" } else { "two" };
        type Batch = Option<Vec<(String, Vec<(String, Entry)>)>>;
        let words = ["XREADGROUP", "GROUP", "readers", reader, "COUNT", "7", "STREAMS", KEY, ">"];
        let batch: Batch = server.tell(&words);
        for (number, entry) in batch.into_iter().flatten().flat_map(|(_, entries)| entries) {
            let event = event_of(&entry);
            assert_eq!(event["type"], "io.rownd.auth.v1.check.denied");
            assert!(seen.insert(event["id"].as_str().unwrap().to_owned()), "twice: {event}");
            let taken: usize = server.tell(&["XACK", KEY, "readers", &number]);
            assert_eq!(taken, 1);
        }
        seen.len() >= 60
    })
    .await;
    assert_eq!(seen, expected);
    until("all are counted", || {
        app.metric("rownd_authz_events_sent_total", &[("sink", "log")]) == 60.0
    })
    .await;
    assert_eq!(app.metric("rownd_authz_events_waiting", &[("sink", "log")]), 0.0);
}

/// Redis keeps what it has taken on disk, is killed, and comes back.
#[tokio::test]
async fn every_id_arrives_although_redis_is_killed_in_the_middle() {
    let keeps = ["--appendonly", "yes", "--appendfsync", "always"];
    let (server, house) = (RedisServer::with(Kind::Redis, &keeps).await, House::new());
    let app = TestApp::ready(&house.settings(json!({ "url": server.url() }))).await;
    deny(&app, 300).await;
    until("some are there", || arrived(&server).len() >= 20).await;
    server.kill();
    deny(&app, 100).await;
    let expected = house.told(400).await;
    until("it is down", || {
        app.metric("rownd_authz_event_attempts_failed_total", &[("sink", "log")]) >= 1.0
    })
    .await;
    server.restart().await;
    until("all are there", || arrived(&server) == expected).await;
    until("none waits", || app.metric("rownd_authz_events_waiting", &[("sink", "log")]) == 0.0)
        .await;
    assert_eq!(app.metric("rownd_authz_events_dead_total", &[("sink", "log")]), 0.0);
}

/// The stream of the shared Redis; in a cluster its key is on another node than those of the state.
#[tokio::test]
async fn a_sink_without_a_place_uses_the_redis_of_the_shared_state() {
    for form in FORMS {
        let (set, house) = (RedisSet::start(form).await, House::new());
        let mut settings = house.settings(json!({}));
        settings["shared"] = shared_in(&set);
        let app = TestApp::ready(&settings).await;
        deny(&app, 10).await;
        let expected = house.told(10).await;
        until("all are there", || {
            let all: HashSet<String> = set.servers.iter().flat_map(arrived).collect();
            all == expected
        })
        .await;
    }
}

/// The master that its Sentinel has lost answers still, and what it takes is thrown away later.
#[tokio::test]
async fn a_master_that_still_answers_is_left_when_its_sentinel_names_another() {
    let (set, house) = (RedisSet::start(Form::Sentinels).await, House::new());
    let app = TestApp::ready(&house.settings(set.place())).await;
    deny(&app, 5).await;
    let old = set.server();
    until("all are there", || arrived(old).len() == 5).await;
    let new = RedisServer::start(Kind::Redis).await;
    let port = new.address.port().to_string();
    let () = set.sentinels[0].tell(&["SENTINEL", "REMOVE", MASTER]);
    let () = set.sentinels[0].tell(&["SENTINEL", "MONITOR", MASTER, "127.0.0.1", &port, "1"]);
    eventually("an event at the new master", async || {
        deny(&app, 1).await;
        (!arrived(&new).is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn checks_do_not_notice_a_redis_that_is_gone() {
    let (server, house) = (RedisServer::start(Kind::Redis).await, House::new());
    server.kill();
    let app = TestApp::ready(&house.settings(json!({ "url": server.url() }))).await;
    let began = Instant::now();
    deny(&app, 2_000).await;
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let of = |name: &str| app.metric(name, &[("sink", "log")]);
    until("each is kept or counted", || {
        of("rownd_authz_events_waiting") + of("rownd_authz_events_dropped_total") == 2_000.0
    })
    .await;
    assert_eq!(app.page("/readyz").await.status, 200);
}

#[tokio::test]
async fn the_stream_does_not_grow_without_end() {
    let (server, house) = (RedisServer::start(Kind::Redis).await, House::new());
    let sink = json!({ "url": server.url(), "max_length": 100 });
    let app = TestApp::ready(&house.settings(sink)).await;
    deny(&app, 1_000).await;
    until("all are sent", || {
        app.metric("rownd_authz_events_sent_total", &[("sink", "log")]) == 1_000.0
    })
    .await;
    // Redis removes whole parts of 100 entries.
    assert!((100..=300).contains(&entries(&server).len()), "{}", entries(&server).len());
}

/// The user of the page may append and nothing else; another password, or another kind of value at the
/// key, is told.
#[tokio::test]
async fn a_redis_that_refuses_is_told() {
    let (server, house) = (RedisServer::start(Kind::Redis).await, House::new());
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/redis-stream.md");
    let page = std::fs::read_to_string(page).unwrap();
    let line = page.lines().find(|line| line.starts_with("ACL SETUSER ")).expect("the rights");
    let line = line.replace("PASSWORD", "pass-word");
    let () = server.tell(&line.split_whitespace().collect::<Vec<_>>());
    let with = |password: &str| {
        let sink = json!({ "url": server.url(), "username": "authz-events", "password": password });
        let file = house.files.path().join("config");
        std::fs::write(&file, house.settings(sink).to_string()).unwrap();
        file
    };
    let send = async |password: &str| {
        let file = with(password).to_str().unwrap().to_owned();
        let sent = tokio::task::spawn_blocking(move || {
            let output = run(&["events", "send", "--config", &file, "--sink", "log"], &[]);
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        });
        sent.await.unwrap()
    };
    let (status, said) = send("pass-word").await;
    assert_eq!((status, said.contains("check.denied: taken")), (Some(0), true), "{said}");
    assert_eq!(entries(&server).len(), 1);
    let (status, said) = send("other-word").await;
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("WRONGPASS") || said.contains("authentication"), "{said}");
    assert!(!said.contains("other-word"), "{said}");
    let () = server.tell(&["DEL", KEY]);
    let () = server.tell(&["SET", KEY, "a text"]);
    let (status, said) = send("pass-word").await;
    assert_eq!((status, said.contains("WRONGTYPE")), (Some(1), true), "{said}");
    server.kill();
    let (status, said) = send("pass-word").await;
    assert_eq!((status, said.contains("no connection to Redis")), (Some(1), true), "{said}");
    assert!(!house.files.path().join("q").exists(), "the queue is not touched");
    // So does the service that runs, which counts it.
    server.restart().await;
    let app = TestApp::ready(
        &serde_json::from_slice(&std::fs::read(with("other-word")).unwrap()).unwrap(),
    )
    .await;
    deny(&app, 1).await;
    until("it is counted", || {
        app.metric("rownd_authz_event_attempts_failed_total", &[("sink", "log")]) >= 1.0
    })
    .await;
    assert_eq!(app.metric("rownd_authz_events_waiting", &[("sink", "log")]), 1.0);
    let _ = &house.key;
}
