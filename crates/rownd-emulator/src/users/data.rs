//! `/applications/{app}/users/{user}/data` and the single fields below it.
//!
//! In: a backend's key and secret, and what to write. Out: profiles, or which fields are
//! wrong. The functions on a tenant serve the user's own `/me` as well.

use std::sync::Arc;

use axum::{extract::State as Shared, http::HeaderMap};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Level, User, fields, ids};
use crate::{
    access,
    request::{Answer, Asked, At, Refusal, Sent, done, ok},
    state::State,
    world::Tenant,
};

/// The user id that stands for the sample profile.
const SAMPLE: &str = "__sample__";

#[derive(Deserialize)]
pub(crate) struct FieldsQuery {
    pub(crate) fields: Option<String>,
}

/// What a write says; further members, such as `write_data_to_integrations`, are passed
/// over.
#[derive(Deserialize)]
pub(crate) struct Written {
    pub(crate) data: Map<String, Value>,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct FieldWritten {
    pub(crate) value: Value,
}

/// What becomes of the fields that a write does not name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// They go: `PUT`.
    Removed,
    /// They stay: `PATCH`.
    Kept,
}

pub(crate) async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, user)): At<(String, String)>,
    Asked(query): Asked<FieldsQuery>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let world = state.world();
    let tenant = world.tenant(&app)?;
    if user == SAMPLE {
        return ok(sample(tenant));
    }
    ok(tenant.profile(&user, query.fields.as_deref())?)
}

pub(crate) async fn put(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, user)): At<(String, String)>,
    Sent(written): Sent<Written>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let mut world = state.world_mut();
    let tenant = world.tenant_mut(&app)?;
    let id = upsert(tenant, &user, &written, Rest::Removed)?;
    ok(tenant.profile(&id, None)?)
}

pub(crate) async fn patch(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, user)): At<(String, String)>,
    Sent(written): Sent<Written>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let mut world = state.world_mut();
    let tenant = world.tenant_mut(&app)?;
    tenant.user(&user)?;
    upsert(tenant, &user, &written, Rest::Kept)?;
    ok(tenant.profile(&user, None)?)
}

pub(crate) async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, user)): At<(String, String)>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    state.world_mut().tenant_mut(&app)?.remove(&user)?;
    done()
}

pub(crate) async fn read_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, user, field)): At<(String, String, String)>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    ok(field_of(state.world().tenant(&app)?, &user, &field)?)
}

pub(crate) async fn put_field(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At((app, user, field)): At<(String, String, String)>,
    Sent(written): Sent<FieldWritten>,
) -> Answer {
    access::for_app(&state, &headers, &app)?;
    let mut world = state.world_mut();
    ok(write_field(world.tenant_mut(&app)?, &user, &field, written.value)?)
}

/// Writes a user, new or known, and says under which id: a generator's word in its place
/// makes one.
pub(crate) fn upsert(
    tenant: &mut Tenant,
    id: &str,
    written: &Written,
    rest: Rest,
) -> Result<String, Refusal> {
    let mut faults = fields::Faults::default();
    let kept = fields::judge(&tenant.app, &written.data, rest == Rest::Removed, &mut faults);
    fields::judge_attributes(&written.attributes, &mut faults);
    faults.into_result().map_err(Refusal::fields)?;
    let generated = ids::generate(id);
    let id = match generated {
        Some(id) => id,
        None if ids::writable(id) => id.to_owned(),
        None => return Err(Refusal::bad_request("E_BAD_REQUEST", "that cannot be a user id")),
    };
    let mut user =
        tenant.users.get(&id).cloned().unwrap_or_else(|| User::new(id.clone(), Level::Unverified));
    if rest == Rest::Removed {
        user.data.clear();
    }
    for (field, value) in kept {
        if value.is_null() {
            user.data.remove(&field);
        } else {
            user.data.insert(field, value);
        }
    }
    // A backend writes, it does not prove: what no longer is what was proved is not proved.
    let User { verified, data, .. } = &mut user;
    verified.retain(|field, proof| match (data.get(field), &*proof) {
        (Some(_), Value::Bool(true)) => true,
        (now, proof) => now == Some(proof),
    });
    user.attributes.extend(written.attributes.clone());
    user.stamp("modified");
    tenant.put(user)?;
    Ok(id)
}

/// `{value}` of one field.
pub(crate) fn field_of(tenant: &Tenant, user: &str, field: &str) -> Result<Value, Refusal> {
    let user = tenant.user(user)?;
    if !fields::known(&tenant.app, field) {
        return Err(unknown_field());
    }
    let value = user.shown_data().get(field).cloned().unwrap_or(Value::Null);
    Ok(json!({ "value": value }))
}

/// Writes one field and gives the profile.
pub(crate) fn write_field(
    tenant: &mut Tenant,
    user: &str,
    field: &str,
    value: Value,
) -> Result<Value, Refusal> {
    tenant.user(user)?;
    if field == "user_id" || !fields::known(&tenant.app, field) {
        return Err(unknown_field());
    }
    let data = Map::from_iter([(field.to_owned(), value)]);
    upsert(tenant, user, &Written { data, attributes: Map::new() }, Rest::Kept)?;
    tenant.profile(user, None)
}

fn unknown_field() -> Refusal {
    Refusal::not_found("E_FIELD_NOT_FOUND", "the app's schema has no such field")
}

/// A profile with a value in every field of the schema.
fn sample(tenant: &Tenant) -> Value {
    let mut user = User::new("user_sample".to_owned(), Level::Verified);
    for (name, field) in &tenant.app.schema {
        let value = match name.as_str() {
            "email" => json!("sample@example.com"),
            "phone_number" => json!("+15555550100"),
            _ => field.kind.sample(),
        };
        user.data.insert(name.clone(), value);
    }
    user.signed_in("email");
    user.profile(&json!([]), None)
}
