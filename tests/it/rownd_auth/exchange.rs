//! `Exchange` of what is not a refresh token: outcomes, aborts, faults; each asked once.

use std::time::Duration;

use prost_types::{Struct, Value, value::Kind};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthLevel, ExchangeRequest, GetUserRequest, GuestGrant, MigrationGrant, SignInIntent,
    ThirdPartyTokenGrant, UserType, VerifyRequest, exchange_request::Grant,
    exchange_response::Outcome, get_user_request::Subject, verify_response,
};
use rownd_emulator::{Endpoint, Fault, Rotation, SignedBy, TokenOrder};
use serde_json::json;
use tonic::Code;

use super::{APP, Rig, assert_field, refresh, said};
use crate::support::{Issuer, Reply, forge::now};

fn third_party(token: &str) -> ThirdPartyTokenGrant {
    ThirdPartyTokenGrant { token: token.to_owned(), ..ThirdPartyTokenGrant::default() }
}

fn guest(level: AuthLevel) -> Grant {
    Grant::Guest(GuestGrant { auth_level: level.into() })
}

fn migrate(token: &str) -> Grant {
    Grant::Migration(MigrationGrant { token: token.to_owned() })
}

/// The user of a token, as the service itself sees it.
async fn who(rig: &Rig, token: &str) -> (String, String, AuthLevel) {
    let request = VerifyRequest { token: token.to_owned(), ..VerifyRequest::default() };
    match rig.stub().verify(request).await.unwrap().into_inner().outcome.unwrap() {
        verify_response::Outcome::Identity(who) => {
            let level = who.auth_level();
            (who.issuer, who.user_id, level)
        }
        verify_response::Outcome::Denial(denial) => panic!("{denial:?}"),
    }
}

#[tokio::test]
async fn somebody_elses_token_becomes_rownd_tokens() {
    let rig = Rig::start().await;
    let token = rig.foreign("user-1", "one@example.com");
    let text = Value { kind: Some(Kind::StringValue("pro".to_owned())) };
    let grant = || ThirdPartyTokenGrant {
        user_data: Some(Struct { fields: [("plan".to_owned(), text.clone())].into() }),
        ..third_party(&token)
    };
    let first = rig.tokens(Grant::ThirdPartyToken(grant())).await;
    assert_eq!(first.user_type(), UserType::New);
    assert_eq!(first.user_id.as_deref(), Some("user-1"));
    assert!(first.refresh_token.is_some() && first.id_token.is_none());
    let left = first.expire_time.unwrap().seconds - now();
    assert!((3500..=3601).contains(&left), "{left}");
    let verified = ("rownd".to_owned(), "user-1".to_owned(), AuthLevel::Verified);
    assert_eq!(who(&rig, &first.access_token).await, verified);
    let second = rig.tokens(Grant::ThirdPartyToken(grant())).await;
    assert_eq!(second.user_type(), UserType::Existing);

    let request = GetUserRequest {
        subject: Some(Subject::UserId("user-1".to_owned())),
        ..GetUserRequest::default()
    };
    let user = rig.admin().get_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(user.data.unwrap().fields["plan"], text);
}

