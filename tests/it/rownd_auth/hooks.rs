//! The hook before an exchange: who is asked about what, and that a denial leaves nobody with tokens.
//! By signed POST requests and by gRPC, each to a real receiver.

use std::{net::SocketAddr, sync::Arc};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rownd_authz::{
    grpc::pb::rownd::auth::v1::{
        AuthLevel, ExchangeRequest, GuestGrant, MigrationGrant, RefreshTokenGrant,
        ThirdPartyTokenGrant, Tokens, exchange_request::Grant, exchange_response::Outcome,
    },
    hooks::pb::{
        BeforeExchangeRequest, BeforeExchangeResponse,
        before_exchange_response::Decision,
        exchange_hook_service_server::{ExchangeHookService, ExchangeHookServiceServer},
    },
};
use rownd_emulator::Endpoint;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
    task::AbortHandle,
};
use tonic::{Code, Request, Response, Status};

use super::{APP, Rig, TRADER, said};
use crate::support::{Issuer as Receiver, Reply, TestApp, certs::Authority, tls_front::TlsFront};

const NEW: &str = "whsec_bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3";
const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PATH: &str = "/sign-ins";
const BEARER: &str = "a-secret-of-the-hook";

fn allow() -> Reply {
    Reply::json(&json!({ "decision": "allow" }))
}

fn deny(reason: &str) -> Reply {
    Reply::json(&json!({ "decision": "deny", "reason": reason }))
}

/// A service with a hook that is asked by HTTP.
async fn by_http(receiver: &Receiver, more: Value) -> Rig {
    let http = json!({ "url": format!("{}{PATH}", receiver.url()), "secrets": [NEW, OLD] });
    rig(json!({ "http": http }), more).await
}

async fn rig(mut hook: Value, more: Value) -> Rig {
    let more = more.as_object().unwrap().clone();
    hook.as_object_mut().unwrap().extend(more);
    Rig::with(|settings| settings["hooks"] = json!({ "before_exchange": hook })).await
}

fn third_party(rig: &Rig, user: &str) -> Grant {
    let token = rig.foreign(user, &format!("{user}@example.com"));
    Grant::ThirdPartyToken(ThirdPartyTokenGrant { token, ..ThirdPartyTokenGrant::default() })
}

fn guest() -> Grant {
    Grant::Guest(GuestGrant { auth_level: AuthLevel::Guest.into() })
}

fn refresh(tokens: &Tokens) -> Grant {
    let refresh_token = tokens.refresh_token.clone().unwrap();
    Grant::RefreshToken(RefreshTokenGrant { refresh_token, ..RefreshTokenGrant::default() })
}

async fn traded(rig: &Rig, issuer: &str, grant: Grant) -> Result<Outcome, Status> {
    let issuer = Some(issuer.to_owned());
    rig.trade(ExchangeRequest { issuer, grant: Some(grant), ..ExchangeRequest::default() }).await
}

fn questions(rig: &Rig, result: &str) -> f64 {
    let labels = [("hook", "before_exchange"), ("result", result)];
    rig.app.metric("rownd_authz_hook_questions_total", &labels)
}

/// The signature of a message, by another hand than the product's.
fn signature(secret: &str, message: &str) -> String {
    let secret = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, message.as_bytes())))
}

#[tokio::test]
async fn the_question_is_signed_and_has_no_token() {
    let receiver = Receiver::start();
    receiver.set(PATH, allow());
    let rig = by_http(&receiver, json!({})).await;
    let tokens = rig.tokens(third_party(&rig, "user-1")).await;
    assert_eq!(tokens.user_id.as_deref(), Some("user-1"));
    let received = receiver.received();
    let [question] = received.as_slice() else { panic!("{received:?}") };
    let body = question.json();
    assert_eq!(body["type"], "exchange.before");
    assert_eq!(
        body["data"],
        json!({
            "issuer": "rownd", "app_id": APP, "grant": "third_party_token", "user_id": "user-1",
            "auth_level": "verified", "user_type": "new", "caller": "admin",
        })
    );
    assert!(!body.to_string().contains("eyJ"), "a token: {body}");
    let whole = format!("{}{body}", question.head);
    let refresh_token = tokens.refresh_token.as_deref().unwrap();
    assert!(!whole.contains(refresh_token) && !whole.contains(&tokens.access_token));
    let [id] = question.header("webhook-id")[..] else { panic!("{whole}") };
    let [time] = question.header("webhook-timestamp")[..] else { panic!("{whole}") };
    let signed = format!("{id}.{time}.{}", String::from_utf8(question.body.clone()).unwrap());
    let expected = format!("{} {}", signature(NEW, &signed), signature(OLD, &signed));
    assert_eq!(question.header("webhook-signature"), [expected]);
    assert_eq!(questions(&rig, "allowed"), 1.0);
}

