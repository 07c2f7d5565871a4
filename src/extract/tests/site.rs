//! Which pages may use a cookie: methods, WebSocket handshakes, origins of ours, trusted and
//! foreign ones.

use super::{HeaderLines, JOINED, RAW, headers, request};
use crate::{extract::CookieSites, model::DenyReason};

/// (name, method, host, headers, accepted)
#[rustfmt::skip] // one case a line
const SAME_SITE: &[(&str, &str, &str, HeaderLines<'_>, bool)] = &[
    ("GET needs no proof", "GET", "a.com", &[("origin", "https://evil.com")], true),
    ("HEAD needs no proof", "HEAD", "a.com", &[("sec-fetch-site", "cross-site")], true),
    ("GET of a page of another site", "GET", "a.com", &[("origin", "https://evil.com"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")], true),
    ("OPTIONS needs no proof", "OPTIONS", "a.com", &[], true),
    ("methods are case-sensitive", "get", "a.com", &[], false),
    ("POST without any proof", "POST", "a.com", &[], false),
    ("PUT without any proof", "PUT", "a.com", &[("referer", "https://a.com/")], false),
    ("DELETE without any proof", "DELETE", "a.com", &[], false),
    ("an unknown method without any proof", "BREW", "a.com", &[], false),
    ("an empty method without any proof", "", "a.com", &[], false),
    ("the same origin", "POST", "a.com", &[("origin", "https://a.com")], true),
    ("the same origin by http", "POST", "a.com", &[("origin", "http://a.com")], true),
    ("another case", "PATCH", "A.com", &[("origin", "https://a.COM")], true),
    ("the default port in the host", "POST", "a.com:443", &[("origin", "https://a.com")], true),
    ("the default port in the origin", "POST", "a.com", &[("origin", "https://a.com:443")], true),
    ("the default port of http", "POST", "a.com:80", &[("origin", "http://a.com")], true),
    ("the port of the other scheme", "POST", "a.com:443", &[("origin", "http://a.com")], false),
    ("the same other port", "POST", "a.com:8443", &[("origin", "https://a.com:8443")], true),
    ("another port", "POST", "a.com:8443", &[("origin", "https://a.com")], false),
    ("another port in the origin", "POST", "a.com", &[("origin", "https://a.com:8443")], false),
    ("a port that ends like the default", "POST", "a.com", &[("origin", "https://a.com:1443")], false),
    ("an address in brackets", "POST", "[::1]:8080", &[("origin", "http://[::1]:8080")], true),
    ("another host", "POST", "a.com", &[("origin", "https://evil.com")], false),
    ("a sibling", "POST", "api.a.com", &[("origin", "https://www.a.com")], false),
    ("a name below", "POST", "a.com", &[("origin", "https://x.a.com")], false),
    ("a name above", "POST", "x.a.com", &[("origin", "https://a.com")], false),
    ("a host that begins so", "POST", "a.com", &[("origin", "https://a.com.evil.com")], false),
    ("a user that looks like the host", "POST", "a.com", &[("origin", "https://a.com@evil.com")], false),
    ("a path behind it", "POST", "a.com", &[("origin", "https://a.com/")], false),
    ("no scheme", "POST", "a.com", &[("origin", "a.com")], false),
    ("another scheme", "POST", "a.com", &[("origin", "ftp://a.com")], false),
    ("an opaque origin", "POST", "a.com", &[("origin", "null")], false),
    ("an empty origin", "POST", "a.com", &[("origin", "")], false),
    ("a scheme alone", "POST", "a.com", &[("origin", "https://")], false),
    ("two origins", "POST", "a.com", &[("origin", "https://a.com"), ("origin", "https://a.com")], false),
    ("two origins joined", "POST", "a.com", &[("origin", "https://a.com,https://a.com")], false),
    ("sent by our own page", "POST", "a.com", &[("sec-fetch-site", "same-origin")], true),
    ("sent by a sibling", "POST", "a.com", &[("sec-fetch-site", "same-site")], false),
    ("sent by another site", "POST", "a.com", &[("sec-fetch-site", "cross-site")], false),
    ("typed into the address bar", "POST", "a.com", &[("sec-fetch-site", "none")], false),
    ("a word in another case", "POST", "a.com", &[("sec-fetch-site", "Same-Origin")], false),
    ("two words", "POST", "a.com", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], false),
    ("two words joined", "POST", "a.com", &[("sec-fetch-site", "same-origin,same-origin")], false),
    ("both agree", "POST", "a.com", &[("origin", "https://a.com"), ("sec-fetch-site", "same-origin")], true),
    ("the origin disagrees", "POST", "a.com", &[("origin", "https://b.com"), ("sec-fetch-site", "same-origin")], false),
    ("the site disagrees", "POST", "a.com", &[("origin", "https://a.com"), ("sec-fetch-site", "cross-site")], false),
];

#[test]
fn a_cookie_changes_nothing_without_proof_of_the_same_origin() {
    for (name, method, host, lines, expected) in SAME_SITE {
        let request = request(method, "http", host.as_bytes(), headers(lines, RAW));
        let accepted = CookieSites::default().accept_cookie(&request).is_ok();
        assert_eq!(accepted, *expected, "{name}");
    }
}

#[test]
fn a_page_that_came_by_http_has_no_say_where_requests_come_by_https() {
    for (scheme, origin, expected) in [
        ("https", "https://a.com", true),
        ("https", "http://a.com", false),
        ("HTTPS", "http://a.com", false),
        // TLS may have ended in front of the proxy.
        ("http", "https://a.com", true),
        ("", "http://a.com", true),
    ] {
        let headers = headers(&[("origin", origin)], RAW);
        let accepted = CookieSites::default()
            .accept_cookie(&request("POST", scheme, b"a.com", headers))
            .is_ok();
        assert_eq!(accepted, expected, "{scheme} {origin}");
    }
}

const OWN: &str = "https://api.example.com";
const TRUSTED: &str = "https://app.example.com";

fn sites() -> CookieSites {
    CookieSites::build(&[TRUSTED.to_owned(), "https://*.partner.example".to_owned()])
}

fn accept(method: &str, lines: HeaderLines<'_>, joined: bool) -> Result<(), DenyReason> {
    sites().accept_cookie(&request(method, "https", b"api.example.com", headers(lines, joined)))
}

/// Every pair of `Origin` and `Sec-Fetch-Site`, and which pairs are proof.
#[test]
fn every_pair_of_origin_and_site_is_judged() {
    let origins = [
        None,
        Some(OWN),
        Some(TRUSTED),
        Some("https://x.partner.example"),
        Some("https://evil.example"),
        Some("http://app.example.com"),
        Some("null"),
        Some(""),
    ];
    let words =
        [None, Some("same-origin"), Some("same-site"), Some("cross-site"), Some("none"), Some("")];
    for origin in origins {
        for site in words {
            let trusted = matches!(origin, Some(TRUSTED | "https://x.partner.example"));
            let expected = match (origin, site) {
                (None, Some("same-origin")) | (Some(OWN), None | Some("same-origin")) => true,
                (_, None | Some("same-origin" | "same-site" | "cross-site")) => trusted,
                _ => false,
            };
            let mut lines = Vec::new();
            lines.extend(origin.map(|origin| ("origin", origin)));
            lines.extend(site.map(|site| ("sec-fetch-site", site)));
            for method in ["POST", "DELETE", "CONNECT", "get"] {
                let judged = accept(method, &lines, RAW);
                let expected = if expected { Ok(()) } else { Err(DenyReason::CookieCrossSite) };
                assert_eq!(judged, expected, "{method} {origin:?} {site:?}");
            }
            // A WebSocket handshake is a GET, and is judged alike.
            lines.push(("upgrade", "websocket"));
            assert_eq!(accept("GET", &lines, RAW).is_ok(), expected, "{origin:?} {site:?}");
        }
    }
}

#[rustfmt::skip] // one case a line
const REPEATED: &[(&str, HeaderLines<'_>, bool)] = &[
    ("origin twice", &[("origin", TRUSTED), ("origin", TRUSTED)], RAW),
    ("origin joined", &[("origin", "https://app.example.com,https://app.example.com")], JOINED),
    ("site twice", &[("origin", OWN), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], RAW),
    ("site joined", &[("origin", OWN), ("sec-fetch-site", "same-origin,same-origin")], JOINED),
    ("site twice, differing", &[("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin")], RAW),
];

#[test]
fn a_repeated_header_is_no_proof() {
    for (name, lines, joined) in REPEATED {
        assert_eq!(accept("POST", lines, *joined), Err(DenyReason::CookieCrossSite), "{name}");
    }
}

#[rustfmt::skip] // one case a line
const HANDSHAKES: &[(&str, HeaderLines<'_>, bool)] = &[
    ("HTTP/1.1", &[("upgrade", "websocket"), ("connection", "Upgrade")], RAW),
    ("in upper case", &[("upgrade", "WebSocket")], RAW),
    ("among other protocols", &[("upgrade", "h2c, websocket")], JOINED),
    ("in a second line", &[("upgrade", "h2c"), ("upgrade", "websocket")], RAW),
    ("another protocol", &[("upgrade", "other/1")], RAW),
    ("the mode alone", &[("sec-fetch-mode", "websocket")], RAW),
    ("the mode among others", &[("sec-fetch-mode", "cors"), ("sec-fetch-mode", "websocket")], RAW),
    ("the mode among others, joined", &[("sec-fetch-mode", "cors,websocket")], JOINED),
    ("the protocol of HTTP/2", &[(":protocol", "websocket")], RAW),
    ("its own headers", &[("sec-websocket-version", "13")], RAW),
];

#[test]
fn a_websocket_handshake_needs_the_proof_of_a_post() {
    for (name, handshake, joined) in HANDSHAKES {
        let from = |origin, site| {
            let mut lines = vec![("origin", origin), ("sec-fetch-site", site)];
            lines.extend_from_slice(handshake);
            accept("GET", &lines, *joined)
        };
        let evil = from("https://evil.example", "cross-site");
        assert_eq!(evil, Err(DenyReason::CookieCrossSite), "{name}");
        assert_eq!(from(OWN, "same-origin"), Ok(()), "{name}");
        assert_eq!(from(TRUSTED, "same-site"), Ok(()), "{name}");
        assert_eq!(accept("GET", handshake, *joined), Err(DenyReason::CookieCrossSite), "{name}");
    }
}

#[rustfmt::skip] // one case a line
const MODES: &[(&str, HeaderLines<'_>, Result<(), DenyReason>)] = &[
    ("neither header", &[("origin", "https://evil.example")], Ok(())),
    ("both", &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "cors")], Ok(())),
    ("the mode is not shown", &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")], Err(DenyReason::FetchModeMissing)),
    ("an opaque origin", &[("origin", "null"), ("sec-fetch-site", "cross-site")], Err(DenyReason::FetchModeMissing)),
    ("an origin twice", &[("origin", OWN), ("origin", OWN), ("sec-fetch-site", "same-origin")], Err(DenyReason::FetchModeMissing)),
    ("a page of ours", &[("origin", OWN), ("sec-fetch-site", "same-origin")], Ok(())),
    ("a trusted page", &[("origin", TRUSTED), ("sec-fetch-site", "same-site")], Ok(())),
    ("a link", &[("sec-fetch-site", "cross-site")], Ok(())),
];

#[test]
fn a_get_from_another_site_passes_only_where_the_mode_is_shown() {
    for (name, lines, expected) in MODES {
        assert_eq!(accept("GET", lines, RAW), *expected, "{name}");
        // These open no WebSocket.
        assert_eq!((accept("HEAD", lines, RAW), accept("OPTIONS", lines, RAW)), (Ok(()), Ok(())));
    }
}
