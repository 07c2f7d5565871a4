//! `GetUser`: by id and by token, how much of it, how old, and why not.

use prost_types::FieldMask;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    AuthLevel, GetUserRequest, GetUserResponse, MigrationGrant, User, UserState,
    exchange_request::Grant, get_user_request::Subject,
};
use rownd_emulator::{Endpoint, Fault, SignedBy};
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{APP, APP_KEY, APP_SECRET, Rig, assert_field, said};
use crate::support::http::request;

fn by_id(user: &str) -> GetUserRequest {
    GetUserRequest { subject: Some(Subject::UserId(user.to_owned())), ..Default::default() }
}

fn by_token(token: &str) -> GetUserRequest {
    GetUserRequest { subject: Some(Subject::Token(token.to_owned())), ..Default::default() }
}

async fn get(rig: &Rig, request: GetUserRequest) -> Result<GetUserResponse, Status> {
    Ok(rig.admin().get_user(request).await?.into_inner())
}

async fn user(rig: &Rig, request: GetUserRequest) -> User {
    get(rig, request).await.unwrap_or_else(|status| panic!("{status:?}")).user.unwrap()
}

fn masked(request: GetUserRequest, paths: &[&str]) -> GetUserRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    GetUserRequest { read_mask: Some(FieldMask { paths }), ..request }
}

fn names(part: Option<prost_types::Struct>) -> Vec<String> {
    part.map(|part| part.fields.into_keys().collect()).unwrap_or_default()
}

#[tokio::test]
async fn a_user_is_read_whole_by_id_and_by_token() {
    let rig = Rig::start().await;
    let whole = user(&rig, by_id("ann")).await;
    assert_eq!(whole.id, "ann");
    assert_eq!(whole.state(), UserState::Enabled);
    assert_eq!(whole.auth_level(), AuthLevel::Verified);
    assert!(names(whole.data.clone()).contains(&"plan".to_owned()));
    assert_eq!(names(whole.verified_data.clone()), ["email"]);
    assert_eq!(names(whole.attributes.clone()), ["shop:tags"]);
    assert_eq!(whole.memberships[0].roles, ["owner", "editor"]);
    assert!(names(whole.meta.clone()).contains(&"created".to_owned()));
    assert_eq!(user(&rig, by_token(&rig.token("ann"))).await, whole);
    assert_eq!(rig.hits(Endpoint::UserData), 1, "kept, and shared by both ways");
}

#[tokio::test]
async fn a_mask_says_how_much() {
    let rig = Rig::start().await;
    let bare = user(&rig, masked(by_id("ann"), &["id"])).await;
    assert_eq!(bare, User { id: "ann".to_owned(), ..User::default() });
    let parts = user(&rig, masked(by_id("ann"), &["data.plan", "memberships", "state"])).await;
    assert_eq!(names(parts.data.clone()), ["plan"]);
    assert_eq!((parts.memberships.len(), parts.state()), (1, UserState::Enabled));
    assert_eq!((parts.id.as_str(), parts.meta), ("", None));
    let none = user(&rig, masked(by_id("ann"), &["data.nothing"])).await;
    assert_eq!(none.data.map(|data| data.fields.len()), Some(0));
    for path in ["email", "data.", "id.x", "DATA", "", "**", "*.plan", "id.*", " id", "id,state"] {
        assert_field(get(&rig, masked(by_id("ann"), &[path])).await, "read_mask");
        // ... also beside the path of everything.
        assert_field(get(&rig, masked(by_id("ann"), &["*", path])).await, "read_mask");
    }
    let too_many = vec!["id"; 257];
    assert_field(get(&rig, masked(by_id("ann"), &too_many)).await, "read_mask");
}

/// The example that every generated stub carries in its comment.
#[tokio::test]
async fn the_masks_of_the_papers_are_masks() {
    let rig = Rig::start().await;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let proto = std::fs::read_to_string(root.join("proto/rownd/auth/v1/rownd_auth.proto")).unwrap();
    let comment = proto.split("// The fields of User in the answer, as in \"").nth(1).unwrap();
    let paths: Vec<_> = comment.split('"').next().unwrap().split(',').collect();
    let user = user(&rig, masked(by_id("ann"), &paths)).await;
    assert_eq!((user.id.as_str(), user.memberships.len()), ("ann", 1), "{paths:?}");
    assert_eq!(names(user.data), ["email"], "{paths:?}");
}

