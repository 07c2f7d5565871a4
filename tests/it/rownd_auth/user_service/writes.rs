//! `CreateUser` and `UpdateUser`: fields, masks, etags, request ids, and the cached profile.

use prost_types::FieldMask;
use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateUserRequest, UpdateUserRequest, User, UserIdFormat, UserState,
};
use rownd_emulator::Endpoint;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{Rig, create, data, keeper, read, rig, structure, texts, user_of};
use crate::it::rownd_auth::{assert_field, said};

fn new(data: Value) -> CreateUserRequest {
    CreateUserRequest { user: user_of(data), ..CreateUserRequest::default() }
}

async fn made(rig: &Rig, request: CreateUserRequest) -> Result<User, Status> {
    Ok(keeper(rig).create_user(request).await?.into_inner().user.unwrap())
}

fn change(id: &str, data: Value) -> UpdateUserRequest {
    let user = user_of(data).map(|user| User { id: id.to_owned(), ..user });
    UpdateUserRequest { user, ..UpdateUserRequest::default() }
}

fn masked(request: UpdateUserRequest, paths: &[&str]) -> UpdateUserRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    UpdateUserRequest { update_mask: Some(FieldMask { paths }), ..request }
}

async fn updated(rig: &Rig, request: UpdateUserRequest) -> Result<User, Status> {
    Ok(keeper(rig).update_user(request).await?.into_inner().user.unwrap())
}

#[tokio::test]
async fn a_user_is_created_with_an_id_of_the_callers_or_a_new_one() {
    let rig = rig().await;
    let user = create(&rig, "bob", json!({ "email": "bob@example.com", "score": 3 })).await;
    assert_eq!((user.id.as_str(), user.state()), ("bob", UserState::Enabled));
    assert_eq!(data(&user, "email").as_deref(), Some("bob@example.com"));
    assert_eq!(user.verified_data.unwrap_or_default().fields.len(), 0, "nothing is proved");
    let again = CreateUserRequest { user_id: "bob".to_owned(), ..new(json!({ "plan": "pro" })) };
    said(made(&rig, again).await).is(Code::AlreadyExists, "USER_EXISTS");
    assert_eq!(data(&read(&rig, "bob").await.unwrap(), "plan"), None, "nothing was written");
    for (format, length) in [
        (UserIdFormat::Unspecified, 29),
        (UserIdFormat::Uuid, 36),
        (UserIdFormat::ObjectId, 24),
        (UserIdFormat::RowndId, 29),
    ] {
        let request =
            CreateUserRequest { user_id_format: format.into(), ..new(json!({ "plan": "free" })) };
        let user = made(&rig, request).await.unwrap();
        assert_eq!(user.id.len(), length, "{format:?}: {}", user.id);
        assert_eq!(read(&rig, &user.id).await.unwrap().etag, user.etag, "{format:?}");
    }
    let both = CreateUserRequest {
        user_id: "carl".to_owned(),
        user_id_format: UserIdFormat::Uuid.into(),
        ..new(json!({}))
    };
    assert_field(made(&rig, both).await, "user_id_format");
    let unknown = CreateUserRequest { user_id_format: 9, ..new(json!({})) };
    assert_field(made(&rig, unknown).await, "user_id_format");
}

#[tokio::test]
async fn unicode_and_big_values_come_back_as_they_were() {
    let rig = rig().await;
    let plan = "\u{65e5}\u{672c}\u{1f600} \u{5d0}\u{0301} \"'\\/<script>\u{7f}".to_owned();
    let long = "x".repeat(100_000);
    for (id, text) in [("u-unicode", &plan), ("u-long", &long), ("\u{65e5}\u{672c} ?&#%", &plan)] {
        create(&rig, id, json!({ "plan": text })).await;
        let user = read(&rig, id).await.unwrap();
        assert_eq!((user.id.as_str(), data(&user, "plan").as_ref()), (id, Some(text)), "{id}");
    }
}

