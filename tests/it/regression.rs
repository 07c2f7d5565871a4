//! One function for each fault that was found, so that it stays found.

use std::{io::ErrorKind, os::unix::net::UnixStream, sync::Arc};

use rownd_authz::{app::BuildError, model::DenyReason};
use serde_json::json;
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;
use tokio::{net::TcpStream, sync::Semaphore};

use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp,
    binary::{Binary, Log},
    config_with, eventually,
    forge::APP,
    issuer::{APP_CONFIG, KEYS},
    until,
    wire::{Wire, frame_of, frame_saying},
};

fn app_config(id: &str) -> Reply {
    Reply::json(&json!({ "config_type": "app", "app": { "id": id } }))
}

/// Two apps whose ids were both unknown had one name among what readiness waits for: the
/// first answer made the process ready.
#[tokio::test]
async fn two_unknown_apps_are_two_things_to_wait_for() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let gate = Arc::new(Semaphore::new(0));
    issuer.set(APP_CONFIG, Reply::Gated(gate.clone(), Box::new(app_config(APP))));
    let two = |c: &mut serde_json::Value| {
        c["issuers"][0]["apps"] = json!([{ "key": "key_first" }, { "key": "key_second" }]);
    };
    let app = TestApp::start(&config_with(&issuer, two)).await;
    let waiting = app.readiness.waiting_for();
    let apps = waiting.iter().filter(|what| what.contains("app id")).count();
    assert_eq!(apps, 2, "{waiting:?}");
    gate.add_permits(1);
    app.is_ready().await;
}

/// App ids were asked for one after the other: a key that Rownd refuses held up all others.
#[tokio::test]
async fn an_app_key_that_is_refused_holds_up_no_other_app() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    // The first request is refused for ever, from any caller; the second one gets its id.
    issuer.set(APP_CONFIG, Reply::refusal(404));
    let settings = config_with(&issuer, |c| {
        c["issuers"][0]["required"] = json!(false);
        c["issuers"][0]["apps"] = json!([{ "key": "key_wrong" }, { "key": "key_right" }]);
    });
    let app = TestApp::start(&settings).await;
    let asked = |key: &str| {
        let line = format!("x-rownd-app-key: {key}\r\n");
        issuer.heads().iter().filter(|head| head.contains(&line)).count()
    };
    until("both keys to be asked with", || asked("key_wrong") > 0 && asked("key_right") > 0).await;
    issuer.set(APP_CONFIG, app_config(APP));
    let ask = Ask::with_token(key.token(&Claims::of(&issuer.url())));
    eventually("the id", async || app.check(&ask).await.is_allowed().then_some(())).await;
}

/// A Unix socket was taken for stale whenever connecting failed: a live service with a full
/// backlog lost its socket to the next one that started.
#[tokio::test]
async fn a_live_socket_with_a_full_backlog_is_not_stolen() {
    let files = TempDir::new().unwrap();
    let path = files.path().join("grpc.sock");
    let live = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    live.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    live.listen(0).unwrap();
    let mut waiting = Vec::new();
    let full = loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        match socket.connect(&SockAddr::unix(&path).unwrap()) {
            Ok(()) => waiting.push(socket),
            Err(error) => break error,
        }
        assert!(waiting.len() < 1000, "the backlog never fills");
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |c| {
        c["listeners"]["grpc"]["address"] = json!(format!("unix:{}", path.display()));
    });
    match TestApp::build(&settings).await.expect_err("the path is taken") {
        BuildError::Listen { error, .. } => assert_eq!(error.kind(), ErrorKind::AddrInUse),
        other => panic!("{other}"),
    }
    drop(waiting);
    // It is still the same listener behind the path.
    let (accepted, _) = live.accept().unwrap();
    drop(accepted);
    UnixStream::connect(&path).unwrap();
}

/// A drain waited for connections on which nothing was ever said, for as long as those may
/// take to say it.
#[tokio::test]
async fn a_silent_connection_does_not_hold_up_a_drain() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |c| {
        c["listeners"]["grpc"]["first_byte_timeout"] = json!("60s");
        c["shutdown"]["grace"] = json!("60s");
    });
    let mut app = TestApp::ready(&settings).await;
    let _silent = TcpStream::connect(app.address()).await.unwrap();
    until("it is open", || app.metric("rownd_authz_connections", &[]) == 1.0).await;
    app.stop();
    // Within the time limit of a test, which is half of the longest silence.
    app.ended().await;
}

