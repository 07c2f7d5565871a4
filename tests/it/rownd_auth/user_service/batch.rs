//! `BatchUpsertUsers` and `BatchDeleteUsers`: a result for each user.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    BatchDeleteUsersRequest, BatchUpsertUsersRequest, BatchUserResult, Membership, User,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{Rig, create, data, keeper, read, rig, structure};
use crate::it::rownd_auth::{assert_field, said};

fn users(users: &[(&str, Value)]) -> BatchUpsertUsersRequest {
    let user = |(id, data): &(&str, Value)| User {
        id: (*id).to_owned(),
        data: structure(data.clone()),
        ..User::default()
    };
    BatchUpsertUsersRequest { users: users.iter().map(user).collect(), ..Default::default() }
}

fn names(ids: &[&str]) -> BatchDeleteUsersRequest {
    let user_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    BatchDeleteUsersRequest { user_ids, ..Default::default() }
}

async fn upsert(
    rig: &Rig,
    request: BatchUpsertUsersRequest,
) -> Result<Vec<BatchUserResult>, Status> {
    Ok(keeper(rig).batch_upsert_users(request).await?.into_inner().results)
}

async fn delete(
    rig: &Rig,
    request: BatchDeleteUsersRequest,
) -> Result<Vec<BatchUserResult>, Status> {
    Ok(keeper(rig).batch_delete_users(request).await?.into_inner().results)
}

/// Each id, with the reason where there is one.
fn shown(results: &[BatchUserResult]) -> Vec<(&str, &str)> {
    results
        .iter()
        .map(|result| {
            let reason = result.error.as_ref().map_or("", |error| error.reason.as_str());
            (result.user_id.as_str(), reason)
        })
        .collect()
}

#[tokio::test]
async fn a_batch_has_nothing_that_only_rownd_sets() {
    let rig = rig().await;
    for change in [
        |user: &mut User| user.state = 2,
        |user: &mut User| user.auth_level = 1,
        |user: &mut User| user.verified_data = structure(json!({ "email": "a@b.test" })),
        |user: &mut User| user.memberships = vec![Membership::default()],
        |user: &mut User| user.meta = structure(json!({})),
        |user: &mut User| user.tokens_valid_since = Some(prost_types::Timestamp::default()),
        |user: &mut User| user.etag = "W/\"x\"".to_owned(),
    ] {
        let mut request = users(&[("zoe", json!({ "plan": "x" })), ("yan", json!({}))]);
        change(&mut request.users[1]);
        assert_field(upsert(&rig, request).await, "users");
    }
    assert_eq!(rig.hits(Endpoint::UserList), 0, "nothing was sent");
}

#[tokio::test]
async fn each_user_of_a_batch_has_a_result() {
    let rig = rig().await;
    read(&rig, "ann").await.unwrap();
    let request = users(&[
        ("zoe", json!({ "plan": "free" })),
        ("bad", json!({ "email": "no address", "score": "x" })),
        ("ann", json!({ "plan": "batch" })),
        ("\u{65e5}\u{672c} ?&", json!({ "user_id": "\u{65e5}\u{672c} ?&", "plan": "x" })),
    ]);
    let results = upsert(&rig, request).await.unwrap();
    assert_eq!(
        shown(&results),
        [("zoe", ""), ("bad", "USER_DATA_REFUSED"), ("ann", ""), ("\u{65e5}\u{672c} ?&", "")]
    );
    let error = results[1].error.as_ref().unwrap();
    let mut fields: Vec<_> = error.fields.iter().map(|field| field.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["data.email", "data.score"]);
    assert!(!error.message.is_empty() && !error.fields[0].description.is_empty());
    assert_eq!(rig.hits(Endpoint::UserList), 1, "one request");
    let ann = read(&rig, "ann").await.unwrap();
    assert_eq!(data(&ann, "plan").as_deref(), Some("batch"), "the cached profile is dropped");
    assert_eq!(data(&read(&rig, "zoe").await.unwrap(), "plan").as_deref(), Some("free"));
    said(read(&rig, "bad").await).is(Code::NotFound, "USER_NOT_FOUND");
}

