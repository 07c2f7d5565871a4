//! The settings `api_answers`: what Rownd's documents leave open, and what is sent because of it.

use prost_types::FieldMask;
use rownd_authz::grpc::pb::rownd::auth::v1::{UpdateUserRequest, User};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{Rig, create, data, keeper, rig_with, user_of};
use crate::it::rownd_auth::said;

async fn rig(answers: Value) -> Rig {
    rig_with(|settings| settings["issuers"][0]["api_answers"] = answers).await
}

fn change(id: &str, data: Value) -> UpdateUserRequest {
    let user = user_of(data).map(|user| User { id: id.to_owned(), ..user });
    UpdateUserRequest { user, ..UpdateUserRequest::default() }
}

fn clearing(id: &str, path: &str) -> UpdateUserRequest {
    let update_mask = Some(FieldMask { paths: vec![path.to_owned()] });
    UpdateUserRequest { update_mask, ..change(id, json!({})) }
}

async fn updated(rig: &Rig, request: UpdateUserRequest) -> Result<User, Status> {
    Ok(keeper(rig).update_user(request).await?.into_inner().user.unwrap())
}

/// The requests of an upsert: of one who exists, and of one who does not.
#[tokio::test]
async fn an_upsert_is_as_many_requests_as_needed() {
    for (answers, of_bob, of_eve) in [
        (json!({}), 1, 2),
        (json!({ "user_put": "replaces" }), 1, 2),
        (json!({ "user_put": "merges" }), 1, 1),
    ] {
        let rig = rig(answers.clone()).await;
        create(&rig, "bob", json!({ "plan": "free" })).await;
        for (id, requests) in [("bob", of_bob), ("eve", of_eve)] {
            let before = rig.hits(Endpoint::UserData);
            let request =
                UpdateUserRequest { allow_missing: true, ..change(id, json!({ "plan": "pro" })) };
            let user = updated(&rig, request).await.unwrap();
            assert_eq!(data(&user, "plan").as_deref(), Some("pro"), "{answers} {id}");
            assert_eq!(rig.hits(Endpoint::UserData), before + requests, "{answers} {id}");
        }
    }
}

/// Where a `PATCH` would create the user, the user is looked up first.
#[tokio::test]
async fn nobody_is_created_who_was_not_wanted() {
    for (word, requests) in [("refused", 1), ("created", 1)] {
        let rig = rig(json!({ "patch_of_missing_user": word })).await;
        let request = change("eve", json!({ "plan": "pro" }));
        said(updated(&rig, request.clone()).await).is(Code::NotFound, "USER_NOT_FOUND");
        assert_eq!(rig.hits(Endpoint::UserData), requests, "{word}");
        create(&rig, "bob", json!({})).await;
        let before = rig.hits(Endpoint::UserData);
        updated(&rig, change("bob", json!({ "plan": "pro" }))).await.unwrap();
        let requests = if word == "created" { 2 } else { 1 };
        assert_eq!(rig.hits(Endpoint::UserData), before + requests, "{word}");
    }
}

#[tokio::test]
async fn a_field_is_cleared_by_null_or_by_an_empty_text() {
    for (word, cleared) in [("null_value", None), ("empty_text", Some(""))] {
        let rig = rig(json!({ "user_clear": word })).await;
        create(&rig, "bob", json!({ "plan": "free" })).await;
        let user = updated(&rig, clearing("bob", "data.plan")).await.unwrap();
        assert_eq!(data(&user, "plan").as_deref(), cleared, "{word}");
    }
}

/// A server that keeps the value although it was to be cleared.
#[tokio::test]
async fn a_value_that_was_not_cleared_is_an_error() {
    let rig = rig(json!({})).await;
    create(&rig, "bob", json!({ "plan": "free" })).await;
    let body = json!({ "data": { "user_id": "bob", "plan": "free" }, "state": "enabled" });
    let fault = Fault::body(Endpoint::UserData, body.to_string()).times(1);
    rig.controls.inject(fault).unwrap();
    let answer = said(updated(&rig, clearing("bob", "data.plan")).await);
    let answer = answer.is(Code::FailedPrecondition, "FIELD_NOT_CLEARED");
    assert_eq!(answer.field.as_deref(), Some("user.data.plan"));
}
