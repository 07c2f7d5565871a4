//! The certificates of the authorities that sign for the servers that this program calls: those of
//! a file (`ca_file`), and those of the system.
//!
//! In: a file in PEM, or the environment (`SSL_CERT_FILE`, `SSL_CERT_DIR`). Out: the certificates,
//! or every problem of the file with its line.

mod pem_blocks;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use x509_parser::{certificate::X509Certificate, parse_x509_certificate};

use super::{Config, file, findings::Finding, sections::OutboundTls};
use pem_blocks::PemBlock;
pub(super) use pem_blocks::blocks;

/// The certificate of an authority, out of a file.
#[derive(Debug, Clone)]
pub struct Authority {
    /// The certificate.
    pub der: CertificateDer<'static>,
    /// The line of the file in which it begins.
    pub line: usize,
    /// When it begins and ends to be valid, Unix time. Nobody checks this of an authority when a
    /// connection is made.
    pub valid: (i64, i64),
}

/// Reads the certificates of authorities in a file.
///
/// # Errors
///
/// Every problem of the file, with its line where there is one.
pub fn read_authorities(path: &Path) -> Result<Vec<Authority>, Vec<String>> {
    let shown = path.display();
    let bytes = file::read_bytes(path, file::MAX_BYTES)
        .map_err(|error| vec![file::unreadable(path, &error)])?;
    let text = as_text(&bytes).map_err(|cause| vec![format!("the file {shown} {cause}")])?;
    let at = |(line, cause): (usize, String)| format!("{shown}:{line}: {cause}");
    let blocks = blocks(text).map_err(|found| vec![at(found)])?;
    if blocks.is_empty() {
        let message = if text.trim().is_empty() {
            format!("the file {shown} is empty; write the certificate of an authority in PEM")
        } else {
            format!("the file {shown} holds no certificate; write PEM, -----BEGIN CERTIFICATE-----")
        };
        return Err(vec![message]);
    }
    let (mut good, mut problems) = (Vec::with_capacity(blocks.len()), Vec::new());
    for block in blocks {
        match authority(&block) {
            Ok(authority) => good.push(authority),
            Err(cause) => problems.push(at((block.line, cause))),
        }
    }
    if problems.is_empty() { Ok(good) } else { Err(problems) }
}

/// The certificates of authorities that the environment names, else those of the system.
///
/// # Errors
///
/// The reason, if there is none, or if the environment names what cannot be read.
pub fn system_authorities() -> Result<Vec<CertificateDer<'static>>, String> {
    check_named()?;
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let causes: Vec<String> = found.errors.iter().take(3).map(ToString::to_string).collect();
        let causes = if causes.is_empty() {
            "no file with them was found".to_owned()
        } else {
            causes.join("; ")
        };
        return Err(causes);
    }
    Ok(found.certs)
}

/// The files of authorities that the environment names, to be watched.
#[must_use]
pub fn system_authority_file() -> Option<PathBuf> {
    named("SSL_CERT_FILE").map(PathBuf::from)
}

/// The problems of every `ca_file`, in the form of the configuration.
pub(super) fn problems(config: &Config) -> Vec<Finding> {
    let settings = |tls: &OutboundTls, at: String| tls.ca_file.clone().map(|file| (file, at));
    let global = settings(&config.network.tls, "/network/tls/ca_file".to_owned());
    let own = config
        .issuers
        .iter()
        .filter_map(|issuer| settings(&issuer.tls, format!("{}/tls/ca_file", issuer.pointer())));
    let others = config.other_servers();
    let others = others
        .iter()
        .filter_map(|other| settings(other.tls, format!("{}/tls/ca_file", other.pointer)));
    let mut found = Vec::new();
    let shared = config.shared.as_ref();
    let shared =
        shared.and_then(|shared| settings(&shared.redis.tls, "/shared/tls/ca_file".to_owned()));
    let streams = config.events.redis_streams();
    let streams = streams.filter_map(|(at, stream)| {
        settings(&stream.redis.as_ref()?.tls, format!("{at}/tls/ca_file"))
    });
    let all = global.into_iter().chain(own).chain(others).chain(shared).chain(streams);
    for (file, pointer) in all {
        let problems = read_authorities(&file).err().unwrap_or_default();
        found.extend(
            problems.into_iter().map(|message| Finding { pointer: pointer.clone(), message }),
        );
    }
    found
}

