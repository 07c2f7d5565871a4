//! `BatchUpsertUsers` and `BatchDeleteUsers`: many users in one request to the issuer.

use std::{collections::HashSet, sync::Arc};

use tonic::Status;

use super::{
    change::UserChange,
    target::{UsersOfApp, change_fault},
    told::UserChanged,
    written::{LEAVE_OUT, data_of, set_by_issuer},
};
use crate::{
    authz::Authorizer,
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{
            BatchDeleteUsersRequest, BatchDeleteUsersResponse, BatchUpsertUsersRequest,
            BatchUpsertUsersResponse, BatchUserError, BatchUserResult, RefusedUserField, User,
        },
        rownd_auth::{
            call::ServiceCall,
            fault::Fault,
            reason::ErrorReason,
            sharing::{CallSharing, RevokedHere},
            text_fields::user_id_fault,
            writes::Write,
        },
    },
    issuer_api::{
        Rejection,
        administration::users::{BatchEntry, BatchOutcome},
    },
    model::DenyReason,
};

/// The most users of a batch.
const MAX_USERS: usize = 1_000;

/// Creates or overwrites users.
///
/// # Errors
///
/// Fails for a list that cannot be meant, and where the issuer gives no usable answer to the whole.
pub(super) async fn upsert_users(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: BatchUpsertUsersRequest,
) -> Result<BatchUpsertUsersResponse, Status> {
    let of = UsersOfApp::of(call, Right::WriteUsers, &request.issuer, &request.app_id)?;
    check_ids("users", request.users.iter().map(|user| user.id.as_str()))?;
    let users = request.users.iter().cloned().enumerate().map(entry);
    let users: Vec<BatchEntry> = users.collect::<Result<_, _>>()?;
    let authorizer = authorizer.clone();
    let subject = format!("{} users", users.len());
    let asked = Write { method: "BatchUpsertUsers", subject, request_id: "", request: &request };
    call.write(asked, async move {
        let ids = || users.iter().map(|user| user.id.as_str());
        let changes = begin_all(&authorizer, &of, ids());
        let outcomes = of.api.upsert_many(of.credentials(), &users, of.timeout).await;
        let outcomes = outcomes.map_err(change_fault)?;
        drop(changes);
        for (id, _) in ids().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()) {
            of.tell(&authorizer, id, UserChanged::Upserted);
        }
        Ok(BatchUpsertUsersResponse { results: results(ids(), outcomes) })
    })
    .await
}

/// Deletes users.
///
/// # Errors
///
/// Fails for a list that cannot be meant, and where the issuer gives no usable answer to the whole.
pub(super) async fn delete_users(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: BatchDeleteUsersRequest,
) -> Result<BatchDeleteUsersResponse, Status> {
    let of = UsersOfApp::of(call, Right::DeleteUsers, &request.issuer, &request.app_id)?;
    check_ids("user_ids", request.user_ids.iter().map(String::as_str))?;
    let (authorizer, users) = (authorizer.clone(), request.user_ids.clone());
    let subject = format!("{} users", users.len());
    let asked = Write { method: "BatchDeleteUsers", subject, request_id: "", request: &request };
    let sharing = call.sharing("BatchDeleteUsers");
    call.write(asked, async move {
        let ids = || users.iter().map(String::as_str);
        let changes = begin_all(&authorizer, &of, ids());
        let mut outcomes = match of.api.delete_many(of.credentials(), &users, of.timeout).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                if error.may_have_changed() {
                    // The caller is told of no success, so nothing is waited for.
                    revoke_all(changes.iter())?;
                }
                return Err(change_fault(error));
            }
        };
        for (id, _) in ids().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()) {
            of.tell(&authorizer, id, UserChanged::Deleted);
        }
        end_deleted(&changes, &mut outcomes, &sharing).await?;
        Ok(BatchDeleteUsersResponse { results: results(ids(), outcomes) })
    })
    .await
}

/// Revokes the tokens of the users who are gone, and waits for the other replicas. A user whose
/// deletion a caller was told to repeat is gone by then, and counts as deleted.
async fn end_deleted(
    changes: &[UserChange],
    outcomes: &mut [BatchOutcome],
    sharing: &CallSharing,
) -> Result<(), Fault> {
    let mut gone = Vec::new();
    for (change, outcome) in changes.iter().zip(outcomes) {
        let is_missing = matches!(outcome, Err(Rejection { status: 404, .. }));
        if is_missing && change.is_owed(sharing) {
            *outcome = Ok(());
        }
        if outcome.is_ok() || is_missing && sharing.is_shared() {
            gone.push(change);
        }
    }
    let ended = match revoke_all(gone.iter().copied()) {
        Ok(()) if gone.is_empty() => Ok(()),
        Ok(()) => sharing.share().await,
        Err(full) => Err(full),
    };
    for change in gone {
        change.settle(sharing, ended.is_ok());
    }
    ended
}

