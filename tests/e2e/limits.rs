//! The limits of the shipped Envoy: connections, streams of one connection, memory. A flood that
//! Envoy refuses by itself asks no check, so that none can fail open.
//!
//! In: the demo's configuration with small limits. Out: what a client and Envoy's counters saw.

use std::io::ErrorKind;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::{
    shipped::{demo_changed, filter, manager},
    stack::stack,
};
use crate::support::{eventually, raw::Raw};

fn monitor<'a>(bootstrap: &'a mut Value, name: &str) -> &'a mut Value {
    bootstrap["overload_manager"]["resource_monitors"]
        .as_array_mut()
        .expect("monitors")
        .iter_mut()
        .find(|monitor| monitor["name"] == name)
        .map(|monitor| &mut monitor["typed_config"])
        .expect("the monitor")
}

#[tokio::test]
async fn connections_above_the_limit_are_closed_at_once() {
    let envoy = demo_changed(|bootstrap| {
        let limit = monitor(bootstrap, "envoy.resource_monitors.global_downstream_max_connections");
        limit["max_active_downstream_connections"] = json!(2);
    })
    .await;
    let to = envoy.gate("demo");
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(to).await.expect("a connection"));
    }
    // Which two stay depends on Envoy's workers.
    let closed = |stream: &&TcpStream| match stream.try_read(&mut [0]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    eventually("two connections to be closed", || async {
        (held.iter().filter(closed).count() == 2).then_some(())
    })
    .await;
    drop(held);
    // ... and those that come when there is room are served.
    eventually("room", || async {
        let answer = Raw::get("/public").try_send(to).await?;
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_connection_has_a_hundred_requests_in_flight_at_most() {
    let envoy = demo_changed(|_| {}).await;
    let stream = TcpStream::connect(envoy.gate("demo")).await.expect("a connection");
    // Until Envoy has sent its settings, this client assumes seven.
    let (requests, connection) = h2::client::Builder::new()
        .initial_max_send_streams(7)
        .handshake::<_, bytes::Bytes>(stream)
        .await
        .expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let allowed = eventually("Envoy's settings", || async {
        let allowed = requests.current_max_send_streams();
        (allowed != 7).then_some(allowed)
    })
    .await;
    assert_eq!(allowed, 100);
    connection.abort();
}

#[tokio::test]
async fn without_memory_envoy_answers_by_itself_and_asks_nobody() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let envoy = demo_changed(|bootstrap| {
        monitor(bootstrap, "envoy.resource_monitors.fixed_heap")["max_heap_size_bytes"] = json!(1);
        // So that the test has a connection to ask on.
        let actions = bootstrap["overload_manager"]["actions"].as_array_mut().expect("actions");
        actions
            .retain(|action| action["name"] != "envoy.overload_actions.stop_accepting_connections");
        // Even where failed checks pass.
        filter(manager(bootstrap))["failure_mode_allow"] = json!(true);
    })
    .await;
    let to = envoy.gate("demo");
    eventually("Envoy to notice", || async {
        (Raw::get("/orders").bearer(&token).send(to).await.status == 503).then_some(())
    })
    .await;
    let before = envoy.counters("demo").await;
    for request in [Raw::get("/orders"), Raw::get("/orders").bearer(&token)] {
        let answer = request.send(to).await;
        assert_eq!((answer.status, &*answer.text()), (503, "envoy overloaded"));
    }
    let after = envoy.counters("demo").await;
    assert!(after.moved_since(&before).is_empty(), "{:?}", after.moved_since(&before));
}

#[test]
fn the_limits_stand_in_every_shipped_configuration() {
    for name in ["demo.yaml", "sidecar-uds.yaml", "gateway.yaml"] {
        let mut bootstrap = super::shipped::load(name);
        let actions: Vec<_> = bootstrap["overload_manager"]["actions"]
            .as_array()
            .expect("actions")
            .iter()
            .filter_map(|action| action["name"].as_str().map(str::to_owned))
            .collect();
        for action in
            ["stop_accepting_requests", "stop_accepting_connections", "reset_high_memory_stream"]
        {
            let action = format!("envoy.overload_actions.{action}");
            assert!(actions.contains(&action), "{name}: {actions:?}");
        }
        let manager = manager(&mut bootstrap);
        assert_eq!(manager["http2_protocol_options"]["max_concurrent_streams"], 100, "{name}");
        assert_eq!(manager["request_headers_timeout"], "5s", "{name}");
    }
}
