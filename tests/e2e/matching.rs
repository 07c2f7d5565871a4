//! Rules that match by headers, query parameters and path templates, through the real Envoy. A request
//! that some servers read in another way gets past no rule that one of its readings chooses.

use std::{net::SocketAddr, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    sync::OnceCell,
};
use tokio_rustls::TlsConnector;

use crate::support::{
    certs::{Authority, SPIFFE},
    echo::Echo,
    envoy::{Envoy, EnvoyBuilder},
    gate::Gate,
    product::{Product, Until},
    raw::Raw,
    rownd::{KeyService, Rownd},
};

/// The headers that `config check` names for this configuration.
const READ: &[&str] = &[
    "authorization",
    "content-type",
    "traceparent",
    "x-request-id",
    "x[^a-z0-9]env",
    "x[^a-z0-9]mark",
    "x[^a-z0-9]rownd([^a-z0-9].*)?",
];

struct Stack {
    issuer: Rownd,
    envoy: Envoy,
    _product: Product,
    _echo: Echo,
}

async fn stack() -> &'static Stack {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_init(Stack::start).await
}

impl Stack {
    async fn start() -> Self {
        let issuer = Rownd::start(KeyService::Works).await;
        let echo = Echo::start().await;
        let below = |path: &str| json!({ "prefix": path });
        let config = json!({
            "issuers": [issuer.config()],
            "routes": [
                // Each opens what the default closes.
                { "id": "staging", "auth": "none", "match": { "path": below("/env"),
                    "headers": [{ "name": "X-Env", "exact": "staging" }] } },
                { "id": "gold", "auth": "none", "match": { "path": below("/plan"),
                    "query": [{ "name": "plan", "exact": "gold" }] } },
                { "id": "item", "auth": "none",
                    "match": { "path": { "template": "/open/{id}" } } },
                { "id": "file", "auth": "none",
                    "match": { "path": { "template": "/files/{name...}" } } },
                // Each closes what the next one opens.
                { "id": "marked", "match": { "path": below("/mark"),
                    "headers": [{ "name": "x-mark", "present": true }] } },
                { "id": "debug", "match": { "path": below("/mark"),
                    "query": [{ "name": "debug", "present": true }] } },
                { "id": "unmarked", "auth": "none", "match": { "path": below("/mark") } },
                { "id": "record", "auth_level": "verified",
                    "match": { "path": { "template": "/users/{id}/record" } } },
                { "id": "users", "auth": "none", "match": { "path": below("/users") } },
                // No client here shows a certificate.
                { "id": "workload", "auth": "none",
                    "match": { "principal": "spiffe://cluster.local/**" } },
            ],
            "check": { "timeout": "4s" },
        });
        let product = Product::start(config, Until::Ready).await;
        let raw = |name| Gate { raw_headers: true, ..Gate::new(name) };
        let envoy = EnvoyBuilder::new(echo.address())
            .authz("authz", &[product.endpoint()])
            .gate(Gate::new("joined"))
            .gate(raw("raw"))
            .gate(Gate { allowed_headers: Some(READ), ..raw("allowed") })
            .gate(Gate { normalize: true, ..raw("normal") })
            .start()
            .await;
        Self { issuer, envoy, _product: product, _echo: echo }
    }

    async fn status(&self, gate: &str, request: &Raw) -> u16 {
        request.send(self.envoy.gate(gate)).await.status
    }
}

/// The gates that must not differ.
const GATES: [&str; 3] = ["joined", "raw", "allowed"];

/// (path, headers, status without a credential)
type Case = (&'static str, &'static [(&'static str, &'static str)], u16);