#[tokio::test]
async fn each_id_of_a_batch_has_a_result() {
    let rig = rig().await;
    create(&rig, "bob", json!({ "email": "bob@example.com" })).await;
    let token = rig.token("bob");
    let results = delete(&rig, names(&["nobody", "bob", "ann@example.com"])).await.unwrap();
    let expected =
        [("nobody", "USER_NOT_FOUND"), ("bob", ""), ("ann@example.com", "USER_NOT_FOUND")];
    assert_eq!(shown(&results), expected, "a proved address is no id");
    said(read(&rig, "bob").await).is(Code::NotFound, "USER_NOT_FOUND");
    read(&rig, "ann").await.expect("is still there");
    let request =
        rownd_authz::grpc::pb::rownd::auth::v1::VerifyRequest { token, ..Default::default() };
    let outcome = rig.stub().verify(request).await.unwrap().into_inner().outcome.unwrap();
    assert!(format!("{outcome:?}").contains("revoked"), "known to the next check");
}

#[tokio::test]
async fn a_batch_that_cannot_be_meant_is_refused() {
    let rig = rig().await;
    let plain = || json!({ "plan": "x" });
    let many: Vec<String> = (0..1_001).map(|number| format!("u{number}")).collect();
    let many: Vec<(&str, Value)> = many.iter().map(|id| (id.as_str(), json!({}))).collect();
    let mut attributes = users(&[("a", plain())]);
    attributes.users[0].attributes = structure(json!({ "n:k": ["v"] }));
    for (name, request) in [
        ("none", users(&[])),
        ("one twice", users(&[("a", plain()), ("a", plain())])),
        ("no id", users(&[("a", plain()), ("", plain())])),
        ("a word of the API", users(&[("__uuid__", plain())])),
        ("another path", users(&[("../b", plain())])),
        ("the id of another", users(&[("a", json!({ "user_id": "b" }))])),
        ("null", users(&[("a", json!({ "plan": null }))])),
        ("attributes", attributes),
        ("too many", users(&many)),
    ] {
        println!("{name}");
        assert_field(upsert(&rig, request).await, "users");
    }
    let ids: Vec<&str> = many.iter().map(|(id, _)| *id).collect();
    for bad in [&[][..], &["a", "a"], &["a", ""], &["__sample__"], &["a/b"], &ids] {
        assert_field(delete(&rig, names(bad)).await, "user_ids");
    }
    assert_eq!(rig.hits(Endpoint::UserList), 0, "nothing was sent");
}

/// An answer that lacks a user, or is about others, says nothing about the batch.
#[tokio::test]
async fn a_batch_without_a_usable_answer_has_an_unknown_outcome() {
    let rig = rig().await;
    let request = || users(&[("a", json!({})), ("b", json!({}))]);
    for body in [
        json!({}),
        json!({ "results": [] }),
        json!({ "results": [{ "status": "success" }] }),
        json!({ "results": [{ "status": "success" }, { "status": "perhaps" }] }),
        json!({ "results": [
            { "status": "success", "result": { "user_id": "a" } },
            { "status": "success", "result": { "user_id": "c" } },
        ] }),
    ] {
        let fault = Fault::body(Endpoint::UserList, body.to_string()).times(1);
        rig.controls.inject(fault).unwrap();
        said(upsert(&rig, request()).await).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    }
    rig.controls.inject(Fault::status(Endpoint::UserList, 500).after().times(1)).unwrap();
    let before = rig.hits(Endpoint::UserList);
    said(delete(&rig, names(&["greg"])).await).is(Code::Unavailable, "WRITE_OUTCOME_UNKNOWN");
    assert_eq!(rig.hits(Endpoint::UserList), before + 1, "it is sent once");
}