/// AIP-157: `*` is every field.
#[tokio::test]
async fn a_star_is_everything() {
    let rig = Rig::start().await;
    let whole = user(&rig, by_id("ann")).await;
    for mask in [&["*"][..], &["*", "id"], &["data.plan", "*"]] {
        assert_eq!(user(&rig, masked(by_id("ann"), mask)).await, whole, "{mask:?}");
        assert_eq!(user(&rig, masked(by_token(&rig.token("ann")), mask)).await, whole, "{mask:?}");
    }
    let data = user(&rig, masked(by_id("ann"), &["data.*"])).await;
    assert_eq!(data, User { data: whole.data, ..User::default() });
}

/// Rownd answers `__sample__` with a user that nobody is; a path leads to the data of others.
#[tokio::test]
async fn an_id_that_is_no_users_is_refused_before_anything_is_sent() {
    let rig = Rig::start().await;
    for id in [
        "__sample__",
        "__SAMPLE__",
        "__default__",
        "__uuid__",
        "__UUID__",
        "__objectid__",
        "__rowndid__",
        "%5F%5Fsample__",
        ".",
        "..",
        "%2e%2e",
        "%252e.",
        "/",
        "ann/data/fields",
        "ann%2Fdata",
        "x/../ann",
        "x\\..\\ann",
        " ann",
        "ann\n",
    ] {
        assert_field(get(&rig, by_id(id)).await, "user_id");
    }
    // Neither does the id of a token that Rownd signed lead there.
    for id in ["__sample__", "__UUID__", "x/../ann", "%2e%2e"] {
        let own = get(&rig, by_token(&rig.token(id))).await;
        said(own).is(Code::NotFound, "USER_NOT_FOUND");
    }
    let own = get(&rig, by_token(&rig.token(".."))).await;
    said(own).is(Code::Unauthenticated, "CLAIMS_INVALID");
    assert_eq!(rig.hits(Endpoint::UserData), 0);
}

/// By id, by a token, by the token of an app without a secret, and by a session.
#[tokio::test]
async fn an_answer_about_another_user_is_refused() {
    let no_secret = Rig::with(|settings| {
        settings["issuers"][0]["apps"] = json!([{ "id": APP }]);
    })
    .await;
    let rig = Rig::with(|settings| settings["profiles"] = json!({ "ttl": "0s" })).await;
    let migration = Grant::Migration(MigrationGrant { token: rig.token("ann") });
    let session = rig.tokens(migration).await.access_token;
    let rows = [
        ("by id", &rig, by_id("ann"), Endpoint::UserData),
        ("by a token", &rig, by_token(&rig.token("ann")), Endpoint::UserData),
        ("by a session", &rig, by_token(&session), Endpoint::Supertokens),
        ("without a secret", &no_secret, by_token(&no_secret.token("ann")), Endpoint::Me),
    ];
    for (name, rig, request, endpoint) in rows {
        for (document, good) in [
            (json!({ "rownd_user": "ann" }), true),
            (json!({ "data": { "user_id": "ann" } }), true),
            (json!({ "state": "enabled" }), true),
            (json!({ "rownd_user": "bob" }), false),
            (json!({ "rownd_user": "Ann" }), false),
            (json!({ "rownd_user": "user_sample", "data": { "user_id": "ann" } }), false),
            (json!({ "data": { "user_id": "bob" } }), false),
        ] {
            let mut body = document.clone();
            body["status"] = json!("OK");
            let fault = Fault { body: Some(body.to_string()), ..Fault::status(endpoint, 200) };
            rig.controls.inject(fault).unwrap();
            let answer = get(rig, request.clone()).await;
            if good {
                let user = answer.unwrap_or_else(|status| panic!("{name}: {document}: {status:?}"));
                assert_eq!(user.user.unwrap().id, "ann", "{name}: {document}");
            } else {
                said(answer).is(Code::Internal, "USER_MISMATCH");
            }
            rig.controls.clear_faults();
        }
    }
}