#[rustfmt::skip] // one case a line
const HEADERS: &[Case] = &[
    ("/env", &[], 401),
    ("/env", &[("x-env", "staging")], 200),
    ("/env", &[("X-ENV", " staging ")], 200),
    ("/env", &[("x-env", "production")], 401),
    ("/env", &[("x-env", "Staging")], 401),
    ("/env", &[("x-env", "staging"), ("x-env", "staging")], 401),
    ("/env", &[("x-env", "staging"), ("x-env", "production")], 401),
    ("/env", &[("x-env", "production"), ("x-env", "staging")], 401),
    ("/env", &[("x-env", "staging,production")], 401),
    ("/env", &[("X_Env", "staging")], 401),
    ("/env", &[("X.Env", "staging")], 401),
    ("/env", &[("x-env", "staging"), ("X_Env", "production")], 401),
    ("/mark", &[], 200),
    ("/mark", &[("x-mark", "1")], 401),
    ("/mark", &[("x-mark", "1"), ("x-mark", "2")], 401),
    ("/mark", &[("x-mark", "")], 401),
    ("/mark", &[("X_Mark", "1")], 401),
    ("/mark", &[("x~mark", "1")], 401),
    ("/mark", &[("x-marked", "1")], 200),
];

#[rustfmt::skip] // one case a line
const QUERY: &[Case] = &[
    ("/plan", &[], 401),
    ("/plan?plan=gold", &[], 200),
    ("/plan?x=1&plan=gold", &[], 200),
    ("/plan?plan=tin", &[], 401),
    ("/plan?plan=gold&plan=tin", &[], 401),
    ("/plan?plan=tin&plan=gold", &[], 401),
    ("/plan?plan=%67old", &[], 401),
    ("/plan?%70lan=gold", &[], 401),
    ("/plan?plan=tin;plan=gold", &[], 401),
    ("/plan?plan=gold;x", &[], 401),
    ("/plan?plan[]=gold", &[], 401),
    ("/plan?Plan=gold", &[], 401),
    ("/plan?plan=gold&x=%zz", &[], 401),
    ("/mark?debug=1", &[], 401),
    ("/mark?debug", &[], 401),
    ("/mark?Debug=1", &[], 401),
    ("/mark?%64ebug=1", &[], 401),
    ("/mark?x=1;debug=1", &[], 401),
    ("/mark?x=1", &[], 200),
];

#[rustfmt::skip] // one case a line
const TEMPLATES: &[Case] = &[
    ("/open/1", &[], 200),
    ("/open/1?x=/users", &[], 200),
    ("/open", &[], 401),
    ("/open/", &[], 401),
    ("/open/1/", &[], 401),
    ("/open/1/2", &[], 401),
    ("/Open/1", &[], 401),
    ("/open//1", &[], 401),
    ("/open/1/../2", &[], 400),
    ("/open/..", &[], 400),
    ("/open/%2e%2e", &[], 400),
    ("/open/x/%2e%2e/1", &[], 400),
    ("/open/1%2f2", &[], 400),
    ("/open/..%2fadmin", &[], 400),
    ("/open/1%00", &[], 400),
    ("/open/a\\b", &[], 400),
    ("/files/a", &[], 200),
    ("/files/a/b", &[], 200),
    ("/files/", &[], 401),
    ("/files", &[], 401),
    ("/files/a/../../users", &[], 400),
    ("/users/1", &[], 200),
    ("/users/1/record", &[], 401),
    ("/users/1/record/", &[], 401),
    ("/users/1/Record", &[], 401),
    ("/users/1//record", &[], 401),
    ("/users/1/%72ecord", &[], 401),
    ("/users/1/record;x", &[], 401),
    ("/users/1/x/../record", &[], 400),
    ("/users/1%2frecord", &[], 400),
    ("/users/1/record%3fx", &[], 401),
    ("/other", &[], 401),
];

#[tokio::test]
async fn no_reading_of_a_request_gets_past_its_rule() {
    let stack = stack().await;
    for gate in GATES {
        for (path, headers, expected) in HEADERS.iter().chain(QUERY).chain(TEMPLATES) {
            let request = Raw::get(path);
            let request = headers.iter().fold(request, |it, (name, value)| it.header(name, value));
            let status = stack.status(gate, &request).await;
            assert_eq!(status, *expected, "{path} {headers:?} @ {gate}");
        }
    }
}

