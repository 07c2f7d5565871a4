//! The command line read, and the whole way to a running emulator and back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test ends by panicking, and runs its own servers"
)]

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Parser;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

use super::{MintArgs, mint, order};
use crate::{echo, keys::rotation::SignedBy, server::bind, settings::Settings};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    mint: MintArgs,
}

fn parse(words: &[&str]) -> Result<MintArgs, String> {
    let line = std::iter::once("mint").chain(words.iter().copied());
    Line::try_parse_from(line).map(|line| line.mint).map_err(|error| error.to_string())
}

#[test]
fn plain_words_become_an_order() {
    let args = parse(&[
        "--user",
        "guest",
        "--app",
        "app_x",
        "--variant",
        "--ttl",
        "5m",
        "--claim",
        "aud=[5]",
        "--claim",
        "plan=\"a=b\"",
        "--remove-claim",
        "exp",
        "--header",
        "typ=\"JWT\"",
        "--no-kid",
        "--refresh",
        "--forged",
    ])
    .unwrap();
    let order = order(args);
    assert_eq!(order.user, "guest");
    assert_eq!(order.app.as_deref(), Some("app_x"));
    assert_eq!(order.variant.as_deref(), Some("demo"));
    assert_eq!(order.ttl_seconds, Some(300));
    assert_eq!(order.claims["aud"], json!([5]));
    assert_eq!(order.claims["plan"], "a=b");
    assert_eq!(order.remove_claims, ["exp"]);
    assert_eq!(order.headers["typ"], "JWT");
    assert_eq!(order.remove_headers, ["kid"]);
    assert!(order.refresh);
    assert_eq!(order.signed_by, SignedBy::Foreign);
}

#[test]
fn expired_is_left_to_the_emulator() {
    for words in [&["--expired"][..], &["--expired", "--ttl", "3h"], &["--expired", "--refresh"]] {
        let order = order(parse(words).unwrap());
        assert!(order.expired, "{words:?}: the emulator knows the lifetime");
    }
}

#[test]
fn a_wrong_line_says_how_to_write_it() {
    let cases = [
        (&["--claim", "sub"][..], "NAME=JSON"),
        (&["--claim", "sub=user_1"], "'sub=\"text\"'"),
        (&["--header", "=1"], "name before"),
        (&["--kid", "a", "--no-kid"], "cannot be used with"),
        (&["--ttl", "soon"], "--ttl"),
    ];
    for (words, hint) in cases {
        let message = parse(words).unwrap_err();
        assert!(message.contains(hint), "{words:?}: {message}");
    }
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn asks_the_emulator_and_prints_its_words() {
    let emulator = bind(Settings::demo("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let url = emulator.base_url().to_owned();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(emulator.run(async move { stopped.await.unwrap_or(()) }));

    let words = ["--emulator", &url, "--user", "guest", "--claim", "plan=1"];
    let token = mint(parse(&words).unwrap()).await.unwrap();
    let claims = claims(&token);
    assert_eq!(claims["sub"], "user_guest");
    assert_eq!(claims["plan"], 1);
    assert_eq!(claims["iss"], url.as_str());

    let missing = format!("{url}/elsewhere/");
    let token = mint(parse(&["--emulator", &missing]).unwrap()).await;
    assert!(token.is_ok(), "a path in the URL does not matter: {token:?}");

    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
    let gone = mint(parse(&["--emulator", &url]).unwrap()).await.unwrap_err().to_string();
    assert!(gone.contains("no emulator at 127.0.0.1:"), "{gone}");
}

#[tokio::test]
async fn what_is_no_emulator_is_said_so() {
    let echo = echo::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}", echo.address());
    let running = tokio::spawn(echo.run(std::future::pending()));
    let other = mint(parse(&["--emulator", &url]).unwrap()).await.unwrap_err().to_string();
    assert!(other.contains("is it the emulator?"), "{other}");
    running.abort();

    for url in ["https://127.0.0.1:1", "127.0.0.1:8787", "", "http://"] {
        let wrong = mint(parse(&["--emulator", url]).unwrap()).await.unwrap_err().to_string();
        assert!(wrong.contains("--emulator takes"), "{url}: {wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_listener_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let given_up = mint(parse(&["--emulator", &url]).unwrap()).await.unwrap_err().to_string();
    assert!(given_up.contains("did not answer within 5s"), "{given_up}");
}
