//! The services for backends over HTTP: in JSON by Connect's protocol, and as gRPC-Web.
//!
//! In: requests as curl, a browser and an attacker send them, over the real `app::build`. Out: the
//! same outcomes, errors and rights as over gRPC, in the form of HTTP.

mod callers;
mod calls;
mod ends;
mod grpc_web;
mod hostile;
mod http;
mod openapi;
mod page;
mod pages;
mod public;
mod services;
mod tls;

use std::net::SocketAddr;

use rownd_authz::app::ListenAddress;
use serde_json::{Value, json};

use super::rownd_auth::{ADMIN, Rig};
use crate::support::http::{Answer, request};

const SERVICE: &str = "/rownd.auth.v1.RowndAuth/";
const JSON: &str = "content-type: application/json\r\n";

/// The listener `http` with the calls of backends, on a free port.
fn listener() -> Value {
    json!({ "address": "127.0.0.1:0", "serve": ["rpc"], "hosts": ["127.0.0.1", "authz.test"] })
}

/// A service before the emulator, with the calls over HTTP.
async fn start() -> Rig {
    with(|_| {}).await
}

async fn with(change: impl FnOnce(&mut Value)) -> Rig {
    Rig::with(|settings| {
        settings["listeners"]["http"] = listener();
        change(settings);
    })
    .await
}

fn address(rig: &Rig) -> SocketAddr {
    match rig.app.http.as_ref().expect("it is configured") {
        ListenAddress::Tcp(address) => *address,
        ListenAddress::Unix(path) => panic!("it listens at {}", path.display()),
    }
}

fn bearer(secret: &str) -> String {
    format!("authorization: Bearer {secret}\r\n")
}

/// One call in JSON with the secret of a caller who may do everything.
async fn call(rig: &Rig, method: &str, body: &Value) -> Answer {
    call_as(rig, method, &bearer(ADMIN), &body.to_string()).await
}

/// One call in JSON with these headers.
async fn call_as(rig: &Rig, method: &str, headers: &str, body: &str) -> Answer {
    let headers = format!("{JSON}{headers}");
    request(address(rig), &format!("POST {SERVICE}{method}"), &headers, body).await
}

/// The answer is an error of Connect: its status, its code, and its reason.
#[track_caller]
fn assert_error(name: &str, answer: &Answer, status: u16, code: &str, reason: &str) -> Value {
    assert_eq!(answer.status, status, "{name}: {}\n{}", answer.head, answer.body);
    assert_eq!(answer.header("content-type"), "application/json", "{name}");
    assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    let body = answer.json();
    assert_eq!(body["code"], code, "{name}: {body}");
    assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {body}");
    let info = detail(&body, "ErrorInfo");
    assert_eq!(info["debug"]["reason"], reason, "{name}: {body}");
    assert_eq!(info["debug"]["domain"], "rownd-authz", "{name}: {body}");
    body
}

/// A detail of an error, which must have it.
#[track_caller]
fn detail(body: &Value, name: &str) -> Value {
    let name = format!("google.rpc.{name}");
    let all = body["details"].as_array().unwrap_or_else(|| panic!("no details: {body}"));
    all.iter().find(|one| one["type"] == *name).unwrap_or_else(|| panic!("{name}: {body}")).clone()
}
