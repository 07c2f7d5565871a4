//! The rights of callers: by secret, by Unix user, by certificate, and of unknown callers.

use std::os::unix::fs::MetadataExt as _;

use hyper_util::rt::TokioIo;
use prost::Message as _;
use rownd_authz::{
    app::ListenAddress,
    grpc::pb::rownd::auth::v1::{
        BuildAuthorizationUrlRequest, ExchangeRequest, GetUserRequest, GuestGrant, VerifyRequest,
        exchange_request::Grant, get_user_request::Subject, rownd_auth_client::RowndAuthClient,
    },
};
use serde_json::json;
use tokio::net::UnixStream;
use tonic::{
    Code, Request, Status,
    body::Body,
    client::GrpcService,
    codegen::StdError,
    transport::{Channel, Endpoint, Uri},
};
use tower::service_fn;

use super::{ADMIN, Rig, TRADER, refresh, said};
use crate::support::{
    Issuer, Reply, TestApp, eventually, until,
    wire::{Wire, frame},
};

/// Each method, and the right it takes.
const CALLS: [(&str, &str); 6] = [
    ("Verify", "verify"),
    ("GetUser of the token's user", "get_own_user"),
    ("GetUser of another", "get_user"),
    ("Exchange", "exchange"),
    ("BuildAuthorizationUrl", "exchange"),
    ("Exchange for a guest", "create_guest"),
];

/// Makes a call; whether the caller was let through, to whatever end.
async fn may<T>(rig: &Rig, stub: &mut RowndAuthClient<T>, call: &str) -> Result<(), Status>
where
    T: GrpcService<Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: tonic::codegen::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<StdError> + Send,
{
    let token = rig.token("ann");
    let user = |subject| GetUserRequest { subject: Some(subject), ..GetUserRequest::default() };
    let exchange = |grant| ExchangeRequest { grant: Some(grant), ..ExchangeRequest::default() };
    let ended = match call {
        "Verify" => {
            stub.verify(VerifyRequest { token, ..VerifyRequest::default() }).await.map(|_| ())
        }
        "GetUser of the token's user" => {
            stub.get_user(user(Subject::Token(token))).await.map(|_| ())
        }
        "GetUser of another" => {
            stub.get_user(user(Subject::UserId("ann".to_owned()))).await.map(|_| ())
        }
        "Exchange" => stub.exchange(exchange(refresh::grant("x"))).await.map(|_| ()),
        "BuildAuthorizationUrl" => {
            let request = BuildAuthorizationUrlRequest {
                oidc_client: "web".to_owned(),
                ..BuildAuthorizationUrlRequest::default()
            };
            stub.build_authorization_url(request).await.map(|_| ())
        }
        _ => {
            let request = ExchangeRequest {
                issuer: Some("rownd".to_owned()),
                ..exchange(Grant::Guest(GuestGrant::default()))
            };
            stub.exchange(request).await.map(|_| ())
        }
    };
    match ended {
        Err(status) if status.code() == Code::PermissionDenied => Err(status),
        // Other tests cover the steps behind the door.
        _ => Ok(()),
    }
}

/// The calls that are let through are those of these rights.
async fn assert_rights<T>(what: &str, rig: &Rig, stub: &mut RowndAuthClient<T>, rights: &[&str])
where
    T: GrpcService<Body>,
    T::Error: Into<StdError>,
    T::ResponseBody: tonic::codegen::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<StdError> + Send,
{
    for (call, right) in CALLS {
        let answer = may(rig, stub, call).await;
        // To read anybody is to read oneself.
        let expected =
            rights.contains(&right) || (right == "get_own_user" && rights.contains(&"get_user"));
        assert_eq!(answer.is_ok(), expected, "{what}: {call}: {answer:?}");
        if answer.is_err() {
            said(answer).is(Code::PermissionDenied, "CALLER_NOT_GRANTED");
        }
    }
}

#[tokio::test]
async fn on_this_machine_a_token_is_enough_for_what_is_its_own() {
    let rig = Rig::start().await;
    assert_rights("nobody", &rig, &mut rig.stub(), &["verify", "get_own_user"]).await;
    let refused = [("reason", "caller_not_granted")];
    assert_eq!(rig.app.metric("rownd_authz_callers_refused_total", &refused), 4.0);
    let counted = [("method", "Exchange"), ("code", "PERMISSION_DENIED")];
    assert_eq!(rig.app.metric("rownd_authz_rpcs_total", &counted), 2.0);
}