#[tokio::test]
async fn fields_that_rownd_refuses_are_named() {
    let rig = rig().await;
    let refused = made(&rig, new(json!({ "email": "no address", "score": "many" }))).await;
    let refused = said(refused).is(Code::InvalidArgument, "USER_DATA_REFUSED");
    let mut names: Vec<_> = refused.fields.into_iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(names, ["user.data.email", "user.data.score"]);
    let user = User {
        id: "ann".to_owned(),
        attributes: structure(json!({ "rownd:x": ["y"] })),
        ..User::default()
    };
    let request = UpdateUserRequest { user: Some(user), ..UpdateUserRequest::default() };
    let refused = said(updated(&rig, request).await).is(Code::InvalidArgument, "USER_DATA_REFUSED");
    assert_eq!(refused.field.as_deref(), Some("user.attributes.rownd:x"));
}

#[tokio::test]
async fn a_request_id_makes_one_user() {
    let rig = rig().await;
    let request =
        CreateUserRequest { request_id: "once-1".to_owned(), ..new(json!({ "plan": "a" })) };
    let mut calls = Vec::new();
    for _ in 0..5 {
        let (mut stub, request) = (keeper(&rig), request.clone());
        calls.push(tokio::spawn(async move { stub.create_user(request).await }));
    }
    let mut users = Vec::new();
    for call in calls {
        users.push(call.await.unwrap().unwrap().into_inner().user.unwrap());
    }
    users.push(made(&rig, request.clone()).await.unwrap());
    users.dedup();
    assert_eq!(users.len(), 1, "{users:?}");
    assert_eq!(rig.hits(Endpoint::UserData), 1);
    let other = CreateUserRequest { user: user_of(json!({ "plan": "b" })), ..request.clone() };
    assert_field(made(&rig, other).await, "request_id");
    for odd in ["a b", "\u{e4}", &"x".repeat(129)] {
        let odd = CreateUserRequest { request_id: odd.to_owned(), ..request.clone() };
        assert_field(made(&rig, odd).await, "request_id");
    }
    let next = CreateUserRequest { request_id: "once-2".to_owned(), ..request };
    assert_ne!(made(&rig, next).await.unwrap().id, users[0].id);
}

/// A call that was refused has made nothing, so that the next one with its id may.
#[tokio::test]
async fn a_refused_call_does_not_use_up_its_request_id() {
    let rig = rig().await;
    let request = CreateUserRequest {
        user_id: "dora".to_owned(),
        request_id: "once".to_owned(),
        ..new(json!({ "plan": "a" }))
    };
    let fault = rownd_emulator::Fault::status(Endpoint::UserData, 429).times(3);
    rig.controls.inject(fault).unwrap();
    said(made(&rig, request.clone()).await).is(Code::ResourceExhausted, "ROWND_RATE_LIMITED");
    rig.controls.clear_faults();
    let later = async || made(&rig, request.clone()).await.ok();
    assert_eq!(crate::support::eventually("the end of the pause", later).await.id, "dora");
}

