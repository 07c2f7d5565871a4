//! Exchanges a proof for a pair of tokens: finds or makes the user, writes the profile, joins a
//! group.
//!
//! In: a proof, and the rest of the request. Out: tokens and whether the user is new, or a 200
//! without tokens.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    Intent, MismatchBehavior, TokenRequest,
    issue::{self, TokenOwner},
    proof::Proof,
};
use crate::{
    data::{
        DataError, fields, ids,
        records::AppRecords,
        users::{AccountState, AuthLevel, User},
    },
    routes::{
        access::AppCaller,
        request::{ApiError, ApiResult, ok},
    },
    state::State,
};

pub(crate) fn exchange(
    state: &Arc<State>,
    caller: &AppCaller,
    request: &TokenRequest,
    proof: &Proof,
) -> ApiResult {
    let outcome = {
        let mut records = state.records_mut();
        sign_in(records.app_mut(&caller.app)?, caller, request, proof)?
    };
    let SignInOutcome::SignedIn { user, user_type, variant_user_type } = outcome else {
        return ok(json!({}));
    };
    let holder = TokenOwner { app: caller.app.clone(), variant: caller.variant.clone(), user };
    let pair = issue::issue(state, &holder)?;
    ok(json!({
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "user_type": user_type,
        "app_variant_user_type": variant_user_type,
    }))
}

/// The outcome of a sign-in.
enum SignInOutcome {
    /// The user has signed in.
    SignedIn { user: String, user_type: &'static str, variant_user_type: &'static str },
    /// The intent contradicts what the app knows, and the client asked for a 200 without tokens.
    IntentMismatch,
}

fn sign_in(
    app_records: &mut AppRecords,
    caller: &AppCaller,
    request: &TokenRequest,
    proof: &Proof,
) -> Result<SignInOutcome, ApiError> {
    let known = proof.user(app_records).cloned();
    match (request.intent, &known) {
        (Some(Intent::SignIn), None) | (Some(Intent::SignUp), Some(_))
            if request.intent_mismatch_behavior == MismatchBehavior::ReturnOkWithoutTokens =>
        {
            return Ok(SignInOutcome::IntentMismatch);
        }
        (Some(Intent::SignIn), None) => {
            return Err(ApiError::intent("E_SIGN_IN_USER_NOT_FOUND", "there is no such user yet"));
        }
        (Some(Intent::SignUp), Some(_)) => {
            return Err(ApiError::intent("E_SIGN_UP_USER_EXISTS", "there is such a user already"));
        }
        _ => {}
    }
    if known.as_ref().is_some_and(|user| user.state == AccountState::Disabled) {
        return Err(ApiError::forbidden("the user is disabled"));
    }
    let user_type = if known.is_some() { "existing_user" } else { "new_user" };
    let instant = instant_user(app_records, request.instant_user_id.as_deref())?;
    let former = instant.as_ref().map(|user| user.id.clone());
    let mut user = match known {
        Some(user) => user,
        None => new_user(proof, instant),
    };
    write(app_records, &mut user, proof, &request.user_data)?;
    user.signed_in(proof.method);
    let variant_user_type = note_variant(&mut user, caller.variant.as_deref(), user_type);
    let id = user.id.clone();
    if let Some(group) = &request.group_to_join {
        app_records.join_open_group(group, &id)?;
    }
    app_records.put_user(user)?;
    if let Some(former) = former.filter(|former| *former != id) {
        // The instant user became another user, who existed or has an id of the token's.
        app_records.remove_user(&former)?;
    }
    Ok(SignInOutcome::SignedIn { user: id, user_type, variant_user_type })
}

/// The instant user to convert.
fn instant_user(app_records: &AppRecords, id: Option<&str>) -> Result<Option<User>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    match app_records.users.get(id) {
        Some(user) if user.auth_level == AuthLevel::Instant => Ok(Some(user.clone())),
        _ => {
            Err(ApiError::bad_request("E_BAD_REQUEST", "`instant_user_id` is not an instant user"))
        }
    }
}

/// A new user: with the id of the proof, else the instant user's, else a new id.
fn new_user(proof: &Proof, instant: Option<User>) -> User {
    match (&proof.user_id, instant) {
        (Some(id), Some(instant)) => User { id: id.clone(), ..instant },
        (None, Some(instant)) => instant,
        (Some(id), None) => User::new(id.clone(), proof.level()),
        (None, None) => User::new(ids::rownd("user"), proof.level()),
    }
}

/// Writes the proved values and the data of the request into the profile. A sign-in never lowers
/// the auth level.
fn write(
    app_records: &AppRecords,
    user: &mut User,
    proof: &Proof,
    user_data: &Map<String, Value>,
) -> Result<(), DataError> {
    let mut faults = fields::FieldErrors::default();
    let mut data = fields::check(&app_records.app, &proof.data, false, &mut faults);
    data.extend(fields::check(&app_records.app, user_data, false, &mut faults));
    data.extend(proof.verified.clone());
    faults.into_result().map_err(DataError::Fields)?;
    if let Some(device) = proof.anonymous_id.as_deref() {
        let id = if device.is_empty() { format!("anon_{}", ids::uuid_v4()) } else { device.into() };
        user.data.entry("anonymous_id").or_insert(json!(id));
    }
    for (field, value) in data {
        if user.verified.get(&field).is_some_and(|proved| *proved != value) {
            user.verified.remove(&field);
        }
        user.data.insert(field, value);
    }
    user.verified.extend(proof.verified.clone());
    let proved = [proof.level(), user.auth_level];
    let order = [AuthLevel::Verified, AuthLevel::Unverified, AuthLevel::Guest, AuthLevel::Instant];
    let best = order.into_iter().find(|level| proved.contains(level));
    user.auth_level = best.unwrap_or(user.auth_level);
    user.stamp("modified");
    Ok(())
}

/// Adds the variant to the user, and says whether the user is new there.
fn note_variant(user: &mut User, variant: Option<&str>, user_type: &'static str) -> &'static str {
    let Some(variant) = variant else { return user_type };
    let known = user.attributes.entry("rownd:app_variants").or_insert_with(|| json!([]));
    let Value::Array(known) = known else { return user_type };
    if known.iter().any(|known| known == variant) {
        return "existing_user";
    }
    known.push(json!(variant));
    "new_user"
}
