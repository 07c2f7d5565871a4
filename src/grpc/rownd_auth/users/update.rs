//! `UpdateUser`: some fields of a user.

use std::sync::Arc;

use tonic::Status;

use super::{
    accounts::Accounts,
    change::UserChange,
    expected::Expected,
    target::{UsersOfApp, change_fault},
    told::UserChanged,
    written::{of_update, wire_user},
};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{UpdateUserRequest, UpdateUserResponse},
        rownd_auth::{call::ServiceCall, fault::Fault, text_fields::user_id, writes::Write},
    },
    issuer_api::administration::users::{MissingUser, UserWrite},
};

/// Writes some fields of a user.
///
/// # Errors
///
/// Fails for a field or a mask that cannot be written, where the user has another etag, and where the
/// issuer refuses the write or gives no usable answer.
pub(super) async fn update_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: UpdateUserRequest,
) -> Result<UpdateUserResponse, Status> {
    let user = request.user.clone().ok_or_else(|| Fault::field("user", "is missing"))?;
    user_id("user.id", &user.id)?;
    let id = user.id.clone();
    if request.allow_missing && !user.etag.is_empty() {
        let why = "cannot be given with `allow_missing`: a user who is missing has none";
        return Err(Fault::field("user.etag", why).into());
    }
    let mask = request.update_mask.clone();
    let expected = Expected::of(&user, mask.as_ref());
    let write = of_update(user, mask, request.write_to_integrations)?;
    let of = Accounts::of(call, Right::WriteUsers, &request.issuer, &request.app_id)?;
    let missing = if request.allow_missing { MissingUser::Create } else { MissingUser::Refuse };
    if let Accounts::OfIssuer(of) = &of {
        of.check_write(&write, missing)?;
    }
    let authorizer = authorizer.clone();
    let asked = Write {
        method: "UpdateUser",
        subject: format!("user {id}"),
        request_id: "",
        request: &request,
    };
    call.write(asked, async move {
        let whose = (id.as_str(), &expected);
        match of {
            Accounts::OfApp(of) => update(&authorizer, &of, whose, &write, missing).await,
            Accounts::OfIssuer(of) => {
                let profile = of.update(&authorizer, whose, &write).await?;
                let (user, omitted) = wire_user(&id, &profile);
                Ok(UpdateUserResponse { user: Some(user), omitted })
            }
        }
    })
    .await
}

async fn update(
    authorizer: &Arc<Authorizer>,
    of: &UsersOfApp,
    (id, expected): (&str, &Expected),
    write: &UserWrite,
    missing: MissingUser,
) -> Result<UpdateUserResponse, Fault> {
    if expected.needs_user() {
        match of.user_now(id).await {
            Ok(now) => expected.check(id, &now.profile)?,
            Err(Fault::NoUser) if missing == MissingUser::Create => expected.check_missing()?,
            Err(fault) => return Err(fault),
        }
    }
    let change = UserChange::begin(authorizer, of, id);
    let written = of.api.update(of.credentials(), id, write, missing, of.timeout).await;
    let written = written.map_err(change_fault)?;
    let not_cleared = written.not_cleared.clone();
    let profile = change.ended_with(written);
    of.tell(authorizer, id, UserChanged::Updated(&profile));
    if !not_cleared.is_empty() {
        return Err(Fault::NotCleared(not_cleared));
    }
    let (user, omitted) = wire_user(id, &profile);
    Ok(UpdateUserResponse { user: Some(user), omitted })
}