#[tokio::test]
async fn a_denial_leaves_nobody_with_tokens() {
    let receiver = Receiver::start();
    let rig = by_http(&receiver, json!({})).await;
    receiver.set(PATH, deny("not in\nthe plan"));
    for (issuer, grant) in [
        ("rownd", third_party(&rig, "user-1")),
        ("rownd", guest()),
        ("sessions", guest()),
        ("sessions", Grant::Migration(MigrationGrant { token: rig.token("ann") })),
    ] {
        said(traded(&rig, issuer, grant).await)
            .is(Code::FailedPrecondition, "SIGN_IN_DENIED")
            .tells("hook_reason", "not in the plan");
    }
    assert_eq!(questions(&rig, "denied"), 4.0);
    let grants: Vec<Value> =
        receiver.received().iter().map(|one| one.json()["data"].clone()).collect();
    let issuers: Vec<&str> = grants.iter().map(|data| data["issuer"].as_str().unwrap()).collect();
    assert_eq!(issuers, ["rownd", "rownd", "sessions", "sessions"]);
    assert_eq!(grants[3]["user_id"], "ann");
    receiver.set(PATH, deny(""));
    let status = traded(&rig, "rownd", guest()).await;
    said(status).is(Code::FailedPrecondition, "SIGN_IN_DENIED");
    // A right of a caller is judged first: nobody is asked about what is not done.
    let hits = receiver.hits(PATH);
    let request = ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        grant: Some(guest()),
        ..ExchangeRequest::default()
    };
    assert_eq!(
        rig.known(TRADER).exchange(request).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    assert_eq!(receiver.hits(PATH), hits);
}

#[tokio::test]
async fn a_refresh_is_asked_about_only_where_that_is_configured() {
    let receiver = Receiver::start();
    receiver.set(PATH, allow());
    let silent = by_http(&receiver, json!({})).await;
    let first = silent.tokens(third_party(&silent, "user-1")).await;
    receiver.set(PATH, deny("closed"));
    let second = silent.tokens(refresh(&first)).await;
    assert_eq!(second.user_id.as_deref(), Some("user-1"));
    assert_eq!(receiver.hits(PATH), 1);

    let asking = by_http(&receiver, json!({ "grants": ["refresh_token"] })).await;
    let first = asking.tokens(third_party(&asking, "user-1")).await;
    assert_eq!(receiver.hits(PATH), 1, "it is not among the grants");
    let shared = [refresh(&first), refresh(&first)];
    for grant in shared {
        said(asking.exchange(grant).await).is(Code::FailedPrecondition, "SIGN_IN_DENIED");
    }
    assert_eq!(asking.hits(Endpoint::Token), 2, "one exchange and one refresh");
    assert_eq!(receiver.hits(PATH), 3);
}

/// Answers that are no decision: how each counts, and after how long it is given up.
fn failures() -> Vec<(&'static str, Reply, &'static str)> {
    vec![
        ("an error", Reply::status(500), "unavailable"),
        ("no content", Reply::status(204), "unavailable"),
        (
            "created",
            Reply::Answer(201, Vec::new(), b"{\"decision\":\"allow\"}".to_vec()),
            "unavailable",
        ),
        ("a redirect", Reply::redirect(307, "/elsewhere"), "unavailable"),
        ("a reset", Reply::Reset, "unavailable"),
        ("a word", Reply::text("allow"), "unreadable"),
        ("another word", Reply::json(&json!({ "decision": "yes" })), "unreadable"),
        ("nothing", Reply::text(""), "unreadable"),
        ("too much", Reply::text(vec![b' '; 20_000]), "unreadable"),
        ("no answer", Reply::Hang, "late"),
        ("no end", Reply::Drip, "late"),
    ]
}

