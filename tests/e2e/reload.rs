//! Configurations and certificates that change behind Envoy: no request fails, and each answer
//! is wholly of one configuration.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};

use super::{heavy, lifecycle::no_errors, load::Load, stack::config};
use crate::support::{
    background,
    certs::Authority,
    echo::Echo,
    envoy::EnvoyBuilder,
    eventually,
    gate::Gate,
    product::{Product, Until},
    raw::{Answer, Raw},
    rownd::{KeyService, Rownd},
};

/// Everything that differs is told by an answer: where the credential is taken from, what the
/// route asks for, and how the denial is worded.
fn edition(mut settings: Value, name: &str) -> Value {
    let (header, level) = if name == "one" { ("x-one", "verified") } else { ("x-two", "guest") };
    settings["credentials"] = json!([{ "header": header }, { "header": "authorization" }]);
    settings["routes"] = json!([{
        "id": name, "match": { "path": { "prefix": "/both" } }, "auth_level": level,
    }]);
    settings["check"]["realm"] = json!(name);
    settings
}

/// A guest's token for the first configuration, which asks for more; no token for the second.
/// Any mixture of the two is an answer that neither gives.
fn of_one_configuration(answer: &Answer) -> Result<&'static str, String> {
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    for (name, status, reason) in
        [("one", 403, "auth_level_too_low"), ("two", 401, "token_malformed")]
    {
        let realm = format!("Bearer realm=\"{name}\"");
        if answer.status == status
            && answer.text().contains(reason)
            && challenge.starts_with(&realm)
        {
            return Ok(name);
        }
    }
    Err(format!("{}: {challenge}: {}", answer.status, answer.text()))
}

type Seen = Result<BTreeMap<&'static str, u64>, String>;

async fn judge(
    to: SocketAddr,
    guest: String,
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
) -> Seen {
    let mut seen = BTreeMap::new();
    while !stop.load(Ordering::SeqCst) {
        let request = Raw::get("/both").header("x-one", &guest).header("x-two", "nonsense");
        let answer = request.send(to).await;
        *seen.entry(of_one_configuration(&answer)?).or_default() += 1;
        asked.fetch_add(1, Ordering::SeqCst);
    }
    Ok(seen)
}

#[tokio::test]
async fn thirty_reloads_under_load_cost_no_request_and_mix_nothing() {
    let _guard = heavy::alone().await;
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    let mut product = Product::start(edition(config(&issuer), "one"), Until::Ready).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(Gate { raw_headers: true, ..Gate::new("load") })
        .gate(Gate { raw_headers: true, ..Gate::new("judged") })
        .start()
        .await;
    let load = Load::start(envoy.gate("load"), &issuer.token("verified").sign());
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let guest = issuer.token("guest").sign();
    let judge = background().spawn(judge(
        envoy.gate("judged"),
        guest,
        Arc::clone(&stop),
        Arc::clone(&asked),
    ));
    for turn in 1..=30_u32 {
        let name = if turn % 2 == 1 { "two" } else { "one" };
        product.rewrite(edition(config(&issuer), name));
        product.child().signal("HUP");
        let product = &product;
        eventually("the new configuration", || async move {
            let epoch = product.metric("rownd_authz_config_epoch", &[]).await;
            (epoch == f64::from(turn + 1)).then_some(())
        })
        .await;
        load.go_on(20).await;
        let before = asked.load(Ordering::SeqCst);
        eventually("the judged requests to go on", || {
            let on = asked.load(Ordering::SeqCst) > before + 1 || judge.is_finished();
            std::future::ready(on.then_some(()))
        })
        .await;
    }
    stop.store(true, Ordering::SeqCst);
    let seen = judge.await.expect("the judge").expect("answers of one configuration each");
    assert!(seen.len() == 2, "both configurations were seen: {seen:?}");
    load.end().await;
    no_errors(&envoy, "load").await;
    assert_eq!(envoy.counters("judged").await.get("error"), 0);
    assert_eq!(product.ops("/readyz").await.status, 200);
}

#[tokio::test]
async fn rotating_certificates_under_load_costs_no_request() {
    let _guard = heavy::alone().await;
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    let (servers, clients) = (Authority::new(), Authority::new());
    let dir = tempfile::tempdir().expect("a directory for certificates");
    servers.issue().write(dir.path(), "server");
    fs::write(dir.path().join("clients.crt"), clients.pem()).expect("the clients' authority");
    let mut settings = config(&issuer);
    settings["listeners"]["grpc"] = json!({
        // Envoy connects again and again, so that it meets every certificate.
        "max_connection_age": "500ms",
        "tls": {
            "cert_file": dir.path().join("server.crt"),
            "key_file": dir.path().join("server.key"),
            "client_ca_file": dir.path().join("clients.crt"),
        },
    });
    let mut product = Product::start(settings, Until::Ready).await;
    let envoy_pair = clients.issue();
    let inline = |text: &str| json!({ "inline_string": text });
    let kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .with(
            "transport_socket",
            json!({ "name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": kind,
                "sni": "localhost",
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": inline(&envoy_pair.cert),
                        "private_key": inline(&envoy_pair.key),
                    }],
                    "validation_context": {
                        "trusted_ca": inline(&servers.pem()),
                        "match_typed_subject_alt_names": [{
                            "san_type": "DNS", "matcher": { "exact": "localhost" },
                        }],
                    },
                    "alpn_protocols": ["h2"],
                },
            } }),
        )
        .gate(Gate::new("rotating"))
        .start()
        .await;
    let load = Load::start(envoy.gate("rotating"), &issuer.token("verified").sign());
    load.go_on(50).await;
    for turn in 1..=10_u32 {
        servers.issue().write(dir.path(), "server");
        product.child().signal("HUP");
        let opened = envoy.stats("cluster.authz.upstream_cx_").await["total"];
        let (envoy, product) = (&envoy, &product);
        eventually("new connections under the new certificate", || async move {
            let read = product.metric("rownd_authz_reloads_total", &["certificate", "ok"]).await;
            let now = envoy.stats("cluster.authz.upstream_cx_").await["total"];
            (read >= f64::from(turn) && now >= opened + 2).then_some(())
        })
        .await;
        load.go_on(20).await;
    }
    load.end().await;
    no_errors(&envoy, "rotating").await;
    assert_eq!(envoy.stats("cluster.authz.ssl.").await["connection_error"], 0);
    assert_eq!(product.metric("rownd_authz_connections_total", &["tls_failed"]).await, 0.0);
}