#[tokio::test]
async fn an_intent_that_does_not_fit_gives_no_tokens() {
    let rig = Rig::start().await;
    let token = rig.foreign("user-1", "one@example.com");
    for (name, intent, given) in [
        ("sign in, nobody there", SignInIntent::SignIn, false),
        ("sign up", SignInIntent::SignUp, true),
        ("sign up, somebody there", SignInIntent::SignUp, false),
        ("sign in", SignInIntent::SignIn, true),
    ] {
        let grant = ThirdPartyTokenGrant { intent: intent.into(), ..third_party(&token) };
        let outcome = rig.exchange(Grant::ThirdPartyToken(grant)).await.unwrap();
        assert_eq!(matches!(outcome, Outcome::Tokens(_)), given, "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_validator_that_says_no_aborts_the_exchange() {
    let rig = Rig::start().await;
    let forged = rig.foreign("user-1", "one@example.com").replace(".ey", ".eX");
    let answer = rig.exchange(Grant::ThirdPartyToken(third_party(&forged))).await;
    said(answer).is(Code::FailedPrecondition, "EXCHANGE_ABORTED").tells("upstream_status", "400");
    assert_eq!(rig.hits(Endpoint::Token), 1, "a no is not asked for twice");
    for status in [400, 404] {
        rig.controls.inject(Fault::status(Endpoint::Token, status)).unwrap();
        let answer = rig.exchange(Grant::ThirdPartyToken(third_party("x"))).await;
        said(answer).is(Code::FailedPrecondition, "EXCHANGE_ABORTED");
        rig.controls.clear_faults();
    }
}

/// A firewall, or a base URL that is a little wrong: nobody has looked at the token.
#[tokio::test]
async fn a_no_in_another_form_than_that_of_rownd_blames_no_token() {
    let rig = Rig::start().await;
    for status in [400, 401, 403, 404, 409] {
        for body in ["", "<html><h1>Bad</h1></html>", r#"{"detail":"x"}"#] {
            let fault = Fault { status: Some(status), ..Fault::body(Endpoint::Token, body) };
            rig.controls.inject(fault).unwrap();
            for grant in [
                Grant::ThirdPartyToken(third_party("x")),
                guest(AuthLevel::Guest),
                refresh::grant(&rig.mint(&TokenOrder { refresh: true, ..Rig::order("ann") })),
            ] {
                let grant = ExchangeRequest {
                    issuer: matches!(grant, Grant::Guest(_)).then(|| "rownd".to_owned()),
                    grant: Some(grant),
                    ..ExchangeRequest::default()
                };
                said(rig.trade(grant).await)
                    .is(Code::Unavailable, "ROWND_UNAVAILABLE")
                    .tells("upstream_status", &status.to_string());
            }
            rig.controls.clear_faults();
        }
    }
}

#[tokio::test]
async fn what_the_upstream_does_is_told_and_nothing_is_sent_twice() {
    let rig = Rig::start().await;
    let rows = [
        (409, Code::FailedPrecondition, "EXCHANGE_REFUSED"),
        (401, Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
        (429, Code::ResourceExhausted, "ROWND_RATE_LIMITED"),
        (500, Code::Unavailable, "ROWND_UNAVAILABLE"),
        (503, Code::Unavailable, "ROWND_UNAVAILABLE"),
    ];
    for (status, code, reason) in rows {
        rig.controls.clear_hits();
        rig.controls.inject(Fault::status(Endpoint::Token, status)).unwrap();
        let answer = rig.exchange(Grant::ThirdPartyToken(third_party("x"))).await;
        said(answer).is(code, reason).tells("upstream_status", &status.to_string());
        assert_eq!(rig.hits(Endpoint::Token), 1, "{status}");
        rig.controls.clear_faults();
    }
    rig.controls.inject(Fault::garbage(Endpoint::Token)).unwrap();
    let answer = rig.exchange(Grant::ThirdPartyToken(third_party("x"))).await;
    said(answer).is(Code::Internal, "ROWND_ANSWER_INVALID");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_waited_for_no_longer_than_set() {
    let issuer = Issuer::start();
    let base = issuer.url();
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["base_url"] = json!(base);
        settings["issuers"][0]["required"] = json!(false);
        settings["rownd_auth"]["timeout"] = json!("300ms");
    })
    .await;
    issuer.set("/hub/auth/token", Reply::Hang);
    let answer = rig.exchange(Grant::ThirdPartyToken(third_party("x"))).await;
    said(answer).is(Code::Unavailable, "ROWND_UNAVAILABLE");
    assert_eq!(issuer.hits("/hub/auth/token"), 1);
    let late = [("endpoint", "token_exchange"), ("result", "timeout")];
    assert_eq!(rig.app.metric("rownd_authz_rownd_requests_total", &late), 1.0);
}

#[tokio::test]
async fn keys_and_secrets_go_where_they_belong_and_nowhere_else() {
    let issuer = Issuer::start();
    let base = issuer.url();
    let rig = Rig::with(|settings| {
        for index in [0, 1] {
            settings["issuers"][index]["required"] = json!(false);
        }
        settings["issuers"][0]["base_url"] = json!(base);
        settings["issuers"][1]["base_url"] = json!(format!("{base}/auth"));
    })
    .await;
    let _ = rig.exchange(Grant::ThirdPartyToken(third_party("foreign"))).await;
    let _ = rig.exchange(super::refresh::grant("refresh")).await;
    let instant = ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        grant: Some(guest(AuthLevel::Instant)),
        ..ExchangeRequest::default()
    };
    let _ = rig.trade(instant).await;
    let _ = rig.exchange(migrate("rownd")).await;
    let heads = issuer.heads();
    let of = |path: &str| -> Vec<String> {
        let found = heads.iter().filter(|head| head.split(' ').nth(1) == Some(path));
        found.map(|head| head.to_ascii_lowercase()).collect()
    };
    let key = "x-rownd-app-key: key_shop";
    for (path, with_key) in [
        ("/hub/auth/token", vec![true, false]),
        ("/hub/auth/instant", vec![true]),
        ("/auth/plugin/rownd/migrate", vec![false]),
    ] {
        let sent: Vec<bool> = of(path).iter().map(|head| head.contains(key)).collect();
        assert_eq!(sent, with_key, "{path}");
        for head in of(path) {
            assert!(!head.contains("x-rownd-app-secret"), "{head}");
            let bearer = head.contains("authorization: bearer rownd");
            assert_eq!(bearer, path.ends_with("/migrate"), "{head}");
        }
    }
}

#[tokio::test]
async fn nothing_at_all_becomes_a_guest() {
    let rig = Rig::start().await;
    for (issuer, level, expected) in [
        ("rownd", AuthLevel::Unspecified, AuthLevel::Instant),
        ("rownd", AuthLevel::Instant, AuthLevel::Instant),
        ("rownd", AuthLevel::Guest, AuthLevel::Guest),
        ("sessions", AuthLevel::Guest, AuthLevel::Guest),
        ("sessions", AuthLevel::Instant, AuthLevel::Instant),
    ] {
        let request = ExchangeRequest {
            issuer: Some(issuer.to_owned()),
            grant: Some(guest(level)),
            ..ExchangeRequest::default()
        };
        let Outcome::Tokens(tokens) = rig.trade(request).await.unwrap() else { panic!("tokens") };
        let (named, user, level) = who(&rig, &tokens.access_token).await;
        assert_eq!((named.as_str(), level), (issuer, expected));
        assert_eq!(tokens.user_id.as_deref(), Some(user.as_str()));
    }
    // Two could make one.
    assert_field(rig.exchange(guest(AuthLevel::Guest)).await, "issuer");
    let verified = ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        grant: Some(guest(AuthLevel::Verified)),
        ..ExchangeRequest::default()
    };
    assert_field(rig.trade(verified).await, "guest.auth_level");
}

