//! Which addresses are refused, and how long an answer may be kept.

use std::time::Duration;

use reqwest::header::{CACHE_CONTROL, HeaderMap};
use url::Url;

use super::{Client, Error, Origin, max_age, retry_after};

fn provider() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

async fn refused(url: &str, origin: Origin) -> Error {
    provider();
    let client = Client::build(Duration::from_secs(1)).unwrap();
    let url = Url::parse(url).unwrap();
    client.get(&url, origin, &[], 100, Duration::from_secs(1)).await.unwrap_err()
}

#[tokio::test]
async fn addresses_where_clouds_keep_credentials_are_refused_to_everybody() {
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "https://[fe80::1]/keys",
        "https://[fd00:ec2::254]/keys",
        "https://[::ffff:169.254.169.254]/keys",
        "http://0.0.0.0/keys",
    ] {
        let error = refused(url, Origin::Operator).await;
        assert!(matches!(error, Error::Refused(_)), "{url}: {error:?}");
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
    ] {
        let error = refused(url, Origin::Document).await;
        assert!(matches!(error, Error::Refused(_)), "{url}: {error:?}");
    }
    let error = refused("https://localhost/keys", Origin::Document).await;
    assert!(matches!(error, Error::Network(_)), "a name that leads to loopback: {error:?}");
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
        let error = refused(url, Origin::Operator).await;
        assert!(matches!(error, Error::Refused(_)), "{url}: {error:?}");
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
    (&["max-age=99999999999999999999"], None),
    (&["s-maxage=300"], None),
    (&["x-max-age=300"], None),
];

#[test]
fn an_answer_says_for_how_long_it_may_be_kept() {
    for (lines, expected) in AGES {
        let mut headers = HeaderMap::new();
        for line in *lines {
            headers.append(CACHE_CONTROL, line.parse().unwrap());
        }
        assert_eq!(max_age(&headers), expected.map(Duration::from_secs), "{lines:?}");
    }
}

#[test]
fn when_to_come_again_is_said_in_seconds_or_as_a_date() {
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
