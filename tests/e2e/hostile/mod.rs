//! Envoy told to let everything through when its authorizer fails
//! (`failure_mode_allow`), and clients who try to make it fail.
//!
//! In: sizes, shapes, floods and slow keys. Out: not one request reaches the service,
//! and Envoy counts not one error: each of them was a denial.

mod inputs;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    heavy,
    stack::{No, config},
};
use crate::support::{
    echo::Echo,
    envoy::{Envoy, EnvoyBuilder},
    eventually, forge,
    gate::{Body, Gate},
    product::{Product, Until},
    raw::{self, Answer, Raw},
    rownd::{KeyService, Rownd, Token},
};

/// One Envoy that fails open, in front of a service that nobody may reach.
struct Fortress {
    echo: Echo,
    issuer: Rownd,
    product: Product,
    envoy: Envoy,
    gates: Vec<&'static str>,
}

impl Fortress {
    async fn start(key_service: KeyService, check: Value, gates: Vec<Gate>) -> Self {
        let issuer = Rownd::start(key_service).await;
        let echo = Echo::start().await;
        let mut config = config(&issuer);
        config["check"] = check;
        let until = if key_service == KeyService::Works { Until::Ready } else { Until::Alive };
        let product = Product::start(config, until).await;
        let names = gates.iter().map(|gate| gate.name).collect();
        let mut builder = EnvoyBuilder::new(echo.address()).authz("authz", &[product.endpoint()]);
        for gate in gates {
            builder = builder.gate(Gate { failure_mode_allow: true, ..gate });
        }
        Self { echo, issuer, product, envoy: builder.start().await, gates: names }
    }

    /// Nothing got through, nothing was an error, and at least `denied` were denials.
    async fn stands(&self, denied: u64) {
        assert_eq!(self.echo.hits(), 0, "requests reached the service");
        let mut sum = 0;
        for gate in &self.gates {
            let counters = self.envoy.counters(gate).await;
            for name in ["failure_mode_allowed", "error", "ok"] {
                assert_eq!(counters.get(name), 0, "{name} @ {gate}");
            }
            sum += counters.get("denied");
        }
        assert!(sum >= denied, "only {sum} denials; {denied} were expected");
    }
}

fn gates() -> Vec<Gate> {
    let body = |as_bytes| Some(Body { max_bytes: 6 << 20, partial: true, as_bytes });
    vec![
        Gate::new("joined"),
        Gate { raw_headers: true, ..Gate::new("raw") },
        Gate { raw_headers: true, body: body(true), ..Gate::new("bytes") },
        Gate { body: body(false), validate_mutations: true, ..Gate::new("text") },
        // Everything that Envoy's defaults let through must fit into the metadata of the call.
        Gate { headers_kb: 60, headers_count: 100, traced: true, ..Gate::new("traced") },
    ]
}

