//! Binding, refusing to bind, serving and ending; and the echo.

use std::{io, net::SocketAddr, time::Duration};

use axum::{body::Body, http::Request};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};
use tower::ServiceExt as _;

use super::json_of;
use crate::{Endpoint, Fault, Settings, bind, echo};

const FREE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
const BOUND: Duration = Duration::from_secs(10);

async fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn serves_until_told_to_stop() {
    let emulator = bind(Settings::demo(FREE)).await.unwrap();
    let address = emulator.address();
    assert_eq!(emulator.base_url(), format!("http://{address}"));
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(emulator.run(async move { stopped.await.unwrap_or(()) }));
    let answer = ask(address, "/hub/auth/keys").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    stop.send(()).unwrap();
    timeout(BOUND, running).await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_hanging_request_does_not_hold_up_the_end() {
    let emulator = bind(Settings::demo(FREE)).await.unwrap();
    let address = emulator.address();
    let controls = emulator.controls();
    let forever = Duration::from_secs(3_600);
    controls.inject(Fault::delay(Endpoint::Ready, forever)).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(emulator.run(async move { stopped.await.unwrap_or(()) }));
    let hanging = tokio::spawn(async move { ask(address, "/ready").await });
    timeout(BOUND, async {
        while controls.hits(Endpoint::Ready) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    stop.send(()).unwrap();
    timeout(BOUND, running).await.unwrap().unwrap().unwrap();
    hanging.abort();
}

#[tokio::test]
async fn a_taken_port_is_told_from_other_errors() {
    let first = bind(Settings::demo(FREE)).await.unwrap();
    let address = first.address();
    for (who, error) in [
        ("emulator", bind(Settings::demo(address)).await.err().unwrap()),
        ("echo", echo::bind(address).await.err().unwrap()),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{who}");
        let message = error.to_string();
        assert!(message.contains(who), "{message}");
        assert!(message.contains(&address.to_string()), "{message}");
    }
}

#[tokio::test]
async fn nothing_but_loopback_is_bound() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8787"] {
        let address: SocketAddr = address.parse().unwrap();
        for error in [
            bind(Settings::demo(address)).await.err().unwrap(),
            echo::bind(address).await.err().unwrap(),
        ] {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        }
    }
}

#[test]
fn each_start_makes_up_its_own_secret() {
    let (one, two) = (Settings::default(), Settings::default());
    assert!(one.app_secret.starts_with("ras_") && one.app_secret.len() == 52);
    assert_ne!(one.app_secret, two.app_secret);
    assert_eq!(one.app_id, two.app_id);
}

#[tokio::test]
async fn the_echo_says_what_arrived() {
    let request = Request::put("/a/b?c=d")
        .header("x-one", "1")
        .header("x-two", "1")
        .header("x-two", "2")
        .header("x-raw", http::HeaderValue::from_bytes(b"\xff").unwrap())
        .body(Body::from("12345"))
        .unwrap();
    let answer = echo::router().oneshot(request).await.unwrap();
    let (status, body) = json_of(answer).await;
    assert_eq!(status, 200);
    let expected = json!({
        "method": "PUT",
        "path": "/a/b?c=d",
        "headers": { "x-one": "1", "x-two": ["1", "2"], "x-raw": "\u{fffd}" },
        "body_bytes": 5,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_echo_serves() {
    let echo = echo::bind(FREE).await.unwrap();
    let address = echo.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(echo.run(async move { stopped.await.unwrap_or(()) }));
    let answer = ask(address, "/x").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("\"path\": \"/x\""), "{answer}");
    stop.send(()).unwrap();
    timeout(BOUND, running).await.unwrap().unwrap().unwrap();
}
