//! WebSocket handshakes with a cookie: a page of another site opens none, over HTTP/1.1 and HTTP/2.

use std::net::SocketAddr;

use http::Request;
use tokio::{net::TcpStream, time::timeout};

use super::stack::{No, stack};
use crate::support::{
    TIME_LIMIT,
    echo::{Echoed, SEEN},
    raw::{Answer, Raw},
    rownd::USER,
};

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
    let cookie = format!("app_session={}", stack.issuer.token("verified").sign());
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

/// RFC 8441: `CONNECT` with `:protocol`. The status.
async fn extended_connect(
    to: SocketAddr,
    cookie: &str,
    origin: Option<&str>,
    site: Option<&str>,
) -> u16 {
    let mut headers = vec![("cookie", cookie)];
    for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
        headers.extend(value.map(|value| (name, value)));
    }
    h2_handshake(to, &headers).await.status().as_u16()
}

/// RFC 8441: `CONNECT` with `:protocol`. The head of the answer.
async fn h2_handshake(to: SocketAddr, headers: &[(&str, &str)]) -> http::Response<()> {
    let stream = TcpStream::connect(to).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method("CONNECT")
        .uri("https://api.example.com/feed")
        .extension(h2::ext::Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client = client.ready().await.unwrap();
    while !client.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
    }
    let (response, _body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let response = timeout(TIME_LIMIT, response).await.unwrap().unwrap();
    connection.abort();
    response.map(drop)
}

#[tokio::test]
async fn nor_does_it_over_http_2() {
    let stack = stack().await;
    let cookie = format!("app_session={}", stack.issuer.token("verified").sign());
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
    let cookie = format!("app_session={}", stack.issuer.token("verified").sign());
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

/// (what, the lines of protocols with `TOKEN` for a good token, what the service gets)
#[rustfmt::skip] // one case a line
const PROTOCOLS: &[(&str, &[&str], &str)] = &[
    ("alone", &["bearer, TOKEN"], "bearer"),
    ("first", &["bearer, TOKEN, chat"], "bearer, chat"),
    ("last", &["chat, bearer, TOKEN"], "chat, bearer"),
    ("in the middle, oddly spaced", &["Chat ,bearer,   TOKEN\t,v10.stomp"], "Chat, bearer, v10.stomp"),
    ("in capitals", &["BEARER, TOKEN"], "BEARER"),
    ("in several lines", &["chat", "bearer, TOKEN", "x"], "chat, bearer, x"),
    ("across two lines", &["bearer", "TOKEN"], "bearer"),
];

/// The service's view of a handshake over HTTP/1.1.
fn seen(answer: &Answer) -> Echoed {
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_str(answer.header(SEEN).expect("the echo's view")).unwrap()
}

#[tokio::test]
async fn a_token_among_the_protocols_is_read_and_only_it_is_taken_out() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in ["websocket", "websocket_joined"] {
        for (name, lines, left) in PROTOCOLS {
            let lines: Vec<String> =
                lines.iter().map(|line| line.replace("TOKEN", &token)).collect();
            let header = |line: &String| ("sec-websocket-protocol".to_owned(), line.clone());
            let what = format!("{name} @ {gate}");
            let plain = handshake("a=1", Some("https://evil.test"), None)
                .header("sec_websocket_protocol", format!("bearer, {token}"));
            let request = lines.iter().map(header).fold(plain, |ask, (k, v)| ask.header(k, v));
            let echoed = seen(&stack.ask(gate, &request).await);
            assert_eq!(echoed.all("sec-websocket-protocol"), [*left], "{what}");
            assert_eq!(echoed.all("x-rownd-user-id"), [USER], "{what}");
            let holds_token = |(_, value): &(String, String)| value.contains(&token);
            assert!(!echoed.headers.iter().any(holds_token), "{what}: {:?}", echoed.headers);

            let headers: Vec<(&str, &str)> =
                lines.iter().map(|line| ("sec-websocket-protocol", line.as_str())).collect();
            let answer = h2_handshake(stack.envoy.gate(gate), &headers).await;
            assert_eq!(answer.status(), 200, "{what}, HTTP/2");
            let view = answer.headers().get(SEEN).expect("the echo's view").to_str().unwrap();
            let echoed: Echoed = serde_json::from_str(view).unwrap();
            assert_eq!(echoed.all("sec-websocket-protocol"), [*left], "{what}, HTTP/2");
            assert_eq!(echoed.all("x-rownd-user-id"), [USER], "{what}, HTTP/2");
        }
    }
}

#[tokio::test]
async fn a_bad_or_a_second_token_among_the_protocols_opens_nothing() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let forged = stack.issuer.token("verified").forged().sign();
    let guest = stack.issuer.token("guest").sign();
    for gate in ["websocket", "websocket_joined"] {
        let with =
            |list: String| handshake("a=1", None, None).header("sec-websocket-protocol", list);
        for (list, no, reason) in [
            (format!("bearer, {forged}"), No::BadCredential, "signature_invalid"),
            ("bearer, chat".to_owned(), No::BadCredential, "token_malformed"),
            (format!("bearer, {token}, bearer, {guest}"), No::Conflict, "credentials_ambiguous"),
            (format!("bearer, {token}, {guest}"), No::Conflict, "credentials_ambiguous"),
            (format!("{token}, bearer"), No::Anonymous, "credential_missing"),
            ("bearer".to_owned(), No::Anonymous, "credential_missing"),
            (format!("chat, {token}"), No::Anonymous, "credential_missing"),
        ] {
            no.check(&stack.ask(gate, &with(list.clone())).await, reason, &list);
        }
        // A cookie that differs is a second credential; the same token in it needs its proof no less.
        let list = format!("bearer, {token}");
        let cookie = |token: &str| handshake(&format!("app_session={token}"), None, None);
        let answer = stack.ask(gate, &cookie(&guest).header("sec-websocket-protocol", &list)).await;
        No::Conflict.check(&answer, "credentials_ambiguous", gate);
        let answer = stack.ask(gate, &cookie(&token).header("sec-websocket-protocol", &list)).await;
        No::Forbidden.check(&answer, "cookie_cross_site", gate);
        // A request that is no handshake, and a public route, keep the header as it is.
        for path in ["/public", "/optional"] {
            let request = Raw::get(path).header("sec-websocket-protocol", &list);
            let echoed = stack.pass(gate, &request).await;
            assert_eq!(
                echoed.all("sec-websocket-protocol"),
                std::slice::from_ref(&list),
                "{path} @ {gate}"
            );
            assert!(echoed.all("x-rownd-user-id").is_empty(), "{path} @ {gate}");
        }
    }
}
