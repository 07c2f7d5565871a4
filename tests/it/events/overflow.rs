//! More events than the queue on disk has room for: each is delivered, or dropped and counted.

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{SECRET, anonymous, assert_fits, ids, of_type};
use crate::support::{
    Issuer, Key, Reply, binary::Binary, config, control, eventually, issuer::Received,
};

const HOOK: &str = "/hook";
/// Denied checks: several times as many as half of the queue takes.
const CHECKS: usize = 5_000;
/// Commands of an operator, whose events have a half of their own.
const COMMANDS: usize = 50;
/// The smallest that there is.
const QUEUE_BYTES: u64 = 1 << 20;
const SINK: [(&str, &str); 1] = [("sink", "hook")];

fn settings(issuer: &Issuer, receiver: &Issuer, files: &TempDir) -> Value {
    let mut settings = config(issuer);
    let socket = files.path().join("control");
    settings["listeners"]["control"] = json!({ "address": format!("unix:{}", socket.display()) });
    settings["events"] = json!({ "sinks": [{
        "name": "hook", "types": ["check.denied", "session.revoked"],
        "http": {
            "url": format!("{}{HOOK}", receiver.url()), "secrets": [SECRET],
            "directory": files.path().join("q"), "timeout": "1s", "max_queue_bytes": QUEUE_BYTES,
        },
    }] });
    settings
}

/// The number of events of this type that the sink had no room for.
async fn dropped(binary: &Binary, kind: &str) -> usize {
    let labels = [("sink", "hook"), ("type", kind)];
    whole(binary.metric("rownd_authz_events_dropped_total", &labels).await)
}

async fn count(binary: &Binary, name: &str) -> usize {
    whole(binary.metric(&format!("rownd_authz_{name}"), &SINK).await)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
fn whole(count: f64) -> usize {
    count as usize
}

#[tokio::test]
async fn what_has_no_room_on_disk_is_counted_and_all_the_rest_is_delivered() {
    let (key, files) = (Key::new("sig-1"), TempDir::new().unwrap());
    let (issuer, receiver) = (Issuer::with_keys(&[&key]), Issuer::start());
    receiver.set(HOOK, Reply::Hang);
    let binary = Binary::start(&settings(&issuer, &receiver, &files)).await;
    binary.is_ready().await;
    let (ask, reason) = anonymous();
    let denied = stream::iter(0..CHECKS).map(|_| binary.check(&ask));
    denied
        .buffer_unordered(16)
        .for_each(|answer| async move { answer.assert_denied("no token", reason) })
        .await;
    eventually("each check is kept or counted", async || {
        let dropped = dropped(&binary, "check.denied").await;
        (count(&binary, "events_waiting").await + dropped == CHECKS).then_some(())
    })
    .await;
    let lost = dropped(&binary, "check.denied").await;
    assert!(lost > CHECKS / 10 && lost < CHECKS, "some of them found no room: {lost}");
    let bytes = count(&binary, "event_queue_bytes").await as u64;
    assert!(bytes <= QUEUE_BYTES / 2 && bytes > QUEUE_BYTES / 4, "{bytes}");
    // The other half is for these.
    let socket = files.path().join("control");
    for number in 0..COMMANDS {
        control::order(&socket, "/revoke", &json!({ "jti": format!("t{number}") })).await;
    }
    let line = binary.logged(&["an event was dropped", "hook"]).await;
    assert_eq!((&line["level"], &line["kind"]), (&json!("WARN"), &json!("check.denied")), "{line}");
    receiver.set(HOOK, Reply::status(204));
    eventually("all that waits is taken", async || {
        (count(&binary, "events_waiting").await == 0).then_some(())
    })
    .await;
    let kept = CHECKS - lost + COMMANDS;
    assert_eq!(count(&binary, "events_sent_total").await, kept);
    assert_eq!(dropped(&binary, "check.denied").await, lost, "none was dropped since");
    assert_eq!(dropped(&binary, "session.revoked").await, 0);
    let sent = sent(&receiver);
    assert_eq!(ids(&sent).len(), kept);
    let numbers = ids(of_type(&sent, "session.revoked"));
    assert_eq!(numbers.len(), COMMANDS, "none of the operator's is missing");
    let log = binary.log();
    let lines = log.iter().filter(|line| line.contains("an event was dropped")).count();
    assert!(lines <= 4, "the log has one line a minute, and not {lines}");
}

/// The events that the receiver was sent.
fn sent(receiver: &Issuer) -> Vec<Value> {
    receiver.received().iter().map(Received::json).inspect(assert_fits).collect()
}
