//! TLS in front of a server that speaks plain text: a private authority's issuer.
//!
//! In: a certificate, and the address of the server behind. Out: `https://localhost:PORT`.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::certs::Pair;

/// A running one. It ends when dropped.
pub(crate) struct TlsFront {
    address: SocketAddr,
    tls: Arc<Mutex<Arc<ServerConfig>>>,
    serving: AbortHandle,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TlsFront {
    /// Shows this certificate, and hands everything on.
    pub(crate) async fn start(pair: &Pair, behind: SocketAddr) -> Self {
        Self::at("127.0.0.1:0", pair, behind).await
    }

    /// The same, on this address.
    pub(crate) async fn at(address: &str, pair: &Pair, behind: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = Arc::new(Mutex::new(config(pair)));
        let serving = tokio::spawn(serve(listener, tls.clone(), behind)).abort_handle();
        Self { address, tls, serving }
    }

    /// The address that it listens on.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://localhost:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// From now on new connections see this certificate.
    pub(crate) fn show(&self, pair: &Pair) {
        *self.tls.lock().unwrap() = config(pair);
    }
}

fn config(pair: &Pair) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(pair.cert.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

async fn serve(listener: TcpListener, tls: Arc<Mutex<Arc<ServerConfig>>>, behind: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = TlsAcceptor::from(tls.lock().unwrap().clone());
        connections.spawn(async move {
            let mut stream = acceptor.accept(stream).await.ok()?;
            let mut behind = TcpStream::connect(behind).await.ok()?;
            copy_bidirectional(&mut stream, &mut behind).await.ok()
        });
    }
}
