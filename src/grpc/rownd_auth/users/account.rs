//! The account of a user: deletion, state, and sign-out on every device. A user who is deleted,
//! disabled or signed out has no valid token here from the next check on.

use std::sync::Arc;

use prost::Message;
use prost_types::Timestamp;
use tonic::Status;

use super::{
    accounts::Accounts,
    change::UserChange,
    target::{UsersOfApp, change_fault},
    told::UserChanged,
    written::wire_user,
};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{
            DeleteUserRequest, DeleteUserResponse, DisableUserRequest, DisableUserResponse,
            EnableUserRequest, EnableUserResponse, SignOutUserRequest, SignOutUserResponse, User,
        },
        rownd_auth::{
            call::ServiceCall,
            fault::Fault,
            reason::ErrorReason,
            sharing::{CallSharing, RevokedHere},
            text_fields::user_id,
            writes::Write,
        },
    },
    issuer_api::ApiError,
};

/// A change of an account, and the request for it.
fn change_of<'a, R: Message>(method: &'static str, id: &str, request: &'a R) -> Write<'a, R> {
    Write { method, subject: format!("user {id}"), request_id: "", request }
}

/// Deletes a user.
///
/// # Errors
///
/// Fails where there is no such user, where the user has another etag, and where the issuer refuses
/// it or gives no usable answer.
pub(super) async fn delete_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: DeleteUserRequest,
) -> Result<DeleteUserResponse, Status> {
    user_id("user_id", &request.user_id)?;
    let of = Accounts::of(call, Right::DeleteUsers, &request.issuer, &request.app_id)?;
    let (authorizer, id) = (authorizer.clone(), request.user_id.clone());
    let (asked_etag, allow_missing) = (request.etag.clone(), request.allow_missing);
    let sharing = call.sharing("DeleteUser");
    call.write(change_of("DeleteUser", &id.clone(), &request), async move {
        let is_gone = match of.check_etag(&id, &asked_etag).await {
            Err(Fault::NoUser) => true,
            checked => checked.map(|()| false)?,
        };
        let change = of.begin_change(&authorizer, &id);
        let deleted = if is_gone { Err(ApiError::NotFound) } else { of.delete(&id).await };
        match deleted {
            Ok(()) => {
                of.tell(&authorizer, &id, UserChanged::Deleted);
                change.end_deleted(&sharing).await?;
            }
            Err(ApiError::NotFound) => {
                end_gone(&change, &sharing, allow_missing).await?;
            }
            Err(error) => return Err(unknown_or_refused(&change, error)),
        }
        Ok(DeleteUserResponse {})
    })
    .await
}

/// The end of the tokens of a user who is not there. A call before this one, also to another replica,
/// may have deleted the user, and could not revoke the tokens everywhere.
async fn end_gone(
    change: &UserChange,
    sharing: &CallSharing,
    allow_missing: bool,
) -> Result<(), Fault> {
    let is_repeat = allow_missing || change.is_owed(sharing);
    if is_repeat || sharing.is_shared() {
        change.end_deleted(sharing).await?;
    }
    if is_repeat { Ok(()) } else { Err(change_fault(ApiError::NotFound)) }
}

/// Enables an account.
///
/// # Errors
///
/// Fails where there is no such user, and where the issuer refuses it or gives no usable answer.
pub(super) async fn enable_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: EnableUserRequest,
) -> Result<EnableUserResponse, Status> {
    user_id("user_id", &request.user_id)?;
    let of = UsersOfApp::of(call, Right::WriteUsers, &request.issuer, &request.app_id)?;
    let (authorizer, id) = (authorizer.clone(), request.user_id.clone());
    call.write(change_of("EnableUser", &id.clone(), &request), async move {
        let (user, omitted) = set_enabled(&authorizer, &of, &id, None).await?;
        Ok(EnableUserResponse { user: Some(user), omitted })
    })
    .await
}

