//! `UserService` over real gRPC, before the emulator: every method, every error of it, and callers
//! without rights.

mod account;
mod answers;
mod batch;
mod callers;
mod files;
mod links;
mod odd;
mod pages;
mod supertokens;
mod trouble;
mod writes;

use std::collections::BTreeMap;

use prost_types::{ListValue, NullValue, Struct, Value as Wire, value::Kind};
use rownd_authz::grpc::pb::rownd::auth::v1::{
    CreateUserRequest, GetUserRequest, ListUsersRequest, ListUsersResponse, User,
    get_user_request::Subject, user_service_client::UserServiceClient,
};
use serde_json::{Map, Value, json};
use tonic::{Status, service::interceptor::InterceptedService, transport::Channel};

use super::{ADMIN, Bearer, Rig};

/// May do everything with users.
pub(in crate::it) const KEEPER: &str = "a-keeper-secret-of-this-test";
pub(in crate::it) const RIGHTS: [&str; 5] =
    ["read_users", "write_users", "delete_users", "sign_out_users", "create_sign_in_links"];

pub(in crate::it) type Stub = UserServiceClient<InterceptedService<Channel, Bearer>>;

/// A service with a caller who may do everything with users, and with nothing cached but on request.
async fn rig() -> Rig {
    rig_with(|_| {}).await
}

pub(in crate::it) async fn rig_with(change: impl FnOnce(&mut Value)) -> Rig {
    Rig::with(|settings| {
        let keeper = json!({ "name": "keeper", "secret": KEEPER, "allow": RIGHTS });
        settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(keeper);
        change(settings);
    })
    .await
}

/// The stub of a caller with this secret.
fn stub(rig: &Rig, secret: &str) -> Stub {
    UserServiceClient::with_interceptor(rig.app.channel(), Bearer(secret.into()))
}

pub(in crate::it) fn keeper(rig: &Rig) -> Stub {
    stub(rig, KEEPER)
}

fn structure(value: Value) -> Option<Struct> {
    let Value::Object(map) = value else { panic!("{value} is no object") };
    Some(wire_struct(map))
}

fn wire_struct(map: Map<String, Value>) -> Struct {
    Struct { fields: map.into_iter().map(|(name, value)| (name, wire(value))).collect() }
}

fn wire(value: Value) -> Wire {
    let kind = match value {
        Value::Null => Kind::NullValue(NullValue::NullValue.into()),
        Value::Bool(flag) => Kind::BoolValue(flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.into_iter().map(wire).collect() })
        }
        Value::Object(map) => Kind::StructValue(wire_struct(map)),
    };
    Wire { kind: Some(kind) }
}

/// The texts of a structure, by name; other values are left out.
fn texts(part: Option<&Struct>) -> BTreeMap<String, String> {
    let text = |(name, value): (&String, &Wire)| match &value.kind {
        Some(Kind::StringValue(text)) => Some((name.clone(), text.clone())),
        _ => None,
    };
    part.map(|part| part.fields.iter().filter_map(text).collect()).unwrap_or_default()
}

/// One text of `data`.
fn data(user: &User, name: &str) -> Option<String> {
    texts(user.data.as_ref()).remove(name)
}

pub(in crate::it) fn user_of(data: Value) -> Option<User> {
    Some(User { data: structure(data), ..User::default() })
}

/// Creates a user with this id.
async fn create(rig: &Rig, id: &str, data: Value) -> User {
    let request =
        CreateUserRequest { user_id: id.to_owned(), user: user_of(data), ..Default::default() };
    let answer = keeper(rig).create_user(request).await;
    answer.unwrap_or_else(|status| panic!("{id}: {status:?}")).into_inner().user.unwrap()
}

/// The user as `GetUser` reads it, from the cache if it is there.
async fn read(rig: &Rig, id: &str) -> Result<User, Status> {
    let request = GetUserRequest {
        subject: Some(Subject::UserId(id.to_owned())),
        allow_disabled: true,
        ..GetUserRequest::default()
    };
    Ok(rig.known(ADMIN).get_user(request).await?.into_inner().user.unwrap())
}

async fn list(rig: &Rig, request: ListUsersRequest) -> Result<ListUsersResponse, Status> {
    Ok(keeper(rig).list_users(request).await?.into_inner())
}

fn ids(page: &ListUsersResponse) -> Vec<String> {
    page.users.iter().map(|user| user.id.clone()).collect()
}
