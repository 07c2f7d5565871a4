//! Which addresses are refused, and how long an answer may be kept.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use reqwest::header::{AGE, CACHE_CONTROL, HeaderMap};
use url::Url;

use super::{
    BodyKind, CallSpec, Client, Connection, HttpMethod, Repeat, Request, UpstreamError, UrlOrigin,
    address::Reach,
    caching::{fresh_for, max_age, retry_after},
};

fn provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

const SPEC: CallSpec = CallSpec {
    method: HttpMethod::Get,
    body: BodyKind::None,
    repeat: Repeat::Never,
    connection: Connection::Shared,
    max_answer_bytes: 100,
};

async fn refused(url: &str, origin: UrlOrigin) -> UpstreamError {
    provider();
    // By https, so that there are authorities.
    let yaml = "issuers: [{ name: a, kind: oidc, issuer: 'https://id.test', audiences: [a] }]";
    let config = crate::config::parse("test.yaml", yaml, &BTreeMap::new()).unwrap();
    let client = Client::build(&config.network, &config.issuers, Duration::from_secs(1)).unwrap();
    let url = Url::parse(url).unwrap();
    let (headers, body, timeout) = (&[], Bytes::new(), Duration::from_secs(1));
    let request = Request { spec: SPEC, url: &url, origin, headers, body, timeout };
    client.fetch(request).await.unwrap_err()
}

