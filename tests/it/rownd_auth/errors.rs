//! Every error of docs/rownd-auth-errors.md, and no other: each row of its table is produced here over the
//! wire, and what comes stands in the table.

use std::{collections::BTreeSet, time::Duration};

use prost_types::{Struct, Value as WireValue, value::Kind};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthLevel, AuthorizationCodeGrant, BuildAuthorizationUrlRequest, ExchangeRequest, Freshness,
    GetUserRequest, GuestGrant, MigrationGrant, ThirdPartyTokenGrant, VerifyRequest,
    exchange_request::Grant, get_user_request::Subject,
};
use rownd_emulator::{Endpoint, Fault, Rotation, SignedBy, TokenOrder};
use serde_json::json;
use tonic::{Code, Request, Status, client::Grpc, codegen::http::uri::PathAndQuery};

use super::{APP, Rig, openid, refresh::grant as refresh, said};
use crate::support::{Issuer, eventually};

/// Those that nothing on the wire can cause; `grpc::rownd_auth::tests` and the tests of the door
/// produce them.
const OF_UNIT_TESTS: [(&str, &str); 2] =
    [("INTERNAL", "INTERNAL"), ("FAILED_PRECONDITION", "EXCHANGE_UNSUPPORTED")];

/// Those whose own tests produce them: of the services beside RowndAuth (`user_service`,
/// `oidc_clients`, `groups`, `apps`), of `tokens`, `hooks`, the shared state and
/// `it::events`.
const OF_OTHER_SERVICES: [(&str, &str); 36] = [
    ("FAILED_PRECONDITION", "EVENTS_GONE"),
    ("FAILED_PRECONDITION", "EVENTS_NOT_KEPT"),
    ("FAILED_PRECONDITION", "SIGN_IN_DENIED"),
    ("FAILED_PRECONDITION", "STATE_NOT_CHANGED"),
    ("INTERNAL", "GROUP_MISMATCH"),
    ("RESOURCE_EXHAUSTED", "EVENT_READER_TOO_SLOW"),
    ("UNAVAILABLE", "EVENT_STREAM_ENDED"),
    ("UNAVAILABLE", "SIGN_IN_UNDECIDED"),
    ("ABORTED", "ETAG_MISMATCH"),
    ("ALREADY_EXISTS", "GROUP_MEMBER_EXISTS"),
    ("ALREADY_EXISTS", "USER_EXISTS"),
    ("FAILED_PRECONDITION", "APP_SECRET_MISSING"),
    ("FAILED_PRECONDITION", "CLAIMS_NOT_APPLIED"),
    ("FAILED_PRECONDITION", "FIELD_NOT_CLEARED"),
    ("FAILED_PRECONDITION", "FILE_TOO_LARGE"),
    ("FAILED_PRECONDITION", "INVITE_FOREIGN"),
    ("FAILED_PRECONDITION", "INVITE_USED"),
    ("FAILED_PRECONDITION", "LAST_OWNER"),
    ("FAILED_PRECONDITION", "NOT_A_FILE"),
    ("FAILED_PRECONDITION", "OPERATOR_TOKEN_MISSING"),
    ("FAILED_PRECONDITION", "OPERATOR_TOKEN_REFUSED"),
    ("FAILED_PRECONDITION", "REQUEST_REFUSED"),
    ("FAILED_PRECONDITION", "RESPONSE_TOO_LARGE"),
    ("FAILED_PRECONDITION", "MAGIC_LINK_REFUSED"),
    ("FAILED_PRECONDITION", "REVOCATIONS_FULL"),
    ("NOT_FOUND", "APP_NOT_FOUND"),
    ("NOT_FOUND", "FILE_NOT_FOUND"),
    ("NOT_FOUND", "GROUP_INVITE_NOT_FOUND"),
    ("NOT_FOUND", "GROUP_MEMBER_NOT_FOUND"),
    ("NOT_FOUND", "OIDC_CLIENT_NOT_FOUND"),
    ("UNAVAILABLE", "REFRESH_OUTCOME_UNKNOWN"),
    ("UNAVAILABLE", "REVOCATIONS_UNAVAILABLE"),
    ("UNAVAILABLE", "REVOCATION_NOT_SHARED"),
    ("UNAVAILABLE", "SHARED_STATE_UNAVAILABLE"),
    ("UNAVAILABLE", "WRITE_OUTCOME_UNKNOWN"),
    ("UNIMPLEMENTED", "ISSUER_UNSUPPORTED"),
];