#[tokio::test]
async fn a_secret_opens_what_its_caller_is_allowed_and_no_more() {
    let rig = Rig::start().await;
    let all: Vec<&str> = CALLS.iter().map(|(_, right)| *right).collect();
    assert_rights("admin", &rig, &mut rig.known(ADMIN), &all).await;
    // On this machine what everybody may do is added.
    let trader = ["verify", "get_own_user", "exchange"];
    assert_rights("trader", &rig, &mut rig.known(TRADER), &trader).await;
}

#[tokio::test]
async fn a_secret_that_is_nobodys_opens_nothing_at_all() {
    let rig = Rig::start().await;
    let short = &ADMIN[..ADMIN.len() - 1];
    for secret in [short, "", "another-secret-of-this-test", &format!("{ADMIN}x")] {
        let answer = may(&rig, &mut rig.known(secret), "Verify").await;
        said(answer).is(Code::PermissionDenied, "CALLER_UNKNOWN");
    }
    for values in [vec![format!("Basic {ADMIN}")], vec![format!("Bearer {ADMIN}"); 2]] {
        let mut request = Request::new(VerifyRequest { token: "x".into(), ..Default::default() });
        for value in values {
            request.metadata_mut().append("authorization", value.parse().unwrap());
        }
        let answer = rig.stub().verify(request).await;
        said(answer).is(Code::PermissionDenied, "CALLER_UNKNOWN");
    }
    let refused = [("method", "Verify"), ("reason", "caller_unknown")];
    assert_eq!(rig.app.metric("rownd_authz_callers_refused_total", &refused), 6.0);
    // The name of the scheme has no case.
    let mut request = Request::new(VerifyRequest { token: "x".into(), ..Default::default() });
    let value = format!("bearer {ADMIN}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    rig.stub().verify(request).await.unwrap();
}

#[tokio::test]
async fn a_unix_socket_knows_its_users() {
    for (name, own, rights) in [
        ("known", true, &["verify", "get_own_user", "create_guest"][..]),
        ("another", false, &["verify", "get_own_user"][..]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grpc.sock");
        let me = std::fs::metadata(dir.path()).unwrap().uid();
        let uid = if own { me } else { me + 1 };
        let rig = Rig::with(|settings| {
            settings["listeners"]["grpc"]["address"] = json!(format!("unix:{}", path.display()));
            settings["rownd_auth"]["callers"] =
                json!([{ "name": "neighbour", "uids": [uid], "allow": ["create_guest"] }]);
        })
        .await;
        let mut stub = RowndAuthClient::new(socket(&rig.app.grpc).await);
        assert_rights(name, &rig, &mut stub, rights).await;
    }
}

async fn socket(address: &ListenAddress) -> Channel {
    let ListenAddress::Unix(path) = address.clone() else { panic!("{address}") };
    let connect = service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://socket").connect_with_connector(connect).await.unwrap()
}

#[tokio::test]
async fn more_calls_than_allowed_are_told_to_come_again() {
    let issuer = Issuer::start();
    let base = issuer.url();
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["base_url"] = json!(base);
        settings["issuers"][0]["required"] = json!(false);
        settings["rownd_auth"]["max_in_flight"] = json!(1);
    })
    .await;
    issuer.set("/hub/auth/token", Reply::Hang);
    let mut held = rig.known(TRADER);
    let held = tokio::spawn(async move {
        let request = ExchangeRequest { grant: Some(refresh::grant("x")), ..Default::default() };
        held.exchange(request).await
    });
    issuer.asked("/hub/auth/token", 1).await;
    let request = VerifyRequest { token: "x".into(), ..VerifyRequest::default() };
    said(rig.stub().verify(request.clone()).await).is(Code::Unavailable, "OVERLOADED");
    held.abort();
    let again = async || rig.stub().verify(request.clone()).await.ok().map(drop);
    eventually("the place of the call that left", again).await;
    let left = [("method", "Exchange"), ("code", "CANCELLED")];
    until("the count", || rig.app.metric("rownd_authz_rpcs_total", &left) == 1.0).await;
}

