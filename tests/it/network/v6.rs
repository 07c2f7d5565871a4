//! IPv6: every listener, and issuers by address and by name.

use serde_json::json;

use super::Secure;
use crate::support::{
    Ask, Claims, Issuer, Key, TestApp,
    binary::run,
    config_with,
    issuer::{KEYS, METADATA},
    page,
    tls_front::TlsFront,
};

#[tokio::test]
async fn every_listener_serves_ipv6() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    for host in ["[::1]", "[::]"] {
        let app = TestApp::ready(&config_with(&issuer, |config| {
            config["listeners"] = json!({
                "grpc": { "address": format!("{host}:0"), "workers": 1 },
                "ops": { "address": format!("{host}:0"), "probe_address": "[::1]:0" },
            });
        }))
        .await;
        let token = key.token(&Claims::of(&issuer.url()));
        app.check(&Ask::with_token(&token)).await.assert_allowed(host, "authenticated");
        let by = |address: &str, port| format!("{address}:{port}").parse().unwrap();
        let (ops, probes) = (app.ops.port(), app.probes.unwrap().port());
        assert_eq!(page::get(by("[::1]", ops), "/readyz").await.status, 200, "{host}");
        assert_eq!(page::get(by("[::1]", probes), "/livez").await.status, 200, "{host}");
        let address = format!("--address=[::1]:{probes}");
        let probe = move || run(&["healthcheck", "--page=readyz", &address], &[]);
        let probed = tokio::task::spawn_blocking(probe).await.unwrap();
        assert!(probed.status.success(), "{host}: {probed:?}");
        if host == "[::]" {
            // Linux serves IPv4 on such a socket too, unless `net.ipv6.bindv6only` is set.
            assert_eq!(page::get(by("127.0.0.1", ops), "/readyz").await.status, 200);
        }
    }
}

#[tokio::test]
async fn an_issuer_is_reached_by_an_ipv6_address_and_by_a_name() {
    let secure = Secure::start().await;
    let pair = secure.authority.issue();
    let behind = secure.issuer.address();
    let front = TlsFront::at("[::1]:0", &pair, behind).await;
    let port = front.address().port();
    for url in [format!("https://[::1]:{port}"), format!("https://[0:0:0:0:0:0:0:1]:{port}")] {
        let app = TestApp::ready(&secure.config(|config| {
            config["issuers"][0]["base_url"] = json!(url);
            config["issuers"][0]["issuer"] = json!(url);
        }))
        .await;
        let token = secure.key.token(&Claims::of(&url));
        app.check(&Ask::with_token(token)).await.assert_allowed(&url, "authenticated");
    }
    // IPv4 by its mapped address, which is that address for every rule.
    let mapped = format!("http://[::ffff:127.0.0.1]:{}", behind.port());
    let app = TestApp::ready(&secure.config(|config| {
        config["issuers"][0]["base_url"] = json!(mapped);
        config["issuers"][0]["allow_insecure_http"] = json!(true);
    }))
    .await;
    assert!(secure.issuer.hits(METADATA) > 0 && secure.issuer.hits(KEYS) > 0);
    drop(app);
}