#[tokio::test]
async fn no_hostile_request_is_let_through_or_ends_as_an_error() {
    let _guard = heavy::shared().await;
    let fortress = Fortress::start(KeyService::Works, json!({}), gates()).await;
    let mut requests = inputs::sizes();
    requests.extend(inputs::shapes());
    for (name, token) in inputs::tokens(&fortress.issuer) {
        requests.push((name, Raw::get("/orders").bearer(&token)));
        requests.push((name, Raw::get("/optional").bearer(&token)));
        let cookie = format!("app_session={token}");
        requests.push((name, Raw::get("/optional").header("cookie", cookie)));
    }
    let mut problems = Vec::new();
    for gate in &fortress.gates {
        let to = fortress.envoy.gate(gate);
        for (name, request) in &requests {
            if *name == "CONNECT" && ["bytes", "text"].contains(gate) {
                // The bytes behind a CONNECT are its body, and Envoy waits for the first of it.
                continue;
            }
            let (hits, before) = (fortress.echo.hits(), fortress.envoy.counters(gate).await);
            let answer = request.try_send(to).await;
            if answer.as_ref().is_some_and(|answer| !is_no(answer)) {
                problems.push(format!("{name} @ {gate}: {answer:?}"));
            }
            if fortress.echo.hits() != hits {
                problems.push(format!("{name} @ {gate} reached the service"));
            }
            let after = fortress.envoy.counters(gate).await;
            let moved = after.moved_since(&before);
            if !moved.keys().all(|name| *name == "denied") {
                problems.push(format!("{name} @ {gate} moved {moved:?}: {answer:?}"));
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    // Envoy refuses some of them by itself; by far the most must have been ours to judge.
    fortress.stands(700).await;
    let log = fortress.product.log();
    assert!(!log.contains("panic"), "the product panicked:\n{log}");
    let internal = fortress.product.metric("rownd_authz_checks_total", &["\"internal\""]).await;
    assert!(internal.abs() < f64::EPSILON, "{internal} denials for a fault of ours");
}

#[tokio::test]
async fn no_hostile_grpc_call_is_let_through_or_ends_as_an_error() {
    let _guard = heavy::shared().await;
    let fortress = Fortress::start(KeyService::Works, json!({}), gates()).await;
    let long = "a".repeat(50 << 10);
    let cases: [(&str, &[(&str, &str)]); 6] = [
        ("nothing", &[]),
        ("a deadline of nothing", &[("grpc-timeout", "0n")]),
        ("a deadline of a nanosecond", &[("grpc-timeout", "1n")]),
        ("a deadline that is garbage", &[("grpc-timeout", "soon")]),
        ("a long header", &[("x-long", &long)]),
        ("a long encoding", &[("grpc-encoding", &long)]),
    ];
    for gate in &fortress.gates {
        for (name, headers) in cases {
            for content_type in ["application/grpc", "application/grpc-web", "application/json"] {
                let to = fortress.envoy.gate(gate);
                let answer = raw::h2_request(to, "api.example.com", content_type, headers).await;
                let status = answer.trailer("grpc-status");
                assert!(
                    answer.status >= 400 || status.as_deref() == Some("16"),
                    "{name} as {content_type} @ {gate}: {answer:?}"
                );
            }
        }
    }
    fortress.stands(cases.len() as u64 * 3 * gates().len() as u64).await;
}

/// gRPC callers are told no in a header.
fn is_no(answer: &Answer) -> bool {
    answer.status >= 400 || answer.header("grpc-status").is_some_and(|status| status != "0")
}

/// It says that it was issued when every key of that time is known.
fn unknown_key(issuer: &Rownd, index: usize) -> Token {
    let token = issuer.token("verified").header("kid", format!("sig-unknown-{index}"));
    token.claim("iat", forge::now() - 120)
}

#[tokio::test]
async fn a_key_endpoint_that_hangs_costs_a_503_and_not_the_door() {
    let _guard = heavy::alone().await;
    // Envoy's default timeout.
    let gate = Gate { timeout: "0.2s", raw_headers: true, ..Gate::new("hasty") };
    let fortress = Fortress::start(KeyService::Works, json!({}), vec![gate]).await;
    fortress.issuer.key_service(KeyService::NeverAnswers);
    let to = fortress.envoy.gate("hasty");
    let ask = |index: usize| {
        let token = unknown_key(&fortress.issuer, index).sign();
        async move { Raw::get("/orders").bearer(&token).send(to).await }
    };
    // Until the cooldown of the first fetch is over, the answer comes at once.
    eventually("a check that waits for its key", || async {
        (ask(0).await.json()["reason"] == "key_pending").then_some(())
    })
    .await;
    for index in 1..10 {
        No::Unavailable.check(&ask(index).await, "key_pending", "a key that does not come");
    }
    fortress.stands(10).await;
    assert!(fortress.issuer.key_requests() <= 4, "one client made many fetches");
}

#[tokio::test]
async fn keys_that_never_come_deny_everything_that_needs_them() {
    let _guard = heavy::alone().await;
    for key_service in [KeyService::NeverAnswers, KeyService::Fails] {
        let gate = Gate { timeout: "0.2s", ..Gate::new("hasty") };
        let fortress = Fortress::start(key_service, json!({}), vec![gate]).await;
        let to = fortress.envoy.gate("hasty");
        for _ in 0..10 {
            let token = fortress.issuer.token("verified").sign();
            let answer = Raw::get("/orders").bearer(&token).send(to).await;
            let reason = answer.json()["reason"].as_str().unwrap_or_default().to_owned();
            No::Unavailable.check(&answer, &reason, "no keys");
            assert!(["keys_unavailable", "deadline_exceeded"].contains(&&*reason), "{reason}");
        }
        // A request without a token is denied for that reason: that needs no key.
        let answer = Raw::get("/orders").send(to).await;
        No::Anonymous.check(&answer, "credential_missing", "no keys, no token");
        fortress.stands(11).await;
        let ready = fortress.product.ops("/readyz").await;
        assert_eq!(ready.status, 503, "{}", ready.text());
    }
}

#[tokio::test]
async fn an_overload_is_told_to_come_back_and_not_let_in() {
    const CLIENTS: usize = 2000;
    let _guard = heavy::alone().await;
    let raised = rlimit::increase_nofile_limit(16_384).expect("a limit of open files");
    assert!(raised >= 8192, "{raised} open files are too few for this test");
    let check = json!({ "max_in_flight": 2, "timeout": "300ms" });
    let gate = Gate { raw_headers: true, ..Gate::new("flooded") };
    let fortress = Fortress::start(KeyService::Works, check, vec![gate]).await;
    // Each check waits for a key that never comes, so the two places are always taken.
    fortress.issuer.key_service(KeyService::NeverAnswers);
    let to = fortress.envoy.gate("flooded");
    let mut clients = JoinSet::new();
    for index in 0..CLIENTS {
        let token = unknown_key(&fortress.issuer, index).sign();
        clients.spawn(async move {
            let answer = Raw::get("/orders").bearer(&token).send(to).await;
            answer.status
        });
    }
    let statuses = tokio::time::timeout(Duration::from_secs(60), clients.join_all())
        .await
        .expect("answers to everybody");
    assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{statuses:?}");
    fortress.stands(CLIENTS as u64).await;
    let overloaded = fortress.product.metric("rownd_authz_checks_total", &["overloaded"]).await;
    assert!(overloaded > 0.0, "no check met a full house: the test tests nothing");
    // And when the flood is over the door opens again.
    fortress.issuer.key_service(KeyService::Works);
    let token = fortress.issuer.token("verified").sign();
    eventually("a good token to pass again", || async {
        (Raw::get("/orders").bearer(&token).send(to).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_error_response_is_for_failures_that_no_client_can_cause() {
    let _guard = heavy::shared().await;
    let issuer = Rownd::start(KeyService::Fails).await;
    let echo = Echo::start().await;
    let mut settings = config(&issuer);
    settings["check"] = json!({ "unavailable": "error_response", "timeout": "300ms" });
    let product = Product::start(settings, Until::Alive).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(Gate::new("closed"))
        .gate(Gate { failure_mode_allow: true, ..Gate::new("open") })
        .start()
        .await;
    // Without any key all clients are affected: Envoy decides, as the operator configured.
    let request = Raw::get("/orders").bearer(&issuer.token("verified").sign());
    let answer = request.send(envoy.gate("closed")).await;
    No::Unavailable.check(&answer, "keys_unavailable", "an error response, closed");
    assert_eq!(envoy.counters("closed").await.get("error"), 1);
    let echoed = request.send(envoy.gate("open")).await.echo();
    assert_eq!(echoed.all("x-envoy-auth-failure-mode-allowed"), ["true"]);
    // With keys, a client who asks for one that is slow to come fails alone.
    issuer.key_service(KeyService::Works);
    eventually("readiness", || async {
        (product.ops("/readyz").await.status == 200).then_some(())
    })
    .await;
    issuer.key_service(KeyService::NeverAnswers);
    let before = envoy.counters("open").await.get("error");
    eventually("a check that waits for its key", || async {
        let token = unknown_key(&issuer, 0).sign();
        let answer = Raw::get("/orders").bearer(&token).send(envoy.gate("open")).await;
        assert!(is_no(&answer), "{answer:?}");
        (answer.json()["reason"] == "key_pending").then_some(())
    })
    .await;
    assert_eq!(envoy.counters("open").await.get("error"), before);
}
