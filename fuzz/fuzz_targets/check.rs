//! Any message at the check's door: one answer, never an RPC error, and nobody is let in as
//! somebody.

#![no_main]

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, check_response::HttpResponse};
use http_body_util::{BodyExt as _, Full};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use rownd_authz::{
    authz::{Authorizer, Edition, Snapshot, recorders},
    grpc::ext_authz::CheckDoor,
    issuer_api,
    policy::Policy,
    profile::Profiles,
};
use rownd_authz_fuzz as rig;

static RIG: LazyLock<(CheckDoor, tokio::runtime::Runtime)> = LazyLock::new(|| {
    let runtime = rig::runtime();
    let _inside = runtime.enter();
    let (config, issuers) = (rig::config(), rig::issuers(&rig::key_set()));
    let metrics = rig::metrics(&issuers);
    let verifier = Arc::new(rig::verifier(&issuers, &metrics).expect("a verifier"));
    let remotes = issuer_api::build(&issuers, &rig::client(), &metrics);
    let (profiles, _fetcher) =
        Profiles::build(&config.profiles, verifier.issuers(), &remotes, &metrics);
    let edition = Edition { epoch: 1, hash: "fuzz".into() };
    let exchange = issuer_api::Exchange::build(&config, &[], &issuer_api::refreshes().0);
    let policy = Policy::build(&config);
    let snapshot = Snapshot::build(&config, policy, verifier, profiles, exchange, edition);
    let door = CheckDoor::build(Authorizer::new(snapshot, recorders(&metrics, 0)), 1 << 16);
    drop(_inside);
    (door, runtime)
});

fuzz_target!(|data: &[u8]| {
    let (door, runtime) = &*RIG;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes();
    let frame = [&[0], &length[..], data].concat();
    let request = http::Request::post("/envoy.service.auth.v3.Authorization/Check")
        .header("content-type", "application/grpc")
        .body(Full::new(Bytes::from(frame)))
        .expect("a request");
    let response = runtime.block_on(async {
        let response = door.respond(door.begin(), request).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole answer");
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status = head.headers.get("grpc-status").or_else(|| trailers.get("grpc-status"));
        assert!(status.is_some_and(|code| code == "0"), "an RPC error: {head:?} {trailers:?}");
        body.to_bytes()
    });
    let answer = CheckResponse::decode(&response[5..]).expect("an answer");
    let allowed = answer.status.as_ref().is_some_and(|status| status.code == 0);
    match answer.http_response.expect("never the empty answer, which is an allow") {
        HttpResponse::OkResponse(ok) => {
            assert!(allowed);
            let known = ok.headers.iter().filter_map(|option| option.header.as_ref());
            for header in known {
                assert_ne!(header.key, "x-rownd-user-id", "nobody signed for {header:?}");
            }
        }
        HttpResponse::DeniedResponse(_) | HttpResponse::ErrorResponse(_) => assert!(!allowed),
    }
});