/// Nothing was to be exchanged.
#[tokio::test]
async fn get_user_never_speaks_of_exchanges() {
    let rig = Rig::with(|settings| {
        settings["profiles"] = json!({ "ttl": "0s", "not_found_ttl": "0s" });
    })
    .await;
    let no_secret = Rig::with(|settings| {
        settings["issuers"][0]["apps"] = json!([{ "id": APP }]);
    })
    .await;
    let own = no_secret.token("ann");
    for status in [302, 400, 401, 402, 403, 404, 405, 408, 409, 410, 412, 422, 429, 451, 500, 503] {
        for (rig, request, endpoint) in
            [(&rig, by_id("ann"), Endpoint::UserData), (&no_secret, by_token(&own), Endpoint::Me)]
        {
            rig.controls.inject(Fault::status(endpoint, status)).unwrap();
            let error = get(rig, request).await.unwrap_err();
            let text = format!("{error:?} {:?}", error.get_error_details()).to_lowercase();
            assert!(!text.contains("exchange"), "{status}: {text}");
            if let 402 | 409 | 410 | 422 | 451 = status {
                let told = status.to_string();
                said::<()>(Err(error))
                    .is(Code::FailedPrecondition, "PROFILE_REFUSED")
                    .tells("upstream_status", &told);
            }
            rig.controls.clear_faults();
        }
    }
}

/// The most that gRPC's libraries take is 4 MiB; the client of this test is one of them.
#[tokio::test]
async fn a_user_that_is_too_large_says_so_and_what_to_do() {
    let rig = Rig::with(|settings| settings["profiles"] = json!({ "ttl": "0s" })).await;
    let answer = |body: &serde_json::Value| {
        let body = Some(body.to_string());
        rig.controls.clear_faults();
        rig.controls.inject(Fault { body, ..Fault::status(Endpoint::UserData, 200) }).unwrap();
    };
    // The largest answer of Rownd that is read fits, whole.
    let text = "x".repeat((1 << 20) - 100);
    answer(&json!({ "rownd_user": "ann", "data": { "bio": text } }));
    let whole = get(&rig, by_id("ann")).await.unwrap();
    assert_eq!(whole.omitted, [] as [String; 0]);
    // A little more is not read.
    answer(&json!({ "rownd_user": "ann", "data": { "bio": "x".repeat(1 << 20) } }));
    for mask in [&[][..], &["id"]] {
        let error = get(&rig, masked(by_id("ann"), mask)).await;
        let text = error.as_ref().unwrap_err().message().to_owned();
        said(error).is(Code::FailedPrecondition, "USER_TOO_LARGE");
        assert!(text.contains("1 MiB") && text.contains("read_mask"), "{text}");
    }
    // Numbers that grow on the wire fill the structures, and the names of the rest do not fit.
    let ones = vec![1; 285_600];
    let letters: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let mut many = serde_json::Map::new();
    for index in 0..59_500 {
        let name: String = [62 * 62, 62, 1].iter().map(|part| letters[index / part % 62]).collect();
        many.insert(name, json!(1));
    }
    answer(&json!({ "rownd_user": "ann", "data": { "ones": ones }, "verified_data": many }));
    let error = get(&rig, by_id("ann")).await;
    let text = error.as_ref().unwrap_err().message().to_owned();
    said(error).is(Code::FailedPrecondition, "USER_TOO_LARGE");
    assert!(text.contains("4194304") && text.contains("read_mask"), "{text}");
    let part = get(&rig, masked(by_id("ann"), &["data.ones", "verified_data.000"])).await.unwrap();
    assert!(part.user.unwrap().data.unwrap().fields.contains_key("ones"));
}

#[tokio::test]
async fn the_caller_says_how_old_it_may_be() {
    let rig = Rig::with(|settings| settings["profiles"] = json!({ "ttl": "10m" })).await;
    let at_most = |seconds| GetUserRequest {
        max_age: Some(prost_types::Duration { seconds, nanos: 0 }),
        ..by_id("ann")
    };
    get(&rig, by_id("ann")).await.unwrap();
    let kept = get(&rig, at_most(3600)).await.unwrap();
    assert!(!kept.stale && kept.age.is_some());
    assert_eq!(rig.hits(Endpoint::UserData), 1);
    get(&rig, at_most(0)).await.unwrap();
    assert_eq!(rig.hits(Endpoint::UserData), 2);
    assert_field(get(&rig, at_most(-1)).await, "max_age");
}

#[tokio::test]
async fn an_old_profile_says_that_it_is_one() {
    let rig = Rig::with(|settings| {
        settings["profiles"] = json!({ "ttl": "0s", "stale_on_error": "10m" });
    })
    .await;
    get(&rig, by_id("ann")).await.unwrap();
    rig.controls.inject(Fault::status(Endpoint::UserData, 500)).unwrap();
    assert!(get(&rig, by_id("ann")).await.unwrap().stale);
}