fn named(variable: &str) -> Option<String> {
    super::environment().remove(variable).filter(|path| !path.is_empty())
}

/// A pipe among the named files would wait for a writer, and a device may never end.
fn check_named() -> Result<(), String> {
    if let Some(file) = named("SSL_CERT_FILE") {
        super::certificate_file(Path::new(&file)).map_err(|error| {
            format!(
                "SSL_CERT_FILE: {file} cannot be read: {error}; name a file of certificates in PEM"
            )
        })?;
    }
    let directories = named("SSL_CERT_DIR").unwrap_or_default();
    for directory in std::env::split_paths(&directories).filter(|path| !path.as_os_str().is_empty())
    {
        let shown = directory.display();
        check_directory(&directory)
            .map_err(|error| format!("SSL_CERT_DIR: {shown} cannot be read: {error}"))?;
    }
    Ok(())
}

fn check_directory(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        // A link that leads nowhere is passed over when they are read as well.
        if fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            return Err(io::Error::other(format!("{} is no file", path.display())));
        }
    }
    Ok(())
}

/// The text of a file in PEM. An editor may have put a byte order mark in front.
fn as_text(bytes: &[u8]) -> Result<&str, &'static str> {
    const BINARY: &str = "is not PEM but binary, most likely DER; convert it: openssl x509 -inform \
                          der -in FILE -out FILE.pem";
    if bytes.first() == Some(&0x30) {
        return Err(BINARY);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    str::from_utf8(bytes).map_err(|_| "is not text in UTF-8; write certificates in PEM")
}

fn authority(block: &PemBlock<'_>) -> Result<Authority, String> {
    if block.label != "CERTIFICATE" {
        return Err(foreign(block.label));
    }
    let der = CertificateDer::from_pem_slice(block.text.as_bytes()).map_err(|_| {
        "the certificate is not base64 as PEM has it; copy the file again".to_owned()
    })?;
    let valid = match parse_x509_certificate(&der) {
        Ok(([], certificate)) => {
            if !may_be_authority(&certificate) {
                return Err("the certificate is that of a server or client and signs for no \
                            others; write the certificate of the authority that issued it"
                    .to_owned());
            }
            let valid = certificate.validity();
            (valid.not_before.timestamp(), valid.not_after.timestamp())
        }
        Ok(_) => {
            return Err("there are bytes behind the certificate; copy the file again".to_owned());
        }
        Err(_) => return Err("this is no X.509 certificate; copy the file again".to_owned()),
    };
    RootCertStore::empty()
        .add(der.clone())
        .map_err(|error| format!("the certificate cannot be used: {error}"))?;
    Ok(Authority { der, line: block.line, valid })
}

/// An authority's certificate says so; old roots and those that a server made for itself are issued
/// by themselves.
pub(super) fn may_be_authority(certificate: &X509Certificate<'_>) -> bool {
    certificate.is_ca() || certificate.subject() == certificate.issuer()
}

/// The advice for a block that PEM can hold and that is no certificate.
fn foreign(label: &str) -> String {
    if label.ends_with("PRIVATE KEY") {
        return "this is a private key, not the certificate of an authority; write the file with \
                the certificate (often ca.crt), and keep the key elsewhere"
            .to_owned();
    }
    match label {
        "TRUSTED CERTIFICATE" => {
            "this is a certificate in OpenSSL's own form; convert it: openssl \
                                  x509 -in FILE -out FILE.pem"
                .to_owned()
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            "this is a request for a certificate; write the certificate of the authority".to_owned()
        }
        "X509 CRL" => "this is a list of revoked certificates, which is not supported here; write \
                       the certificate of the authority"
            .to_owned(),
        _ => "this is no certificate; write -----BEGIN CERTIFICATE-----".to_owned(),
    }
}
