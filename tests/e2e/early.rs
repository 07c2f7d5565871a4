//! The early strip of the shipped configuration: identity headers of a client are gone before
//! any filter runs, so that a route without a check forges no identity either.
//!
//! In: the demo's Envoy, with a route on which the check is off. Out: what the echo saw.

use serde_json::{Value, json};

use super::{
    shipped::{IDENTITY, SEPARATORS, demo, late, manager},
    stack::stack,
};
use crate::support::{envoy::Envoy, raw::Raw, rownd::USER};

/// The vendor's own request headers, exactly spelled. They are never identity, and pass.
const VENDOR: [&str; 4] =
    ["x-rownd-app-key", "x-rownd-app-secret", "x-rownd-filename", "x-rownd-magic-allow-exp"];

/// Adds a route `/off` on which nobody is asked, as a policy of a control plane may make one.
fn with_a_hole(manager: &mut Value) {
    let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut();
    routes.expect("routes").insert(
        0,
        json!({
            "match": { "prefix": "/off" },
            "route": { "cluster": "service" },
            "typed_per_filter_config": { "envoy.filters.http.ext_authz": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3\
                          .ExtAuthzPerRoute",
                "disabled": true,
            } },
        }),
    );
    // Each layer by itself: Envoy's own action on underscores is off.
    manager["common_http_protocol_options"]["headers_with_underscores_action"] = json!("ALLOW");
}

/// One request for each separator, with all of the identity names and the vendor's headers; the
/// last one has mixed separators and capital letters.
fn forged(path: &str) -> Vec<(String, Raw)> {
    let request = |names: Vec<String>| {
        let vendor =
            VENDOR.iter().fold(Raw::get(path), |request, name| request.header(name, "vendor"));
        names.iter().fold(vendor, |request, name| request.header(name, "evil"))
    };
    let mut requests: Vec<_> = SEPARATORS
        .chars()
        .map(|byte| {
            let byte = byte.to_string();
            let names = IDENTITY.map(|name| name.replace('-', &byte)).to_vec();
            (format!("separator {byte}"), request(names))
        })
        .collect();
    let mixed = IDENTITY.map(|name| name.replacen('-', "~", 1).to_uppercase()).to_vec();
    requests.push(("mixed".to_owned(), request(mixed)));
    requests
}

/// The names of headers with the value `evil` that reached the service.
async fn reached(envoy: &Envoy, request: &Raw) -> Vec<String> {
    let echoed = request.send(envoy.gate("demo")).await.echo();
    for name in VENDOR {
        assert_eq!(echoed.all(name), ["vendor"], "{name}");
    }
    echoed.headers.into_iter().filter(|(_, value)| value == "evil").map(|(name, _)| name).collect()
}

#[tokio::test]
async fn no_spelling_of_an_identity_header_passes_a_route_without_a_check() {
    let shipped = demo(with_a_hole).await;
    let open = demo(|manager| {
        with_a_hole(manager);
        late(manager);
    })
    .await;
    for (name, request) in forged("/off") {
        let left = reached(&shipped, &request).await;
        assert!(left.is_empty(), "{name}: {left:?} reached the service");
        // Without the early strip all of them do: nothing else looks at this route.
        let left = reached(&open, &request).await;
        assert_eq!(left.len(), IDENTITY.len(), "{name}: {left:?} reached the service");
    }
}

#[tokio::test]
async fn our_own_identity_headers_arrive_behind_the_early_strip() {
    let stack = stack().await;
    let envoy = demo(with_a_hole).await;
    let token = stack.issuer.token("verified").sign();
    for (name, request) in forged("/orders") {
        let echoed = request.bearer(&token).send(envoy.gate("demo")).await.echo();
        assert_eq!(echoed.all("x-rownd-user-id"), [USER], "{name}");
        assert_eq!(echoed.all("x-rownd-auth-level"), ["verified"], "{name}");
        assert_eq!(echoed.all("x-rownd-verified"), ["true"], "{name}");
        let evil: Vec<_> = echoed.headers.iter().filter(|(_, value)| value == "evil").collect();
        assert!(evil.is_empty(), "{name}: {evil:?} reached the service");
    }
}

#[tokio::test]
async fn without_the_early_strip_the_check_removes_every_spelling() {
    let envoy = demo(|manager| {
        with_a_hole(manager);
        late(manager);
    })
    .await;
    for path in ["/public", "/optional"] {
        for (name, request) in forged(path) {
            let left = reached(&envoy, &request).await;
            assert!(left.is_empty(), "{path}, {name}: {left:?} reached the service");
        }
    }
}

/// The patterns name the identity headers. Other names of the reserved prefix are the
/// authorizer's to remove, so they pass where it is not asked.
#[tokio::test]
async fn the_early_strip_covers_identity_and_the_check_the_whole_prefix() {
    let envoy = demo(with_a_hole).await;
    let request = |path: &str| Raw::get(path).header("x-rownd-anything", "evil");
    let echoed = request("/off").send(envoy.gate("demo")).await.echo();
    assert_eq!(echoed.all("x-rownd-anything"), ["evil"]);
    let echoed = request("/public").send(envoy.gate("demo")).await.echo();
    assert!(echoed.all("x-rownd-anything").is_empty());
}

/// With the filter's rules for mutations, the authorizer may remove each spelling it names.
#[test]
fn the_shipped_filter_lets_the_authorizer_remove_every_spelling() {
    let mut bootstrap = super::shipped::load("demo.yaml");
    let rules = &super::shipped::filter(manager(&mut bootstrap))["decoder_header_mutation_rules"];
    assert_eq!(rules["disallow_all"], true);
    assert_eq!(rules["allow_expression"]["regex"], "x[^a-z0-9]rownd[^a-z0-9].*");
}