#[tokio::test]
async fn a_rownd_token_becomes_a_session_and_may_do_so_again() {
    let rig = Rig::start().await;
    let token = rig.token("ann");
    for _ in 0..2 {
        let session = rig.tokens(migrate(&token)).await;
        assert!(session.refresh_token.is_some() && session.front_token.is_some());
        let expected = ("sessions".to_owned(), "ann".to_owned(), AuthLevel::Verified);
        assert_eq!(who(&rig, &session.access_token).await, expected);
    }
    let forged = rig.mint(&Rig::order("ann").signed_by(SignedBy::Foreign));
    said(rig.exchange(migrate(&forged)).await)
        .is(Code::FailedPrecondition, "MIGRATION_REFUSED")
        .tells("upstream_status", "401")
        .tells("upstream_code", "TOKEN_SIGNATURE_INVALID");
    rig.controls.inject(Fault::status(Endpoint::Supertokens, 503)).unwrap();
    said(rig.exchange(migrate(&token)).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
}

#[tokio::test]
async fn a_host_that_fails_again_and_again_is_left_alone() {
    let rig = Rig::start().await;
    rig.controls.inject(Fault::status(Endpoint::Token, 500)).unwrap();
    for _ in 0..8 {
        let answer = rig.exchange(Grant::ThirdPartyToken(third_party("x"))).await;
        said(answer).is(Code::Unavailable, "ROWND_UNAVAILABLE");
    }
    assert_eq!(rig.hits(Endpoint::Token), 5, "after five failures nobody asks");
    let paused = [("endpoint", "token_exchange"), ("result", "paused")];
    assert_eq!(rig.app.metric("rownd_authz_rownd_requests_total", &paused), 3.0);
}

#[tokio::test]
async fn a_mistake_in_the_call_names_the_field() {
    let rig = Rig::start().await;
    let request = |grant| ExchangeRequest { grant, ..ExchangeRequest::default() };
    assert_field(rig.trade(request(None)).await, "grant");
    let mut party = third_party("");
    assert_field(
        rig.exchange(Grant::ThirdPartyToken(party.clone())).await,
        "third_party_token.token",
    );
    party.token = "a\nb".to_owned();
    assert_field(
        rig.exchange(Grant::ThirdPartyToken(party.clone())).await,
        "third_party_token.token",
    );
    party.token = "x".repeat(20_000);
    assert_field(
        rig.exchange(Grant::ThirdPartyToken(party.clone())).await,
        "third_party_token.token",
    );
    party.token = "t".to_owned();
    party.intent = 7;
    assert_field(
        rig.exchange(Grant::ThirdPartyToken(party.clone())).await,
        "third_party_token.intent",
    );
    party.intent = 0;
    let odd = [("n".to_owned(), Value { kind: Some(Kind::NumberValue(f64::NAN)) })];
    party.user_data = Some(Struct { fields: odd.into() });
    assert_field(rig.exchange(Grant::ThirdPartyToken(party)).await, "third_party_token.user_data");
    for (issuer, app, field) in [
        (Some("sessions"), None, "issuer"),
        (Some("x"), None, "issuer"),
        (None, Some("x"), "app_id"),
    ] {
        let request = ExchangeRequest {
            issuer: issuer.map(str::to_owned),
            app_id: app.map(str::to_owned),
            grant: Some(Grant::ThirdPartyToken(third_party("t"))),
            ..ExchangeRequest::default()
        };
        assert_field(rig.trade(request).await, field);
    }
    assert_eq!(rig.hits(Endpoint::Token), 0, "nobody was asked");
    let named = ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        app_id: Some(APP.to_owned()),
        grant: Some(Grant::ThirdPartyToken(third_party(&rig.foreign("u", "u@example.com")))),
        ..ExchangeRequest::default()
    };
    assert!(matches!(rig.trade(named).await, Ok(Outcome::Tokens(_))));
}