#[tokio::test]
async fn addresses_where_clouds_keep_credentials_are_always_refused() {
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/keys",
        "https://[fd00:ec2::254]/keys",
        "https://[::ffff:169.254.169.254]/keys",
        "http://0.0.0.0/keys",
        "http://0.1.2.3/keys",
        "http://240.0.0.1/keys",
        "http://168.63.129.16/machine",
        "http://100.100.100.200/latest",
        "http://192.0.0.192/latest",
        "https://[fd20:ce::254]/keys",
        // By way of IPv6: compatible, NAT64 and its local prefix, 6to4.
        "https://[::169.254.169.254]/keys",
        "https://[64:ff9b::a9fe:a9fe]/keys",
        "https://[64:ff9b:1::a9fe:a9fe]/keys",
        "https://[2002:a9fe:a9fe::1]/keys",
        "https://[64:ff9b::6464:64c8]/keys",
    ] {
        let error = refused(url, UrlOrigin::Operator).await;
        assert!(matches!(error, UpstreamError::Refused(_)), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_learned_url_leads_to_public_addresses_by_https_only() {
    for url in [
        "http://8.8.8.8/keys",
        "https://127.0.0.1/keys",
        "https://10.0.0.1/keys",
        "https://192.168.1.1/keys",
        "https://100.64.0.1/keys",
        "https://[::1]/keys",
        "https://[fc00::1]/keys",
        "https://[fec0::1]/keys",
        "https://172.16.0.1/keys",
        "https://198.19.0.1/keys",
        "https://192.0.0.1/keys",
        "https://[::ffff:10.0.0.1]/keys",
        "https://[64:ff9b::a00:1]/keys",
        "https://[2002:7f00:1::1]/keys",
    ] {
        let error = refused(url, UrlOrigin::Document).await;
        assert!(matches!(error, UpstreamError::Refused(_)), "{url}: {error:?}");
    }
    let error = refused("https://localhost/keys", UrlOrigin::Document).await;
    assert!(
        matches!(error, UpstreamError::Unreached(_)),
        "a name that leads to loopback: {error:?}"
    );
}

/// The neighbours of refused addresses are not refused.
#[test]
fn other_addresses_are_reached() {
    for (address, operator, document) in [
        ("8.8.8.8", true, true),
        ("100.63.255.255", true, true),
        ("100.64.0.1", true, false),
        ("100.127.255.255", true, false),
        ("100.128.0.0", true, true),
        ("192.0.1.1", true, true),
        ("198.17.255.255", true, true),
        ("198.20.0.0", true, true),
        ("172.32.0.1", true, true),
        ("169.253.255.255", true, true),
        ("223.255.255.255", true, true),
        ("127.0.0.1", true, false),
        ("10.0.0.1", true, false),
        ("::1", true, false),
        ("fd00::1", true, false),
        ("2606:4700::1111", true, true),
        ("64:ff9b::808:808", true, true),
        ("2002:808:808::1", true, true),
        ("::ffff:10.0.0.1", true, false),
    ] {
        let parsed = address.parse().unwrap();
        let found = (Reach::Private.allows(parsed), Reach::Public.allows(parsed));
        assert_eq!(found, (operator, document), "{address}");
    }
}

#[tokio::test]
async fn addresses_that_look_like_others_are_what_they_are() {
    for url in [
        "http://2852039166/latest",
        "http://0xa9.0xfe.0xa9.0xfe/latest",
        "http://0251.0376.0251.0376/latest",
        "http://169.254.169.254.:80/latest",
        "https://[::ffff:a9fe:a9fe]/keys",
        "https://224.0.0.1/keys",
        "https://255.255.255.255/keys",
        "https://[::]/keys",
        "https://[ff02::1]/keys",
    ] {
        let error = refused(url, UrlOrigin::Operator).await;
        assert!(matches!(error, UpstreamError::Refused(_)), "{url}: {error:?}");
    }
}

/// (lines of `Cache-Control`, seconds)
#[rustfmt::skip] // one case a line
const AGES: &[(&[&str], Option<u64>)] = &[
    (&[], None),
    (&["public"], None),
    (&["max-age=300"], Some(300)),
    (&["public, max-age=300"], Some(300)),
    (&["public", "Max-Age=300"], Some(300)),
    (&["max-age=\"300\""], Some(300)),
    (&["max-age=0"], Some(0)),
    (&["no-store"], Some(0)),
    (&["max-age=300, No-Cache"], Some(0)),
    (&["max-age=300", "no-store"], Some(0)),
    (&["max-age="], None),
    (&["max-age=-1"], None),
    (&["max-age=1.5"], None),
    (&["max-age=+300"], None),
    (&["max-age=99999999999999999999"], Some(1 << 31)),
    (&["s-maxage=300"], None),
    (&["x-max-age=300"], None),
];

/// Cases of `Cache-Control`, `Age`, and the seconds that the answer is fresh.
const KEPT_ON_THE_WAY: &[(&str, &str, Option<u64>)] = &[
    ("max-age=300", "", Some(300)),
    ("max-age=300", "0", Some(300)),
    ("max-age=300", "100", Some(200)),
    ("max-age=300", " 100 ", Some(200)),
    ("max-age=300", "300", Some(0)),
    ("max-age=300", "99999", Some(0)),
    ("max-age=300", "-1", Some(300)),
    ("max-age=300", "soon", Some(300)),
    ("max-age=300", "99999999999999999999999", Some(0)),
    ("max-age=315360000", "1", Some(315_359_999)),
    ("no-store", "100", Some(0)),
    ("public", "100", None),
];

#[test]
fn the_age_of_an_answer_shortens_its_freshness() {
    for (control, age, expected) in KEPT_ON_THE_WAY {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, control.parse().unwrap());
        headers.insert(AGE, age.parse().unwrap());
        assert_eq!(fresh_for(&headers), expected.map(Duration::from_secs), "{control} {age}");
    }
}

#[test]
fn max_age_is_read_from_cache_control() {
    for (lines, expected) in AGES {
        let mut headers = HeaderMap::new();
        for line in *lines {
            headers.append(CACHE_CONTROL, line.parse().unwrap());
        }
        assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{lines:?}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = httpdate::parse_http_date("Wed, 21 Oct 2026 07:28:00 GMT").unwrap();
    for (text, expected) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("Wed, 21 Oct 2026 07:28:30 GMT", Some(30)),
        ("Wed, 21 Oct 2026 07:27:00 GMT", Some(0)),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(reqwest::header::RETRY_AFTER, text.parse().unwrap());
        assert_eq!(retry_after(&headers, now).map(|wait| wait.as_secs()), expected, "{text:?}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), now), None);
}

/// An address that the proxy can never be asked for is told when the configuration is read.
#[test]
fn an_ipv6_address_behind_a_proxy_is_a_problem_of_the_configuration() {
    for (jwks_url, network, expected) in [
        ("https://[2001:db8::1]/keys", "proxy: 'http://proxy.test:3128'", true),
        (
            "https://[2001:db8::1]/keys",
            "proxy: 'http://proxy.test:3128', no_proxy: ['2001:db8::1']",
            false,
        ),
        ("https://[2001:db8::1]/keys", "proxy: none", false),
        ("https://192.0.2.1/keys", "proxy: 'http://proxy.test:3128'", false),
        ("https://id.test/keys", "proxy: 'http://proxy.test:3128'", false),
    ] {
        let yaml = format!(
            "network: {{ {network} }}\nissuers: [{{ name: a, kind: oidc, issuer: 'https://id.test', \
             audiences: [a], jwks_url: '{jwks_url}' }}]"
        );
        let config = crate::config::parse("test.yaml", &yaml, &BTreeMap::new()).unwrap();
        let found = super::problems(&config);
        let told = found.iter().any(|problem| problem.message.contains("network.no_proxy"));
        assert_eq!(told, expected, "{yaml}: {found:?}");
    }
}
