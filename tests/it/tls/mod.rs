//! TLS on the gRPC listener: who gets in, who does not, and certificates that change.
//!
//! In: certificates good and bad, peers that speak TLS well, badly or not at all. Out: checks
//! that are answered, connections that are refused and counted, and files that are read again.

mod files;
mod peers;

use std::{fs, io, net::SocketAddr, path::PathBuf, sync::Arc};

use hyper_util::rt::TokioIo;
use rownd_authz::grpc::pb::authorization_client::AuthorizationClient;
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::support::{
    Answer, Ask, Claims, Issuer, Key, TestApp,
    certs::{Authority, Pair},
    config,
};

/// A service that speaks TLS, and who signs for it and for its clients.
struct House {
    issuer: Issuer,
    key: Key,
    servers: Authority,
    clients: Authority,
    app: TestApp,
    dir: TempDir,
    file: PathBuf,
}

/// The settings of TLS below a directory.
fn tls(dir: &std::path::Path, mutual: bool) -> Value {
    let at = |name: &str| dir.join(name).display().to_string();
    let mut tls = json!({ "cert_file": at("server.crt"), "key_file": at("server.key") });
    if mutual {
        tls["client_ca_file"] = json!(at("clients.crt"));
    }
    tls
}

impl House {
    async fn open(mutual: bool, change: impl FnOnce(&mut Value)) -> Self {
        let key = Key::new("sig-1");
        let issuer = Issuer::with_keys(&[&key]);
        let (servers, clients) = (Authority::new(), Authority::new());
        let dir = tempfile::tempdir().unwrap();
        servers.issue().write(dir.path(), "server");
        fs::write(dir.path().join("clients.crt"), clients.pem()).unwrap();
        let mut settings = config(&issuer);
        settings["listeners"]["grpc"]["tls"] = tls(dir.path(), mutual);
        change(&mut settings);
        let file = dir.path().join("rownd-authz.yaml");
        fs::write(&file, settings.to_string()).unwrap();
        let app = TestApp::follow(&file).await;
        app.is_ready().await;
        Self { issuer, key, servers, clients, app, dir, file }
    }

    fn good(&self) -> Ask {
        Ask::with_token(self.key.token(&Claims::of(&self.issuer.url())))
    }

    fn result(&self, result: &str) -> f64 {
        self.app.metric("rownd_authz_connections_total", &[("result", result)])
    }

    /// Somebody who trusts the server's authority and shows this certificate.
    fn client(&self, pair: Option<&Pair>) -> Client {
        Client::new(self.app.address(), &self.servers, pair)
    }

    async fn is_well(&self, what: &str) {
        let pair = self.clients.issue();
        let answer = self.client(Some(&pair)).check(&self.good()).await.expect(what);
        answer.assert_allowed(what, "authenticated");
    }
}

/// A client that speaks TLS.
#[derive(Clone)]
struct Client {
    to: SocketAddr,
    config: ClientConfig,
}

impl Client {
    fn new(to: SocketAddr, trusts: &Authority, pair: Option<&Pair>) -> Self {
        Self::speaking(&[&TLS12, &TLS13], to, trusts, pair)
    }

    fn speaking(
        versions: &[&'static SupportedProtocolVersion],
        to: SocketAddr,
        trusts: &Authority,
        pair: Option<&Pair>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(trusts.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
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
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self { to, config }
    }

    async fn dial(self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.to).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(self.config)).connect(name, stream).await
    }

    async fn channel(&self) -> Result<Channel, tonic::transport::Error> {
        let client = self.clone();
        let connect = service_fn(move |_: Uri| {
            let client = client.clone();
            async move { client.dial().await.map(TokioIo::new) }
        });
        Endpoint::from_static("http://localhost").connect_with_connector(connect).await
    }

    /// Asks on a connection of its own; the error is that of the connection.
    async fn check(&self, ask: &Ask) -> Result<Answer, String> {
        let channel = self.channel().await.map_err(|error| error.to_string())?;
        ask_on(channel, ask).await
    }

    /// The certificate that the server shows.
    async fn certificate(&self) -> Vec<u8> {
        let stream = self.clone().dial().await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    }
}

async fn ask_on(channel: Channel, ask: &Ask) -> Result<Answer, String> {
    let asked = AuthorizationClient::new(channel).check(ask.message()).await;
    asked.map(|answer| Answer::sound(answer.into_inner())).map_err(|status| status.to_string())
}

fn der(pair: &Pair) -> Vec<u8> {
    CertificateDer::from_pem_slice(pair.cert.as_bytes()).unwrap().to_vec()
}
