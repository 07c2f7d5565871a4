//! `healthcheck`: asks the gRPC health service of a running server, as an orchestrator would.

use std::{
    convert::Infallible,
    error::Error as _,
    fmt, io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use http::{Request, StatusCode, header::HOST};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{
        CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature,
    },
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower::service_fn;

use super::{ConfigArgs, ExitResult, Failure, block_on, http_client};
use crate::config::{self, ListenAddress};

/// Ask a running server whether it is ready.
#[derive(Args, Clone, Debug)]
pub(super) struct HealthcheckArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Address of the server: IP:PORT or unix:/path [default: as configured]
    #[arg(long, value_name = "ADDRESS")]
    address: Option<ServerAddress>,
    /// Use TLS [default: as configured, unless --address is given]
    #[arg(long)]
    tls: bool,
    /// Accept only a server whose certificate this authority (PEM) has signed for the host of
    /// --address
    #[arg(long, value_name = "FILE", requires = "address")]
    ca: Option<PathBuf>,
    /// Client certificate, PEM, where the server asks for one [default: the server's own, as
    /// configured]
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Key of the client certificate, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// gRPC service to ask about; empty for the whole process
    #[arg(long, value_name = "NAME", default_value = "")]
    service: String,
    /// Ask for this page of the ops listener instead of gRPC health, without TLS [default address:
    /// listeners.ops.probe_address as configured]
    #[arg(long, value_enum, conflicts_with_all = ["tls", "ca", "cert", "key"])]
    page: Option<ProbePage>,
    /// How long to wait for the response
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

/// A page that answers a probe.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProbePage {
    /// The process is running
    Livez,
    /// The process is ready to answer checks
    Readyz,
}

impl ProbePage {
    const fn path(self) -> &'static str {
        match self {
            Self::Livez => "/livez",
            Self::Readyz => "/readyz",
        }
    }
}

/// Where the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ServerAddress {
    /// `HOST:PORT`.
    Tcp(String),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl FromStr for ServerAddress {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix("unix:") {
            Some(path) => Self::Unix(path.into()),
            None => Self::Tcp(text.to_owned()),
        })
    }
}

impl From<ListenAddress> for ServerAddress {
    fn from(address: ListenAddress) -> Self {
        match address {
            ListenAddress::Tcp(address) => Self::Tcp(address.to_string()),
            ListenAddress::Unix(path) => Self::Unix(path),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The server to ask, and how.
struct HealthTarget {
    address: ServerAddress,
    tls: Option<ClientTls>,
}

#[derive(Clone)]
struct ClientTls {
    client: Arc<ClientConfig>,
    /// The name that the server's certificate must have, where it is verified.
    name: ServerName<'static>,
}

fn target(args: &HealthcheckArgs) -> Result<HealthTarget, Failure> {
    let (address, tls) = match &args.address {
        Some(address) => (address.clone(), None),
        None => {
            let file = args.config.config.as_deref();
            let (address, tls) =
                config::grpc_endpoint(file, &config::environment()).map_err(Failure::bad_input)?;
            (address.into(), tls)
        }
    };
    let wanted = args.tls || tls.is_some() || args.cert.is_some() || args.ca.is_some();
    let own = tls.filter(|tls| tls.client_ca_file.is_some());
    let pair = match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
        _ => own.map(|tls| (tls.cert_file, tls.key_file)),
    };
    if !wanted {
        return Ok(HealthTarget { address, tls: None });
    }
    let name = match args.ca {
        Some(_) => host(&address).map_err(Failure::bad_input)?,
        None => ServerName::from(IpAddr::from(Ipv4Addr::LOCALHOST)),
    };
    let client = client_config(args.ca.as_deref(), pair).map_err(Failure::bad_input)?;
    Ok(HealthTarget { address, tls: Some(ClientTls { client, name }) })
}

/// The host of `HOST:PORT`.
fn host(address: &ServerAddress) -> Result<ServerName<'static>, String> {
    let host = match address {
        ServerAddress::Tcp(address) => address.rsplit_once(':').map_or("", |(host, _)| host),
        ServerAddress::Unix(_) => "",
    };
    ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_owned())
        .map_err(|_| format!("--ca: `{address}` has no host that a certificate could name"))
}

pub(super) fn run(args: &HealthcheckArgs) -> ExitResult {
    if let Some(page) = args.page {
        return run_page(args, page);
    }
    let target = target(args)?;
    let address = &target.address;
    let status = block_on(async {
        let asked = fetch_serving_status(&target, args.service.clone(), args.timeout);
        tokio::time::timeout(args.timeout, asked).await.unwrap_or_else(|_| {
            Err(format!("no response from {address} within {:?}", args.timeout))
        })
    })?;
    match status.map_err(Failure::no)? {
        ServingStatus::Serving => Ok(ExitCode::SUCCESS),
        status => Err(Failure::no(format!("{address} answered {}", status.as_str_name()))),
    }
}

