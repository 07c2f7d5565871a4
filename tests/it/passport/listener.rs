//! The paths, methods and hosts of the listener `http`.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpStream, UnixStream},
};

use super::{DISCOVERY, House, JWKS, OWN_ISS};
use crate::{
    it::listener::places::hold,
    support::{http::exchange, in_time},
};

#[tokio::test]
async fn the_public_keys_and_their_discovery_are_served_and_nothing_else() {
    let house = House::open(|_, _| {}).await;
    let set = house.get(JWKS).await;
    assert_eq!(set.header("content-type"), "application/jwk-set+json");
    assert_eq!(set.header("cache-control"), "public, max-age=300");
    let key = &set.json()["keys"][0];
    let names: Vec<&String> = key.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 7, "{key}");
    assert!(key.get("d").is_none() && key["kty"] == "EC" && key["kid"] == "one", "{key}");
    let discovery = house.get(DISCOVERY).await;
    assert_eq!(discovery.header("content-type"), "application/json");
    assert_eq!(discovery.json()["issuer"], OWN_ISS);
    assert_eq!(discovery.json()["jwks_uri"], format!("{OWN_ISS}{JWKS}"));
    for path in [
        "/",
        "/metrics",
        "/status",
        "/livez",
        "/revoke",
        "/.well-known/jwks.json/",
        "/.well-known//jwks.json",
        "/x/../.well-known/jwks.json",
        "/.well-known/%6awks.json",
        "/.WELL-KNOWN/jwks.json",
        "/.well-known/oauth-protected-resource",
    ] {
        assert_eq!(house.get(path).await.status, 404, "{path}");
    }
    assert_eq!(house.get(&format!("{JWKS}?x=1")).await.body, set.body);
}

#[tokio::test]
async fn a_reader_asks_again_only_for_what_has_changed() {
    let house = House::open(|_, _| {}).await;
    let set = house.get(JWKS).await;
    let tag = set.header("etag").to_owned();
    for (name, asked, expected) in [
        ("the same", tag.clone(), 304),
        ("weakly", format!("W/{tag}"), 304),
        ("among others", format!("\"x\", {tag}"), 304),
        ("any", "*".to_owned(), 304),
        ("another", "\"x\"".to_owned(), 200),
        ("without quotes", tag.trim_matches('"').to_owned(), 200),
    ] {
        let line = format!("GET {JWKS}");
        let answer = house.request(&line, &format!("if-none-match: {asked}\r\n")).await;
        assert_eq!(answer.status, expected, "{name}");
        assert_eq!(answer.body.is_empty(), expected == 304, "{name}");
        assert_eq!(answer.header("etag"), tag, "{name}");
    }
    let head = house.request(&format!("HEAD {JWKS}"), "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), set.body.len().to_string());
    assert_eq!(
        (head.header("etag"), head.header("content-type")),
        (&*tag, set.header("content-type"))
    );
}

#[tokio::test]
async fn no_method_changes_anything() {
    let house = House::open(|_, _| {}).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "X"] {
        let answer = house.request(&format!("{method} {JWKS}"), "").await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{method}");
    }
    assert_eq!(house.request("POST /nothing", "").await.status, 404);
    assert_eq!(house.kids().await, ["one"]);
}

#[tokio::test]
async fn only_the_hosts_that_are_named_are_served() {
    let house = House::open(|settings, _| {
        settings["listeners"]["http"]["hosts"] = json!(["Authz.example.com", "[::1]"]);
    })
    .await;
    for (host, line, expected) in [
        ("authz.example.com", "", 200),
        ("AUTHZ.EXAMPLE.COM:8085", "", 200),
        ("authz.example.com.", "", 200),
        ("[::1]:80", "", 200),
        ("example.com", "", 421),
        ("authz.example.com.evil.test", "", 421),
        ("evil.test", "http://authz.example.com", 200),
        ("authz.example.com", "http://evil.test", 421),
        ("user@authz.example.com@evil.test", "", 421),
        ("", "", 421),
    ] {
        let stream = TcpStream::connect(house.http()).await.unwrap();
        let line = format!("GET {line}{JWKS}");
        let answer = exchange(stream, host, &line, "", "").await;
        assert_eq!(answer.status, expected, "{host} {line}");
        assert_eq!(answer.body.contains("kid"), expected == 200, "{host} {line}");
    }
    let twice = house.request(&format!("GET {JWKS}"), "host: authz.example.com\r\n").await;
    assert_eq!(twice.status, 400);
}

#[tokio::test]
async fn a_unix_socket_serves_as_well() {
    let house = House::open(|settings, dir| {
        let socket = dir.path().join("http.sock");
        settings["listeners"]["http"]["address"] = json!(format!("unix:{}", socket.display()));
    })
    .await;
    let stream = UnixStream::connect(house.path("http.sock")).await.unwrap();
    let answer = exchange(stream, "localhost", &format!("GET {JWKS}"), "", "").await;
    assert_eq!(answer.json()["keys"][0]["kid"], "one");
}

#[tokio::test]
async fn readers_that_do_nothing_keep_no_other_and_no_check_from_an_answer() {
    let house = House::open(|settings, _| {
        settings["listeners"]["http"]["max_connections"] = json!(64);
    })
    .await;
    let _silent = hold(house.http(), b"", 100);
    let _slow = hold(house.http(), b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\n", 100);
    for _ in 0..5 {
        in_time("an answer", async { assert_eq!(house.kids().await, ["one"]) }).await;
        house.app.check(&house.good()).await.assert_allowed("a check", "authenticated");
    }
}

#[tokio::test]
async fn the_listener_ends_with_the_process() {
    let mut house = House::open(|_, _| {}).await;
    let mut idle = TcpStream::connect(house.http()).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    house.app.stop();
    let ended = tokio::time::timeout(Duration::from_secs(20), house.app.ended()).await;
    ended.expect("an idle reader does not hold up the end");
    assert!(TcpStream::connect(house.http()).await.is_err());
}