#[tokio::test]
async fn a_hook_that_has_not_decided_denies_unless_the_configuration_allows() {
    let receiver = Receiver::start();
    receiver.set("/elsewhere", allow());
    let short = json!({ "timeout": "400ms" });
    let closed = by_http(&receiver, short.clone()).await;
    let open = by_http(&receiver, json!({ "timeout": "400ms", "on_failure": "allow" })).await;
    for (name, reply, result) in failures() {
        receiver.set(PATH, reply);
        let (before, opened) = (questions(&closed, result), questions(&open, result));
        said(traded(&closed, "rownd", guest()).await).is(Code::Unavailable, "SIGN_IN_UNDECIDED");
        assert_eq!(questions(&closed, result), before + 1.0, "{name}");
        let outcome = traded(&open, "rownd", guest()).await.unwrap();
        assert!(matches!(outcome, Outcome::Tokens(_)), "{name}");
        assert_eq!(questions(&open, result), opened + 1.0, "{name}");
    }
    assert_eq!(receiver.hits("/elsewhere"), 0, "no redirect is followed");
    let faults = closed.app.faults().await;
    assert_eq!(
        (&faults[0]["part"], &faults[0]["name"]),
        (&json!("hook"), &json!("before_exchange"))
    );
    receiver.set(PATH, Reply::Reset);
    let before = receiver.received().len();
    said(traded(&closed, "rownd", guest()).await).is(Code::Unavailable, "SIGN_IN_UNDECIDED");
    let asked = &receiver.received()[before..];
    let ids: Vec<_> = asked.iter().map(|question| question.header("webhook-id")).collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "once more, with the same id: {ids:?}");
    // An answer is obeyed whatever the setting says.
    receiver.set(PATH, deny("no"));
    said(traded(&open, "rownd", guest()).await).is(Code::FailedPrecondition, "SIGN_IN_DENIED");
    assert_eq!(open.app.faults().await.len(), 0, "it has answered");
}

#[tokio::test]
async fn a_hook_that_is_not_there_denies() {
    let receiver = Receiver::closed();
    let rig = by_http(&receiver, json!({})).await;
    said(traded(&rig, "rownd", guest()).await).is(Code::Unavailable, "SIGN_IN_UNDECIDED");
    assert_eq!(questions(&rig, "unavailable"), 1.0);
}

#[tokio::test]
async fn more_questions_than_allowed_are_not_asked() {
    let receiver = Receiver::start();
    let gate = Arc::new(Semaphore::new(0));
    receiver.set(PATH, Reply::Gated(gate.clone(), Box::new(allow())));
    let rig = Arc::new(by_http(&receiver, json!({ "max_in_flight": 1, "timeout": "15s" })).await);
    let first = tokio::spawn({
        let rig = rig.clone();
        async move { traded(&rig, "rownd", guest()).await }
    });
    receiver.asked(PATH, 1).await;
    said(traded(&rig, "rownd", guest()).await).is(Code::Unavailable, "SIGN_IN_UNDECIDED");
    assert_eq!(questions(&rig, "overloaded"), 1.0);
    gate.add_permits(1);
    assert!(matches!(first.await.unwrap(), Ok(Outcome::Tokens(_))));
    assert_eq!(receiver.hits(PATH), 1);
}

/// The reaction of a gRPC receiver.
#[derive(Debug, Clone, Copy)]
enum Reaction {
    Decide(Decision, &'static str),
    Fail(Code),
    Hang,
}

/// A receiver by gRPC, which tells what it was asked. It ends when dropped.
struct Served {
    address: SocketAddr,
    asked: mpsc::UnboundedReceiver<(BeforeExchangeRequest, Option<String>)>,
    reaction: Arc<std::sync::Mutex<Reaction>>,
    serving: AbortHandle,
}

struct Hook {
    told: mpsc::UnboundedSender<(BeforeExchangeRequest, Option<String>)>,
    reaction: Arc<std::sync::Mutex<Reaction>>,
}

#[tonic::async_trait]
impl ExchangeHookService for Hook {
    async fn before_exchange(
        &self,
        request: Request<BeforeExchangeRequest>,
    ) -> Result<Response<BeforeExchangeResponse>, Status> {
        let secret = request.metadata().get("authorization");
        let secret = secret.map(|secret| secret.to_str().unwrap().to_owned());
        let _ = self.told.send((request.into_inner(), secret));
        let reaction = *self.reaction.lock().unwrap();
        match reaction {
            Reaction::Decide(decision, reason) => Ok(Response::new(BeforeExchangeResponse {
                decision: decision.into(),
                reason: reason.to_owned(),
            })),
            Reaction::Fail(code) => Err(Status::new(code, "CANARY of the receiver")),
            Reaction::Hang => std::future::pending().await,
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Served {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, asked) = mpsc::unbounded_channel();
        let reaction = Arc::new(std::sync::Mutex::new(Reaction::Decide(Decision::Allow, "")));
        let hook = Hook { told, reaction: reaction.clone() };
        let server = tonic::transport::Server::builder()
            .add_service(ExchangeHookServiceServer::new(hook))
            .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener));
        let serving = tokio::spawn(server).abort_handle();
        Self { address, asked, reaction, serving }
    }