#[tokio::test]
async fn a_rule_that_only_some_readings_choose_asks_for_its_level() {
    let stack = stack().await;
    let (guest, verified) =
        (stack.issuer.token("guest").sign(), stack.issuer.token("verified").sign());
    for (path, name, with_guest) in [
        ("/users/1/record", "x-none", 403),
        ("/users/1/record/", "x-none", 403),
        ("/mark", "x_mark", 200),
    ] {
        let request = |token: &str| Raw::get(path).header(name, "1").bearer(token);
        for gate in GATES {
            assert_eq!(stack.status(gate, &request(&guest)).await, with_guest, "{path} @ {gate}");
            assert_eq!(stack.status(gate, &request(&verified)).await, 200, "{path} @ {gate}");
        }
    }
}

#[tokio::test]
async fn a_path_that_envoy_normalises_is_matched_as_the_service_gets_it() {
    let stack = stack().await;
    for (path, expected) in [("/x/../open/1", 200), ("/open/./1", 200), ("/open/1/../../x", 401)] {
        assert_eq!(stack.status("normal", &Raw::get(path)).await, expected, "{path}");
    }
}

/// A listener that takes clients with a certificate of this authority only.
fn mutual_tls(authority: &Authority) -> Value {
    let pair = authority.issue();
    let mut listener = Gate { raw_headers: true, ..Gate::new("mutual") }.listener("/dev/null");
    listener["filter_chains"][0]["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3\
                      .DownstreamTlsContext",
            "require_client_certificate": true,
            "common_tls_context": {
                "tls_certificates": [{
                    "certificate_chain": { "inline_string": pair.cert },
                    "private_key": { "inline_string": pair.key },
                }],
                "validation_context": { "trusted_ca": { "inline_string": authority.pem() } },
            },
        },
    });
    listener
}

/// The first line of the answer to a GET of this path, by a client with a certificate of the
/// authority, which has the SPIFFE ID of the tests.
async fn ask_with_certificate(authority: &Authority, to: SocketAddr, path: &str) -> String {
    let pair = authority.issue();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(pair.cert.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap(),
        )
        .unwrap();
    let connection = TcpStream::connect(to).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection =
        TlsConnector::from(Arc::new(config)).connect(name, connection).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: a.com\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut line = String::new();
    BufReader::new(connection).read_line(&mut line).await.unwrap();
    line.trim_end().to_owned()
}

#[tokio::test]
async fn the_workload_of_the_client_is_that_of_its_certificate() {
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    let rule = |id: &str, path: &str, principal: &str| {
        let parts = json!({ "path": { "exact": path }, "principal": principal });
        json!({ "id": id, "auth": "none", "match": parts })
    };
    let config = json!({
        "issuers": [issuer.config()],
        "routes": [
            rule("exact", "/exact", SPIFFE),
            rule("pattern", "/pattern", "spiffe://cluster.local/ns/*/sa/envoy"),
            rule("below", "/below", "spiffe://cluster.local/ns/**"),
            rule("other", "/other", "spiffe://cluster.local/ns/*/sa/other"),
            rule("domain", "/domain", "spiffe://other.local/**"),
            rule("dns", "/dns", "localhost"),
        ],
        "check": { "timeout": "4s" },
    });
    let product = Product::start(config, Until::Ready).await;
    let authority = Authority::new();
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(Gate::new("plain"))
        .listener(mutual_tls(&authority))
        .start()
        .await;
    for (path, status) in [
        ("/exact", 200),
        ("/pattern", 200),
        ("/below", 200),
        ("/other", 401),
        ("/domain", 401),
        // The URI comes first.
        ("/dns", 401),
    ] {
        let line = ask_with_certificate(&authority, envoy.gate("mutual"), path).await;
        assert!(line.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {line}");
        // A client without a certificate is no workload.
        let plain = Raw::get(path).send(envoy.gate("plain")).await;
        assert_eq!(plain.status, 401, "{path}");
    }
}