/// The descriptors kept free were fewer than the ops listener alone may take.
#[tokio::test]
async fn the_ops_listeners_descriptors_are_kept_free() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |_| {});
    let binary = Binary::start_with(&settings, Log::Read, Some("ulimit -n 512")).await;
    binary.is_ready().await;
    let line = binary.logged(&["few_open_files", "LimitNOFILE="]).await;
    // "the limit of open files (512) allows 320; ..."
    let text = line["message"].as_str().unwrap();
    let number = |before: &str| -> u64 {
        let (_, rest) = text.split_once(before).unwrap();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    };
    let own = std::fs::read_dir(format!("/proc/{}/fd", binary.pid())).unwrap().count() as u64;
    let kept = number("the limit of open files (") - number(") allows ");
    assert!(kept >= own + 64, "{kept} kept free, {own} in use when idle, 64 for the ops listener");
}

/// With `unavailable: error_response`, the token of a foreign app was answered by an error
/// response while the id of a second app was unknown: a client could choose Envoy's error path.
#[tokio::test]
async fn a_foreign_app_does_not_choose_the_error_path() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |c| {
        c["check"]["unavailable"] = json!("error_response");
        c["issuers"][0]["required"] = json!(false);
        c["issuers"][0]["apps"] = json!([{ "id": APP }, { "key": "key_unknown" }]);
    });
    let app = TestApp::start(&settings).await;
    until("the keys", || app.metric("rownd_authz_keys", &[]) == 1.0).await;
    let foreign = key.token(&Claims::of(&issuer.url()).with("aud", "app:of-somebody-else"));
    let answer = app.check(&Ask::with_token(foreign)).await;
    assert!(!answer.is_allowed() && !answer.is_error_response(), "{answer:?}");
    let good = key.token(&Claims::of(&issuer.url()));
    app.check(&Ask::with_token(good)).await.assert_allowed("the known app", "authenticated");
}

/// Checks with made-up keys could fill every place in flight while the issuer was slow.
#[tokio::test]
async fn those_that_wait_for_a_key_leave_room_for_others() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let settings = config_with(&issuer, |c| c["check"]["max_in_flight"] = json!(1000));
    let app = TestApp::ready(&settings).await;
    issuer.set(KEYS, Reply::Hang);
    let wire = Wire::connect(app.address()).await;
    let made_up = frame_of(&Ask::with_token(Key::new("sig-2").token(&Claims::of(&issuer.url()))));
    eventually("a fetch under way", async || {
        let answer = wire.check(&[("grpc-timeout", "30m")], made_up.clone()).await;
        (answer.reason() == "key_pending").then_some(())
    })
    .await;
    let before = app.counted("key_pending");
    let mut waiting = Vec::new();
    for _ in 0..500 {
        let mut call = wire.begin_check().await.unwrap();
        call.finish(made_up.clone());
        waiting.push(call);
    }
    // Some 250 wait; the others are told so at once.
    until("those beyond the room", || app.counted("key_pending") >= before + 200.0).await;
    assert_eq!(app.counted("overloaded"), 0.0);
    let good = Ask::with_token(key.token(&Claims::of(&issuer.url())));
    app.check(&good).await.assert_allowed("meanwhile", "authenticated");
}

/// One peer could hold gigabytes with messages that it begins and never finishes.
#[tokio::test]
async fn unfinished_messages_share_a_budget() {
    let key = Key::new("sig-1");
    let issuer = Issuer::with_keys(&[&key]);
    let app = TestApp::ready(&config_with(&issuer, |_| {})).await;
    let part = vec![0; 4_000_000];
    let mut open = Vec::new();
    for _ in 0..30 {
        let wire = Wire::connect(app.address()).await;
        let mut call = wire.begin_check().await.unwrap();
        call.body.send_data(frame_saying(0, 4_100_000, &part), false).unwrap();
        open.push((wire, call));
    }
    // 120 MB are under way, and 64 MiB are the most.
    until("the budget to be spent", || app.counted("overloaded") >= 10.0).await;
    drop(open);
    until("it to be free again", || app.metric("rownd_authz_in_flight", &[]) == 0.0).await;
    let good = Ask::with_token(key.token(&Claims::of(&issuer.url())));
    app.check(&good).await.assert_allowed("afterwards", "authenticated");
    app.check(&Ask::get("/")).await.assert_denied("afterwards", DenyReason::CredentialMissing);
}
