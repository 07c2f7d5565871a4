//! The same attacks on every entrance for others: bodies that are slow, huge or cut off, many of them at
//! once, senders without a proof, requests that come twice, and addresses in every field.
//!
//! In: the table of entrances. Out: an answer in time, nothing that is asked for elsewhere, and entrances
//! that serve the others meanwhile.

use std::{net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
};

use super::{SECRET, http_address, send};
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config_with,
    forge::{APP, Algorithm, USER, now},
    http, in_time, until,
};

const API: &str = "shop-api";
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const JSON: &str = "application/json";

/// An entrance, and a good request for it.
struct Door {
    name: &'static str,
    path: String,
    content_type: &'static str,
    body: String,
    /// The status of the good request, and of the same again.
    answers: (u16, u16),
    /// The same path without the proof; none: it needs no other than a signed token.
    unproved: Option<&'static str>,
}

struct Rig {
    app: TestApp,
    rownd: (Issuer, Key),
    idp: (Issuer, Key),
    /// The server that no request may reach.
    trap: Issuer,
}

fn claims(value: Value) -> Claims {
    let Value::Object(claims) = value else { panic!("claims are an object") };
    Claims(claims)
}

impl Rig {
    async fn open() -> Self {
        let key = Key::new("sig-1");
        let rownd = (Issuer::with_keys(&[&key]), key);
        let key = Key::of(Algorithm::EdDsa, "idp");
        let idp = (Issuer::with_keys(&[&key]), key);
        let settings = config_with(&rownd.0, |config| {
            config["listeners"]["http"] =
                json!({ "address": "127.0.0.1:0", "serve": ["webhooks", "token_validator"] });
            config["issuers"][0]["apps"][0] =
                json!({ "id": APP, "key": "key_1", "secret": "ras_1" });
            let url = idp.0.url();
            config["issuers"].as_array_mut().unwrap().push(json!({
                "name": "idp", "kind": "oidc", "issuer": url, "audiences": [API],
                "jwks_url": format!("{url}/hub/auth/keys"), "algorithms": ["EdDSA"],
                "keys": { "cooldown": "100ms", "fetch_timeout": "30s" },
            }));
            let caller = json!({ "secret": SECRET, "per_second": 1000 });
            let many = json!({ "per_second": 1000 });
            config["token_validator"] =
                json!({ "issuers": ["idp"], "caller": caller, "claims": { "sub": "sub" } });
            config["events"] = json!({ "sources": [
                { "name": "rownd", "kind": "rownd_webhook", "issuer": "rownd", "caller": caller },
                { "name": "idp", "kind": "shared_signals", "issuer": "idp", "audiences": ["ev"],
                  "caller": many },
                { "name": "logout", "kind": "back_channel_logout", "issuer": "idp",
                  "audiences": ["web"], "caller": many },
                { "name": "page", "kind": "browser_callbacks", "issuer": "rownd",
                  "caller": many },
            ] });
        });
        rownd.0.set(
            &format!("/applications/{APP}/users/{USER}/data"),
            Reply::json(&json!({ "state": "enabled" })),
        );
        Self { app: TestApp::ready(&settings).await, rownd, idp, trap: Issuer::start() }
    }

    fn address(&self) -> SocketAddr {
        http_address(&self.app)
    }

    fn access(&self, user: &str) -> Claims {
        claims(json!({
            "iss": self.idp.0.url(), "aud": API, "sub": user, "iat": now() - 100,
            "exp": now() + 3600, "jti": format!("t-{user}"), "sid": format!("s-{user}"),
        }))
    }

    fn signed(&self, typ: &str, value: Value) -> String {
        let mut header = self.idp.1.header();
        header["typ"] = json!(typ);
        // Addresses that a token may try to have asked.
        for name in ["jku", "x5u"] {
            header[name] = json!(self.trap.url());
        }
        self.idp.1.token_under(&header, &claims(value))
    }

    fn set(&self, user: &str) -> String {
        let iss = self.idp.0.url();
        self.signed(
            "secevent+jwt",
            json!({
                "iss": iss, "aud": "ev", "iat": now(), "jti": format!("set-{user}"),
                "sub_id": { "format": "iss_sub", "iss": iss, "sub": user },
                "jwks_uri": self.trap.url(),
                "events": { REVOKED: { "event_timestamp": now(), "uri": self.trap.url() } },
            }),
        )
    }

