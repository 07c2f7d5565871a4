//! A token among the protocols that a WebSocket handshake offers.

use bytes::Bytes;

use super::{
    Extractor, FoundToken, HeaderLines, MANY, MAX_TOKEN, NONE, RAW, cookie, header, headers,
    request,
};
use crate::{
    config::TokenSource,
    model::{CredentialSource, RequestContext},
};

const JWS: &str = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2ln";

fn protocol(name: &str) -> TokenSource {
    TokenSource::WebsocketProtocol(name.to_owned())
}

fn extractor(sources: &[TokenSource]) -> Extractor {
    Extractor::new(sources, false, MAX_TOKEN)
}

/// A handshake over HTTP/1.1 with these lines of protocols.
fn handshake(protocols: &[&str]) -> RequestContext {
    let mut lines = vec![("connection", "Upgrade"), ("upgrade", "websocket")];
    lines.extend(protocols.iter().map(|line| ("sec-websocket-protocol", *line)));
    request("GET", "https", b"a.com", headers(&lines, RAW))
}

fn found(
    extractor: &Extractor,
    request: &RequestContext,
) -> Result<Option<String>, crate::model::DenyReason> {
    let found = extractor.find(request)?;
    Ok(found.map(|it| String::from_utf8(it.token().to_vec()).unwrap()))
}

/// (the lines of protocols, the token, the list that the service gets)
#[rustfmt::skip] // one case a line
const LISTS: &[(&[&str], FoundToken, Option<&str>)] = &[
    (&["bearer, t.o.k"], Ok(Some("t.o.k")), Some("bearer")),
    (&["bearer,t"], Ok(Some("t")), Some("bearer")),
    (&["  bearer\t ,  t  "], Ok(Some("t")), Some("bearer")),
    (&["Bearer, t"], Ok(Some("t")), Some("Bearer")),
    (&["BEARER, t"], Ok(Some("t")), Some("BEARER")),
    (&["chat, bearer, t, superChat"], Ok(Some("t")), Some("chat, bearer, superChat")),
    (&["bearer, t, v10.stomp,v11.stomp"], Ok(Some("t")), Some("bearer, v10.stomp, v11.stomp")),
    (&["chat", "bearer, t"], Ok(Some("t")), Some("chat, bearer")),
    (&["bearer", "t"], Ok(Some("t")), Some("bearer")),
    (&["bearer", "t, chat", "x"], Ok(Some("t")), Some("bearer, chat, x")),
    (&["bearer,,t,"], Ok(Some("t")), Some("bearer")),
    (&["", "bearer, , t"], Ok(Some("t")), Some("bearer")),
    // The element after the name is the token, whatever it looks like.
    (&["bearer, chat"], Ok(Some("chat")), Some("bearer")),
    (&["bearer, \"t\""], Ok(Some("\"t\"")), Some("bearer")),
    (&["bearer, a b"], Ok(Some("a b")), Some("bearer")),
    // No token.
    (&[], NONE, None),
    (&["chat"], NONE, None),
    (&["bearer"], NONE, None),
    (&["chat, bearer"], NONE, None),
    (&["chat, bearer,"], NONE, None),
    (&["t, bearer"], NONE, None),
    (&["bearer t"], NONE, None),
    (&["bearer.t"], NONE, None),
    (&["bearer=t"], NONE, None),
    (&["xbearer, t"], NONE, None),
    (&["\"bearer\", t"], NONE, None),
    // Two tokens.
    (&["bearer, t, bearer, u"], MANY, None),
    (&["bearer, t, bearer, t"], MANY, None),
    (&["bearer, t, Bearer, u"], MANY, None),
    (&["bearer, t", "bearer, u"], MANY, None),
    (&["bearer, bearer, t"], MANY, None),
    (&["bearer, t, eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2ln"], MANY, None),
    (&["eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2ln, bearer, t"], MANY, None),
    // Other elements that are no names.
    (&["a b, bearer, t"], MANY, None),
    (&["bearer, t, \"chat\""], MANY, None),
    (&["bearer, t, ch\u{e4}t"], MANY, None),
];

#[test]
fn the_token_is_the_element_after_the_name_and_only_it_is_taken_out() {
    let extractor = extractor(&[protocol("bearer")]);
    for (lines, expected, rest) in LISTS {
        let request = handshake(lines);
        assert_eq!(
            found(&extractor, &request),
            expected.map(|it| it.map(str::to_owned)),
            "{lines:?}"
        );
        let edit = extractor.header_without_token(&request);
        let rest = rest.map(|rest| ("sec-websocket-protocol".into(), rest.into()));
        assert_eq!(edit, rest, "{lines:?}");
    }
}

