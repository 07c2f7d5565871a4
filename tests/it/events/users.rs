//! The events of changes of users and of grants, before the emulator.

use std::path::Path;

use prost_types::{FieldMask, Struct, value::Kind};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    BatchDeleteUsersRequest, BatchUpsertUsersRequest, CreateUserRequest, DeleteUserRequest,
    DisableUserRequest, ExchangeRequest, GuestGrant, SignOutUserRequest, UpdateUserRequest, User,
    exchange_request::Grant, rownd_auth_client::RowndAuthClient,
    user_service_client::UserServiceClient,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::{Request, transport::Channel};

use super::{events, sink, wait_for};
use crate::it::rownd_auth::Rig;

const KEEPER: &str = "a-keeper-secret-of-this-test";

async fn rig(file: &Path) -> Rig {
    let rights =
        ["read_users", "write_users", "delete_users", "sign_out_users", "exchange", "create_guest"];
    Rig::with(|settings| {
        let keeper = json!({ "name": "keeper", "secret": KEEPER, "allow": rights });
        settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(keeper);
        settings["events"] = sink(file);
        settings["events"]["profile_fields"] = json!(["plan", "no_such_field"]);
    })
    .await
}

fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {KEEPER}").parse().unwrap());
    request
}

fn users(rig: &Rig) -> UserServiceClient<Channel> {
    UserServiceClient::new(rig.app.channel())
}

fn user(id: &str, fields: &[(&str, &str)]) -> User {
    let value = |text: &str| prost_types::Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect();
    User { id: id.to_owned(), data: Some(Struct { fields }), ..User::default() }
}

#[tokio::test]
async fn changes_of_users_are_told_with_the_named_fields_alone() {
    let files = TempDir::new().unwrap();
    let file = files.path().join("events");
    let rig = rig(&file).await;
    let fields = [("email", "eve@example.com"), ("plan", "pro")];
    let create = CreateUserRequest {
        user_id: "eve".to_owned(),
        user: Some(User { id: String::new(), ..user("", &fields) }),
        ..Default::default()
    };
    users(&rig).create_user(request(create)).await.unwrap();
    let update = UpdateUserRequest {
        user: Some(user("eve", &[("plan", "free")])),
        update_mask: Some(FieldMask { paths: vec!["data.plan".to_owned()] }),
        ..Default::default()
    };
    users(&rig).update_user(request(update)).await.unwrap();
    let id = || "eve".to_owned();
    let disable = DisableUserRequest { user_id: id(), ..Default::default() };
    users(&rig).disable_user(request(disable)).await.unwrap();
    let sign_out = SignOutUserRequest { user_id: id(), ..Default::default() };
    users(&rig).sign_out_user(request(sign_out)).await.unwrap();
    let delete = DeleteUserRequest { user_id: id(), ..Default::default() };
    users(&rig).delete_user(request(delete.clone())).await.unwrap();
    assert!(users(&rig).delete_user(request(delete)).await.is_err(), "gone: no event");
    let created = wait_for(&file, "user.created", 1).await;
    assert_eq!(created[0]["data"]["profile"], json!({ "plan": "pro" }));
    let updated = wait_for(&file, "user.updated", 2).await;
    let changes: Vec<&Value> = updated.iter().map(|event| &event["data"]["change"]).collect();
    assert_eq!(changes, ["profile", "disabled"]);
    assert_eq!(updated[0]["data"]["profile"], json!({ "plan": "free" }));
    let signed_out = wait_for(&file, "user.signed_out", 1).await;
    let deleted = wait_for(&file, "user.deleted", 1).await;
    for event in created.iter().chain(&updated).chain(&signed_out).chain(&deleted) {
        let data = &event["data"];
        let about = (&data["issuer"], &data["user_id"], &data["caller"]);
        assert_eq!(about, (&"rownd".into(), &"eve".into(), &"keeper".into()), "{event}");
    }
    let revoked = wait_for(&file, "session.revoked", 3).await;
    assert!(revoked.iter().all(|event| event["data"]["user_id"] == "eve"));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("eve@example.com"), "a field that is not named is told");
    let order: Vec<String> =
        events(&file).iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
    let mut sorted = order.clone();
    sorted.sort_by_key(|id| id.rsplit('-').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(order, sorted, "in the order in which they happened");
}

#[tokio::test]
async fn each_user_of_a_batch_is_told() {
    let files = TempDir::new().unwrap();
    let file = files.path().join("events");
    let rig = rig(&file).await;
    let upsert = BatchUpsertUsersRequest {
        users: vec![user("b1", &[("plan", "a")]), user("b2", &[("plan", "b")])],
        ..Default::default()
    };
    users(&rig).batch_upsert_users(request(upsert)).await.unwrap();
    let delete = BatchDeleteUsersRequest {
        user_ids: vec!["b1".to_owned(), "b2".to_owned(), "nobody".to_owned()],
        ..Default::default()
    };
    let answer = users(&rig).batch_delete_users(request(delete)).await.unwrap().into_inner();
    let gone = answer.results.iter().filter(|result| result.error.is_none()).count();
    let upserted = wait_for(&file, "user.updated", 2).await;
    assert!(upserted.iter().all(|event| event["data"]["change"] == "upserted"));
    assert_eq!(wait_for(&file, "user.deleted", gone).await.len(), gone);
}

#[tokio::test]
async fn a_grant_is_told_without_its_tokens() {
    let files = TempDir::new().unwrap();
    let file = files.path().join("events");
    let rig = rig(&file).await;
    let guest = ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        grant: Some(Grant::Guest(GuestGrant::default())),
        ..Default::default()
    };
    let mut auth = RowndAuthClient::new(rig.app.channel());
    let answer = auth.exchange(request(guest)).await.unwrap().into_inner();
    let told = wait_for(&file, "token.exchanged", 1).await;
    let data = &told[0]["data"];
    assert_eq!((&data["grant"], &data["caller"]), (&"guest".into(), &"keeper".into()));
    assert_eq!(data["issuer"], "rownd");
    assert!(data["user_id"].is_string());
    let tokens = match answer.outcome.unwrap() {
        rownd_authz::grpc::pb::rownd::auth::v1::exchange_response::Outcome::Tokens(tokens) => {
            tokens
        }
        other => panic!("{other:?}"),
    };
    let refresh = ExchangeRequest {
        issuer: Some("rownd".to_owned()),
        grant: Some(Grant::RefreshToken(
            rownd_authz::grpc::pb::rownd::auth::v1::RefreshTokenGrant {
                refresh_token: tokens.refresh_token.clone().unwrap(),
                ..Default::default()
            },
        )),
        ..Default::default()
    };
    auth.exchange(request(refresh)).await.unwrap();
    let told = wait_for(&file, "token.refreshed", 1).await;
    assert_eq!(told[0]["data"]["grant"], "refresh_token");
    let text = std::fs::read_to_string(&file).unwrap();
    for token in [Some(tokens.access_token), tokens.refresh_token].into_iter().flatten() {
        assert!(!text.contains(&token), "a token is told");
    }
}