#[tokio::test]
async fn what_is_no_call_is_a_status_of_ours_too() {
    let rig = Rig::start().await;
    let wire = Wire::connect(rig.app.address()).await;
    let large = VerifyRequest { token: "x".repeat(300 * 1024), ..VerifyRequest::default() };
    for (name, method, body, code) in [
        ("no such method", "Delete", frame(b""), Code::Unimplemented),
        ("no method", "", frame(b""), Code::Unimplemented),
        ("no message", "Verify", frame(b"\xff\xff\xff"), Code::InvalidArgument),
        ("too large", "Verify", frame(&large.encode_to_vec()), Code::ResourceExhausted),
        ("cut off", "Verify", frame(b"\x0a\x05a"), Code::InvalidArgument),
    ] {
        let path = format!("/rownd.auth.v1.RowndAuth/{method}");
        let mut call = wire.begin(&path, &[]).await.expect(name);
        call.finish(body);
        let reply = call.reply().await;
        assert_eq!(reply.grpc_status(), (code as i32).to_string(), "{name}");
        let details = reply.headers.get("grpc-status-details-bin");
        assert!(details.is_some(), "{name}: {reply:?}");
    }
    // A strange method is no label of its own.
    let unknown = [("method", "unknown"), ("code", "UNIMPLEMENTED")];
    assert_eq!(rig.app.metric("rownd_authz_rpcs_total", &unknown), 2.0);
}

#[tokio::test]
async fn callers_change_without_a_restart() {
    let issuer = Issuer::start();
    let dir = tempfile::tempdir().unwrap();
    let (file, secret) = (dir.path().join("rownd-authz.yaml"), dir.path().join("secret"));
    std::fs::write(&secret, "the-first-secret-of-this").unwrap();
    let mut settings = super::settings(&issuer.url());
    settings["issuers"][0]["required"] = json!(false);
    settings["issuers"] = json!([settings["issuers"][0]]);
    let callers = json!([{
        "name": "a", "allow": ["get_user"], "secret": format!("file:{}", secret.display()),
    }]);
    settings["rownd_auth"] = json!({ "callers": callers });
    std::fs::write(&file, settings.to_string()).unwrap();
    let app = TestApp::follow(&file).await;
    let known = async |secret: &str| {
        let bearer = super::Bearer(secret.into());
        let mut stub = RowndAuthClient::with_interceptor(app.channel(), bearer);
        let status = stub.get_user(GetUserRequest::default()).await.expect_err("no subject");
        status.code() != Code::PermissionDenied
    };
    assert!(known("the-first-secret-of-this").await);
    std::fs::write(&secret, "the-second-secret-of-this").unwrap();
    app.put_in_force(2).await;
    assert!(known("the-second-secret-of-this").await);
    assert!(!known("the-first-secret-of-this").await, "it is nobody's any more");
    let status: serde_json::Value = serde_json::from_str(&app.page("/status").await.body).unwrap();
    let expected = json!({ "callers": ["a"], "others": ["verify", "get_own_user"] });
    assert_eq!(status["rownd_auth"], expected);
}

#[tokio::test]
async fn where_others_may_connect_a_peer_on_loopback_may_be_their_proxy() {
    let rig = Rig::with(|settings| {
        settings["listeners"]["grpc"]["address"] = json!("0.0.0.0:0");
        settings["rownd_auth"]["allow_plaintext_secrets"] = json!(true);
    })
    .await;
    let address = format!("http://127.0.0.1:{}", rig.app.address().port());
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut stub = RowndAuthClient::new(channel.clone());
    for (call, _) in CALLS {
        let answer = may(&rig, &mut stub, call).await;
        said(answer).is(Code::PermissionDenied, "CALLER_REQUIRED");
    }
    let known = super::Bearer(TRADER.into());
    let mut stub = RowndAuthClient::with_interceptor(channel, known);
    assert_rights("trader", &rig, &mut stub, &["exchange"]).await;
    let status: serde_json::Value =
        serde_json::from_str(&rig.app.page("/status").await.body).unwrap();
    assert_eq!(status["rownd_auth"], json!({ "callers": ["admin", "trader"], "others": [] }));
}
