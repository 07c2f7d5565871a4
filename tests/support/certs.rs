//! Certificates made on the spot.
//!
//! In: names and an end. Out: PEM files, as a cert manager mounts them.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType,
    date_time_ymd,
};

/// The SPIFFE id of the clients.
pub(crate) const SPIFFE: &str = "spiffe://cluster.local/ns/edge/sa/envoy";

/// One who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    /// A fresh one.
    pub(crate) fn new() -> Self {
        Self::until(2100)
    }

    /// One that ends with the first day of a year.
    pub(crate) fn until(year: i32) -> Self {
        let mut params = CertificateParams::default();
        // Another name than the certificates have: one that signs itself has its signer's.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate.
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", self.0.der())
    }

    /// A certificate for this machine and for the SPIFFE id, good for long.
    pub(crate) fn issue(&self) -> Pair {
        self.issue_until(2100)
    }

    /// One that ends with the first day of a year.
    pub(crate) fn issue_until(&self, year: i32) -> Pair {
        let names = ["localhost", "127.0.0.1", "::1", "id.test", "keys.test"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.subject_alt_names.push(SanType::URI(SPIFFE.try_into().unwrap()));
        params.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        Pair { cert: pem("CERTIFICATE", cert.der()), key: pem("PRIVATE KEY", &key.serialize_der()) }
    }
}

impl Pair {
    /// Writes both as `NAME.crt` and `NAME.key`, each renamed into its place.
    pub(crate) fn write(&self, dir: &Path, name: &str) {
        for (end, text) in [("crt", &self.cert), ("key", &self.key)] {
            let new = dir.join("new");
            fs::write(&new, text).unwrap();
            fs::rename(&new, dir.join(format!("{name}.{end}"))).unwrap();
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