#[tokio::test]
async fn there_is_a_code_for_each_way_to_get_nobody() {
    let rig = Rig::with(|settings| settings["profiles"] = json!({ "ttl": "0s" })).await;
    let unknown = || get(&rig, by_id("nobody"));
    said(unknown().await).is(Code::NotFound, "USER_NOT_FOUND");
    said(get(&rig, by_id("banned")).await).is(Code::FailedPrecondition, "USER_DISABLED");
    let anyway = GetUserRequest { allow_disabled: true, ..by_id("banned") };
    assert_eq!(user(&rig, anyway).await.state(), UserState::Disabled);
    for (status, code, reason) in [
        (401, Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
        (403, Code::FailedPrecondition, "APP_CREDENTIALS_REFUSED"),
        (429, Code::ResourceExhausted, "ROWND_RATE_LIMITED"),
    ] {
        rig.controls.inject(Fault::status(Endpoint::UserData, status)).unwrap();
        let answer = get(&rig, by_id("ann")).await;
        said(answer).is(code, reason).tells("upstream_status", &status.to_string());
        rig.controls.clear_faults();
    }
    rig.controls.inject(Fault::garbage(Endpoint::UserData)).unwrap();
    said(get(&rig, by_id("ann")).await).is(Code::Internal, "ROWND_ANSWER_INVALID");
    rig.controls.clear_faults();
    rig.controls.inject(Fault::status(Endpoint::UserData, 500)).unwrap();
    said(get(&rig, by_id("ann")).await).is(Code::Unavailable, "ROWND_UNAVAILABLE");
}

#[tokio::test]
async fn a_token_that_is_no_good_names_nobody() {
    let rig = Rig::with(|settings| settings["profiles"] = json!({ "ttl": "0s" })).await;
    let forged = rig.mint(&Rig::order("ann").signed_by(SignedBy::Foreign));
    let expired = rig.mint(&Rig::order("ann").issued(-7200));
    for (token, reason) in [(forged, "SIGNATURE_INVALID"), (expired, "TOKEN_EXPIRED")] {
        said(get(&rig, by_token(&token)).await).is(Code::Unauthenticated, reason);
    }
    assert_eq!(rig.hits(Endpoint::UserData), 0);
    let banned = rig.token("banned");
    said(get(&rig, by_token(&banned)).await).is(Code::FailedPrecondition, "USER_DISABLED");
    // Signed out everywhere since.
    let token = rig.mint(&Rig::order("ann").issued(-60));
    let head = format!(
        "x-rownd-app-key: {APP_KEY}\r\nx-rownd-app-secret: {APP_SECRET}\r\n\
         content-type: application/json\r\n"
    );
    let line = format!("POST /applications/{APP}/users/ann/signout");
    request(rig.emulator, &line, &head, "{\"sign_out_all\":true}").await;
    said(get(&rig, by_token(&token)).await).is(Code::Unauthenticated, "REVOKED");
    // Also where the account is disabled, and the caller would take that.
    let line = format!("POST /applications/{APP}/users/ann/state");
    request(rig.emulator, &line, &head, "{\"state\":\"disabled\"}").await;
    let anyway = GetUserRequest { allow_disabled: true, ..by_token(&token) };
    said(get(&rig, anyway).await).is(Code::Unauthenticated, "REVOKED");
    request(rig.emulator, &line, &head, "{\"state\":\"enabled\"}").await;
    assert!(user(&rig, by_id("ann")).await.tokens_valid_since.is_some());
}

#[tokio::test]
async fn a_session_reads_its_own_user() {
    let rig = Rig::start().await;
    let migration = Grant::Migration(MigrationGrant { token: rig.token("ann") });
    let session = rig.tokens(migration).await.access_token;
    let own = user(&rig, by_token(&session)).await;
    assert_eq!((own.id.as_str(), own.auth_level()), ("ann", AuthLevel::Verified));
    assert_eq!(names(own.verified_data), ["email"]);
    assert_eq!(rig.hits(Endpoint::UserData), 0, "SuperTokens was asked, not Rownd");
}

#[tokio::test]
async fn a_token_reads_its_own_user_where_there_is_no_secret() {
    let rig = Rig::with(|settings| {
        settings["issuers"][0]["apps"] = json!([{ "id": APP }]);
    })
    .await;
    let own = user(&rig, by_token(&rig.token("ann"))).await;
    assert_eq!(own.id, "ann");
    assert_eq!(rig.hits(Endpoint::Me), 1);
    let others = get(&rig, by_id("ann")).await;
    said(others).is(Code::FailedPrecondition, "PROFILE_UNSUPPORTED");
}

#[tokio::test]
async fn a_mistake_in_the_call_names_the_field() {
    let rig = Rig::start().await;
    assert_field(get(&rig, GetUserRequest::default()).await, "subject");
    for odd in [String::new(), "\u{e4}".repeat(257)] {
        assert_field(get(&rig, by_id(&odd)).await, "user_id");
    }
    assert_field(get(&rig, by_token("")).await, "token");
    for (issuer, app, field) in
        [(Some("sessions"), None, "issuer"), (None, Some("app_other"), "app_id")]
    {
        let request = GetUserRequest {
            issuer: issuer.map(str::to_owned),
            app_id: app.map(str::to_owned),
            ..by_id("ann")
        };
        assert_field(get(&rig, request).await, field);
    }
    let named = GetUserRequest { issuer: Some("rownd".into()), ..by_token(&rig.token("ann")) };
    assert_field(get(&rig, named).await, "issuer");
}

/// Members that a library could not decode are left out and named, by field and as a mask names
/// them.
#[tokio::test]
async fn what_is_too_deep_is_left_out_and_named() {
    let rig = Rig::start().await;
    let deep = |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!([{ "a": inner }]));
    let body = json!({
        "rownd_user": "ann", "state": "enabled",
        "data": { "deep": deep(11), "email": "ann@example.com", "flat": deep(10) },
        "attributes": { "shop:tags": deep(40) },
        "meta": { "created": "2025-02-01T00:00:00Z" },
    });
    let body = Some(body.to_string());
    let fault = Fault { body, ..Fault::status(Endpoint::UserData, 200) };
    rig.controls.inject(fault).unwrap();
    let whole = get(&rig, by_id("ann")).await.unwrap();
    assert_eq!(whole.omitted, ["data.deep", "attributes.shop:tags"]);
    let mut kept = names(whole.user.unwrap().data);
    kept.sort();
    assert_eq!(kept, ["email", "flat"]);
    // A field that was not requested is not named as omitted.
    let part = get(&rig, masked(by_id("ann"), &["data.email"])).await.unwrap();
    assert_eq!(part.omitted, [] as [String; 0]);
    let part = get(&rig, masked(by_id("ann"), &["data.deep", "id"])).await.unwrap();
    assert_eq!(
        (part.omitted, names(part.user.unwrap().data)),
        (vec!["data.deep".to_owned()], vec![])
    );
}

