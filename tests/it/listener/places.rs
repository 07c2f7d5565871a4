//! Listeners that are full of peers who do nothing: one that has something to ask gets in.

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    task::JoinSet,
    time::{interval, timeout},
};

use super::House;
use crate::support::{control::command, in_time, page, until, wire::frame_of};

/// How long the kubelet waits for an answer of the liveness probe.
const PROBE: Duration = Duration::from_secs(3);
/// More than any of the small listeners takes.
const CROWD: usize = 100;

/// Says this on each of so many connections and then holds it; a closed one is opened again.
pub(crate) fn hold(address: SocketAddr, said: &'static [u8], connections: usize) -> JoinSet<()> {
    held(address, said, connections, false)
}

/// The same, one byte a second.
fn drip(address: SocketAddr, said: &'static [u8], connections: usize) -> JoinSet<()> {
    held(address, said, connections, true)
}

fn held(address: SocketAddr, said: &'static [u8], connections: usize, drips: bool) -> JoinSet<()> {
    let mut held = JoinSet::new();
    for _ in 0..connections {
        held.spawn(async move {
            loop {
                tokio::task::yield_now().await;
                let Ok(stream) = TcpStream::connect(address).await else { continue };
                let (mut reader, mut writer) = stream.into_split();
                let say = async {
                    if drips {
                        let mut second = interval(Duration::from_secs(1));
                        for byte in said {
                            second.tick().await;
                            let _ = writer.write_all(&[*byte]).await;
                        }
                    } else {
                        let _ = writer.write_all(said).await;
                    }
                    std::future::pending::<()>().await;
                };
                let listen =
                    async { while reader.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {} };
                tokio::select! {
                    () = say => {}
                    () = listen => {}
                }
            }
        });
    }
    held
}

#[tokio::test]
async fn probes_are_answered_whoever_holds_the_ops_listener() {
    let house =
        House::open(|c| c["listeners"]["ops"]["probe_address"] = json!("127.0.0.1:0")).await;
    let probes = house.app.probes.expect("it was asked for");
    for (name, said) in [
        ("silent", &b""[..]),
        ("half a head", b"GET /livez HTTP/1.1\r\nhost: x\r\n"),
        ("idle after an answer", b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"),
        ("another protocol", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (
            "a body that does not come",
            b"GET /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n",
        ),
        ("one byte a second", b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"),
    ] {
        let crowd = match name {
            "one byte a second" => drip(house.app.ops, said, CROWD),
            _ => hold(house.app.ops, said, CROWD),
        };
        for round in 0..10 {
            for path in ["/livez", "/readyz"] {
                for address in [house.app.ops, probes] {
                    let asked = timeout(PROBE, page::get(address, path)).await;
                    let page = asked.unwrap_or_else(|_| panic!("{name}, {round}: no answer"));
                    assert_eq!(page.status, 200, "{name}");
                }
            }
        }
        drop(crowd);
    }
    house.is_well().await;
}

#[tokio::test]
async fn commands_are_taken_whoever_holds_the_control_listener() {
    let files = tempfile::tempdir().unwrap();
    let socket: PathBuf = files.path().join("control.sock");
    let address = format!("unix:{}", socket.display());
    let house = House::open(|c| c["listeners"]["control"] = json!({ "address": address })).await;
    let mut held = Vec::new();
    let said =
        [&b""[..], b"G", b"GET /revocations HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];
    for round in 0..40 {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        stream.write_all(said[round % said.len()]).await.unwrap();
        held.push(stream);
        if round % 4 == 3 {
            let asked = timeout(PROBE, command(&socket, "GET", "/revocations", "")).await;
            assert_eq!(asked.expect("an answer").0, 200, "{round}");
        }
    }
    drop(house);
}

#[tokio::test]
async fn idle_connections_make_room_for_one_that_asks() {
    let house = House::open(|c| {
        c["listeners"]["grpc"]["max_connections"] = json!(32);
        c["listeners"]["grpc"]["first_byte_timeout"] = json!("60s");
        c["listeners"]["grpc"]["keepalive_interval"] = json!("1s");
    })
    .await;
    let ask = frame_of(&house.good());
    // A proxy at work, which stays whatever comes.
    let proxy = house.dial().await;
    proxy.check(&[], ask.clone()).await.assert_allowed("at work", "authenticated");
    // Connections that speak HTTP/2, answer every ping and ask nothing.
    let mut idle = Vec::new();
    for _ in 0..40 {
        idle.push(house.dial().await);
    }
    let new = in_time("a place", house.dial()).await;
    new.check(&[], ask.clone()).await.assert_allowed("among idle ones", "authenticated");
    until("some to be closed", || idle.iter().any(|wire| wire.has_ended())).await;
    // And those that say nothing, or too little, again and again.
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let grpc = house.app.address();
    for (name, crowd) in [
        ("silent ones", hold(grpc, b"", 40)),
        ("half a preface", hold(grpc, &preface[..20], 40)),
        ("one byte a second", drip(grpc, preface, 40)),
        ("HTTP/1.1", hold(grpc, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", 40)),
        (
            "half a frame",
            hold(grpc, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x40\x01", 40),
        ),
    ] {
        for _ in 0..2 {
            let new = in_time("a place", house.dial()).await;
            new.check(&[], ask.clone()).await.assert_allowed(name, "authenticated");
            proxy.check(&[], ask.clone()).await.assert_allowed("at work", "authenticated");
        }
        drop(crowd);
    }
    assert!(house.result("evicted") > 0.0, "it is counted");
    assert!(!proxy.has_ended());
    house.is_well().await;
}

/// A connection that makes room is told so, and what it has asked is answered first.
#[tokio::test]
async fn a_check_in_flight_is_answered_before_its_connection_makes_room() {
    let house = House::open(|c| c["listeners"]["grpc"]["max_connections"] = json!(2)).await;
    let ask = frame_of(&house.good());
    let mut held = Vec::new();
    for _ in 0..2 {
        let wire = house.dial().await;
        let call = wire.begin_check().await.expect("the connection takes calls");
        held.push((wire, call));
    }
    let new = in_time("a place", house.dial()).await;
    new.check(&[], ask.clone()).await.assert_allowed("the new one", "authenticated");
    assert!(house.result("evicted") > 0.0, "it is counted");
    // Longer than an idle connection is given.
    let since = Instant::now();
    until("the time of an idle one", || since.elapsed() > Duration::from_millis(1_500)).await;
    for (wire, mut call) in held {
        call.finish(ask.clone());
        call.reply().await.answer().assert_allowed("in flight", "authenticated");
        drop(wire);
    }
    house.is_well().await;
}
