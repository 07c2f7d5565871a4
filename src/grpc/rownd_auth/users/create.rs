//! `CreateUser`: a new user, with an id of the caller's or a new one.

use std::sync::Arc;

use super::{
    change::UserChange,
    target::{UsersOfApp, change_fault},
    told::UserChanged,
    written::{of_new_user, wire_user},
};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{CreateUserRequest, CreateUserResponse, UserIdFormat},
        rownd_auth::{call::ServiceCall, fault::Fault, text_fields::user_id, writes::Write},
    },
    issuer_api::administration::users::{NewUserId, UserWrite},
};
use tonic::Status;

/// The id of the user to create.
#[derive(Debug, Clone)]
enum AskedId {
    Given(String),
    New(UserIdFormat),
}

/// Creates a user, once for a request id.
///
/// # Errors
///
/// Fails for an id or a field that cannot be written, where there is such a user, and where the issuer
/// refuses it or gives no usable answer.
pub(super) async fn create_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: CreateUserRequest,
) -> Result<CreateUserResponse, Status> {
    let id = asked_id(&request)?;
    let user = request.user.clone().unwrap_or_default();
    let write = of_new_user(user, request.write_to_integrations)?;
    let of = UsersOfApp::of(call, Right::WriteUsers, &request.issuer, &request.app_id)?;
    let subject = match &id {
        AskedId::Given(id) => format!("user {id}"),
        AskedId::New(_) => "a new user".to_owned(),
    };
    let (authorizer, request_id) = (authorizer.clone(), &request.request_id);
    let asked = Write { method: "CreateUser", subject, request_id, request: &request };
    call.write(asked, async move {
        match id {
            AskedId::Given(id) => create_with(&authorizer, &of, &id, &write).await,
            AskedId::New(format) => create_anew(&authorizer, &of, format, &write).await,
        }
    })
    .await
}

fn asked_id(request: &CreateUserRequest) -> Result<AskedId, Fault> {
    let format = UserIdFormat::try_from(request.user_id_format)
        .map_err(|_| Fault::field("user_id_format", "is not a format of user ids"))?;
    if request.user_id.is_empty() {
        return Ok(AskedId::New(format));
    }
    if format != UserIdFormat::Unspecified {
        let why = "cannot be given with `user_id`: it is the form of a new id";
        return Err(Fault::field("user_id_format", why));
    }
    user_id("user_id", &request.user_id)?;
    Ok(AskedId::Given(request.user_id.clone()))
}

/// A user with this id. The issuer would overwrite one who exists, so that it is asked first.
async fn create_with(
    authorizer: &Arc<Authorizer>,
    of: &UsersOfApp,
    id: &str,
    write: &UserWrite,
) -> Result<CreateUserResponse, Fault> {
    match of.user_now(id).await {
        Ok(_) => return Err(Fault::UserExists),
        Err(Fault::NoUser) => {}
        Err(other) => return Err(other),
    }
    let change = UserChange::begin(authorizer, of, id);
    let asked = of.api.create(of.credentials(), NewUserId::Given(id), write, of.timeout);
    let profile = change.ended_with(asked.await.map_err(change_fault)?);
    of.tell(authorizer, id, UserChanged::Created(&profile));
    let (user, omitted) = wire_user(id, &profile);
    Ok(CreateUserResponse { user: Some(user), omitted })
}

/// A user whose id the issuer makes, so that nothing is cached of it.
async fn create_anew(
    authorizer: &Authorizer,
    of: &UsersOfApp,
    format: UserIdFormat,
    write: &UserWrite,
) -> Result<CreateUserResponse, Fault> {
    let id = match format {
        UserIdFormat::Unspecified => NewUserId::Default,
        UserIdFormat::Uuid => NewUserId::Uuid,
        UserIdFormat::ObjectId => NewUserId::ObjectId,
        UserIdFormat::RowndId => NewUserId::RowndId,
    };
    let written = of.api.create(of.credentials(), id, write, of.timeout).await;
    let written = written.map_err(change_fault)?;
    of.tell(authorizer, &written.id, UserChanged::Created(&written.profile));
    let (user, omitted) = wire_user(&written.id, &written.profile);
    Ok(CreateUserResponse { user: Some(user), omitted })
}