    /// Every entrance, each with a request about a user of its own.
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn doors(&self) -> Vec<Door> {
        let trap = self.trap.url();
        let of = |name, path: &str, body: Value| Door {
            name,
            path: path.to_owned(),
            content_type: JSON,
            body: body.to_string(),
            answers: (200, 200),
            unproved: None,
        };
        let access = self.idp.1.token(&self.access("validated"));
        let own =
            self.rownd.1.token(&Claims::of(&self.rownd.0.url()).with("picture", trap.clone()));
        let logout = self.signed(
            "logout+jwt",
            json!({
                "iss": self.idp.0.url(), "aud": "web", "iat": now(), "exp": now() + 120,
                "jti": "logout-1", "sub": "logged-out", "events": { LOGOUT: {} },
            }),
        );
        vec![
            Door {
                unproved: Some("/token-validator"),
                ..of(
                    "token_validator",
                    &format!("/token-validator/{SECRET}"),
                    json!({ "token": access, "jwks_uri": trap, "callback": trap }),
                )
            },
            Door {
                unproved: Some("/webhooks/rownd"),
                ..of(
                    "rownd_webhook",
                    &format!("/webhooks/rownd/{SECRET}"),
                    json!({
                        "data": { "user_id": USER, "picture": trap, "url": trap },
                        "meta": { "operation": "data_update", "url": trap,
                                  "lookup_values": [{ "field": "url", "value": trap }] },
                        "callback_url": trap, "redirect_uri": trap,
                    }),
                )
            },
            Door {
                content_type: "application/secevent+jwt",
                body: self.set("signalled"),
                answers: (202, 202),
                ..of("shared_signals", "/webhooks/idp", Value::Null)
            },
            Door {
                content_type: "application/x-www-form-urlencoded",
                body: format!("logout_token={logout}&redirect_uri={trap}"),
                answers: (200, 400),
                ..of("back_channel_logout", "/webhooks/logout", Value::Null)
            },
            of(
                "browser_callback",
                "/webhooks/page/post-authentication",
                json!({
                    "access_token": own, "return_to": trap, "user_data": { "picture": trap },
                }),
            ),
        ]
    }
}

impl Door {
    fn head(&self, length: usize) -> String {
        format!(
            "POST {} HTTP/1.1\r\nhost: test\r\ncontent-type: {}\r\ncontent-length: {length}\r\n\r\n",
            self.path, self.content_type
        )
    }

    async fn send(&self, rig: &Rig) -> u16 {
        let line = format!("POST {}", self.path);
        let headers = format!("content-type: {}\r\n", self.content_type);
        send(&rig.app, &line, &headers, &self.body).await.status
    }

    /// A connection on which this was sent, and nothing more.
    async fn begin(&self, rig: &Rig, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(rig.address()).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }
}

