//! One of two authorizers is gone, and Envoy does not know it yet: what the configurations that we
//! ship and print make of that.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    shipped::{demo_changed, filter, load, manager},
    stack::stack,
};
use crate::support::{envoy::Endpoint, raw::Raw};

const REQUESTS: usize = 60;
/// The longest time for all of them, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// The filter and the cluster of a shipped file.
fn of_file(name: &str) -> (Value, Value) {
    let mut bootstrap = load(name);
    let filter = filter(manager(&mut bootstrap)).clone();
    (filter, bootstrap["static_resources"]["clusters"][0].clone())
}

/// The filter and the cluster of the first fragment for Envoy that a page prints.
fn of_page(page: &str) -> (Value, Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(path).expect("a page");
    let (_, after) = text.split_once("```yaml\n# envoy\n").expect("a fragment");
    let (fragment, _) = after.split_once("```").expect("its end");
    let fragment: Value = serde_saphyr::from_str(fragment).expect("YAML");
    (fragment["http_filters"][0]["typed_config"].clone(), fragment["clusters"][0].clone())
}

/// The status of each request and the time that all took, with one authorizer that works and one
/// that is gone.
async fn statuses(printed: (Value, Value)) -> (Vec<u16>, Duration) {
    let Endpoint::Tcp(works) = stack().await.product.endpoint() else { panic!("a port") };
    let endpoint = |to: SocketAddr| {
        json!({ "endpoint": { "address": { "socket_address": {
            "address": to.ip().to_string(), "port_value": to.port() } } } })
    };
    let (mut ours, mut cluster) = printed;
    // A busy machine may be slower than two seconds.
    ours["grpc_service"]["timeout"] = json!("5s");
    cluster["type"] = json!("STATIC");
    // Only the retries are asked about: a health check would find out in seconds.
    let members = cluster.as_object_mut().expect("a cluster");
    members.remove("health_checks");
    members.remove("outlier_detection");
    members.remove("dns_refresh_rate");
    members["load_assignment"]["endpoints"][0]["lb_endpoints"] =
        json!([endpoint(works), endpoint(nobody())]);
    let envoy = demo_changed(|bootstrap| {
        *filter(manager(bootstrap)) = ours;
        bootstrap["static_resources"]["clusters"][0] = cluster;
    })
    .await;
    let (mut found, start) = (Vec::new(), Instant::now());
    for _ in 0..REQUESTS {
        found.push(Raw::get("/orders").send(envoy.gate("demo")).await.status);
    }
    (found, start.elapsed())
}

#[tokio::test]
async fn one_of_two_authorizers_may_be_gone() {
    for (name, printed) in [
        ("README.md", of_page("README.md")),
        ("docs/envoy.md", of_page("docs/envoy.md")),
        ("demo.yaml", of_file("demo.yaml")),
        ("gateway.yaml", of_file("gateway.yaml")),
        ("sidecar-uds.yaml", of_file("sidecar-uds.yaml")),
    ] {
        let (found, took) = statuses(printed).await;
        let lost = found.iter().filter(|status| **status != 401).count();
        assert_eq!(lost, 0, "{name}: {lost} of {REQUESTS} were not judged: {found:?}");
        // Envoy's own pause before a retry is half a second on average: 15 s for half of them.
        assert!(took < PATIENCE, "{name}: {took:?}");
    }
}

/// Why the fragments are as they are: each part of the retry is needed.
#[tokio::test]
async fn without_a_part_of_the_retry_requests_are_lost() {
    let (whole, cluster) = of_page("README.md");
    let mut none = whole.clone();
    none["grpc_service"].as_object_mut().expect("a service").remove("retry_policy");
    let mut anywhere = whole;
    let policy = anywhere["grpc_service"]["retry_policy"].as_object_mut().expect("a policy");
    policy.remove("retry_host_predicate");
    policy.remove("host_selection_retry_max_attempts");
    // Envoy chooses at random then, so that some retries find the one that is gone again.
    let mut random = cluster.clone();
    random["lb_policy"] = json!("RANDOM");
    for (name, printed) in [("no retry", (none, cluster)), ("no other host", (anywhere, random))] {
        let (found, _) = statuses(printed).await;
        assert!(found.contains(&503), "{name}: {found:?}");
    }
}
