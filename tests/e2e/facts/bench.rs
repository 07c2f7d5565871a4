//! The stack that the facts run on: one Envoy with a gate for each set of options.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use serde_json::Value;

use super::{Ask, Expect, Fact};
use crate::support::{
    echo::{Echo, Echoed},
    envoy::{Endpoint, Envoy, EnvoyBuilder, Release},
    free_port,
    gate::{Body, Gate, GrpcWeb, Route},
    raw::{self, Raw},
    scripted::{Scripted, Seen},
};

/// The answer, and the events that were seen.
pub(super) struct Outcome {
    status: u16,
    headers: Vec<(String, String)>,
    trailers: BTreeMap<String, String>,
    body: Vec<u8>,
    echoed: Option<Echoed>,
    reached: bool,
    counted: BTreeSet<String>,
    seen: Option<Seen>,
    log: Value,
}

fn gates() -> Vec<Gate> {
    let body = |max_bytes, partial, as_bytes| Some(Body { max_bytes, partial, as_bytes });
    vec![
        Gate::new("closed"),
        Gate { failure_mode_allow: true, ..Gate::new("open") },
        Gate { timeout: "0.1s", ..Gate::new("hasty") },
        Gate { timeout: "0.1s", failure_mode_allow: true, ..Gate::new("hasty_open") },
        Gate { authz: "nobody", ..Gate::new("nobody") },
        Gate { authz: "nobody", failure_mode_allow: true, ..Gate::new("nobody_open") },
        Gate { status_on_error: Some(503), ..Gate::new("on_error") },
        Gate { validate_mutations: true, ..Gate::new("validate") },
        Gate { mutation_rules: true, ..Gate::new("rules") },
        Gate { raw_headers: true, ..Gate::new("raw") },
        Gate { traced: true, ..Gate::new("traced") },
        Gate { allowed_headers: Some(&["authorization", "x-rownd"]), ..Gate::new("allowed") },
        Gate { body: body(8, true, true), ..Gate::new("partial") },
        Gate { body: body(8, false, false), failure_mode_allow: true, ..Gate::new("whole") },
        Gate { grpc_web: Some(GrpcWeb::Before), ..Gate::new("web_before") },
        Gate { grpc_web: Some(GrpcWeb::After), ..Gate::new("web_after") },
        Gate { cors: true, ..Gate::new("cors") },
        Gate {
            routes: vec![
                Route { context: &[("route", "named")], ..Route::of("/named") },
                Route { disabled: true, ..Route::of("/off") },
            ],
            ..Gate::new("routes")
        },
        Gate {
            extra: serde_json::json!({ "max_denied_response_body_bytes": 4 }),
            ..Gate::new("short")
        },
        Gate {
            extra: serde_json::json!({ "enable_dynamic_metadata_ingestion": false }),
            ..Gate::new("no_metadata")
        },
    ]
}

pub(super) struct Bench {
    echo: Echo,
    authz: Scripted,
    envoy: Envoy,
}

impl Bench {
    pub(super) async fn start(release: Release) -> Self {
        let echo = Echo::start().await;
        let authz = Scripted::start().await;
        let nobody = free_port();
        let mut builder = EnvoyBuilder::new(echo.address())
            .release(release)
            .authz("authz", &[Endpoint::Tcp(authz.address())])
            .authz("nobody", &[Endpoint::Tcp(nobody)]);
        for gate in gates() {
            builder = builder.gate(gate);
        }
        Self { echo, authz, envoy: builder.start().await }
    }

