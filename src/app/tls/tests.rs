//! The names in a certificate, and the authorities of those of callers.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

use super::names;
use crate::{
    config::{Tls, TlsVersion, read_tls},
    model::PeerName,
};

#[test]
fn the_names_of_a_certificate_are_its_uris_and_its_dns_names() {
    let spiffe = "spiffe://cluster.local/ns/edge/sa/envoy";
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let uri = |uri: &str| SanType::URI(uri.try_into().unwrap());
    let ip = SanType::IpAddress([127, 0, 0, 1].into());
    for (case, alternative, expected) in [
        ("none", vec![], vec![]),
        ("an address alone", vec![ip.clone()], vec![]),
        (
            "all kinds",
            vec![dns("envoy.edge"), ip, uri(spiffe)],
            vec![PeerName::Dns("envoy.edge".to_owned()), PeerName::Uri(spiffe.to_owned())],
        ),
    ] {
        let mut params = CertificateParams::default();
        params.subject_alt_names = alternative;
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(names(certificate.der()), expected, "{case}");
    }
    assert_eq!(names(&b"no certificate".to_vec().into()), []);
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

/// A certificate that an authority has given to a server or client is no authority itself. One that
/// somebody made for themselves may be.
#[test]
fn the_authority_of_callers_may_sign_for_others() {
    let named = |name: &str| {
        let mut params = CertificateParams::new(vec![format!("{name}.test")]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let key = || KeyPair::generate().unwrap();
    let (ca_key, own_key, leaf_key) = (key(), key(), key());
    let mut ca = named("ca");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = pem("CERTIFICATE", ca.self_signed(&ca_key).unwrap().der());
    let own = pem("CERTIFICATE", named("own").self_signed(&own_key).unwrap().der());
    let leaf = named("leaf").signed_by(&leaf_key, &Issuer::new(ca, ca_key)).unwrap();
    let leaf = pem("CERTIFICATE", leaf.der());
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let (cert_file, key_file) =
        (write("own.pem", &own), write("own.key", &pem("PRIVATE KEY", &own_key.serialize_der())));
    for (name, pem, taken) in [
        ("ca", &ca_pem, true),
        ("own", &own, true),
        ("leaf", &leaf, false),
        ("both", &format!("{ca_pem}{leaf}"), false),
    ] {
        let settings = Tls {
            cert_file: cert_file.clone(),
            key_file: key_file.clone(),
            client_ca_file: Some(write("ca.pem", pem)),
            min_version: TlsVersion::Tls12,
        };
        let found = read_tls(&settings).err().unwrap_or_default();
        assert_eq!(found.is_empty(), taken, "{name}: {found:?}");
        for (setting, message) in found {
            assert_eq!(setting, "client_ca_file", "{name}");
            assert!(message.contains("signs for no others; write that of"), "{message}");
        }
    }
}