    fn react(&self, reaction: Reaction) {
        *self.reaction.lock().unwrap() = reaction;
    }
}

#[tokio::test]
async fn a_grpc_hook_is_asked_the_same_and_knows_who_asks() {
    let mut served = Served::start().await;
    let grpc = json!({ "url": format!("http://{}", served.address), "secret": BEARER });
    let rig = rig(json!({ "grpc": grpc }), json!({ "timeout": "400ms" })).await;
    rig.tokens(third_party(&rig, "user-1")).await;
    let (question, secret) = served.asked.recv().await.unwrap();
    assert_eq!(secret.as_deref(), Some("Bearer a-secret-of-the-hook"));
    assert!(question.request_id.starts_with("msg_"), "{question:?}");
    let expected = BeforeExchangeRequest {
        request_id: question.request_id.clone(),
        issuer: "rownd".to_owned(),
        app_id: Some(APP.to_owned()),
        grant: "third_party_token".to_owned(),
        user_id: Some("user-1".to_owned()),
        auth_level: Some("verified".to_owned()),
        user_type: Some("new".to_owned()),
        caller: "admin".to_owned(),
    };
    assert_eq!(question, expected);

    served.react(Reaction::Decide(Decision::Deny, "not today\u{202e}"));
    said(traded(&rig, "rownd", guest()).await)
        .is(Code::FailedPrecondition, "SIGN_IN_DENIED")
        .tells("hook_reason", "not today");
    for (reaction, result) in [
        (Reaction::Decide(Decision::Unspecified, ""), "unreadable"),
        (Reaction::Fail(Code::Internal), "unavailable"),
        (Reaction::Fail(Code::Unimplemented), "unavailable"),
        (Reaction::Fail(Code::PermissionDenied), "unavailable"),
        (Reaction::Hang, "late"),
    ] {
        served.react(reaction);
        let before = questions(&rig, result);
        let status = traded(&rig, "rownd", guest()).await;
        assert!(!format!("{status:?}").contains("CANARY"), "{status:?}");
        said(status).is(Code::Unavailable, "SIGN_IN_UNDECIDED");
        assert_eq!(questions(&rig, result), before + 1.0, "{reaction:?}");
    }
    // It is asked again after a failure.
    served.react(Reaction::Decide(Decision::Allow, ""));
    assert!(traded(&rig, "rownd", guest()).await.is_ok());
}

#[tokio::test]
async fn a_grpc_hook_by_tls_is_trusted_by_its_authority_alone() {
    let (ours, other) = (Authority::new(), Authority::new());
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, authority: &Authority| {
        let path = directory.path().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        path
    };
    let served = Served::start().await;
    let front = TlsFront::start(&ours.issue(), served.address).await;
    for (name, authority, trusted) in [("ours", &ours, true), ("other", &other, false)] {
        let grpc = json!({ "url": front.url(), "tls": { "ca_file": file(name, authority) } });
        let rig = rig(json!({ "grpc": grpc }), json!({})).await;
        let answer = traded(&rig, "rownd", guest()).await;
        if trusted {
            assert!(matches!(answer, Ok(Outcome::Tokens(_))), "{answer:?}");
        } else {
            said(answer).is(Code::Unavailable, "SIGN_IN_UNDECIDED");
        }
    }
}

#[tokio::test]
async fn a_reload_changes_the_hook() {
    let receiver = Receiver::start();
    receiver.set(PATH, deny("no"));
    let mut rig = Rig::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.yaml");
    let base = format!("http://{}", rig.emulator);
    let write = |hooks: Value| {
        let mut settings = super::settings(&base);
        settings["hooks"] = hooks;
        std::fs::write(&file, settings.to_string()).unwrap();
    };
    write(json!({}));
    rig.app = TestApp::follow(&file).await;
    rig.app.is_ready().await;
    rig.tokens(third_party(&rig, "user-1")).await;
    let http = json!({ "url": format!("{}{PATH}", receiver.url()), "secrets": [NEW] });
    write(json!({ "before_exchange": { "http": http } }));
    rig.app.put_in_force(2).await;
    let answer = rig.exchange(third_party(&rig, "user-1")).await;
    said(answer).is(Code::FailedPrecondition, "SIGN_IN_DENIED");
    write(json!({}));
    rig.app.put_in_force(3).await;
    rig.tokens(third_party(&rig, "user-1")).await;
    assert_eq!(receiver.hits(PATH), 1);
}