#[tokio::test]
async fn an_update_writes_the_named_fields_and_keeps_the_others() {
    let rig = rig().await;
    create(&rig, "bob", json!({ "email": "bob@example.com", "plan": "free", "score": 1 })).await;
    let before = rig.hits(Endpoint::UserData);
    let user = updated(&rig, change("bob", json!({ "plan": "pro" }))).await.unwrap();
    assert_eq!(data(&user, "plan").as_deref(), Some("pro"));
    assert_eq!(data(&user, "email").as_deref(), Some("bob@example.com"), "kept");
    assert_eq!(rig.hits(Endpoint::UserData), before + 1, "one request");
    // Only what the mask names: written where it is there, cleared where it is not.
    let both = change("bob", json!({ "plan": "x", "email": "new@example.com" }));
    let user = updated(&rig, masked(both, &["data.email", "data.score"])).await.unwrap();
    assert_eq!(data(&user, "plan").as_deref(), Some("pro"));
    assert_eq!(data(&user, "email").as_deref(), Some("new@example.com"));
    assert!(!user.data.as_ref().unwrap().fields.contains_key("score"), "cleared");
    let mut attributes = change("bob", json!({}));
    attributes.user.as_mut().unwrap().attributes = structure(json!({ "shop:tags": ["vip"] }));
    let user = updated(&rig, attributes).await.unwrap();
    assert_eq!(user.attributes.as_ref().unwrap().fields.len(), 1);
    let user = updated(&rig, masked(change("bob", json!({})), &["attributes.shop:tags"])).await;
    let kind = user.unwrap().attributes.unwrap().fields.remove("shop:tags").unwrap();
    assert_eq!(kind, super::wire(json!([])), "an attribute is cleared by an empty list");
    // A user who was read can be sent back: fields that are output only are left alone.
    let whole = read(&rig, "bob").await.unwrap();
    let request = UpdateUserRequest { user: Some(whole.clone()), ..UpdateUserRequest::default() };
    assert_eq!(updated(&rig, request).await.unwrap().data, whole.data);
}

/// A field that only Rownd sets is not dropped in silence.
#[tokio::test]
async fn a_field_that_only_rownd_sets_is_refused_where_it_would_change() {
    let rig = rig().await;
    create(&rig, "bob", json!({ "plan": "free" })).await;
    let whole = read(&rig, "bob").await.unwrap();
    let sent = |user: User| UpdateUserRequest { user: Some(user), ..Default::default() };
    let disabled = || User { state: UserState::Disabled.into(), ..whole.clone() };
    let proved = || User {
        verified_data: structure(json!({ "email": "bob@example.com" })),
        ..whole.clone()
    };
    for (field, user) in [("user.state", disabled()), ("user.verified_data", proved())] {
        assert_field(updated(&rig, sent(user)).await, field);
    }
    let before = rig.hits(Endpoint::UserData);
    let missing = User {
        id: "carl".to_owned(),
        state: UserState::Disabled.into(),
        data: structure(json!({ "plan": "x" })),
        ..User::default()
    };
    let upsert = UpdateUserRequest { allow_missing: true, ..sent(missing) };
    assert_field(updated(&rig, upsert).await, "user.state");
    assert_eq!(rig.hits(Endpoint::UserData), before + 1, "it was read, and not written");
    // A field that the mask does not name is not meant.
    let user = updated(&rig, masked(sent(disabled()), &["data.plan"])).await.unwrap();
    assert_eq!(user.state(), UserState::Enabled);
    for (field, user) in [
        ("user.state", User { state: UserState::Disabled.into(), ..User::default() }),
        ("user.meta", User { meta: structure(json!({ "a": 1 })), ..User::default() }),
        ("user.etag", User { etag: "W/\"x\"".to_owned(), ..User::default() }),
    ] {
        let request = CreateUserRequest { user: Some(user), ..Default::default() };
        assert_field(keeper(&rig).create_user(request).await, field);
    }
}

#[tokio::test]
async fn an_update_that_cannot_be_meant_is_refused() {
    let rig = rig().await;
    let good = || change("ann", json!({ "plan": "x" }));
    for (name, request, field) in [
        ("no user", UpdateUserRequest::default(), "user"),
        ("nothing to write", change("ann", json!({})), "user"),
        ("the id of another", change("ann", json!({ "user_id": "bob" })), "user.data"),
        ("null", change("ann", json!({ "plan": null })), "user.data"),
        ("everything", masked(good(), &["*"]), "update_mask"),
        ("all of data", masked(good(), &["data"]), "update_mask"),
        ("all of data by a star", masked(good(), &["data.*"]), "update_mask"),
        ("the state", masked(good(), &["state"]), "update_mask"),
        ("a field that is output only", masked(good(), &["verified_data.email"]), "update_mask"),
        ("the id", masked(good(), &["data.user_id"]), "update_mask"),
        ("a part of a member", masked(good(), &["data.plan.name"]), "update_mask"),
        ("a part of nothing", masked(good(), &["data.plan", "data.score.a"]), "update_mask"),
        ("an empty path", masked(good(), &["data.plan", ""]), "update_mask"),
        ("257 paths", masked(good(), &["data.plan"; 257]), "update_mask"),
        ("no namespace", masked(good(), &["attributes.tags"]), "user.attributes"),
        (
            "an etag of one who may be missing",
            {
                let mut request = UpdateUserRequest { allow_missing: true, ..good() };
                request.user.as_mut().unwrap().etag = "W/\"x\"".to_owned();
                request
            },
            "user.etag",
        ),
    ] {
        println!("{name}");
        assert_field(updated(&rig, request).await, field);
    }
    assert_eq!(rig.hits(Endpoint::UserData), 0, "nothing was sent");
}

