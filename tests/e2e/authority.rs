//! The `:authority` of a check: one that the HTTP/2 library refuses is an error to Envoy, which
//! fails open where it was told to. So every shipped configuration writes one out.
//!
//! In: clusters with odd names, with and without an authority. Out: who was let through.

use serde_json::json;
use tokio::time::timeout;

use super::{
    shipped::{filter, load, manager},
    stack::stack,
};
use crate::support::{
    TIME_LIMIT,
    envoy::{Endpoint, EnvoyBuilder},
    gate::Gate,
    raw::Raw,
};

#[tokio::test]
async fn an_authority_that_is_written_out_is_taken_whatever_the_cluster_is_called() {
    let stack = stack().await;
    let Endpoint::Tcp(authz) = stack.product.endpoint() else { panic!("a port") };
    // Name of the cluster, of its gate, of the gate with an authority.
    let names = [
        ("httproute/edge/shop/rule/0", "slash", "slash_named"),
        ("outbound|50051||rownd-authz.rownd", "pipe", "pipe_named"),
    ];
    let mut builder = EnvoyBuilder::new(stack.echo.address());
    for (cluster, bare, named) in names {
        let gate = |name| Gate { authz: cluster, failure_mode_allow: true, ..Gate::new(name) };
        let service = json!({ "grpc_service": {
            "envoy_grpc": { "cluster_name": cluster, "authority": "rownd-authz" },
            "timeout": "5s",
        } });
        builder = builder
            .authz(cluster, &[Endpoint::Tcp(authz)])
            .gate(gate(bare))
            .gate(Gate { extra: service, ..gate(named) });
    }
    let envoy = builder.start().await;
    for (cluster, bare, named) in names {
        let answer = Raw::get("/orders").send(envoy.gate(named)).await;
        assert_eq!(answer.status, 401, "{cluster}: {}", answer.text());
        assert_eq!(envoy.counters(named).await.get("error"), 0, "{cluster}");
        // The name of the cluster is no authority: docs/envoy.md says that this fails open.
        let answer = Raw::get("/orders").send(envoy.gate(bare)).await;
        assert_eq!(answer.status, 200, "{cluster}: {}", answer.text());
        assert_eq!(envoy.counters(bare).await.get("failure_mode_allowed"), 1, "{cluster}");
    }
    // A call that HTTP/2 refuses is counted, and logged without its content.
    let counted = async || {
        stack.product.metric("rownd_authz_malformed_calls_total", &[]).await >= 2.0
            && stack.product.log().contains("headers are malformed")
    };
    timeout(TIME_LIMIT, async {
        while !counted().await {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a count and a line");
    assert!(!stack.product.log().contains("outbound|50051"), "the log repeats what was sent");
}

#[test]
fn every_shipped_configuration_writes_out_the_authority_and_waits_two_seconds() {
    for name in ["demo.yaml", "sidecar-uds.yaml", "gateway.yaml"] {
        let mut bootstrap = load(name);
        let probe = &bootstrap["static_resources"]["clusters"][0]["health_checks"][0];
        assert_eq!(probe["grpc_health_check"]["authority"], "rownd-authz", "{name}");
        let service = &filter(manager(&mut bootstrap))["grpc_service"];
        assert_eq!(service["envoy_grpc"]["authority"], "rownd-authz", "{name}");
        assert_eq!(service["timeout"], "2s", "{name}");
    }
}