fn run_page(args: &HealthcheckArgs, page: ProbePage) -> ExitResult {
    let address = match &args.address {
        Some(address) => address.to_string(),
        None => config::probe_address(args.config.config.as_deref(), &config::environment())
            .map_err(Failure::bad_input)?
            .to_string(),
    };
    // The timer is the runtime's, so it is made there.
    let asked =
        block_on(async { tokio::time::timeout(args.timeout, fetch_status(&address, page)).await })?;
    match asked {
        Ok(Ok(status)) if status.is_success() => Ok(ExitCode::SUCCESS),
        Ok(Ok(status)) => Err(Failure::no(format!("{address} answered {status}"))),
        Ok(Err(error)) => Err(Failure::no(format!("cannot ask {address}: {error}"))),
        Err(_elapsed) => {
            Err(Failure::no(format!("no response from {address} within {:?}", args.timeout)))
        }
    }
}

/// The status of a page.
async fn fetch_status(
    address: &str,
    page: ProbePage,
) -> Result<StatusCode, Box<dyn std::error::Error>> {
    let request = Request::get(page.path()).header(HOST, address).body(Full::<Bytes>::default())?;
    Ok(http_client::send(address, request).await?.status())
}

async fn fetch_serving_status(
    target: &HealthTarget,
    service: String,
    timeout: Duration,
) -> Result<ServingStatus, String> {
    let address = &target.address;
    let failed = |error: &dyn std::error::Error| {
        format!("cannot ask {address}: {}", innermost_message(error))
    };
    let channel = connect(target, timeout).await.map_err(|error| failed(&error))?;
    let response = HealthClient::new(channel).check(HealthCheckRequest { service }).await.map_err(
        |status| match status.source() {
            Some(error) => failed(error),
            None => format!("cannot ask {address}: {}", status.message()),
        },
    )?;
    Ok(response.into_inner().status())
}

/// The innermost message: the outer ones only say that something failed.
fn innermost_message(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

async fn connect(
    target: &HealthTarget,
    timeout: Duration,
) -> Result<Channel, tonic::transport::Error> {
    let (address, tls) = (target.address.clone(), target.tls.clone());
    let connect = service_fn(move |_: Uri| {
        let (address, tls) = (address.clone(), tls.clone());
        async move { open_stream(&address, tls).await }
    });
    let endpoint = Endpoint::from_static("http://localhost").connect_timeout(timeout);
    endpoint.connect_with_connector(connect).await
}

/// A byte stream of any kind.
trait AnyStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> AnyStream for S {}

async fn open_stream(
    address: &ServerAddress,
    tls: Option<ClientTls>,
) -> io::Result<TokioIo<Box<dyn AnyStream>>> {
    let stream: Box<dyn AnyStream> = match address {
        ServerAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
        ServerAddress::Tcp(address) => {
            // A server that listens on every address is asked on this machine's own.
            let address = address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
            Box::new(TcpStream::connect(address).await?)
        }
    };
    Ok(TokioIo::new(match tls {
        None => stream,
        Some(tls) => Box::new(TlsConnector::from(tls.client).connect(tls.name, stream).await?),
    }))
}

fn client_config(
    authority: Option<&Path>,
    pair: Option<(PathBuf, PathBuf)>,
) -> Result<Arc<ClientConfig>, String> {
    let bad = |file: &Path, error: String| format!("{}: {error}", file.display());
    let provider = Arc::new(default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match authority {
        None => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer(provider))),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in read_certificates(file)? {
                roots.add(certificate).map_err(|error| bad(file, error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(bad(file, "holds no certificate".to_owned()));
            }
            builder.with_root_certificates(roots)
        }
    };
    let mut client = match pair {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            // The parser's error could quote what it found.
            let parsed = PrivateKeyDer::from_pem_file(&key)
                .map_err(|_| bad(&key, "holds no private key".to_owned()))?;
            let made = builder.with_client_auth_cert(read_certificates(&cert)?, parsed);
            made.map_err(|error| bad(&cert, error.to_string()))?
        }
    };
    client.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(client))
}

fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// Accepts any certificate, as the kubelet's probes do. Nothing secret is sent, and a server that
/// works must not be restarted because the file of its certificate is newer than the one in use,
/// or names no address of this machine.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
