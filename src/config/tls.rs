//! The certificate files of a listener: reads them, and checks that they belong together.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{
    InconsistentKeys, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use x509_parser::parse_x509_certificate;

use super::{
    Config, Tls,
    authorities::{blocks, may_be_authority},
    file,
    findings::Finding,
};

/// The first byte of what DER encodes of keys and certificates (X.690 section 8.9).
const DER_SEQUENCE: u8 = 0x30;

/// The content of the certificate files.
#[derive(Debug, Clone)]
pub struct Material {
    /// The certificate with its key.
    pub certificate: Arc<CertifiedKey>,
    /// The authorities of client certificates, where those are asked for.
    pub client_roots: Option<Arc<RootCertStore>>,
    /// When the certificate expires, Unix time.
    pub not_after: u64,
}

/// Setting below `tls` of the listener, and message.
type Found = Vec<(&'static str, String)>;

/// Reads the files.
///
/// # Errors
///
/// Every problem, each with its setting below `tls` of the listener.
pub fn read_tls(settings: &Tls) -> Result<Material, Found> {
    let mut found = Found::new();
    let chain = certificates("cert_file", &settings.cert_file, &mut found);
    let key = key(&settings.key_file, &mut found);
    let client_roots = settings.client_ca_file.as_deref().map(|file| roots(file, &mut found));
    let not_after = chain.first().and_then(|leaf| expiry(leaf, &settings.cert_file, &mut found));
    let certificate = key.filter(|_| !chain.is_empty()).and_then(|key| {
        CertifiedKey::from_der(chain, key, &default_provider())
            .map_err(|error| found.extend(misfit(settings, &error, &found.clone())))
            .ok()
    });
    match (certificate, not_after) {
        (Some(certificate), Some(not_after)) if found.is_empty() => {
            let client_roots = client_roots.map(Arc::new);
            Ok(Material { certificate: Arc::new(certificate), client_roots, not_after })
        }
        _ => Err(found),
    }
}

/// The problems in the form of the configuration: JSON pointer and message.
pub(super) fn problems(config: &Config) -> Vec<Finding> {
    let over_http = config.listeners.over_http().map(|http| (http.name.as_str(), http.tls));
    let all = [("grpc", config.listeners.grpc.tls.as_ref())].into_iter().chain(over_http);
    let problems = all.filter_map(|(listener, settings)| {
        let found = read_tls(settings?).err()?;
        let at = move |(name, message)| Finding {
            pointer: format!("/listeners/{listener}/tls/{name}"),
            message,
        };
        Some(found.into_iter().map(at))
    });
    problems.flatten().collect()
}

/// The text of a file in PEM, and the labels of its blocks.
fn read_pem(path: &Path, der: &str) -> Result<(String, Vec<String>), String> {
    let shown = path.display();
    let bytes =
        file::read_bytes(path, file::MAX_BYTES).map_err(|error| file::unreadable(path, &error))?;
    if bytes.first() == Some(&DER_SEQUENCE) {
        return Err(format!(
            "the file {shown} is not PEM but binary, most likely DER; convert it: {der}"
        ));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("the file {shown} is not text in UTF-8; write PEM"))?;
    let found = blocks(&text).map_err(|(line, cause)| format!("{shown}:{line}: {cause}"))?;
    let labels = found.iter().map(|block| block.label.to_owned()).collect();
    Ok((text, labels))
}

/// The part of a message that says what a file in PEM holds instead.
fn instead(labels: &[String], wanted: &str) -> String {
    match labels.first().map(String::as_str) {
        None => format!("holds no {wanted}, and no block of PEM at all"),
        Some("CERTIFICATE") => format!("holds a certificate, and no {wanted}"),
        Some("PUBLIC KEY" | "RSA PUBLIC KEY") => format!("holds a public key, and no {wanted}"),
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => {
            format!("holds a request for a certificate, and no {wanted}")
        }
        Some(label) if label.ends_with("PRIVATE KEY") => {
            format!("holds a private key, and no {wanted}")
        }
        Some(_) => format!("holds no {wanted}"),
    }
}

fn certificates(
    setting: &'static str,
    file: &Path,
    found: &mut Found,
) -> Vec<CertificateDer<'static>> {
    let shown = file.display();
    let der = "openssl x509 -inform der -in FILE -out FILE.pem";
    let read = read_pem(file, der).and_then(|(text, labels)| {
        let chain = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
        match chain {
            Ok(chain) if chain.is_empty() => Err(format!(
                "the file {shown} {}; write the file that has -----BEGIN CERTIFICATE-----, often \
                 tls.crt",
                instead(&labels, "certificate")
            )),
            Ok(chain) => Ok(chain),
            Err(_) => Err(format!(
                "the file {shown} has a block that is not base64 as PEM has it; copy the file again"
            )),
        }
    });
    read.unwrap_or_else(|message| {
        found.push((setting, message));
        Vec::new()
    })
}