#[test]
fn only_a_handshake_has_protocols() {
    let extractor = extractor(&[protocol("bearer")]);
    let list = ("sec-websocket-protocol", "bearer, t");
    for (name, method, line, expected) in [
        ("HTTP/1.1", "GET", Some(("upgrade", "websocket")), Ok(Some("t"))),
        ("in another case", "GET", Some(("upgrade", "WebSocket")), Ok(Some("t"))),
        ("one of several", "GET", Some(("upgrade", "h2c, websocket")), Ok(Some("t"))),
        ("HTTP/2", "CONNECT", Some((":protocol", "websocket")), Ok(Some("t"))),
        ("no upgrade", "GET", None, NONE),
        ("another upgrade", "GET", Some(("upgrade", "h2c")), NONE),
        ("a longer word", "GET", Some(("upgrade", "websockets")), NONE),
        ("another method", "POST", Some(("upgrade", "websocket")), NONE),
        ("a method in lower case", "get", Some(("upgrade", "websocket")), NONE),
        ("a tunnel", "CONNECT", None, NONE),
        ("a tunnel that says upgrade", "CONNECT", Some(("upgrade", "websocket")), NONE),
        ("another protocol", "CONNECT", Some((":protocol", "connect-udp")), NONE),
        ("a protocol on a GET", "GET", Some((":protocol", "websocket")), NONE),
    ] {
        let lines: Vec<(&str, &str)> = line.into_iter().chain([list]).collect();
        let request = request(method, "https", b"a.com", headers(&lines, RAW));
        assert_eq!(found(&extractor, &request), expected.map(|it| it.map(str::to_owned)), "{name}");
        assert_eq!(extractor.header_without_token(&request).is_some(), expected != NONE, "{name}");
    }
}

#[test]
fn without_the_setting_the_list_is_left_alone() {
    let request = handshake(&[&format!("bearer, {JWS}")]);
    for sources in [vec![header("authorization"), cookie("tok")], vec![protocol("token")]] {
        let extractor = extractor(&sources);
        assert_eq!(extractor.find(&request), Ok(None));
        assert!(extractor.header_without_token(&request).is_none());
    }
}

#[test]
fn a_token_there_is_no_cookie_and_agrees_with_other_sources_or_is_denied() {
    let sources = [header("authorization"), cookie("tok"), protocol("bearer")];
    let rows: [(&str, HeaderLines<'_>, FoundToken, Option<CredentialSource>); 5] = [
        ("alone", &[], Ok(Some("t")), Some(CredentialSource::WebsocketProtocol)),
        (
            "with the same cookie",
            &[("cookie", "tok=t")],
            Ok(Some("t")),
            Some(CredentialSource::Cookie),
        ),
        ("with another cookie", &[("cookie", "tok=u")], MANY, None),
        (
            "with an emptied cookie",
            &[("cookie", "tok=")],
            Ok(Some("t")),
            Some(CredentialSource::WebsocketProtocol),
        ),
        ("with another header", &[("authorization", "Bearer u")], MANY, None),
    ];
    let extractor = extractor(&sources);
    for (name, more, expected, source) in rows {
        let mut lines = vec![("upgrade", "websocket"), ("sec-websocket-protocol", "bearer, t")];
        lines.extend(more);
        let request = request("GET", "https", b"a.com", headers(&lines, RAW));
        assert_eq!(found(&extractor, &request), expected.map(|it| it.map(str::to_owned)), "{name}");
        let from = extractor.find(&request).ok().flatten().map(|found| found.source());
        assert_eq!(from, source, "{name}");
        // Wherever the credential was found first, the service gets no token.
        if source.is_some() {
            let (_, rest) = extractor.header_without_token(&request).unwrap();
            assert_eq!(rest, "bearer", "{name}");
        }
    }
}

#[test]
fn no_bytes_reach_the_service_that_are_no_names() {
    let line = Bytes::from_static(b"chat\xff, bearer, t");
    let lines = vec![
        (Bytes::from("upgrade"), Bytes::from("websocket")),
        (Bytes::from("sec-websocket-protocol"), line),
    ];
    let mut request = handshake(&[]);
    request.headers = crate::model::Headers::new(lines, RAW);
    let extractor = extractor(&[protocol("bearer")]);
    assert_eq!(found(&extractor, &request), MANY.map(|it| it.map(str::to_owned)));
    assert!(extractor.header_without_token(&request).is_none());
}
