//! The filter chain that Istio makes of an AuthorizationPolicy with action CUSTOM, in the
//! real Envoy, with the product as the provider.
//!
//! It is written here, after what Istio's control plane was seen to send: an RBAC filter
//! that only marks the requests the policy is about (shadow rules), ext_authz that is asked
//! where the mark is, headers joined, no `context_extensions`, and CORS after it.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::stack::{No, Stack, stack};
use crate::support::{
    echo::Echoed,
    envoy::{Endpoint, Envoy, EnvoyBuilder},
    free_port,
    raw::Raw,
    rownd::USER,
};

const APP: &str = "https://app.example.com";

fn typed(name: &str, kind: &str, mut config: Value) -> Value {
    config["@type"] = json!(format!("type.googleapis.com/envoy.extensions.filters.{kind}"));
    json!({ "name": name, "typed_config": config })
}

/// Everything but `/healthz` is marked.
fn mark() -> Value {
    let not_path = json!({ "not_rule": { "url_path": { "path": { "exact": "/healthz" } } } });
    typed(
        "envoy.filters.http.rbac",
        "http.rbac.v3.RBAC",
        json!({
            "shadow_rules_stat_prefix": "istio_ext_authz_",
            "shadow_rules": {
                "action": "DENY",
                "policies": {
                    "istio-ext-authz-ns[edge]-policy[rownd-authz]-rule[0]": {
                        "permissions": [{ "and_rules": { "rules": [not_path] } }],
                        "principals": [{ "any": true }],
                    },
                },
            },
        }),
    )
}

fn check(cluster: &str) -> Value {
    typed(
        "envoy.filters.http.ext_authz",
        "http.ext_authz.v3.ExtAuthz",
        json!({
            "transport_api_version": "V3",
            "grpc_service": {
                "envoy_grpc": { "cluster_name": cluster, "authority": "rownd-authz" },
                "timeout": "5s",
            },
            "status_on_error": { "code": "ServiceUnavailable" },
            "filter_enabled_metadata": {
                "filter": "envoy.filters.http.rbac",
                "path": [{ "key": "istio_ext_authz_shadow_effective_policy_id" }],
                "value": { "string_match": { "prefix": "istio-ext-authz" } },
            },
        }),
    )
}

/// A listener of the shape that Istio gives a gateway.
fn listener(name: &str, cluster: &str) -> Value {
    let filters = [
        mark(),
        check(cluster),
        typed("envoy.filters.http.grpc_stats", "http.grpc_stats.v3.FilterConfig", json!({})),
        typed("envoy.filters.http.fault", "http.fault.v3.HTTPFault", json!({})),
        typed("envoy.filters.http.cors", "http.cors.v3.Cors", json!({})),
        typed("envoy.filters.http.router", "http.router.v3.Router", json!({})),
    ];
    let cors = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{ "exact": APP }],
        "allow_methods": "GET,POST",
    });
    let manager = typed(
        "envoy.filters.network.http_connection_manager",
        "network.http_connection_manager.v3.HttpConnectionManager",
        json!({
            "stat_prefix": name,
            "http_filters": filters,
            "normalize_path": true,
            "route_config": { "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "typed_per_filter_config": { "envoy.filters.http.cors": cors },
                "routes": [{ "match": { "prefix": "/" }, "route": { "cluster": "upstream" } }],
            }] },
        }),
    );
    json!({
        "name": name,
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
        "filter_chains": [{ "filters": [manager] }],
    })
}

/// The first patch of the EnvoyFilter in a shipped file.
fn patch(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/istio").join(file);
    let text = fs::read_to_string(path).expect("a shipped file");
    let filter = text
        .split("\n---\n")
        .find(|part| part.contains("\nkind: EnvoyFilter\n"))
        .expect("an EnvoyFilter");
    let filter: Value = serde_saphyr::from_str(filter).expect("YAML");
    filter["spec"]["configPatches"][0].clone()
}

/// The same with the filter that cors.yaml puts first.
fn cors_first(name: &str) -> Value {
    let patch = patch("cors.yaml");
    assert_eq!(patch["applyTo"], "HTTP_FILTER");
    assert_eq!(patch["patch"]["operation"], "INSERT_FIRST");
    let mut listener = listener(name, "authz");
    let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
    let filters = manager["http_filters"].as_array_mut().expect("filters");
    filters.insert(0, patch["patch"]["value"].clone());
    listener
}

/// The same with what the EnvoyFilter of a shipped file merges into it.
fn stripped(name: &str, file: &str) -> Value {
    let patch = patch(file);
    assert_eq!(patch["applyTo"], "NETWORK_FILTER", "{file}");
    let merged = &patch["patch"]["value"]["typed_config"];
    let early = &merged["early_header_mutation_extensions"];
    assert!(early.is_array(), "{file}: {merged}");
    let mut listener = listener(name, "authz");
    let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
    assert_eq!(manager["@type"], merged["@type"], "{file}");
    manager["early_header_mutation_extensions"] = early.clone();
    listener
}

async fn gateway(stack: &Stack) -> Envoy {
    EnvoyBuilder::new(stack.echo.address())
        .authz("authz", &[stack.product.endpoint()])
        .authz("nobody", &[Endpoint::Tcp(free_port())])
        .listener(listener("istio", "authz"))
        .listener(listener("gone", "nobody"))
        .listener(cors_first("cors_first"))
        .listener(stripped("stripped_gateway", "gateway.yaml"))
        .listener(stripped("stripped_sidecar", "sidecar-uds.yaml"))
        .listener(stripped("stripped_waypoint", "waypoint.yaml"))
        .start()
        .await
}

