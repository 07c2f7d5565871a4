//! An Envoy that compresses its checks: `google_grpc` does, if the arguments of its channel say so.
//!
//! In: a request through a gate that lets pass what it cannot ask about. Out: a denial, because an
//! RPC error would open the gate.

use serde_json::json;

use super::stack::config;
use crate::support::{
    echo::Echo,
    envoy::{Endpoint, EnvoyBuilder},
    gate::Gate,
    product::{Product, Until},
    raw::Raw,
    rownd::{KeyService, Rownd},
};

/// `GRPC_COMPRESS_GZIP` and `GRPC_COMPRESS_LEVEL_HIGH` of gRPC's C core.
const GZIP: u32 = 2;
const HIGH: u32 = 3;

#[tokio::test]
async fn a_compressed_check_opens_no_gate() {
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    let product = Product::start(config(&issuer), Until::Ready).await;
    let Endpoint::Tcp(address) = product.endpoint() else { panic!("a socket has no address") };
    let google = |arguments: serde_json::Value| {
        json!({ "grpc_service": { "timeout": "5s", "google_grpc": {
            "target_uri": address.to_string(),
            "stat_prefix": "google",
            "channel_args": { "args": arguments },
        } } })
    };
    let compressing = google(json!({
        "grpc.default_compression_algorithm": { "int_value": GZIP },
        "grpc.default_compression_level": { "int_value": HIGH },
    }));
    let gate = |name, extra| Gate { failure_mode_allow: true, extra, ..Gate::new(name) };
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(gate("plain", google(json!({}))))
        .gate(gate("compressing", compressing))
        .start()
        .await;
    let token = issuer.token("verified").sign();
    let good = Raw::get("/").bearer(&token);
    assert_eq!(good.send(envoy.gate("plain")).await.status, 200);
    let answer = good.send(envoy.gate("compressing")).await;
    assert_eq!((answer.status, &answer.json()["reason"]), (400, &json!("request_undecodable")));
}
