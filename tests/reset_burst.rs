//! A client that cancels a burst of requests makes its proxy reset a burst of checks, all in one
//! segment. All other checks on that connection are still answered.

use std::{collections::BTreeMap, time::Duration};

use envoy_types::pb::envoy::service::auth::v3::CheckResponse;
use prost::Message as _;
use rownd_authz::{
    app::{self, ListenAddress},
    config,
    grpc::{ext_authz, pb},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};

const CONFIG: &str = "
listeners: { grpc: { address: '127.0.0.1:0', workers: 1 }, ops: { address: '127.0.0.1:0' } }
shutdown: { drain_delay: 0s }
issuers: [{ name: rownd, kind: rownd, base_url: 'http://127.0.0.1:1', apps: [{ id: app_x }] }]
";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [head.as_slice(), payload].concat()
}

/// A check without a credential. Header fields are literals without an index (RFC 7541 6.2.2).
fn check(stream: u32) -> Vec<u8> {
    let http = pb::attribute_context::HttpRequest {
        method: "GET".into(),
        host: "localhost".into(),
        path: "/secret".into(),
        ..Default::default()
    };
    let request = pb::attribute_context::Request { http: Some(http) };
    let attributes = pb::AttributeContext { request: Some(request), ..Default::default() };
    let message = pb::CheckRequest { attributes: Some(attributes) }.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    // :method POST, :scheme http, then :path by its index.
    let path = [
        &[0x83, 0x86, 0x04, u8::try_from(ext_authz::PATH.len()).unwrap()],
        ext_authz::PATH.as_bytes(),
    ];
    let data = [&[0], length.as_slice(), &message].concat();
    [frame(HEADERS, END_HEADERS, stream, &path.concat()), frame(DATA, END_STREAM, stream, &data)]
        .concat()
}

/// The frames of a stream until its end; a GOAWAY is none of them.
async fn answer(peer: &mut TcpStream, wanted: u32) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut head = [0; 9];
        peer.read_exact(&mut head).await.expect("the connection stays open");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        peer.read_exact(&mut payload).await.expect("the connection stays open");
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        assert_ne!(head[3], GOAWAY, "the connection was closed: {payload:?}");
        if stream == wanted {
            assert_ne!(head[3], RST_STREAM, "the check was reset");
            if head[3] == DATA {
                body.extend_from_slice(&payload);
            }
            if head[4] & END_STREAM != 0 {
                return body;
            }
        }
    }
}

#[tokio::test]
async fn a_burst_of_cancelled_checks_ends_nobody_elses() {
    let config = config::parse("test", CONFIG, &BTreeMap::new()).unwrap();
    let bound = app::build(config).await.unwrap();
    let ListenAddress::Tcp(address) = bound.grpc_address().clone() else { panic!("not TCP") };
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(bound.run(async {
        let _ = stopped.await;
    }));
    let mut peer = TcpStream::connect(address).await.unwrap();
    let mut burst = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    burst.extend(frame(SETTINGS, 0, 0, &[]));
    burst.extend(check(1));
    for stream in (3..1003).step_by(2) {
        burst.extend(check(stream));
        burst.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
    }
    peer.write_all(&burst).await.unwrap();
    let body = timeout(Duration::from_secs(10), answer(&mut peer, 1)).await.expect("an answer");
    let response = CheckResponse::decode(&body[5..]).unwrap();
    assert_eq!(response.status.map(|status| status.code), Some(16));
    drop((peer, stop));
    server.await.unwrap().unwrap();
}
