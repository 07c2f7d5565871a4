//! The names in a certificate.

use rcgen::{CertificateParams, KeyPair, SanType};

use super::names;
use crate::model::PeerName;

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
