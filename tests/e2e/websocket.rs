//! WebSocket handshakes with a cookie: a page of another site opens none, over HTTP/1.1 and HTTP/2.

use std::net::SocketAddr;

use http::Request;
use tokio::{net::TcpStream, time::timeout};

use super::stack::{No, stack};
use crate::support::{TIME_LIMIT, raw::Raw};

/// (what, origin, site, whether it may)
#[rustfmt::skip] // one case a line
const PAGES: &[(&str, Option<&str>, Option<&str>, bool)] = &[
    ("no page", None, None, false),
    ("another site", Some("https://evil.test"), Some("cross-site"), false),
    ("another site, by an old browser", Some("https://evil.test"), None, false),
    ("a sibling", Some("https://www.example.com"), Some("same-site"), false),
    ("a sandboxed frame", Some("null"), Some("cross-site"), false),
    ("the address bar", None, Some("none"), false),
    ("our own page", Some("https://api.example.com"), Some("same-origin"), true),
    ("our own page, by an old browser", Some("https://api.example.com"), None, true),
    ("a trusted page", Some("https://app.example.com"), Some("same-site"), true),
];

fn handshake(cookie: &str, origin: Option<&str>, site: Option<&str>) -> Raw {
    let mut request = Raw::get("/feed")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("cookie", cookie);
    for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    if site.is_some() { request.header("sec-fetch-mode", "websocket") } else { request }
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_websocket_with_a_users_cookie() {
    let stack = stack().await;
    let cookie = format!("rownd_token={}", stack.issuer.token("verified").sign());
    for gate in ["websocket", "websocket_joined"] {
        for (name, origin, site, allowed) in PAGES {
            let what = format!("{name} @ {gate}");
            let request = handshake(&cookie, *origin, *site);
            let answer = stack.ask(gate, &request).await;
            if *allowed {
                // The echo knows no WebSocket: Envoy passes on its status alone.
                assert_eq!(answer.status, 200, "{what}: {}", answer.text());
            } else {
                No::Forbidden.check(&answer, "cookie_cross_site", &what);
            }
        }
        // A token in a header is no cookie: no browser adds it by itself.
        let token = stack.issuer.token("verified").sign();
        let request = handshake("a=1", Some("https://evil.test"), None).bearer(&token);
        assert_eq!(stack.ask(gate, &request).await.status, 200, "{gate}");
    }
}

/// RFC 8441: `CONNECT` with `:protocol`. The status, and the user the echo was told of.
async fn extended_connect(
    to: SocketAddr,
    cookie: &str,
    origin: Option<&str>,
    site: Option<&str>,
) -> u16 {
    let stream = TcpStream::connect(to).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method("CONNECT")
        .uri("https://api.example.com/feed")
        .extension(h2::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("cookie", cookie);
    for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    client = client.ready().await.unwrap();
    while !client.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let (response, _body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let response = timeout(TIME_LIMIT, response).await.unwrap().unwrap();
    connection.abort();
    response.status().as_u16()
}

#[tokio::test]
async fn nor_does_it_over_http_2() {
    let stack = stack().await;
    let cookie = format!("rownd_token={}", stack.issuer.token("verified").sign());
    for gate in ["websocket", "websocket_joined"] {
        let to = stack.envoy.gate(gate);
        for (name, origin, site, allowed) in PAGES {
            let status = extended_connect(to, &cookie, *origin, *site).await;
            assert_eq!(status == 403, !allowed, "{name} @ {gate}: {status}");
        }
    }
}

/// Where Envoy shows neither `upgrade` nor `sec-fetch-mode`, a handshake looks like any GET: it is
/// denied, the reason says what to add, and `/status` warns.
#[tokio::test]
async fn a_proxy_that_holds_the_headers_back_is_found_out() {
    let stack = stack().await;
    let cookie = format!("rownd_token={}", stack.issuer.token("verified").sign());
    for (name, origin, site, allowed) in PAGES {
        let answer = stack.ask("websocket_unseen", &handshake(&cookie, *origin, *site)).await;
        match (origin, site) {
            (Some(_), Some(_)) if !allowed => {
                No::Forbidden.check(&answer, "fetch_mode_missing", name);
                let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
                assert!(message.contains("upgrade and sec-fetch-mode"), "{name}: {message}");
            }
            // Nothing tells these from a link or from a plain GET, as before.
            _ => assert_eq!(answer.status, 200, "{name}: {}", answer.text()),
        }
    }
    let status = stack.product.ops("/status").await.json();
    let warnings = status["warnings"].as_array().unwrap();
    let named = |warning: &serde_json::Value| {
        warning.as_str().is_some_and(|text| text.contains("fetch_mode_missing"))
    };
    assert!(warnings.iter().any(named), "{status}");
}
