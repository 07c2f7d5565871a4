//! TLS on the listener `http`: client certificates say which caller it is, and files that change are
//! read again.

use std::{fs, net::SocketAddr, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{JSON, SERVICE, address, assert_error, bearer, with};
use crate::{
    it::rownd_auth::ADMIN,
    support::{
        certs::{Authority, Pair, SPIFFE},
        http::{Answer, exchange},
    },
};

/// A connection of a client that trusts this authority and shows this certificate.
pub(super) async fn dial(
    to: SocketAddr,
    trusts: &Authority,
    pair: Option<&Pair>,
    alpn: Option<&[u8]>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusts.pem().as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match pair {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let cert = CertificateDer::from_pem_slice(pair.cert.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![cert], key).unwrap()
        }
    };
    config.alpn_protocols = alpn.map(<[u8]>::to_vec).into_iter().collect();
    let stream = TcpStream::connect(to).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn verify(stream: TlsStream<TcpStream>, headers: &str, body: &str) -> Answer {
    let line = format!("POST {SERVICE}Verify");
    exchange(stream, "authz.test", &line, &format!("{JSON}{headers}"), body).await
}

#[tokio::test]
async fn a_certificate_or_a_secret_says_which_caller_it_is() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let dir = tempfile::tempdir().unwrap();
    servers.issue().write(dir.path(), "server");
    fs::write(dir.path().join("clients.crt"), clients.pem()).unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    for (name, uri, granted) in [
        ("its own id", SPIFFE, true),
        ("another's", "spiffe://cluster.local/ns/edge/sa/other", false),
    ] {
        let rig = with(|settings| {
            settings["listeners"]["http"]["tls"] = json!({
                "cert_file": at("server.crt"), "key_file": at("server.key"),
                "client_ca_file": at("clients.crt"),
            });
            let edge = json!({ "name": "edge", "uris": [uri], "allow": ["verify"] });
            settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(edge);
        })
        .await;
        let body = json!({ "token": rig.token("ann") }).to_string();
        let pair = clients.issue();
        let to = address(&rig);
        let stream = dial(to, &servers, Some(&pair), Some(b"http/1.1")).await.unwrap();
        let answer = verify(stream, "", &body).await;
        if granted {
            assert_eq!(answer.json()["identity"]["userId"], "ann", "{name}");
        } else {
            assert_error(name, &answer, 403, "permission_denied", "CALLER_REQUIRED");
        }
        let stream = dial(to, &servers, Some(&pair), None).await.unwrap();
        assert_eq!(verify(stream, &bearer(ADMIN), &body).await.status, 200, "{name}");
        // A wrong secret is refused whatever the certificate says.
        let stream = dial(to, &servers, Some(&pair), None).await.unwrap();
        let answer = verify(stream, &bearer("another-secret-of-this-test"), &body).await;
        assert_error(name, &answer, 403, "permission_denied", "CALLER_UNKNOWN");
        // Without a certificate of that authority nobody gets in, and HTTP/2 is not spoken.
        let stranger = Authority::new().issue();
        for pair in [None, Some(&stranger)] {
            let refused = match dial(to, &servers, pair, None).await {
                Err(_) => true,
                Ok(mut stream) => {
                    use tokio::io::AsyncReadExt as _;
                    !matches!(stream.read(&mut [0; 1]).await, Ok(1))
                }
            };
            assert!(refused, "{name}");
        }
        assert!(dial(to, &servers, Some(&pair), Some(b"h2")).await.is_err(), "{name}");
        let end = rig.app.metric("rownd_authz_certificate_not_after_timestamp_seconds", &[]);
        assert_eq!(end, 4_102_444_800.0, "the first of January 2100");
    }
}

#[tokio::test]
async fn plain_text_gets_no_answer_where_tls_is_spoken() {
    let servers = Authority::new();
    let dir = tempfile::tempdir().unwrap();
    servers.issue().write(dir.path(), "server");
    let at = |name: &str| dir.path().join(name).display().to_string();
    let rig = with(|settings| {
        settings["listeners"]["http"]["tls"] =
            json!({ "cert_file": at("server.crt"), "key_file": at("server.key") });
    })
    .await;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = TcpStream::connect(address(&rig)).await.unwrap();
    stream.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: authz.test\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = crate::support::in_time("the end", stream.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let stream = dial(address(&rig), &servers, None, None).await.unwrap();
    let answer = exchange(stream, "authz.test", "GET /openapi.json", "", "").await;
    assert_eq!(answer.status, 200);
}
