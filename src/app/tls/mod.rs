//! TLS of the gRPC listener: the handshake, the names of the peer's certificate, and the files
//! that are read again when they change.

#[cfg(test)]
mod tests;

use std::{fmt, io, sync::Arc, time::Duration};

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
    config::{self, Files, Material, Tls as Settings, TlsVersion},
    log_throttle::LogThrottle,
    metrics::Metrics,
    model::PeerName,
};

/// HTTP/2, the only protocol here (RFC 7301).
const ALPN: &[u8] = b"h2";
/// Handshakes that fail are logged this often; a prober may try many times a second.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// TLS of a listener. The certificate in use changes when its files do.
pub(super) struct ListenerTls {
    settings: Settings,
    current: ArcSwap<ServerConfig>,
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
    pub(super) fn build(settings: &Settings, metrics: &Metrics) -> Result<Arc<Self>, String> {
        let material = material(settings).map_err(|problems| problems.join("; "))?;
        let config = server(settings, &material)?;
        metrics.certificate_ends(material.not_after);
        Ok(Arc::new(Self {
            settings: settings.clone(),
            current: ArcSwap::from_pointee(config),
            log_throttle: LogThrottle::once_per(LOG_EVERY),
        }))
    }

    /// The files, to be watched.
    pub(super) fn files(&self) -> Files {
        let Settings { cert_file, key_file, client_ca_file, .. } = &self.settings;
        let files = [Some(cert_file), Some(key_file), client_ca_file.as_ref()];
        Files::new(files.into_iter().flatten().cloned().collect())
    }

    /// Uses what the files hold from now on, for new connections. Open connections go on.
    ///
    /// # Errors
    ///
    /// Fails with every problem of the files; what was in use stays in use.
    pub(super) fn reload(&self, metrics: &Metrics) -> Result<(), Vec<String>> {
        let material = material(&self.settings)?;
        let config = server(&self.settings, &material).map_err(|problem| vec![problem])?;
        self.current.store(Arc::new(config));
        metrics.certificate_ends(material.not_after);
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

fn material(settings: &Settings) -> Result<Material, Vec<String>> {
    let tell = |(name, message): (&str, String)| format!("listeners.grpc.tls.{name}: {message}");
    config::read_tls(settings).map_err(|found| found.into_iter().map(tell).collect())
}

/// Sessions are not resumed: a proxy connects rarely, and each connection shows a certificate
/// that is good now.
fn server(settings: &Settings, material: &Material) -> Result<ServerConfig, String> {
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
                .map_err(|error| format!("listeners.grpc.tls.client_ca_file: {error}"))?,
        ),
    };
    let certificate = SingleCertAndKey::from(material.certificate.clone());
    let mut config = builder.with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![ALPN.to_vec()];
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