/// Revokes the tokens of these users, here.
fn revoke_all<'a>(mut changes: impl Iterator<Item = &'a UserChange>) -> Result<(), Fault> {
    changes.try_for_each(|change| {
        let RevokedHere { not_before: _ } = change.revoke_tokens()?;
        Ok(())
    })
}

fn begin_all<'a>(
    authorizer: &Arc<Authorizer>,
    of: &UsersOfApp,
    ids: impl Iterator<Item = &'a str>,
) -> Vec<UserChange> {
    ids.map(|id| UserChange::begin(authorizer, of, id)).collect()
}

/// Checks the ids of a batch. The message does not repeat them.
fn check_ids<'a>(at: &'static str, ids: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
    let mut known = HashSet::new();
    for (index, id) in ids.enumerate() {
        let number = index + 1;
        if number > MAX_USERS {
            return Err(Fault::field(at, format!("has more than {MAX_USERS} users")));
        }
        if let Some(why) = user_id_fault(id) {
            return Err(Fault::field(at, format!("the id of user {number} {why}")));
        }
        if !known.insert(id) {
            return Err(Fault::field(at, format!("user {number} is there twice")));
        }
    }
    if known.is_empty() { Err(Fault::field(at, "is empty")) } else { Ok(()) }
}

fn entry((index, user): (usize, User)) -> Result<BatchEntry, Fault> {
    let number = index + 1;
    if user.attributes.is_some() {
        let why = format!("user {number} has `attributes`, which a batch does not write");
        return Err(Fault::field("users", why));
    }
    let etag = ("user.etag", !user.etag.is_empty());
    let set = set_by_issuer(&user).into_iter().chain([etag]).find(|(_, is_set)| *is_set);
    if let Some((_, field)) = set.and_then(|(field, _)| field.split_once('.')) {
        let why = format!("user {number} has `{field}`, which Rownd sets: leave it out");
        return Err(Fault::field("users", why));
    }
    let data =
        data_of("users", user.data, Some(&user.id), LEAVE_OUT).map_err(|fault| match fault {
            Fault::Field(at, why) => Fault::Field(at, format!("user {number}: {why}")),
            other => other,
        })?;
    Ok(BatchEntry { id: user.id, data })
}

fn results<'a>(
    ids: impl Iterator<Item = &'a str>,
    outcomes: Vec<BatchOutcome>,
) -> Vec<BatchUserResult> {
    let result = |(id, outcome): (&str, BatchOutcome)| BatchUserResult {
        user_id: id.to_owned(),
        error: outcome.err().map(|rejection| error_of(&rejection)),
    };
    ids.zip(outcomes).map(result).collect()
}

/// The reason for one user, in the words of the errors of whole calls.
fn error_of(rejection: &Rejection) -> BatchUserError {
    let (reason, message) = if rejection.status == 404 {
        (ErrorReason::UserNotFound, DenyReason::UserNotFound.message())
    } else if rejection.fields.is_empty() {
        (ErrorReason::RequestRefused, "the issuer refused the request")
    } else {
        (ErrorReason::UserDataRefused, "the issuer refuses fields of the profile")
    };
    let field = |name: &str| {
        if name.starts_with("attributes.") { name.to_owned() } else { format!("data.{name}") }
    };
    let fields = rejection.fields.iter().map(|refused| RefusedUserField {
        field: field(&refused.name),
        description: refused.message.clone(),
    });
    BatchUserError {
        reason: reason.word().to_owned(),
        message: message.to_owned(),
        fields: fields.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::check_ids;

    #[test]
    fn a_batch_names_each_user_once() {
        let many: Vec<String> = (0..1_001).map(|number| format!("user_{number}")).collect();
        let refs: Vec<&str> = many.iter().map(String::as_str).collect();
        for (name, ids, good) in [
            ("none", &[][..], false),
            ("one", &["ann"], true),
            ("two", &["ann", "bob"], true),
            ("one twice", &["ann", "bob", "ann"], false),
            ("an empty id", &["ann", ""], false),
            ("a word of the API", &["__uuid__"], false),
            ("another path", &["../ann"], false),
            ("as many as there may be", &refs[..1_000], true),
            ("one more", &refs[..], false),
        ] {
            assert_eq!(check_ids("user_ids", ids.iter().copied()).is_ok(), good, "{name}");
        }
    }
}