/// Disables an account.
///
/// # Errors
///
/// Fails where there is no such user, and where the issuer refuses it or gives no usable answer.
pub(super) async fn disable_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: DisableUserRequest,
) -> Result<DisableUserResponse, Status> {
    user_id("user_id", &request.user_id)?;
    let of = UsersOfApp::of(call, Right::WriteUsers, &request.issuer, &request.app_id)?;
    let (authorizer, id) = (authorizer.clone(), request.user_id.clone());
    let sharing = call.sharing("DisableUser");
    call.write(change_of("DisableUser", &id.clone(), &request), async move {
        let (user, omitted) = set_enabled(&authorizer, &of, &id, Some(&sharing)).await?;
        Ok(DisableUserResponse { user: Some(user), omitted })
    })
    .await
}

/// Enables an account, or disables it, whose tokens then end at every replica.
async fn set_enabled(
    authorizer: &Arc<Authorizer>,
    of: &UsersOfApp,
    id: &str,
    disabling: Option<&CallSharing>,
) -> Result<(User, Vec<String>), Fault> {
    let enabled = disabling.is_none();
    let change = UserChange::begin(authorizer, of, id);
    let written = match of.api.set_enabled(of.credentials(), id, enabled, of.timeout).await {
        Ok(written) => written,
        Err(error) if enabled => return Err(change_fault(error)),
        Err(error) => return Err(unknown_or_refused(&change, error)),
    };
    if written.profile.enabled() != enabled {
        if !enabled {
            revoke_here(&change);
        }
        return Err(STATE_NOT_CHANGED);
    }
    let changed = if enabled { UserChanged::Enabled } else { UserChanged::Disabled };
    of.tell(authorizer, id, changed(&written.profile));
    let Some(sharing) = disabling else {
        return Ok(wire_user(id, &change.ended_with(written)));
    };
    let RevokedHere { not_before: _ } = change.revoke_tokens()?;
    // The answer is the cached profile, whether the others know of it or not.
    let profile = change.ended_with(written);
    sharing.share().await?;
    Ok(wire_user(id, &profile))
}

/// Signs a user out on every device.
///
/// # Errors
///
/// Fails where there is no such user, and where the issuer refuses it or gives no usable answer.
pub(super) async fn sign_out_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: SignOutUserRequest,
) -> Result<SignOutUserResponse, Status> {
    user_id("user_id", &request.user_id)?;
    let of = Accounts::of(call, Right::SignOutUsers, &request.issuer, &request.app_id)?;
    let (authorizer, id) = (authorizer.clone(), request.user_id.clone());
    let sharing = call.sharing("SignOutUser");
    call.write(change_of("SignOutUser", &id.clone(), &request), async move {
        let change = of.begin_change(&authorizer, &id);
        match of.sign_out(&id).await {
            Ok(()) => {
                of.tell(&authorizer, &id, UserChanged::SignedOut);
                let RevokedHere { not_before } = change.revoke_tokens()?;
                sharing.share().await?;
                let seconds = i64::try_from(not_before).unwrap_or(i64::MAX);
                let since = Timestamp { seconds, nanos: 0 };
                Ok(SignOutUserResponse { tokens_valid_since: Some(since) })
            }
            Err(error) => Err(unknown_or_refused(&change, error)),
        }
    })
    .await
}

/// The answer to a change of the state shows the other one.
const STATE_NOT_CHANGED: Fault = Fault::Unsupported(
    ErrorReason::StateNotChanged,
    "the issuer has answered the change of the account's state, and its answer shows the other state: \
     the account is as it was, or the answer is an old one; read the user, and call again",
);

/// The fault of a change that ends tokens. Where it may have taken effect, they are revoked here.
fn unknown_or_refused(change: &UserChange, error: ApiError) -> Fault {
    if error.may_have_changed() {
        revoke_here(change);
    }
    change_fault(error)
}

/// Revokes the tokens of a user after a change that may have taken effect: the caller wants them to
/// end, and a token that is refused too early only means another sign-in.
fn revoke_here(change: &UserChange) {
    match change.revoke_tokens() {
        // The caller is told of no success, so nothing is waited for: the list sends it.
        Ok(RevokedHere { not_before: _ }) => {}
        Err(full) => tracing::warn!(
            reason = ?full,
            "the tokens of a user could not be revoked here after a change with an unknown outcome"
        ),
    }
}
