//! Writes and reads profiles by the rules of the app's schema.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    error::DataError,
    fields, ids, lookup,
    records::AppRecords,
    users::{AuthLevel, User},
};

/// A write of a profile. Further members, such as `write_data_to_integrations`, are ignored.
#[derive(Deserialize)]
pub(crate) struct ProfileWrite {
    pub(crate) data: Map<String, Value>,
    #[serde(default)]
    pub(crate) attributes: Map<String, Value>,
}

#[derive(Deserialize)]
pub(crate) struct FieldWrite {
    pub(crate) value: Value,
}

/// The treatment of the fields that a write does not name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OmittedFields {
    /// They are removed: `PUT`.
    Removed,
    /// They are kept: `PATCH`.
    Kept,
}

/// Writes a user, who may be new, and returns the id. A word such as `__uuid__` in its place asks
/// for a new id.
pub(crate) fn upsert(
    app_records: &mut AppRecords,
    id: &str,
    written: &ProfileWrite,
    rest: OmittedFields,
) -> Result<String, DataError> {
    let mut faults = fields::FieldErrors::default();
    let kept =
        fields::check(&app_records.app, &written.data, rest == OmittedFields::Removed, &mut faults);
    fields::check_attributes(&written.attributes, &mut faults);
    faults.into_result().map_err(DataError::Fields)?;
    let large = kept.values().filter_map(|value| value.as_str().map(str::len)).max();
    app_records.check_room(large.unwrap_or_default())?;
    let generated = ids::generate(id);
    let id = match generated {
        Some(id) => id,
        None if ids::writable(id) => id.to_owned(),
        None => return Err(DataError::BadUserId),
    };
    let mut user = app_records
        .users
        .get(&id)
        .cloned()
        .unwrap_or_else(|| User::new(id.clone(), AuthLevel::Unverified));
    if rest == OmittedFields::Removed {
        user.data.clear();
    }
    for (field, value) in kept {
        if value.is_null() {
            user.data.remove(&field);
        } else {
            user.data.insert(field, value);
        }
    }
    // A backend does not prove anything: a changed value is not proved any more.
    let User { verified, data, .. } = &mut user;
    verified.retain(|field, proof| match (data.get(field), &*proof) {
        (Some(_), Value::Bool(true)) => true,
        (Some(Value::String(now)), Value::String(proof)) => {
            lookup::canonical(now) == lookup::canonical(proof)
        }
        (now, proof) => now == Some(proof),
    });
    user.attributes.extend(written.attributes.clone());
    user.stamp("modified");
    app_records.put_user(user)?;
    Ok(id)
}

/// The value of one field of a profile; null for a field without one.
pub(crate) fn field_of(
    app_records: &AppRecords,
    user: &str,
    field: &str,
) -> Result<Value, DataError> {
    let user = app_records.user(user)?;
    if !fields::known(&app_records.app, field) {
        return Err(DataError::NoSuchField);
    }
    Ok(user.shown_data().get(field).cloned().unwrap_or(Value::Null))
}

/// Writes one field and returns the answer to a write.
pub(crate) fn write_field(
    app_records: &mut AppRecords,
    user: &str,
    field: &str,
    value: Value,
) -> Result<Value, DataError> {
    app_records.user(user)?;
    if field == "user_id" || !fields::known(&app_records.app, field) {
        return Err(DataError::NoSuchField);
    }
    let data = Map::from_iter([(field.to_owned(), value)]);
    upsert(app_records, user, &ProfileWrite { data, attributes: Map::new() }, OmittedFields::Kept)?;
    app_records.written_profile(user)
}

/// A profile with a value in every field of the schema.
pub(crate) fn sample(app_records: &AppRecords) -> Value {
    let mut user = User::new("user_sample".to_owned(), AuthLevel::Verified);
    for (name, field) in &app_records.app.schema {
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