    pub(super) async fn run(&self, fact: &Fact, host: &str) -> Outcome {
        self.authz.script(host, fact.script.clone());
        let to = self.envoy.gate(fact.gate);
        let before = self.envoy.counters(fact.gate).await;
        let hits = self.echo.hits();
        let mut outcome = match &fact.ask {
            Ask::Http(request) => ask_http(request, to, host).await,
            Ask::Grpc(content_type, headers) => ask_grpc(content_type, headers, to, host).await,
        };
        let after = self.envoy.counters(fact.gate).await;
        outcome.reached = self.echo.hits() > hits;
        outcome.counted = after.moved_since(&before).into_keys().map(str::to_owned).collect();
        outcome.seen = self.authz.seen(host).pop();
        if fact.expect.iter().any(|expect| matches!(expect, Expect::Log(..))) {
            outcome.log = self.envoy.access(host).await;
        }
        outcome
    }
}

async fn ask_http(request: &Raw, to: SocketAddr, host: &str) -> Outcome {
    let answer = request.clone().host(host).header("x-request-id", host).send(to).await;
    Outcome {
        status: answer.status,
        headers: answer.headers,
        trailers: BTreeMap::new(),
        echoed: serde_json::from_slice(&answer.body).ok(),
        body: answer.body,
        reached: false,
        counted: BTreeSet::new(),
        seen: None,
        log: Value::Null,
    }
}

async fn ask_grpc(
    content_type: &str,
    headers: &[(&str, &str)],
    to: SocketAddr,
    host: &str,
) -> Outcome {
    let mut headers = headers.to_vec();
    headers.push(("x-request-id", host));
    let answer = raw::h2_request(to, host, content_type, &headers).await;
    let text = |map: &http::HeaderMap| -> Vec<(String, String)> {
        map.iter()
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect()
    };
    Outcome {
        status: answer.status,
        headers: text(&answer.headers),
        trailers: text(&answer.trailers).into_iter().collect(),
        body: answer.data.to_vec(),
        echoed: None,
        reached: false,
        counted: BTreeSet::new(),
        seen: None,
        log: Value::Null,
    }
}

impl Outcome {
    /// The differences from the expectation; empty if there are none.
    pub(super) fn contradicts(&self, expect: &Expect) -> Option<String> {
        let differ = |what: &str, got: &dyn std::fmt::Debug, want: &dyn std::fmt::Debug| {
            let (got, want) = (format!("{got:?}"), format!("{want:?}"));
            (got != want).then(|| format!("{what}: got {got}, expected {want}"))
        };
        let text = String::from_utf8_lossy(&self.body);
        let upstream = |what: &str| self.echoed.as_ref().ok_or(format!("{what}: not the echo"));
        match expect {
            Expect::Status(status) => differ("status", &self.status, status),
            Expect::Reached => differ("reached the service", &self.reached, &true),
            Expect::Stopped => differ("reached the service", &self.reached, &false),
            Expect::Upstream(name, values) => match upstream(name) {
                Ok(echoed) => differ(name, &echoed.all(name), values),
                Err(problem) => Some(problem),
            },
            Expect::Path(path) => match upstream("path") {
                Ok(echoed) => differ("path", &echoed.path, path),
                Err(problem) => Some(problem),
            },
            Expect::Answer(name, values) => {
                let got: Vec<_> =
                    self.headers.iter().filter(|(key, _)| key == name).map(|(_, v)| v).collect();
                differ(name, &got, values)
            }
            Expect::Body(body) => differ("body", &text, body),
            Expect::Counted(names) => {
                differ("counted", &self.counted, &names.iter().collect::<BTreeSet<_>>())
            }
            Expect::Grpc(code, message) => {
                let get = |name| self.trailers.get(name).map_or("", String::as_str);
                differ("gRPC", &(get("grpc-status"), get("grpc-message")), &(code, message))
            }
            Expect::Check(what, holds) => match &self.seen {
                Some(seen) if holds(seen) => None,
                Some(seen) => Some(format!("check: {what} does not hold of {:?}", seen.check)),
                None => Some("check: none arrived".to_owned()),
            },
            Expect::Log(what, holds) => {
                (!holds(&self.log)).then(|| format!("log: {what} does not hold of {}", self.log))
            }
        }
    }
}
