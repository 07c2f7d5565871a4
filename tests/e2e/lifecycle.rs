//! Starts, ends and rollovers through Envoy: none of them costs a request.

use serde_json::json;

use super::{
    heavy,
    load::Load,
    stack::{No, config},
};
use crate::support::{
    echo::Echo,
    envoy::{Envoy, EnvoyBuilder},
    eventually,
    gate::Gate,
    product::{Product, Until},
    raw::Raw,
    rownd::{KeyService, Rownd, USER},
};

pub(super) async fn no_errors(envoy: &Envoy, gate: &str) {
    let counters = envoy.counters(gate).await;
    for name in ["error", "denied", "failure_mode_allowed"] {
        assert_eq!(counters.get(name), 0, "{name} @ {gate}");
    }
}

#[tokio::test]
async fn ten_rollovers_of_connections_under_load_cost_no_request() {
    let _guard = heavy::alone().await;
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    let mut settings = config(&issuer);
    settings["listeners"]["grpc"]["max_connection_age"] = json!("500ms");
    let product = Product::start(settings, Until::Ready).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(Gate::new("aging"))
        .start()
        .await;
    let load = Load::start(envoy.gate("aging"), &issuer.token("verified").sign());
    // Two workers with a connection each: twenty closed ones are ten rollovers.
    eventually("ten rollovers", || async {
        let closed = envoy.stats("cluster.authz.upstream_cx_").await;
        (closed["close_notify"] >= 20).then_some(())
    })
    .await;
    load.end().await;
    no_errors(&envoy, "aging").await;
}

#[tokio::test]
async fn sigterm_under_load_with_two_endpoints_costs_no_request() {
    let _guard = heavy::alone().await;
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    let mut settings = config(&issuer);
    settings["shutdown"] = json!({ "drain_delay": "1s", "grace": "10s" });
    let mut first = Product::start(settings.clone(), Until::Ready).await;
    let second = Product::start(settings, Until::Ready).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[first.endpoint(), second.endpoint()])
        .with(
            "health_checks",
            json!([{
                "timeout": "1s",
                "interval": "0.1s",
                "no_traffic_interval": "0.1s",
                "unhealthy_interval": "0.1s",
                "unhealthy_threshold": 1,
                "healthy_threshold": 1,
                "grpc_health_check": { "service_name": "envoy.service.auth.v3.Authorization" },
            }]),
        )
        .gate(Gate::new("two"))
        .start()
        .await;
    let healthy = |count: u64| {
        let envoy = &envoy;
        eventually("Envoy's view of the endpoints", move || async move {
            let stats = envoy.stats("cluster.authz.membership_").await;
            (stats["healthy"] == count).then_some(())
        })
    };
    healthy(2).await;
    let load = Load::start(envoy.gate("two"), &issuer.token("verified").sign());
    load.go_on(1000).await;
    let asked = first.metric("rownd_authz_checks_total", &["authenticated"]).await;
    assert!(asked > 0.0, "the endpoint that is going to end has no part in the load");
    first.child().signal("TERM");
    healthy(1).await;
    let status = first.child().exit().await;
    assert_eq!(status.code(), Some(0), "{status}: {}", first.log());
    load.go_on(1000).await;
    load.end().await;
    no_errors(&envoy, "two").await;
}

#[tokio::test]
async fn a_check_in_flight_at_sigterm_is_still_answered() {
    let _guard = heavy::alone().await;
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    let mut settings = config(&issuer);
    settings["shutdown"] = json!({ "drain_delay": "0s", "grace": "10s" });
    settings["check"] = json!({ "timeout": "1s" });
    let mut product = Product::start(settings, Until::Ready).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(Gate { failure_mode_allow: true, ..Gate::new("ending") })
        .start()
        .await;
    issuer.key_service(KeyService::NeverAnswers);
    let token = issuer.token("verified").header("kid", "sig-unknown").sign();
    let (to, asked) = (envoy.gate("ending"), issuer.key_requests());
    let ask = || {
        let request = Raw::get("/").bearer(&token);
        tokio::spawn(async move { request.send(to).await })
    };
    // Until the cooldown of the first fetch is over, the answer comes at once.
    let mut check = ask();
    eventually("a check that waits for its key", || {
        if check.is_finished() {
            check = ask();
        }
        std::future::ready((issuer.key_requests() > asked).then_some(()))
    })
    .await;
    product.child().signal("TERM");
    let answer = check.await.expect("the client");
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(product.child().exit().await.code(), Some(0), "{}", product.log());
    assert_eq!(echo.hits(), 0);
    assert_eq!(envoy.counters("ending").await.get("error"), 0);
}

#[tokio::test]
async fn a_start_without_rownd_is_alive_and_opens_when_rownd_is_back() {
    let _guard = heavy::shared().await;
    let issuer = Rownd::start(KeyService::Fails).await;
    let echo = Echo::start().await;
    let product = Product::start(config(&issuer), Until::Alive).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(Gate::new("waiting"))
        .start()
        .await;
    let to = envoy.gate("waiting");
    let token = issuer.token("verified").sign();
    let answer = Raw::get("/").bearer(&token).send(to).await;
    No::Unavailable.check(&answer, "keys_unavailable", "without Rownd");
    assert_eq!(product.ops("/readyz").await.status, 503);
    issuer.key_service(KeyService::Works);
    eventually("readiness", || async {
        (product.ops("/readyz").await.status == 200).then_some(())
    })
    .await;
    assert_eq!(Raw::get("/").bearer(&token).send(to).await.status, 200);
}

#[tokio::test]
async fn a_unix_socket_serves_as_well_as_a_port() {
    let _guard = heavy::shared().await;
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    // Not below the target directory: the path of a socket is short.
    let dir = tempfile::tempdir().expect("a directory for the socket");
    let socket = dir.path().join("authz.sock");
    let mut product = Product::start_unix(config(&issuer), &socket).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(Gate::new("socket"))
        .start()
        .await;
    let to = envoy.gate("socket");
    let token = issuer.token("verified").sign();
    let answer = Raw::get("/").bearer(&token).send(to).await;
    assert_eq!(answer.echo().all("x-rownd-user-id"), [USER]);
    No::Anonymous.check(&Raw::get("/").send(to).await, "credential_missing", "over a socket");
    no_errors_but_denials(&envoy).await;
    product.child().signal("TERM");
    assert_eq!(product.child().exit().await.code(), Some(0), "{}", product.log());
    assert!(!socket.exists(), "the socket is left behind");
}

async fn no_errors_but_denials(envoy: &Envoy) {
    assert_eq!(envoy.counters("socket").await.get("error"), 0);
}
