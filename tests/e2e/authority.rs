//! The `:authority` of a check: one that the HTTP/2 library refuses is an error to Envoy, which
//! fails open where it was told to. So every shipped configuration writes one out.
//!
//! In: clusters with odd names, with and without an authority. Out: who was let through.

use serde_json::json;
use tokio::time::timeout;

use super::{
    heavy::shared,
    shipped::{filter, load, manager},
    stack::{config, stack},
};
use crate::support::{
    TIME_LIMIT,
    envoy::{Endpoint, EnvoyBuilder, Release},
    gate::Gate,
    product::Product,
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

/// Name of the gate, where it asks, the channel's arguments, the status that a request without a
/// credential gets, and whether Envoy let it through because of an error.
type GoogleRow<'a> = (&'a str, String, serde_json::Value, u16, u64);

#[tokio::test]
async fn googles_client_needs_an_authority_over_a_unix_socket_on_each_release() {
    let _shared = shared().await;
    let stack = stack().await;
    let Endpoint::Tcp(tcp) = stack.product.endpoint() else { panic!("a port") };
    let directory = tempfile::tempdir().expect("a directory");
    for release in Release::ALL {
        let socket = directory.path().join(release.name());
        let _beside = Product::start_unix(config(&stack.issuer), &socket).await;
        let unix = || format!("unix:{}", socket.display());
        let named =
            || json!({ "args": { "grpc.default_authority": { "string_value": "rownd-authz" } } });
        let rows: [GoogleRow<'_>; 4] = [
            ("tcp", tcp.to_string(), json!({}), 401, 0),
            ("tcp_named", tcp.to_string(), named(), 401, 0),
            // The path is the authority: docs/envoy.md says that this fails open.
            ("unix", unix(), json!({}), 200, 1),
            ("unix_named", unix(), named(), 401, 0),
        ];
        let mut builder = EnvoyBuilder::new(stack.echo.address()).release(release);
        for (name, target, arguments, ..) in &rows {
            let extra = json!({ "grpc_service": {
                "google_grpc": {
                    "target_uri": target, "stat_prefix": "authz", "channel_args": arguments,
                },
                "timeout": "5s",
            } });
            builder = builder.gate(Gate { failure_mode_allow: true, extra, ..Gate::new(name) });
        }
        let envoy = builder.start().await;
        for (name, _, _, status, let_through) in rows {
            let answer = Raw::get("/orders").send(envoy.gate(name)).await;
            let what = format!("{name} on Envoy {}", release.name());
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
            let counters = envoy.counters(name).await;
            assert_eq!(counters.get("failure_mode_allowed"), let_through, "{what}");
        }
    }
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