fn preflight(path: &str) -> Raw {
    Raw::new("OPTIONS", path).header("origin", APP).header("access-control-request-method", "POST")
}

#[tokio::test]
async fn a_custom_policy_of_istio_denies_and_allows_as_it_should() {
    let stack = stack().await;
    let envoy = gateway(stack).await;
    let to = envoy.gate("istio");
    let token = |level: &str| stack.issuer.token(level).sign();

    let answer = Raw::get("/orders").send(to).await;
    No::Anonymous.check(&answer, "credential_missing", "nobody");
    let answer = Raw::get("/orders").bearer(&stack.issuer.token("verified").expired().sign());
    No::BadCredential.check(&answer.send(to).await, "token_expired", "an old token");
    let answer = Raw::get("/verified").bearer(&token("guest")).send(to).await;
    No::Forbidden.check(&answer, "auth_level_too_low", "a guest");

    let request = Raw::get("/orders").bearer(&token("verified")).header("x-rownd-user-id", "evil");
    let echoed = request.header("X-Rownd-Roles", "admin").send(to).await.echo();
    assert_eq!(echoed.all("x-rownd-user-id"), [USER]);
    assert_eq!(echoed.all("x-rownd-auth-level"), ["verified"]);
    assert!(echoed.all("x-rownd-roles").is_empty());
}

#[tokio::test]
async fn joined_headers_of_istio_hide_no_second_credential() {
    let stack = stack().await;
    let envoy = gateway(stack).await;
    let token = stack.issuer.token("verified").sign();
    let twice = Raw::get("/orders").bearer(&token).bearer(&stack.issuer.token("guest").sign());
    let answer = twice.send(envoy.gate("istio")).await;
    No::Conflict.check(&answer, "credentials_ambiguous", "two Authorization lines");
}

#[tokio::test]
async fn a_preflight_through_istio_needs_the_routes_consent() {
    let stack = stack().await;
    let envoy = gateway(stack).await;
    let to = envoy.gate("istio");
    // CORS runs after the check, so that the preflight is checked like anything else ...
    let answer = preflight("/orders").send(to).await;
    No::Anonymous.check(&answer, "credential_missing", "a route without cors_preflight");
    // ... and where the route lets it pass, the CORS filter answers it.
    let answer = preflight("/browser").send(to).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
}

#[tokio::test]
async fn with_cors_in_front_a_page_of_another_origin_sees_why() {
    let stack = stack().await;
    let envoy = gateway(stack).await;
    let denied = Raw::get("/orders").header("origin", APP);
    // In the chain of Istio alone, the page sees nothing of a denial ...
    let answer = denied.clone().send(envoy.gate("istio")).await;
    No::Anonymous.check(&answer, "credential_missing", "a page behind Istio");
    assert_eq!(answer.header("access-control-allow-origin"), None);
    // ... and with the shipped EnvoyFilter all of it.
    let to = envoy.gate("cors_first");
    let answer = denied.send(to).await;
    No::Anonymous.check(&answer, "credential_missing", "the same with cors.yaml");
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    let answer = Raw::get("/orders").header("origin", "https://other.example").send(to).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (401, None));
    // Envoy itself answers the preflight: the route need not let it pass.
    let answer = preflight("/orders").send(to).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("access-control-allow-origin"), Some(APP));
    // One header, although the filter is there twice.
    let token = stack.issuer.token("verified").sign();
    let answer = Raw::get("/orders").bearer(&token).header("origin", APP).send(to).await;
    assert_eq!((answer.status, answer.all("access-control-allow-origin")), (200, vec![APP]));
}

#[tokio::test]
async fn what_istio_is_told_to_do_without_us() {
    let stack = stack().await;
    let envoy = gateway(stack).await;
    // A path that the policy leaves out gets no check: what a client forged stays ...
    let forged = Raw::get("/healthz").header("x-rownd-user-id", "evil");
    let echoed = forged.send(envoy.gate("istio")).await.echo();
    assert_eq!(echoed.all("x-rownd-user-id"), ["evil"]);
    // ... unless the shipped EnvoyFilter strips it early. Ours is set after that.
    let token = stack.issuer.token("verified").sign();
    for gate in ["stripped_gateway", "stripped_sidecar", "stripped_waypoint"] {
        let forged = |path: &str| {
            Raw::get(path).header("x-rownd-user-id", "evil").header("x~rownd~roles", "evil")
        };
        let echoed = forged("/healthz").send(envoy.gate(gate)).await.echo();
        let evil = |echoed: &Echoed| echoed.headers.iter().any(|(_, value)| value == "evil");
        assert!(!evil(&echoed), "{gate}: {:?}", echoed.headers);
        let echoed = forged("/orders").bearer(&token).send(envoy.gate(gate)).await.echo();
        assert!(!evil(&echoed), "{gate}: {:?}", echoed.headers);
        assert_eq!(echoed.all("x-rownd-user-id"), [USER], "{gate}");
    }
    // Where nobody answers, `statusOnError` does.
    let answer = Raw::get("/orders").send(envoy.gate("gone")).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
}
