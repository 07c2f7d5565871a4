//! The real Envoy as the outbound proxy of the product: `network.proxy`.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use crate::support::{
    Ask, Claims, Issuer, Key, TestApp, certs::Authority, config_with, envoy::Envoy,
    tls_front::TlsFront, until,
};

/// An Envoy that connects to any host, as companies run it for outbound traffic.
fn bootstrap() -> Value {
    let kind = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    let names = json!({ "name": "names", "dns_lookup_family": "V4_ONLY" });
    json!({
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
        "static_resources": {
            "listeners": [{
                "name": "proxy",
                "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
                "filter_chains": [{ "filters": [{
                    "name": "http",
                    "typed_config": {
                        "@type": kind("filters.network.http_connection_manager.v3\
                                       .HttpConnectionManager"),
                        "stat_prefix": "proxy",
                        "upgrade_configs": [{ "upgrade_type": "CONNECT" }],
                        "route_config": { "virtual_hosts": [{
                            "name": "all",
                            "domains": ["*"],
                            "routes": [
                                { "match": { "connect_matcher": {} }, "route": {
                                    "cluster": "any",
                                    "upgrade_configs": [{
                                        "upgrade_type": "CONNECT", "connect_config": {},
                                    }],
                                } },
                                { "match": { "prefix": "/" }, "route": { "cluster": "any" } },
                            ],
                        }] },
                        "http_filters": [
                            { "name": "names", "typed_config": {
                                "@type": kind("filters.http.dynamic_forward_proxy.v3.FilterConfig"),
                                "dns_cache_config": names,
                            } },
                            { "name": "router", "typed_config": {
                                "@type": kind("filters.http.router.v3.Router"),
                            } },
                        ],
                    },
                }] }],
            }],
            "clusters": [{
                "name": "any",
                "lb_policy": "CLUSTER_PROVIDED",
                "cluster_type": {
                    "name": "envoy.clusters.dynamic_forward_proxy",
                    "typed_config": {
                        "@type": kind("clusters.dynamic_forward_proxy.v3.ClusterConfig"),
                        "dns_cache_config": names,
                    },
                },
            }],
        },
    })
}

#[tokio::test]
async fn keys_come_through_an_envoy_by_https_and_by_http() {
    let (authority, key) = (Authority::new(), Key::new("sig-1"));
    let issuer = Issuer::with_keys(&[&key]);
    let front = TlsFront::start(&authority.issue(), issuer.address()).await;
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.crt");
    std::fs::write(&ca, authority.pem()).unwrap();
    let envoy = Envoy::with_bootstrap(&bootstrap()).await;
    let plain = format!("http://localhost:{}", issuer.address().port());
    let mut connections = 0;
    for url in [front.url(), plain] {
        let app = TestApp::ready(&config_with(&issuer, |config| {
            config["issuers"][0]["base_url"] = json!(url);
            config["issuers"][0]["tls"] = json!({ "ca_file": ca });
            config["network"] = json!({ "proxy": format!("http://{}", envoy.gate("proxy")) });
        }))
        .await;
        let token = key.token(&Claims::of(&url));
        app.check(&Ask::with_token(token)).await.assert_allowed(&url, "authenticated");
        let stats = envoy.stats("cluster.any.upstream_cx_total").await;
        let now: u64 = stats.values().sum();
        assert!(now > connections, "{url}: {stats:?}");
        connections = now;
    }

    // It answers 503 for a host where nobody listens: the proxy's answer, not the issuer's.
    let gone = Issuer::closed();
    let url = format!("https://localhost:{}", gone.address().port());
    let app = TestApp::start(&config_with(&gone, |config| {
        config["issuers"][0]["base_url"] = json!(url);
        config["network"] = json!({ "proxy": format!("http://{}", envoy.gate("proxy")) });
        config["issuers"][0]["tls"] = json!({ "ca_file": ca });
    }))
    .await;
    let failed = [("result", "proxy")];
    until("a refusal", || app.metric("rownd_authz_key_fetches_total", &failed) >= 1.0).await;
    let token = key.token(&Claims::of(&url));
    let denied = app.check(&Ask::with_token(token)).await;
    denied.assert_denied("no keys", DenyReason::KeysUnavailable);
    assert!(app.page("/status").await.body.contains("refuses to connect"));
}