/// Each of them asks Rownd: any age that is younger than what is kept, not zero alone.
#[tokio::test]
async fn a_caller_has_rownd_asked_only_so_often_for_a_younger_profile() {
    let rig = Rig::with(|settings| {
        settings["rownd_auth"]["max_age_per_second"] = json!(2);
        settings["rownd_auth"]["callers"][1]["allow"] = json!(["get_user"]);
    })
    .await;
    let young = |nanos| GetUserRequest {
        max_age: Some(prost_types::Duration { seconds: 0, nanos }),
        ..by_id("ann")
    };
    get(&rig, by_id("ann")).await.unwrap();
    for nanos in [0, 1] {
        let limited = async || get(&rig, young(nanos)).await.err();
        let status = crate::support::eventually("the limit", limited).await;
        said::<()>(Err(status)).is(Code::ResourceExhausted, "MAX_AGE_LIMITED");
        // A cached profile, the call of another caller, and a profile that is not cached yet are
        // answered.
        get(&rig, by_id("ann")).await.unwrap();
        rig.known(super::TRADER).get_user(young(nanos)).await.unwrap();
        let first =
            GetUserRequest { allow_disabled: true, ..by_id(["banned", "greg"][nanos as usize]) };
        get(&rig, GetUserRequest { max_age: young(nanos).max_age, ..first }).await.unwrap();
    }
    // All callers without a name count as one.
    let own = || GetUserRequest { max_age: young(0).max_age, ..by_token(&rig.token("ann")) };
    let limited = async || rig.stub().get_user(own()).await.err();
    let status = crate::support::eventually("the limit of all others", limited).await;
    said::<()>(Err(status)).is(Code::ResourceExhausted, "MAX_AGE_LIMITED");
    let again = async || get(&rig, young(0)).await.ok();
    crate::support::eventually("the next second", again).await;
}