/// The errors that came, by code and reason, and those that came in place of others.
#[derive(Default)]
struct Seen {
    came: BTreeSet<(String, String)>,
    wrong: Vec<String>,
}

impl Seen {
    /// This error has to come. A row that fails hides no other.
    #[track_caller]
    fn must<T: std::fmt::Debug>(&mut self, result: Result<T, Status>, code: Code, reason: &str) {
        let at = std::panic::Location::caller().line();
        let Err(status) = result else {
            return self.wrong.push(format!("line {at}: {reason} did not come: {result:?}"));
        };
        let said = said::<()>(Err(status));
        if (said.code, said.reason.as_str()) == (code, reason) {
            // An error that may be retried says when, and no other error does.
            let final_one = reason == "MESSAGE_TOO_LARGE";
            let again = matches!(code, Code::Unavailable | Code::ResourceExhausted) && !final_one;
            assert_eq!(said.retry, again, "{reason}");
        } else {
            self.wrong.push(format!("line {at}: {:?} {} for {reason}", said.code, said.reason));
        }
        self.came.insert((word(said.code), said.reason));
    }
}

/// A code as the page writes it.
fn word(code: Code) -> String {
    let mut text = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// The rows of the page whose reasons are words of their own: other rows point to another table.
fn documented() -> BTreeSet<(String, String)> {
    let page = include_str!("../../../docs/rownd-auth-errors.md");
    let mut rows = BTreeSet::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        let Some(code) = cells[0].strip_prefix("| `").and_then(|cell| cell.strip_suffix('`'))
        else {
            continue;
        };
        let reasons = cells.get(1).into_iter().flat_map(|cell| cell.split(", "));
        for reason in reasons.map(|reason| reason.trim_matches('`')) {
            let plain = |text: &str| text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            if plain(code) && plain(reason) {
                rows.insert((code.to_owned(), reason.to_owned()));
            }
        }
    }
    assert!(rows.len() > 30, "the table is still read: {rows:?}");
    rows
}

pub(super) fn third() -> ThirdPartyTokenGrant {
    ThirdPartyTokenGrant { token: "x".to_owned(), ..ThirdPartyTokenGrant::default() }
}

/// A good token of somebody else's.
pub(super) fn good(rig: &Rig) -> ThirdPartyTokenGrant {
    ThirdPartyTokenGrant { token: rig.foreign("bob", "bob@example.com"), ..third() }
}

pub(super) fn guest(level: AuthLevel) -> ExchangeRequest {
    ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        grant: Some(Grant::Guest(GuestGrant { auth_level: level.into() })),
        ..ExchangeRequest::default()
    }
}

pub(super) fn fields(members: &[(&str, Kind)]) -> Struct {
    let members = members.iter().cloned();
    let value = |kind| WireValue { kind: Some(kind) };
    Struct { fields: members.map(|(name, kind)| (name.to_owned(), value(kind))).collect() }
}

pub(super) fn by_id(user: &str) -> GetUserRequest {
    GetUserRequest { subject: Some(Subject::UserId(user.to_owned())), ..GetUserRequest::default() }
}

fn by_token(token: String) -> GetUserRequest {
    GetUserRequest { subject: Some(Subject::Token(token)), ..GetUserRequest::default() }
}

async fn user(rig: &Rig, request: GetUserRequest) -> Result<(), Status> {
    rig.admin().get_user(request).await.map(|_| ())
}

async fn verify(rig: &Rig, request: VerifyRequest) -> Result<(), Status> {
    rig.stub().verify(request).await.map(|_| ())
}

