//! Channels for gRPC to servers of the operator.
//!
//! In: the address of a server. Out: a channel that connects when it is used, with the authorities
//! that are in force then, and to no address where clouds keep credentials. A proxy is never used:
//! few of them pass on what gRPC needs.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;
use url::{Host, Url};

use super::{
    address::{Reach, Standing, check_literal},
    client::Client,
    connections,
    error::{UpstreamError, root_cause},
    network::Network,
};
use crate::config::WebAddress;

/// A connection, by TLS or without.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A gRPC server of the operator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GrpcTarget {
    network: Network,
    ca_file: Option<PathBuf>,
    url: Arc<Url>,
}

impl Client {
    /// The gRPC server at this address, whose certificate the authorities of the file have signed,
    /// or else those of `network.tls`.
    #[must_use]
    pub fn grpc_target(&self, address: &WebAddress, ca_file: Option<&Path>) -> GrpcTarget {
        GrpcTarget {
            network: self.network().clone(),
            ca_file: ca_file.map(Path::to_owned),
            url: Arc::new(address.url().clone()),
        }
    }
}

impl GrpcTarget {
    /// A channel that connects when it is used first, and again after each break. It needs a
    /// runtime.
    ///
    /// # Errors
    ///
    /// The address cannot be that of a gRPC server.
    pub fn channel(&self) -> Result<Channel, UpstreamError> {
        let endpoint = Endpoint::from_shared(self.url.as_str().to_owned())
            .map_err(|_| UpstreamError::Refused("not a URL"))?;
        let target = self.clone();
        let connect = move |_: http::Uri| {
            let target = target.clone();
            async move { target.connect().await.map(TokioIo::new) }
        };
        Ok(endpoint.connect_with_connector_lazy(service_fn(connect)))
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, UpstreamError> {
        let limit = self.network.connect_timeout();
        timeout(limit, self.open()).await.unwrap_or(Err(UpstreamError::UnreachedInTime))
    }

    async fn open(&self) -> Result<Box<dyn Stream>, UpstreamError> {
        let unreached = |error: std::io::Error| UpstreamError::Unreached(root_cause(&error));
        let addresses = self.addresses().await?;
        let stream = TcpStream::connect(addresses.as_slice()).await.map_err(unreached)?;
        stream.set_nodelay(true).map_err(unreached)?;
        if self.url.scheme() != "https" {
            return Ok(Box::new(stream));
        }
        let state = self.network.state();
        let gone = UpstreamError::Refused("the server is no longer configured");
        let trust = &state.connections.get(&self.ca_file).ok_or(gone)?.trust;
        if let Some(reason) = &trust.missing {
            return Err(UpstreamError::NoAuthorities(reason.clone()));
        }
        let mut tls = connections::tls(trust).map_err(UpstreamError::Unreached)?;
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let name = match self.url.host() {
            Some(Host::Domain(name)) => ServerName::try_from(name.to_owned()).ok(),
            Some(Host::Ipv4(address)) => Some(ServerName::IpAddress(address.into())),
            Some(Host::Ipv6(address)) => Some(ServerName::IpAddress(address.into())),
            None => None,
        };
        let name = name.ok_or(UpstreamError::Refused("no name that a certificate could have"))?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await;
        Ok(Box::new(stream.map_err(unreached)?))
    }

    async fn addresses(&self) -> Result<Vec<SocketAddr>, UpstreamError> {
        check_literal(&self.url, Standing::Written)?;
        let port = self.url.port_or_known_default().unwrap_or(443);
        let name = match self.url.host() {
            Some(Host::Ipv4(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Ipv6(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Domain(name)) => name,
            None => return Err(UpstreamError::Refused("no host")),
        };
        let found = lookup_host((name, port)).await;
        let found = found.map_err(|error| UpstreamError::Unreached(root_cause(&error)))?;
        let allowed: Vec<_> = found.filter(|found| Reach::Private.allows(found.ip())).collect();
        if allowed.is_empty() {
            return Err(UpstreamError::Refused("no allowed address behind the name"));
        }
        Ok(allowed)
    }
}