#[tokio::test]
async fn a_user_who_is_missing_is_created_only_on_request() {
    let rig = rig().await;
    let request = change("eve", json!({ "plan": "pro" }));
    said(updated(&rig, request.clone()).await).is(Code::NotFound, "USER_NOT_FOUND");
    let upsert = UpdateUserRequest { allow_missing: true, ..request };
    let user = updated(&rig, upsert.clone()).await.unwrap();
    assert_eq!((user.id.as_str(), data(&user, "plan").as_deref()), ("eve", Some("pro")));
    // An upsert of one who exists removes nothing.
    create(&rig, "fay", json!({ "email": "fay@example.com" })).await;
    let upsert = UpdateUserRequest { allow_missing: true, ..change("fay", json!({ "plan": "x" })) };
    let user = updated(&rig, upsert).await.unwrap();
    assert_eq!(data(&user, "email").as_deref(), Some("fay@example.com"));
}

#[tokio::test]
async fn an_etag_of_before_another_write_is_refused() {
    let rig = rig().await;
    let etag = create(&rig, "bob", json!({ "plan": "free" })).await.etag;
    assert_eq!(read(&rig, "bob").await.unwrap().etag, etag, "the same by every way");
    let with = |etag: &str, plan: &str| {
        let mut request = change("bob", json!({ "plan": plan }));
        request.user.as_mut().unwrap().etag = etag.to_owned();
        request
    };
    let next = updated(&rig, with(&etag, "pro")).await.unwrap().etag;
    assert_ne!(next, etag);
    said(updated(&rig, with(&etag, "max")).await).is(Code::Aborted, "ETAG_MISMATCH");
    assert_eq!(data(&read(&rig, "bob").await.unwrap(), "plan").as_deref(), Some("pro"));
    updated(&rig, with(&next, "max")).await.unwrap();
    let mut nobody = with(&next, "x");
    nobody.user.as_mut().unwrap().id = "nobody".to_owned();
    said(updated(&rig, nobody).await).is(Code::NotFound, "USER_NOT_FOUND");
}

/// The profiles are cached for a minute here.
#[tokio::test]
async fn the_answer_to_a_write_is_the_cached_profile() {
    let rig = rig().await;
    assert_eq!(data(&read(&rig, "ann").await.unwrap(), "plan").as_deref(), Some("pro"));
    updated(&rig, change("ann", json!({ "plan": "max" }))).await.unwrap();
    let before = rig.hits(Endpoint::UserData);
    let user = read(&rig, "ann").await.unwrap();
    assert_eq!(data(&user, "plan").as_deref(), Some("max"));
    assert_eq!(user.memberships.len(), 1, "with everything that decisions need");
    assert_eq!(texts(user.verified_data.as_ref()).len(), 1);
    assert_eq!(rig.hits(Endpoint::UserData), before, "Rownd was not asked again");
    create(&rig, "hal", json!({ "plan": "a" })).await;
    let before = rig.hits(Endpoint::UserData);
    assert_eq!(data(&read(&rig, "hal").await.unwrap(), "plan").as_deref(), Some("a"));
    assert_eq!(rig.hits(Endpoint::UserData), before);
}
