//! A proof for a pair of tokens: the intent, the user found or made, the profile
//! written, the group joined.
//!
//! In: who somebody proved to be, and the rest of the request. Out: tokens with the
//! words for what kind of user that is, or a 200 without them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    Intent, Mismatch, TokenRequest,
    identity::Proof,
    issue::{self, Holder},
};
use crate::{
    access::AppCaller,
    request::{Answer, Refusal, ok},
    state::State,
    users::{Level, Standing, User, fields, ids},
    world::Tenant,
};

pub(super) fn exchange(
    state: &Arc<State>,
    caller: &AppCaller,
    request: &TokenRequest,
    proof: &Proof,
) -> Answer {
    let settled = {
        let mut world = state.world_mut();
        settle(world.tenant_mut(&caller.app)?, caller, request, proof)?
    };
    let Settled::In { user, user_type, variant_user_type } = settled else {
        return ok(json!({}));
    };
    let holder = Holder { app: caller.app.clone(), variant: caller.variant.clone(), user };
    let pair = issue::issue(state, &holder)?;
    ok(json!({
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "user_type": user_type,
        "app_variant_user_type": variant_user_type,
    }))
}

enum Settled {
    /// Signed in as this user.
    In { user: String, user_type: &'static str, variant_user_type: &'static str },
    /// The intent did not fit, and the client would rather not be told by an error.
    Out,
}

fn settle(
    tenant: &mut Tenant,
    caller: &AppCaller,
    request: &TokenRequest,
    proof: &Proof,
) -> Result<Settled, Refusal> {
    let known = proof.user(tenant).cloned();
    match (request.intent, &known) {
        (Some(Intent::SignIn), None) | (Some(Intent::SignUp), Some(_))
            if request.intent_mismatch_behavior == Mismatch::ReturnOkWithoutTokens =>
        {
            return Ok(Settled::Out);
        }
        (Some(Intent::SignIn), None) => {
            return Err(Refusal::intent("E_SIGN_IN_USER_NOT_FOUND", "there is no such user yet"));
        }
        (Some(Intent::SignUp), Some(_)) => {
            return Err(Refusal::intent("E_SIGN_UP_USER_EXISTS", "there is such a user already"));
        }
        _ => {}
    }
    if known.as_ref().is_some_and(|user| user.state == Standing::Disabled) {
        return Err(Refusal::forbidden("the user is disabled"));
    }
    let user_type = if known.is_some() { "existing_user" } else { "new_user" };
    let instant = instant_user(tenant, request.instant_user_id.as_deref())?;
    let former = instant.as_ref().map(|user| user.id.clone());
    let mut user = match known {
        Some(user) => user,
        None => newcomer(proof, instant),
    };
    write(tenant, &mut user, proof, &request.user_data)?;
    user.signed_in(proof.method);
    let variant_user_type = note_variant(&mut user, caller.variant.as_deref(), user_type);
    let id = user.id.clone();
    if let Some(group) = &request.group_to_join {
        tenant.join_open(group, &id)?;
    }
    tenant.put(user)?;
    if let Some(former) = former.filter(|former| *former != id) {
        // The instant user has become somebody else, who was there or brought an id.
        tenant.remove(&former)?;
    }
    Ok(Settled::In { user: id, user_type, variant_user_type })
}

/// The instant user to convert.
fn instant_user(tenant: &Tenant, id: Option<&str>) -> Result<Option<User>, Refusal> {
    let Some(id) = id else { return Ok(None) };
    match tenant.users.get(id) {
        Some(user) if user.auth_level == Level::Instant => Ok(Some(user.clone())),
        _ => Err(Refusal::bad_request("E_BAD_REQUEST", "`instant_user_id` is no instant user")),
    }
}

/// Somebody new: with the id they bring, else the instant user's, else one made now.
fn newcomer(proof: &Proof, instant: Option<User>) -> User {
    match (&proof.user_id, instant) {
        (Some(id), Some(instant)) => User { id: id.clone(), ..instant },
        (None, Some(instant)) => instant,
        (Some(id), None) => User::new(id.clone(), proof.level()),
        (None, None) => User::new(ids::rownd("user"), proof.level()),
    }
}

/// Puts what was proved and said into the profile. Nobody's level falls by signing in.
fn write(
    tenant: &Tenant,
    user: &mut User,
    proof: &Proof,
    user_data: &Map<String, Value>,
) -> Result<(), Refusal> {
    let mut faults = fields::Faults::default();
    let mut data = fields::judge(&tenant.app, &proof.data, false, &mut faults);
    data.extend(fields::judge(&tenant.app, user_data, false, &mut faults));
    data.extend(proof.verified.clone());
    faults.into_result().map_err(Refusal::fields)?;
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
    let order = [Level::Verified, Level::Unverified, Level::Guest, Level::Instant];
    let best = order.into_iter().find(|level| proved.contains(level));
    user.auth_level = best.unwrap_or(user.auth_level);
    user.stamp("modified");
    Ok(())
}

/// Notes the variant with the user, and says whether they are new there.
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
