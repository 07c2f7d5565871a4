//! The Connect client for Node, in JSON and in gRPC-Web, calls the service over HTTP.
//!
//! In: a service before the emulator, and a program with the client of `.tools/connect`. Out: the same
//! outcomes and errors by both protocols, as the client understands them.

use rownd_authz::app::ListenAddress;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{
    package,
    talk::{Running, ask, assert_fresh},
    tool,
};
use crate::support::TestApp;
use rownd_emulator::TokenOrder;

const SECRET: &str = "a-secret-of-a-caller-on-node";

fn settings(running: &Running) -> Value {
    json!({
        "listeners": {
            "grpc": { "address": "127.0.0.1:0", "workers": 1 },
            "ops": { "address": "127.0.0.1:0" },
            "http": { "address": "127.0.0.1:0", "serve": ["rpc"], "hosts": ["127.0.0.1"] },
        },
        "issuers": [{
            "name": "rownd", "kind": "rownd", "base_url": running.base_url,
            "apps": [{
                "key": running.settings.app_key, "secret": running.settings.app_secret,
            }],
        }],
        "rownd_auth": { "callers": [{
            "name": "node", "secret": SECRET, "allow": ["verify", "get_own_user"],
        }] },
        "shutdown": { "drain_delay": "0s", "grace": "5s" },
    })
}

#[tokio::test]
async fn the_connect_client_calls_in_json_and_in_grpc_web() {
    let running = Running::start().await;
    let app = TestApp::ready(&settings(&running)).await;
    let Some(ListenAddress::Tcp(address)) = &app.http else { panic!("it listens on TCP") };
    let question = json!({
        "base_url": format!("http://{address}"),
        "secret": SECRET,
        "token": running.minter.mint(&TokenOrder::of("verified")).unwrap(),
        "protos": package("proto/baseline.binpb"),
    });
    let lock = "package-lock.json";
    assert_fresh(&tool("connect").join(lock), &package("tests/foreign/connect").join(lock));
    let mut command = Command::new("node");
    command
        .arg(package("tests/foreign/connect/calls.cjs"))
        .env("NODE_PATH", tool("connect").join("node_modules"));
    let answers = ask(&mut command, &question).await;
    for protocol in ["json", "grpc_web"] {
        let said = |call: &str| answers[protocol][call].clone();
        let refused = |call: &str, code: &str, reason: &str| {
            let said = said(call);
            assert_eq!(said["code"], code, "{protocol} {call}: {said}");
            assert_eq!(said["reason"], reason, "{protocol} {call}: {said}");
        };
        let verified = said("verified");
        assert_eq!(
            verified["answer"]["identity"]["userId"], "user_verified",
            "{protocol}: {verified}"
        );
        assert_eq!(said("late")["ok"], true, "{protocol}");
        let denied = said("denied");
        assert_eq!(denied["answer"]["denial"]["kind"], "DENIAL_KIND_UNAUTHENTICATED", "{protocol}");
        let user = said("user");
        assert_eq!(user["answer"]["user"]["id"], "user_verified", "{protocol}: {user}");
        assert!(user["answer"]["user"]["data"]["email"].is_string(), "{protocol}: {user}");
        refused("nobody", "PermissionDenied", "CALLER_REQUIRED");
        refused("mistake", "InvalidArgument", "BAD_REQUEST");
        refused("guest", "PermissionDenied", "CALLER_NOT_GRANTED");
        let types = said("mistake")["types"].clone();
        assert_eq!(types, json!(["google.rpc.BadRequest", "google.rpc.ErrorInfo"]), "{protocol}");
    }
    running.end().await;
}
