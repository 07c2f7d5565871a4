//! A process that is killed leaves everything behind as it was: its socket files, its snapshot
//! of keys, connections that nobody closed. The next one starts in their midst.

use std::{fs, os::unix::fs::FileTypeExt as _, path::Path};

use serde_json::json;

use super::{heavy, stack::config};
use crate::support::{
    echo::Echo,
    envoy::{Envoy, EnvoyBuilder},
    eventually,
    gate::Gate,
    product::{Product, Until},
    raw::Raw,
    rownd::{KeyService, Rownd, USER},
};

const KILLS: u32 = 20;

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_socket())
}

/// Envoy may still be finding out that its connection is gone.
async fn serves_again(envoy: &Envoy, gate: &str, token: &str, turn: u32) {
    eventually(&format!("an answer @ {gate} after kill {turn}"), || async {
        let answer = Raw::get("/").bearer(token).send(envoy.gate(gate)).await;
        (answer.status == 200).then(|| assert_eq!(answer.echo().all("x-rownd-user-id"), [USER]))
    })
    .await;
}

#[tokio::test]
async fn what_is_killed_starts_again_on_the_same_port_and_the_same_socket() {
    let _guard = heavy::shared().await;
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    // Not below the target directory: the path of a socket is short.
    let dir = tempfile::tempdir().expect("a directory for the sockets");
    let at = |name: &str| dir.path().join(name);
    let (socket, control, keys) = (at("authz.sock"), at("control.sock"), at("keys"));
    fs::create_dir(&keys).expect("a directory for keys");
    let mut settings = config(&issuer);
    settings["listeners"]["control"] = json!({ "address": format!("unix:{}", control.display()) });
    settings["key_snapshots"] = json!({ "directory": keys });
    let mut over_socket = Product::start_unix(settings, &socket).await;
    let mut over_port = Product::start(config(&issuer), Until::Ready).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("socket", &[over_socket.endpoint()])
        .authz("port", &[over_port.endpoint()])
        .gate(Gate { authz: "socket", ..Gate::new("socket") })
        .gate(Gate { authz: "port", ..Gate::new("port") })
        .start()
        .await;
    let token = issuer.token("verified").sign();
    for turn in 1..=KILLS {
        // Killed with a connection of Envoy's that has been used.
        serves_again(&envoy, "socket", &token, turn).await;
        serves_again(&envoy, "port", &token, turn).await;
        tokio::join!(
            over_socket.kill_and_start(Until::Ready),
            over_port.kill_and_start(Until::Ready)
        );
    }
    serves_again(&envoy, "socket", &token, KILLS).await;
    serves_again(&envoy, "port", &token, KILLS).await;
    assert!(is_socket(&socket) && is_socket(&control));
    over_socket.child().signal("TERM");
    assert_eq!(over_socket.child().exit().await.code(), Some(0), "{}", over_socket.log());
    assert!(!socket.exists() && !control.exists(), "a socket is left behind");
    // One that was being written at the kill is left until it is old enough to be abandoned.
    let left = fs::read_dir(&keys).expect("the keys").flatten().map(|entry| entry.file_name());
    let whole: Vec<_> = left.filter(|name| !name.to_string_lossy().ends_with(".tmp")).collect();
    assert_eq!(whole, ["rownd.keys"]);
}