fn key(file: &Path, found: &mut Found) -> Option<PrivateKeyDer<'static>> {
    let shown = file.display();
    let der = "openssl pkey -inform der -in FILE -out FILE.pem";
    // The parser's error could quote what it found.
    let read = read_pem(file, der).and_then(|(text, labels)| {
        if labels.iter().any(|label| label == "ENCRYPTED PRIVATE KEY")
            || text.contains("Proc-Type: 4,ENCRYPTED")
        {
            return Err(format!(
                "the file {shown} holds an encrypted key; decrypt it: openssl pkey -in OLD -out NEW"
            ));
        }
        PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
            format!(
                "the file {shown} {}; write the file that has the key in PEM, unencrypted, PKCS #8 \
                 best, often tls.key",
                instead(&labels, "private key")
            )
        })
    });
    read.map_err(|message| found.push(("key_file", message))).ok()
}

fn roots(file: &Path, found: &mut Found) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("client_ca_file", file, found) {
        if signs_nothing(&certificate) {
            let shown = file.display();
            found.push((
                "client_ca_file",
                format!(
                    "{shown} has the certificate of a server or client, which signs for no others; write \
                     that of the authority that issued the certificates of the callers"
                ),
            ));
        }
        if let Err(error) = roots.add(certificate) {
            let shown = file.display();
            found.push((
                "client_ca_file",
                format!("{shown} has a certificate that cannot be used: {error}"),
            ));
        }
    }
    roots
}

/// Whether no certificate of a caller can be of this one.
fn signs_nothing(certificate: &CertificateDer<'_>) -> bool {
    parse_x509_certificate(certificate).is_ok_and(|(_, parsed)| !may_be_authority(&parsed))
}

fn expiry(leaf: &CertificateDer<'_>, file: &Path, found: &mut Found) -> Option<u64> {
    let shown = file.display();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let message = match parse_x509_certificate(leaf) {
        Ok((_, certificate)) => {
            let end = u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or(0);
            if end > now {
                return Some(end);
            }
            let end = certificate.validity().not_after;
            format!("the certificate in {shown} expired at {end}; write one that is valid")
        }
        Err(error) => {
            format!("the certificate in {shown} cannot be read: {error}; copy the file again")
        }
    };
    found.push(("cert_file", message));
    None
}

/// The problem of a certificate and a key that cannot be used together: of the one that is to blame.
/// `None` if the certificate has a problem already.
fn misfit(settings: &Tls, error: &rustls::Error, known: &Found) -> Option<(&'static str, String)> {
    let (shown, certificate) = (settings.key_file.display(), settings.cert_file.display());
    Some(match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => (
            "key_file",
            format!(
                "the key in {shown} does not belong to the certificate in {certificate}; write the \
                 key that the certificate was made for"
            ),
        ),
        rustls::Error::InvalidCertificate(_) if known.iter().any(|(at, _)| *at == "cert_file") => {
            return None;
        }
        rustls::Error::InvalidCertificate(error) => (
            "cert_file",
            format!("the certificate in {certificate} cannot be used: {error:?}; write another"),
        ),
        error => ("key_file", format!("the key in {shown} is not usable: {error}; write another")),
    })
}
