//! TLS of a listener: the handshake, the names of the peer's certificate, and the files
//! that are read again when they change.

#[cfg(test)]
mod tests;

use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::CertificateDer,
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use x509_parser::{extensions::GeneralName, parse_x509_certificate};

use crate::{
    config::{self, Files, HttpListenerName, Material, Tls as Settings, TlsVersion},
    log_throttle::LogThrottle,
    metrics::Metrics,
    model::PeerName,
};

/// A listener that may speak TLS.
#[derive(Debug)]
pub(super) struct TlsPlace {
    /// Its setting.
    setting: &'static str,
    /// The only protocol on it (RFC 7301).
    alpn: &'static [u8],
}

pub(super) const GRPC: TlsPlace = TlsPlace { setting: "listeners.grpc.tls", alpn: b"h2" };

/// TLS of a listener over HTTP.
pub(super) const fn of_http(listener: HttpListenerName) -> TlsPlace {
    let setting = match listener {
        HttpListenerName::Http => "listeners.http.tls",
        HttpListenerName::PublicHttp => "listeners.public_http.tls",
    };
    TlsPlace { setting, alpn: b"http/1.1" }
}

/// Handshakes that fail are logged this often; a prober may try many times a second.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// TLS of a listener. The certificate in use changes when its files do.
pub(super) struct ListenerTls {
    place: TlsPlace,
    settings: Settings,
    current: ArcSwap<ServerConfig>,
    /// When the certificate expires, Unix time.
    not_after: AtomicU64,
    log_throttle: LogThrottle,
}

impl fmt::Debug for ListenerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerTls").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl ListenerTls {
    /// From the settings, with what their files hold now.
    ///
    /// # Errors
    ///
    /// Fails where a file cannot be read or used, with every problem in one text.
    pub(super) fn build(place: TlsPlace, settings: &Settings) -> Result<Arc<Self>, String> {
        let material = material(&place, settings).map_err(|problems| problems.join("; "))?;
        let config = server(&place, settings, &material)?;
        Ok(Arc::new(Self {
            place,
            settings: settings.clone(),
            current: ArcSwap::from_pointee(config),
            not_after: material.not_after.into(),
            log_throttle: LogThrottle::once_per(LOG_EVERY),
        }))
    }

    /// The files, to be watched.
    fn files(&self) -> impl Iterator<Item = PathBuf> {
        let Settings { cert_file, key_file, client_ca_file, .. } = &self.settings;
        let files = [Some(cert_file), Some(key_file), client_ca_file.as_ref()];
        files.into_iter().flatten().cloned()
    }

    /// Uses what the files hold from now on, for new connections. Open connections go on.
    ///
    /// # Errors
    ///
    /// Fails with every problem of the files; what was in use stays in use.
    fn reload(&self) -> Result<(), Vec<String>> {
        let material = material(&self.place, &self.settings)?;
        let config =
            server(&self.place, &self.settings, &material).map_err(|problem| vec![problem])?;
        self.current.store(Arc::new(config));
        self.not_after.store(material.not_after, Ordering::Relaxed);
        Ok(())
    }

    /// The handshake: the stream, and the names in the certificate of the peer.
    ///
    /// # Errors
    ///
    /// Fails where the handshake fails.
    pub(super) async fn accept<S>(&self, stream: S) -> io::Result<(TlsStream<S>, Vec<PeerName>)>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let stream = TlsAcceptor::from(self.current.load_full()).accept(stream).await?;
        let (_, session) = stream.get_ref();
        let names = session.peer_certificates().and_then(<[_]>::first).map(names);
        Ok((stream, names.unwrap_or_default()))
    }

    /// Logs why a handshake failed, now and then. A peer that only looked whether the port is
    /// open is not logged.
    pub(super) fn log_failure(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::InvalidData && self.log_throttle.admit().is_some() {
            tracing::warn!(
                %error,
                "a TLS handshake failed: the peer speaks no TLS, or one of the two certificates \
                 was refused; more of these are counted and not logged for a while"
            );
        }
    }
}

/// TLS of every listener that speaks it.
#[derive(Debug, Clone, Default)]
pub(super) struct AllTls(Vec<Arc<ListenerTls>>);

impl AllTls {
    pub(super) fn of(all: impl IntoIterator<Item = Arc<ListenerTls>>) -> Self {
        Self(all.into_iter().collect())
    }

    /// The files, to be watched; `None`: there are none.
    pub(super) fn files(&self) -> Option<Files> {
        let files: Vec<_> = self.0.iter().flat_map(|tls| tls.files()).collect();
        (!files.is_empty()).then(|| Files::new(files))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Shows when the first certificate expires.
    pub(super) fn show(&self, metrics: &Metrics) {
        let ends = self.0.iter().map(|tls| tls.not_after.load(Ordering::Relaxed));
        if let Some(first) = ends.min() {
            metrics.certificate_ends(first);
        }
    }

    /// Uses what the files of each listener hold from now on. A listener whose files have a problem
    /// goes on with what it had.
    ///
    /// # Errors
    ///
    /// Fails with every problem of all files.
    pub(super) fn reload(&self, metrics: &Metrics) -> Result<(), Vec<String>> {
        let problems: Vec<_> =
            self.0.iter().filter_map(|tls| tls.reload().err()).flatten().collect();
        self.show(metrics);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

fn material(place: &TlsPlace, settings: &Settings) -> Result<Material, Vec<String>> {
    let tell = |(name, message): (&str, String)| format!("{}.{name}: {message}", place.setting);
    config::read_tls(settings).map_err(|found| found.into_iter().map(tell).collect())
}

/// Sessions are not resumed: a proxy connects rarely, and each connection shows a certificate
/// that is good now.
fn server(
    place: &TlsPlace,
    settings: &Settings,
    material: &Material,
) -> Result<ServerConfig, String> {
    let provider = Arc::new(default_provider());
    let versions: &[_] = match settings.min_version {
        TlsVersion::Tls12 => &[&TLS12, &TLS13],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(|error| error.to_string())?;
    let builder = match &material.client_roots {
        None => builder.with_no_client_auth(),
        Some(roots) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(roots.clone(), provider)
                .build()
                .map_err(|error| format!("{}.client_ca_file: {error}", place.setting))?,
        ),
    };
    let certificate = SingleCertAndKey::from(material.certificate.clone());
    let mut config = builder.with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![place.alpn.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The names of a certificate that was verified (RFC 5280 section 4.2.1.6).
fn names(certificate: &CertificateDer<'_>) -> Vec<PeerName> {
    let Ok((_, parsed)) = parse_x509_certificate(certificate) else { return Vec::new() };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => Some(PeerName::Uri((*uri).to_owned())),
        GeneralName::DNSName(name) => Some(PeerName::Dns((*name).to_owned())),
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}
