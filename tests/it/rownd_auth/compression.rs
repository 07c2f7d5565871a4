//! Compressed calls of every service at the gRPC listener: refused, and told how to be sent.
//!
//! In: calls whose headers or frames say that they are compressed. Out: `UNIMPLEMENTED` with
//! `grpc-accept-encoding`; for a check the same header with a denial, never an RPC error.

use bytes::Bytes;
use prost::Message as _;
use rownd_authz::{
    config::Right,
    grpc::{ext_authz::PATH as CHECK, pb::rownd::auth::v1::VerifyRequest, rownd_auth::paths},
    model::DenyReason,
};
use tonic::{Code, Status};

use super::{ADMIN, Rig, said};
use crate::support::{
    Ask,
    wire::{Reply, Wire, frame, frame_of, frame_saying},
};

const ACCEPTED: &str = "grpc-accept-encoding";
/// The bytes are gzip of nothing that is read.
const PACKED: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0";

/// Every method but the check.
fn methods() -> Vec<String> {
    let others = [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];
    paths().chain(others.map(str::to_owned)).collect()
}

async fn call(wire: &Wire, path: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
    let mut call = wire.begin(path, headers).await.unwrap();
    call.finish(body);
    call.reply().await
}

/// The value of a header, which may be a trailer where the response has begun.
fn value<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    let value = reply.headers.get(name).or_else(|| reply.trailers.get(name));
    value.map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_compressed_call_is_unimplemented_and_says_what_is_read() {
    let rig = Rig::with(|settings| {
        settings["listeners"]["grpc"]["reflection"] = serde_json::json!(true);
        let all: Vec<&str> = Right::ALL.iter().map(|right| right.as_str()).collect();
        settings["rownd_auth"]["callers"][0]["allow"] = serde_json::json!(all);
    })
    .await;
    let wire = Wire::connect(rig.app.address()).await;
    let plain =
        frame(&VerifyRequest { token: rig.token("ann"), ..Default::default() }.encode_to_vec());
    let packed = frame_saying(1, 20, PACKED);
    let admin = format!("Bearer {ADMIN}");
    for method in methods() {
        for (name, headers, body) in [
            ("gzip", &[("grpc-encoding", "gzip")][..], &packed),
            ("deflate", &[("grpc-encoding", "deflate")], &packed),
            ("an unknown one", &[("grpc-encoding", "x-own")], &packed),
            (
                "two, of which one is none",
                &[("grpc-encoding", "identity"), ("grpc-encoding", "gzip")],
                &packed,
            ),
            ("a plain message", &[("grpc-encoding", "gzip")], &plain),
            ("a frame alone", &[], &packed),
            ("a frame, and identity", &[("grpc-encoding", "identity")], &packed),
        ] {
            let headers = [headers, &[("authorization", &admin)]].concat();
            let reply = call(&wire, &method, &headers, body.clone()).await;
            if name.starts_with("a frame") && method.contains("reflection") {
                // Its library ends the call at a message that it cannot have; no client sends one.
                assert!(reply.data.is_empty(), "{method}: {name}: {reply:?}");
                continue;
            }
            assert_eq!(reply.grpc_status(), "12", "{method}: {name}: {reply:?}");
            assert_eq!(value(&reply, ACCEPTED), Some("identity"), "{method}: {name}");
            let said_of = Status::from_header_map(&reply.headers)
                .or_else(|| Status::from_header_map(&reply.trailers));
            said::<()>(Err(said_of.unwrap())).is(Code::Unimplemented, "COMPRESSION_UNSUPPORTED");
        }
    }
    let reply = call(&wire, &methods()[0], &[("grpc-encoding", "identity")], plain).await;
    assert_eq!((reply.grpc_status(), value(&reply, ACCEPTED)), ("0", None), "{reply:?}");
    let refused = [("method", "Verify"), ("code", "UNIMPLEMENTED")];
    assert_eq!(rig.app.metric("rownd_authz_rpcs_total", &refused), 7.0);
    let refused = [("reason", "compressed")];
    assert!(rig.app.metric("rownd_authz_calls_refused_total", &refused) >= 1.0);
}

/// Envoy fails open on an RPC error, if it is told to.
#[tokio::test]
async fn a_compressed_check_is_denied_and_says_what_is_read() {
    let rig = Rig::start().await;
    let wire = Wire::connect(rig.app.address()).await;
    let check = frame_of(&Ask::get("/").bearer(rig.token("ann")));
    for encoding in ["gzip", "deflate", "x-own"] {
        let headers = [("grpc-encoding", encoding)];
        for body in [check.clone(), frame_saying(1, 20, PACKED)] {
            let reply = call(&wire, CHECK, &headers, body).await;
            reply.answer().assert_denied(encoding, DenyReason::RequestUndecodable);
            assert_eq!(value(&reply, ACCEPTED), Some("identity"), "{encoding}");
        }
    }
    let reply = call(&wire, CHECK, &[("grpc-encoding", "identity")], check).await;
    assert_eq!(value(&reply, ACCEPTED), None);
    reply.answer().assert_allowed("a plain one", "authenticated");
}
