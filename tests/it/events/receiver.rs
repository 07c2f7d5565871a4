//! A receiver by HTTP: what it gets while it fails, and after it or the process was killed.

use std::{collections::HashSet, path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{SECRET, anonymous, assert_fits, ids};
use crate::support::{
    Issuer, Key, Reply, TestApp,
    binary::{Binary, run},
    config, eventually,
    page::metric,
    until,
};

const HOOK: &str = "/hook";

fn settings(issuer: &Issuer, receiver: &Issuer, directory: &Path) -> Value {
    let mut settings = config(issuer);
    settings["events"] = json!({ "sinks": [{
        "name": "hook", "types": ["check.denied"],
        "http": {
            "url": format!("{}{HOOK}", receiver.url()), "secrets": [SECRET],
            "directory": directory, "timeout": "2s",
        },
    }] });
    settings
}

/// The events that a receiver was sent, whatever it answered.
fn sent(receiver: &Issuer) -> Vec<Value> {
    let received = receiver.received();
    received.iter().map(crate::support::issuer::Received::json).inspect(assert_fits).collect()
}

async fn deny(app: &TestApp, times: usize) {
    let (ask, reason) = anonymous();
    for _ in 0..times {
        app.check(&ask).await.assert_denied("no token", reason);
    }
}

fn waiting(app: &TestApp) -> f64 {
    app.metric("rownd_authz_events_waiting", &[("sink", "hook")])
}

#[tokio::test]
async fn a_receiver_that_fails_gets_everything_when_it_works() {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let (issuer, receiver) = (Issuer::with_keys(&[&key]), Issuer::start());
    receiver.set(HOOK, Reply::status(503));
    let app = TestApp::ready(&settings(&issuer, &receiver, &files.path().join("q"))).await;
    deny(&app, 50).await;
    until("all are kept", || waiting(&app) == 50.0).await;
    receiver.asked(HOOK, 2).await;
    assert!(receiver.hits(HOOK) < 20, "a receiver that is down is asked rarely");
    receiver.set(HOOK, Reply::status(204));
    until("all are taken", || waiting(&app) == 0.0).await;
    assert_eq!(ids(&sent(&receiver)).len(), 50);
    for request in receiver.received() {
        assert_eq!(request.header("content-type"), ["application/cloudevents+json"]);
        assert_eq!(request.header("webhook-id"), [request.json()["id"].as_str().unwrap()]);
        assert!(request.header("webhook-signature")[0].starts_with("v1,"));
    }
    let sent = app.metric("rownd_authz_events_sent_total", &[("sink", "hook")]);
    assert_eq!(sent, 50.0);
}

/// `/status`, `/readyz` and the metrics say what the log says.
#[tokio::test]
async fn a_sink_that_is_down_is_told_until_it_works() {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let (issuer, receiver) = (Issuer::with_keys(&[&key]), Issuer::start());
    receiver.set(HOOK, Reply::status(503));
    let file = files.path().join("no-directory").join("events.jsonl");
    let mut settings = settings(&issuer, &receiver, &files.path().join("q"));
    let sinks = settings["events"]["sinks"].as_array_mut().unwrap();
    sinks.push(json!({ "name": "file", "types": ["check.denied"], "file": { "path": file } }));
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    let app = TestApp::ready(&settings).await;
    assert_eq!(app.faults().await, [] as [Value; 0]);
    std::fs::remove_dir(file.parent().unwrap()).unwrap();
    deny(&app, 3).await;
    let faults = eventually("both faults, with all that waits", async || {
        let faults = app.faults().await;
        (faults.len() == 2 && faults[1]["waiting"] == 3).then_some(faults)
    })
    .await;
    let [in_file, by_http] = faults.as_slice() else { panic!("{faults:#?}") };
    assert_eq!((&in_file["part"], &in_file["name"]), (&json!("event_sink"), &json!("file")));
    assert!(in_file["last_error"].as_str().unwrap().contains("No such file"), "{in_file}");
    assert_eq!((&by_http["part"], &by_http["name"]), (&json!("event_sink"), &json!("hook")));
    assert!(by_http["last_error"].as_str().unwrap().contains("503"), "{by_http}");
    assert!(by_http["since"].as_u64().unwrap() > 1_700_000_000, "{by_http}");
    assert!(by_http["waiting_bytes"].as_u64().unwrap() > 0, "{by_http}");
    let ready = app.page("/readyz").await;
    assert_eq!(ready.status, 200, "a check needs no sink");
    assert!(ready.body.contains("fault: event_sink hook"), "{}", ready.body);
    let measured = |page: &str| metric(page, "rownd_authz_faults", &[("part", "event_sink")]);
    assert_eq!(measured(&app.page("/metrics").await.body), 2.0);
    receiver.set(HOOK, Reply::status(204));
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    eventually("no fault", async || app.faults().await.is_empty().then_some(())).await;
    assert_eq!(measured(&app.page("/metrics").await.body), 0.0);
    assert_eq!(app.page("/readyz").await.body, "ready\n");
}

/// Checks are as fast while the receiver hangs, and none is lost without being counted.
#[tokio::test]
async fn checks_do_not_notice_a_receiver_that_hangs() {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let (issuer, receiver) = (Issuer::with_keys(&[&key]), Issuer::start());
    receiver.set(HOOK, Reply::Hang);
    let app = TestApp::ready(&settings(&issuer, &receiver, &files.path().join("q"))).await;
    let began = Instant::now();
    deny(&app, 3_000).await;
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let dropped = || app.metric("rownd_authz_events_dropped_total", &[("sink", "hook")]);
    until("each is kept or counted", || waiting(&app) + dropped() == 3_000.0).await;
}

/// The process is killed while nothing can be delivered, and again while it is delivered.
#[tokio::test]
async fn nothing_on_disk_is_lost_when_the_process_is_killed() {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let (issuer, mut receiver) = (Issuer::with_keys(&[&key]), Issuer::closed());
    receiver.set(HOOK, Reply::status(204));
    let settings = settings(&issuer, &receiver, &files.path().join("q"));
    let mut binary = Binary::start(&settings).await;
    binary.is_ready().await;
    let (ask, reason) = anonymous();
    for _ in 0..200 {
        binary.check(&ask).await.assert_denied("no token", reason);
    }
    crate::support::eventually("all are on disk", async || {
        let waiting = binary.metric("rownd_authz_events_waiting", &[("sink", "hook")]).await;
        (waiting == 200.0).then_some(())
    })
    .await;
    binary.signal("KILL");
    binary.ended().await;
    receiver.open();
    let mut binary = Binary::start(&settings).await;
    until("some are taken", || sent(&receiver).len() >= 20).await;
    binary.signal("KILL");
    binary.ended().await;
    let _binary = Binary::start(&settings).await;
    until("all are taken", || ids(&sent(&receiver)).len() == 200).await;
    let ids: HashSet<String> = ids(&sent(&receiver));
    let processes: HashSet<_> = ids.iter().map(|id| id.split('-').next().unwrap()).collect();
    assert_eq!(processes.len(), 1, "all are those of the first process");
}

/// A process that is asked to end keeps what it could not deliver.
#[tokio::test]
async fn a_drain_keeps_what_waits_and_two_processes_do_not_share_a_queue() {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let (issuer, mut receiver) = (Issuer::with_keys(&[&key]), Issuer::closed());
    receiver.set(HOOK, Reply::status(200));
    let settings = settings(&issuer, &receiver, &files.path().join("q"));
    let mut app = TestApp::ready(&settings).await;
    deny(&app, 100).await;
    let refused = TestApp::build(&settings).await.unwrap_err().to_string();
    assert!(refused.contains("sink hook") && refused.contains("another process"), "{refused}");
    app.stop();
    app.ended().await;
    drop(app);
    receiver.open();
    let _app = TestApp::ready(&settings).await;
    until("all are taken", || ids(&sent(&receiver)).len() == 100).await;
}

#[tokio::test]
async fn a_sample_goes_past_the_queue() {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let (issuer, receiver) = (Issuer::with_keys(&[&key]), Issuer::start());
    receiver.set(HOOK, Reply::status(204));
    let file = files.path().join("config");
    let settings = settings(&issuer, &receiver, &files.path().join("q"));
    std::fs::write(&file, settings.to_string()).unwrap();
    let send = |more: &[&str]| {
        let file = file.to_str().unwrap().to_owned();
        let more: Vec<String> = more.iter().map(|word| (*word).to_owned()).collect();
        tokio::task::spawn_blocking(move || {
            let mut arguments = vec!["events", "send", "--config", &file];
            arguments.extend(more.iter().map(String::as_str));
            let output = run(&arguments, &[]);
            (output.status.code(), String::from_utf8(output.stderr).unwrap())
        })
    };
    let (status, said) = send(&["--sink", "hook"]).await.unwrap();
    assert_eq!((status, said.contains("check.denied: taken")), (Some(0), true), "{said}");
    let (status, said) = send(&["--sink", "hook", "--type", "user.deleted"]).await.unwrap();
    assert_eq!((status, said.contains("user.deleted: taken")), (Some(0), true), "{said}");
    assert_eq!(sent(&receiver).len(), 2);
    receiver.set(HOOK, Reply::status(401));
    let (status, said) = send(&["--sink", "hook"]).await.unwrap();
    assert_eq!((status, said.contains("answered 401")), (Some(1), true), "{said}");
    for (arguments, expected) in [
        (["--sink", "hooks", "--type", "user.deleted"], "its sinks: hook"),
        (["--sink", "hook", "--type", "user.delete"], "the types: token.verified"),
    ] {
        let (status, said) = send(&arguments).await.unwrap();
        assert_eq!((status, said.contains(expected)), (Some(2), true), "{said}");
    }
    assert!(!files.path().join("q").exists(), "the queue is not touched");
}