/// Sends any message to any method.
async fn send(rig: &Rig, method: &str, message: prost_types::Duration) -> Result<(), Status> {
    let mut client = Grpc::new(rig.app.channel());
    client.ready().await.unwrap();
    let path = PathAndQuery::try_from(format!("/rownd.auth.v1.RowndAuth/{method}")).unwrap();
    let codec = tonic_prost::ProstCodec::<_, prost_types::Duration>::default();
    client.unary(Request::new(message), path, codec).await.map(|_| ())
}

async fn of_calls(seen: &mut Seen) {
    let rig = Rig::start().await;
    seen.must(rig.trade(ExchangeRequest::default()).await, Code::InvalidArgument, "BAD_REQUEST");
    // A number where the token should be.
    let number = prost_types::Duration { seconds: 5, nanos: 0 };
    seen.must(send(&rig, "Verify", number).await, Code::InvalidArgument, "MESSAGE_UNREADABLE");
    seen.must(send(&rig, "Nothing", number).await, Code::Unimplemented, "METHOD_UNKNOWN");
    let mut compressed = Request::new(VerifyRequest::default());
    compressed.metadata_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let compressed = rig.stub().verify(compressed).await;
    seen.must(compressed, Code::Unimplemented, "COMPRESSION_UNSUPPORTED");
    let long = VerifyRequest { token: "x".repeat(80 << 10), ..VerifyRequest::default() };
    seen.must(verify(&rig, long).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
}

async fn of_time_and_room(seen: &mut Seen) {
    let rig = Rig::with(|settings| {
        settings["rownd_auth"]["max_in_flight"] = json!(1);
        settings["rownd_auth"]["timeout"] = json!("2s");
        settings["rownd_auth"]["max_age_per_second"] = json!(1);
    })
    .await;
    let hang = Fault::delay(Endpoint::Token, Duration::from_secs(60));
    rig.controls.inject(hang).unwrap();
    let token = rig.mint(&Rig::order("ann").refresh());
    let mut hurried = Request::new(ExchangeRequest {
        grant: Some(refresh(&token)),
        ..ExchangeRequest::default()
    });
    hurried.set_timeout(Duration::from_secs(1));
    let hurried = rig.admin().exchange(hurried).await;
    seen.must(hurried, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    // Another token: the first one has its request already, with a time limit of its own.
    let token = rig.mint(&Rig::order("greg").refresh());
    let (mut stub, grant) = (rig.admin(), Some(refresh(&token)));
    let waits = tokio::spawn(async move {
        stub.exchange(ExchangeRequest { grant, ..ExchangeRequest::default() }).await
    });
    let busy = async || {
        let request = VerifyRequest { token: "x".into(), ..VerifyRequest::default() };
        verify(&rig, request).await.err()
    };
    let refused = eventually("a full house", busy).await;
    seen.must::<()>(Err(refused), Code::Unavailable, "OVERLOADED");
    seen.must(waits.await.unwrap(), Code::Unavailable, "DEADLINE_EXCEEDED");
    rig.controls.clear_faults();

    let young =
        || GetUserRequest { max_age: Some(prost_types::Duration::default()), ..by_id("ann") };
    let limited = eventually("the limit", async || user(&rig, young()).await.err()).await;
    seen.must::<()>(Err(limited), Code::ResourceExhausted, "MAX_AGE_LIMITED");
}

async fn of_upstreams(seen: &mut Seen) {
    let rig = Rig::start().await;
    let trade = async |fault: Fault| {
        rig.controls.inject(fault).unwrap();
        let answer = rig.exchange(Grant::ThirdPartyToken(third())).await;
        rig.controls.clear_faults();
        answer
    };
    let status = |status| Fault::status(Endpoint::Token, status);
    let unavailable = Code::Unavailable;
    seen.must(trade(status(503)).await, unavailable, "ROWND_UNAVAILABLE");
    seen.must(trade(status(429)).await, Code::ResourceExhausted, "ROWND_RATE_LIMITED");
    seen.must(trade(Fault::garbage(Endpoint::Token)).await, Code::Internal, "ROWND_ANSWER_INVALID");
    // A base URL that redirects says so wherever it is asked.
    for redirect in [301, 302, 303, 307, 308] {
        seen.must(trade(status(redirect)).await, unavailable, "ISSUER_REDIRECTS");
    }
    for endpoint in [Endpoint::UserData, Endpoint::Oidc, Endpoint::Supertokens, Endpoint::Instant] {
        rig.controls.inject(Fault::status(endpoint, 301)).unwrap();
    }
    let url = BuildAuthorizationUrlRequest { oidc_client: "web".into(), ..Default::default() };
    let url = rig.admin().build_authorization_url(url).await;
    seen.must(url, unavailable, "ISSUER_REDIRECTS");
    seen.must(user(&rig, by_id("ann")).await, unavailable, "ISSUER_REDIRECTS");
    let migration = Grant::Migration(MigrationGrant { token: rig.token("ann") });
    seen.must(rig.exchange(migration).await, unavailable, "ISSUER_REDIRECTS");
    seen.must(rig.trade(guest(AuthLevel::Instant)).await, unavailable, "ISSUER_REDIRECTS");
    rig.controls.clear_faults();
    // Metadata that are not there are no refusal of an exchange.
    rig.controls.inject(Fault::status(Endpoint::Oidc, 404)).unwrap();
    let url = BuildAuthorizationUrlRequest { oidc_client: "web".into(), ..Default::default() };
    let url = rig.admin().build_authorization_url(url).await;
    seen.must(url, Code::Internal, "ROWND_ANSWER_INVALID");
}

async fn of_undecided_tokens(seen: &mut Seen) {
    let unavailable = Code::Unavailable;
    let rig = Rig::start().await;
    rig.controls.inject(Fault::status(Endpoint::UserData, 503)).unwrap();
    let fresh = VerifyRequest {
        token: rig.token("ann"),
        freshness: Freshness::Profile.into(),
        ..VerifyRequest::default()
    };
    seen.must(verify(&rig, fresh).await, unavailable, "PROFILE_UNAVAILABLE");
    rig.controls.inject(Fault::status(Endpoint::Keys, 503)).unwrap();
    rig.controls.rotate(Rotation::default()).unwrap();
    seen.must(user(&rig, by_token(rig.token("ann"))).await, unavailable, "KEY_PENDING");

    let elsewhere = Issuer::start();
    let base = elsewhere.url();
    let rig = Rig::with(|settings| {
        let rownd = &mut settings["issuers"][0];
        (rownd["issuer"], rownd["required"]) = (rownd["base_url"].clone(), json!(false));
        rownd["base_url"] = json!(base);
    })
    .await;
    seen.must(user(&rig, by_token(rig.token("ann"))).await, unavailable, "KEYS_UNAVAILABLE");

    let rig = Rig::with(|settings| {
        settings["issuers"][0]["required"] = json!(false);
        settings["issuers"][0]["apps"] = json!([{ "key": "key_of_nobody" }]);
    })
    .await;
    let answer = rig.exchange(Grant::ThirdPartyToken(third())).await;
    seen.must(answer, unavailable, "APP_UNKNOWN");
}

async fn of_users(seen: &mut Seen) {
    let rig = Rig::start().await;
    let failed = Code::FailedPrecondition;
    seen.must(user(&rig, by_id("nobody")).await, Code::NotFound, "USER_NOT_FOUND");
    seen.must(user(&rig, by_id("banned")).await, failed, "USER_DISABLED");
    // `GetUser` never speaks of an exchange, with any answer of Rownd.
    for status in [400, 402, 409, 412, 422] {
        rig.controls.inject(Fault::status(Endpoint::UserData, status)).unwrap();
        seen.must(user(&rig, by_id("ann")).await, failed, "PROFILE_REFUSED");
        rig.controls.clear_faults();
    }
    for (body, code, reason) in [
        (json!({ "rownd_user": "bob" }).to_string(), Code::Internal, "USER_MISMATCH"),
        (format!("\"{}\"", "x".repeat(1 << 20)), failed, "USER_TOO_LARGE"),
    ] {
        rig.controls.inject(Fault::body(Endpoint::UserData, body)).unwrap();
        seen.must(user(&rig, by_id("ann")).await, code, reason);
        rig.controls.clear_faults();
    }
    let rig = Rig::with(|settings| settings["issuers"][0]["apps"] = json!([{ "id": APP }])).await;
    seen.must(user(&rig, by_id("ann")).await, failed, "PROFILE_UNSUPPORTED");
    // Without a key, the token reads its own user.
    rig.controls.inject(Fault::status(Endpoint::Me, 403)).unwrap();
    seen.must(user(&rig, by_token(rig.token("ann"))).await, failed, "USER_REFUSED");
    rig.controls.clear_faults();
    rig.controls.inject(Fault::status(Endpoint::Me, 401)).unwrap();
    let answer = user(&rig, by_token(rig.token("ann"))).await;
    seen.must(answer, Code::Unauthenticated, "TOKEN_REFUSED");
}

async fn of_third_parties(seen: &mut Seen) {
    let rig = Rig::start().await;
    let failed = Code::FailedPrecondition;
    let trade = async |grant| rig.exchange(Grant::ThirdPartyToken(grant)).await;
    let forged = ThirdPartyTokenGrant {
        token: rig.foreign("bob", "bob@example.com").replace(".ey", ".eX"),
        ..third()
    };
    seen.must(trade(forged.clone()).await, failed, "EXCHANGE_ABORTED");
    let data = fields(&[
        ("email", Kind::StringValue("no address".to_owned())),
        ("plan", Kind::NumberValue(3.0)),
    ]);
    let bad_data = ThirdPartyTokenGrant { user_data: Some(data), ..good(&rig) };
    let refused = trade(bad_data.clone()).await;
    let told = said(refused).is(Code::InvalidArgument, "USER_DATA_REFUSED");
    let names: Vec<&str> = told.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["third_party_token.user_data.email", "third_party_token.user_data.plan"]);
    assert_eq!(told.fields[0].1, "is invalid");
    seen.must(trade(bad_data).await, Code::InvalidArgument, "USER_DATA_REFUSED");
    let group = |id: &str| ThirdPartyTokenGrant { group_to_join: Some(id.into()), ..good(&rig) };
    seen.must(trade(group("nobodys")).await, Code::NotFound, "GROUP_NOT_FOUND");
    seen.must(trade(group("group_board")).await, failed, "GROUP_NOT_OPEN");
    for id in ["nobody", "ann"] {
        let instant = ThirdPartyTokenGrant { instant_user_id: Some(id.into()), ..good(&rig) };
        seen.must(trade(instant).await, failed, "INSTANT_USER_REFUSED");
    }
    // The validator's no stays its own, whatever else was sent.
    for more in [group("nobodys"), group("group_staff")] {
        let both = ThirdPartyTokenGrant { token: forged.token.clone(), ..more };
        seen.must(trade(both).await, failed, "EXCHANGE_ABORTED");
    }
    let disabled =
        ThirdPartyTokenGrant { token: rig.foreign("banned", "banned@example.com"), ..third() };
    seen.must(trade(disabled).await, failed, "USER_DISABLED");
    rig.controls.inject(Fault::status(Endpoint::Token, 409)).unwrap();
    seen.must(trade(third()).await, failed, "EXCHANGE_REFUSED");
}

async fn of_tokens(seen: &mut Seen) {
    let rig = Rig::with(|settings| settings["rownd_auth"]["refresh_grace"] = json!("0s")).await;
    let failed = Code::FailedPrecondition;
    seen.must(rig.exchange(refresh("used")).await, failed, "REFRESH_TOKEN_REFUSED");
    let foreign = rig.mint(&TokenOrder::of("user_verified").refresh());
    seen.must(rig.exchange(refresh(&foreign)).await, failed, "REFRESH_TOKEN_FOREIGN");
    let forged = rig.mint(&Rig::order("ann").signed_by(SignedBy::Foreign));
    let migration = Grant::Migration(MigrationGrant { token: forged });
    seen.must(rig.exchange(migration).await, failed, "MIGRATION_REFUSED");
    let code = AuthorizationCodeGrant {
        oidc_client: "web".into(),
        code: "nobodys".into(),
        code_verifier: Some("v".repeat(43)),
        nonce: Some("n".into()),
        redirect_uri: None,
    };
    seen.must(rig.exchange(Grant::AuthorizationCode(code)).await, failed, "CODE_REFUSED");
    let sign_in = openid::sign_in(&rig, "web").await;
    let other = AuthorizationCodeGrant { nonce: Some("another".into()), ..sign_in };
    seen.must(rig.exchange(Grant::AuthorizationCode(other)).await, failed, "ID_TOKEN_REFUSED");

    seen.must(
        rig.known("nobodys secret").verify(VerifyRequest::default()).await,
        Code::PermissionDenied,
        "CALLER_UNKNOWN",
    );
    let stranger = rig.stub().exchange(ExchangeRequest::default()).await;
    seen.must(stranger, Code::PermissionDenied, "CALLER_NOT_GRANTED");
}

/// A wrong key is told the same by every grant.
async fn of_keys(seen: &mut Seen) {
    let failed = Code::FailedPrecondition;
    for key in ["key_of_nobody", "key_blog"] {
        let rig = Rig::with(|settings| {
            settings["issuers"][0]["apps"] = json!([{ "id": APP, "key": key }]);
        })
        .await;
        let third = ExchangeRequest {
            grant: Some(Grant::ThirdPartyToken(good(&rig))),
            ..ExchangeRequest::default()
        };
        for request in [third, guest(AuthLevel::Instant), guest(AuthLevel::Guest)] {
            seen.must(rig.trade(request).await, failed, "APP_CREDENTIALS_REFUSED");
        }
    }
    // Whichever status Rownd has for it.
    let rig = Rig::start().await;
    for status in [401, 403] {
        for endpoint in [Endpoint::Token, Endpoint::Instant, Endpoint::UserData] {
            rig.controls.inject(Fault::status(endpoint, status)).unwrap();
        }
        let third = ExchangeRequest {
            grant: Some(Grant::ThirdPartyToken(third())),
            ..ExchangeRequest::default()
        };
        for request in [third, guest(AuthLevel::Instant), guest(AuthLevel::Guest)] {
            let answer = rig.trade(request).await;
            seen.must(answer, failed, "APP_CREDENTIALS_REFUSED");
        }
        seen.must(user(&rig, by_id("ann")).await, failed, "APP_CREDENTIALS_REFUSED");
        rig.controls.clear_faults();
    }
    let rig = Rig::with(|settings| settings["issuers"][0]["apps"] = json!([{ "id": APP }])).await;
    seen.must(rig.trade(guest(AuthLevel::Instant)).await, failed, "APP_KEY_MISSING");
    let apps = json!([{ "id": APP, "key": "key_outlet", "variants": ["variant_kids"] }]);
    let rig = Rig::with(|settings| settings["issuers"][0]["apps"] = apps).await;
    let answer = rig.exchange(Grant::ThirdPartyToken(good(&rig))).await;
    seen.must(answer, failed, "TOKENS_REFUSED");
}

#[tokio::test]
async fn every_documented_error_comes_and_no_other() {
    let mut seen = Seen::default();
    of_calls(&mut seen).await;
    of_time_and_room(&mut seen).await;
    of_upstreams(&mut seen).await;
    of_undecided_tokens(&mut seen).await;
    of_users(&mut seen).await;
    of_third_parties(&mut seen).await;
    of_tokens(&mut seen).await;
    of_keys(&mut seen).await;
    let own = |row: &(String, String)| row.0 != "PERMISSION_DENIED";
    assert!(seen.wrong.is_empty(), "{:#?}", seen.wrong);
    let mut came: BTreeSet<_> = seen.came.into_iter().filter(own).collect();
    let elsewhere = OF_UNIT_TESTS.iter().chain(&OF_OTHER_SERVICES);
    came.extend(elsewhere.map(|(code, reason)| ((*code).to_owned(), (*reason).to_owned())));
    let documented = documented();
    let missing: Vec<_> = documented.difference(&came).collect();
    let unknown: Vec<_> = came.difference(&documented).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
}