/// The status of the answer on a connection, or `None` where it ends without one.
async fn status(stream: &mut TcpStream) -> Option<u16> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while !text.windows(4).any(|end| end == b"\r\n\r\n") {
        match in_time("an answer", stream.read(&mut buffer)).await {
            Ok(0) | Err(_) => return None,
            Ok(length) => text.extend_from_slice(&buffer[..length]),
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    text.split(' ').nth(1).and_then(|status| status.parse().ok())
}

#[tokio::test]
async fn a_good_request_is_taken_and_a_repetition_is_known() {
    let rig = Rig::open().await;
    for door in rig.doors() {
        assert_eq!(door.send(&rig).await, door.answers.0, "{}", door.name);
        assert_eq!(door.send(&rig).await, door.answers.1, "{}, again", door.name);
    }
    assert_eq!(rig.trap.connections(), 0, "no address in a request is ever asked");
}

/// Neither a proof that is missing nor a size that is too large is waited for.
#[tokio::test]
async fn a_request_that_cannot_be_taken_is_refused_before_its_body() {
    let rig = Rig::open().await;
    for door in rig.doors() {
        let mut huge = door.begin(&rig, &door.head(1 << 40)).await;
        assert_eq!(status(&mut huge).await, Some(413), "{}", door.name);
        let chunked = door.head(0).replace("content-length: 0", "transfer-encoding: chunked");
        let mut endless = door.begin(&rig, &chunked).await;
        // The other end may stop to read before all of it is sent.
        let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
        for _ in 0..8 {
            let _ = endless.write_all(chunk.as_bytes()).await;
        }
        assert_eq!(status(&mut endless).await, Some(413), "{}", door.name);
        let Some(path) = door.unproved else { continue };
        let wrong = format!("{path}/{}", SECRET.to_uppercase());
        for path in [path, wrong.as_str()] {
            let head = door.head(100).replace(&door.path, path);
            let mut stranger = door.begin(&rig, &head).await;
            assert_eq!(status(&mut stranger).await, Some(403), "{}: {path}", door.name);
        }
    }
}

#[tokio::test]
async fn a_slow_body_is_given_up_and_many_hold_up_nobody_else() {
    let rig = Rig::open().await;
    let (first, second) = (rig.doors(), rig.doors());
    for (door, others) in first.iter().zip(0..) {
        // All that may be under way, and some that are refused at once.
        let mut slow = Vec::new();
        for _ in 0..70 {
            slow.push(door.begin(&rig, &format!("{}{{", door.head(100))).await);
        }
        for (index, other) in second.iter().enumerate() {
            if index != others {
                let expected = [other.answers.0, other.answers.1];
                let found = other.send(&rig).await;
                assert!(expected.contains(&found), "{} beside {}: {found}", other.name, door.name);
            }
        }
        let mut counts = (0, 0);
        for stream in &mut slow {
            match status(stream).await {
                Some(408) => counts.0 += 1,
                Some(503) => counts.1 += 1,
                found => panic!("{}: {found:?}", door.name),
            }
        }
        assert_eq!(counts, (64, 6), "{}", door.name);
        let found = door.send(&rig).await;
        assert!([door.answers.0, door.answers.1].contains(&found), "{}: {found}", door.name);
    }
}

#[tokio::test]
async fn slow_headers_end_and_hold_up_nobody() {
    let rig = Rig::open().await;
    let doors = rig.doors();
    let mut slow = Vec::new();
    for _ in 0..200 {
        slow.push(doors[0].begin(&rig, "POST /webhooks/rownd HTTP/1.1\r\nhost: test\r\nx: ").await);
    }
    for door in &doors {
        assert_eq!(door.send(&rig).await, door.answers.0, "{}", door.name);
    }
    for stream in &mut slow {
        assert!(matches!(status(stream).await, None | Some(408)));
    }
}

/// An event whose sender goes away is obeyed when it comes again. Rownd's, which may not, is obeyed anyway.
#[tokio::test]
async fn an_event_whose_sender_goes_away_is_not_lost() {
    let rig = Rig::open().await;
    let gate = Arc::new(Semaphore::new(0));
    let profile = format!("/applications/{APP}/users/{USER}/data");
    rig.rownd.0.set(&profile, Reply::Gated(gate.clone(), Box::new(Reply::refusal(404))));
    let doors = rig.doors();
    let webhook = doors.iter().find(|door| door.name == "rownd_webhook").unwrap();
    let whole = format!("{}{}", webhook.head(webhook.body.len()), webhook.body);
    let stream = webhook.begin(&rig, &whole).await;
    rig.rownd.0.asked(&profile, 1).await;
    drop(stream);
    gate.add_permits(1000);
    let token = rig.rownd.1.token(&Claims::of(&rig.rownd.0.url()));
    let again = [("kind", "rownd_webhook_again"), ("result", "ok")];
    until("the user to be read again", || {
        rig.app.metric("rownd_authz_inbound_requests_total", &again) > 0.0
    })
    .await;
    assert_eq!(rig.app.check(&Ask::with_token(token)).await.reason(), "revoked");

    // The keys of the issuer are asked for, and the transmitter leaves.
    let (issuer, old) = &rig.idp;
    let new = Key::of(Algorithm::EdDsa, "new");
    let gate = Arc::new(Semaphore::new(0));
    let before = issuer.hits("/hub/auth/keys");
    let keys = Reply::keys(&[old, &new]);
    issuer.set("/hub/auth/keys", Reply::Gated(gate.clone(), Box::new(keys)));
    let mut header = new.header();
    header["typ"] = json!("secevent+jwt");
    let set = new.token_under(
        &header,
        &claims(json!({
            "iss": issuer.url(), "aud": "ev", "iat": now(), "jti": "cut", "sub": "cut-off",
            "events": { REVOKED: {} },
        })),
    );
    let push = doors.iter().find(|door| door.name == "shared_signals").unwrap();
    let stream = push.begin(&rig, &format!("{}{set}", push.head(set.len()))).await;
    issuer.asked("/hub/auth/keys", before + 1).await;
    drop(stream);
    gate.add_permits(1000);
    let headers = format!("content-type: {}\r\n", push.content_type);
    let answer = http::request(rig.address(), "POST /webhooks/idp", &headers, &set).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let token = old.token(&rig.access("cut-off"));
    assert_eq!(rig.app.check(&Ask::with_token(token)).await.reason(), "revoked");
}