#[tokio::test]
async fn a_call_ends_by_the_callers_own_deadline() {
    let rig = Rig::start().await;
    let slow = Fault { delay_ms: Some(20_000), ..Fault::status(Endpoint::Token, 200) };
    rig.controls.inject(slow).unwrap();
    let mut request = tonic::Request::new(ExchangeRequest {
        grant: Some(Grant::ThirdPartyToken(third_party("x"))),
        ..ExchangeRequest::default()
    });
    // The stub would give up by itself; our answer, with its reason, comes first.
    request.set_timeout(Duration::from_secs(2));
    said(rig.admin().exchange(request).await).is(Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn an_app_whose_id_is_not_known_yet_may_be_asked_for_again() {
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["required"] = json!(false);
        settings["issuers"][0]["apps"] = json!([{ "key": "key_of_nobody" }]);
    })
    .await;
    let answer = rig.exchange(Grant::ThirdPartyToken(third_party("x"))).await;
    said(answer).is(Code::Unavailable, "APP_UNKNOWN");
}

#[tokio::test]
async fn tokens_that_cannot_be_verified_now_are_handed_on_without_a_user() {
    let rig = Rig::start().await;
    rig.controls.rotate(Rotation::default()).unwrap();
    rig.controls.inject(Fault::status(Endpoint::Keys, 503)).unwrap();
    let tokens = rig.tokens(super::refresh::grant(&rig.mint(&Rig::order("ann").refresh()))).await;
    assert!(tokens.refresh_token.is_some(), "it is all there is");
    assert_eq!(tokens.user_id, None);
}

#[tokio::test]
async fn an_issuer_that_hangs_keeps_nobody_from_verifying() {
    let issuer = Issuer::start();
    let base = issuer.url();
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["base_url"] = json!(base);
        settings["issuers"][0]["required"] = json!(false);
        settings["rownd_auth"]["max_in_flight"] = json!(4);
    })
    .await;
    issuer.set("/hub/auth/token", Reply::Hang);
    let held: Vec<_> = (0..6)
        .map(|_| {
            let (mut stub, grant) = (rig.admin(), Grant::ThirdPartyToken(third_party("x")));
            let request = ExchangeRequest { grant: Some(grant), ..ExchangeRequest::default() };
            tokio::spawn(async move { stub.exchange(request).await })
        })
        .collect();
    issuer.asked("/hub/auth/token", 3).await;
    let request = VerifyRequest { token: "x".into(), ..VerifyRequest::default() };
    rig.stub().verify(request).await.expect("there is a place for it");
    assert_eq!(issuer.hits("/hub/auth/token"), 3);
    held.iter().for_each(tokio::task::JoinHandle::abort);
}
