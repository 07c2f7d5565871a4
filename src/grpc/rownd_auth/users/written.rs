//! The fields of a user that a call writes, and the user that comes of it.
//!
//! In: the user of a request, and its mask. Out: members of `data` and attributes, to write or to
//! clear; afterwards the message about the user.

use prost_types::{FieldMask, Struct};
use serde_json::{Map, Value};

use crate::{
    grpc::{
        pb::rownd::auth::v1::User,
        rownd_auth::{
            convert::from_struct,
            fault::Fault,
            output_only::check_unset,
            structure::Structures,
            update_mask::{DottedNames, Updatable, UpdateMask},
            user_view::UserMask,
        },
    },
    issuer_api::administration::users::UserWrite,
    model::Profile,
};

const DATA: &str = "user.data";
const ATTRIBUTES: &str = "user.attributes";
/// The id of a user, as a member of `data`.
const USER_ID: &str = "user_id";
/// The advice for a member that is null where nothing can be cleared.
pub(super) const LEAVE_OUT: &str = "leave it out";
/// The members that a mask can name. The whole of a field cannot be written: what Rownd does to the
/// members that are left out is not documented.
const UPDATABLE: Updatable = Updatable {
    fields: &["data.NAME", "attributes.NAMESPACE:KEY"],
    with_members: &["data", "attributes"],
};

/// The fields of a new user.
///
/// # Errors
///
/// Fails where a field cannot be written.
pub(super) fn of_new_user(user: User, integrations: bool) -> Result<UserWrite, Fault> {
    if !user.id.is_empty() {
        return Err(Fault::field("user.id", "is output only: give the id in `user_id`"));
    }
    if user.state != 0 {
        let why = "cannot be given: a new user is enabled; call `DisableUser` then";
        return Err(Fault::field("user.state", why));
    }
    check_unset(&set_by_issuer(&user))?;
    check_unset(&[("user.etag", !user.etag.is_empty())])?;
    Ok(UserWrite {
        data: data_of(DATA, user.data, None, LEAVE_OUT)?,
        attributes: attributes_of(user.attributes)?,
        integrations,
        ..UserWrite::default()
    })
}

/// The fields that only the issuer sets, without the id and the etag; whether each is set.
pub(super) fn set_by_issuer(user: &User) -> [(&'static str, bool); 6] {
    [
        ("user.state", user.state != 0),
        ("user.auth_level", user.auth_level != 0),
        ("user.verified_data", user.verified_data.is_some()),
        ("user.memberships", !user.memberships.is_empty()),
        ("user.meta", user.meta.is_some()),
        ("user.tokens_valid_since", user.tokens_valid_since.is_some()),
    ]
}

/// The fields of an update: those in the mask, or without one those that are set.
///
/// # Errors
///
/// Fails where a field cannot be written, and where there is nothing to write.
pub(super) fn of_update(
    user: User,
    mask: Option<FieldMask>,
    integrations: bool,
) -> Result<UserWrite, Fault> {
    let mask = UpdateMask::of(mask, UPDATABLE)?;
    let clear = "to clear it, name it in `update_mask` and leave it out here";
    let mut data = data_of(DATA, user.data, Some(&user.id), clear)?;
    let mut attributes = attributes_of(user.attributes)?;
    mask.check_whole("data", &data, DottedNames::Rare)?;
    mask.check_whole("attributes", &attributes, DottedNames::Usual)?;
    let mut write = UserWrite { integrations, ..UserWrite::default() };
    // Without a mask, everything that is set is written.
    if mask.writes("data", true) {
        (write.data, write.attributes) = (data, attributes);
    } else {
        for name in mask.members("data") {
            if name == USER_ID {
                return Err(Fault::field("update_mask", "the id of a user cannot be changed"));
            }
            take(&mut data, name, &mut write.data, &mut write.cleared);
        }
        for name in mask.members("attributes") {
            check_attribute_name(name)?;
            take(&mut attributes, name, &mut write.attributes, &mut write.cleared_attributes);
        }
    }
    let names = [&write.cleared, &write.cleared_attributes].map(Vec::len);
    if write.data.is_empty() && write.attributes.is_empty() && names == [0, 0] {
        return Err(Fault::field("user", "has nothing to write: set `data` or `attributes`"));
    }
    Ok(write)
}

/// Takes a member that is to be written, or notes that it is to be cleared.
fn take(
    from: &mut Map<String, Value>,
    name: &str,
    to: &mut Map<String, Value>,
    cleared: &mut Vec<String>,
) {
    match from.remove(name) {
        Some(value) => drop(to.insert(name.to_owned(), value)),
        None => cleared.push(name.to_owned()),
    }
}

/// The members of `data`. The id of the user may be one of them, as in an answer. `instead`: what to do
/// in place of null.
///
/// # Errors
///
/// Fails for a name of no characters, for null, and for the id of another user.
pub(super) fn data_of(
    at: &'static str,
    data: Option<Struct>,
    id: Option<&str>,
    instead: &'static str,
) -> Result<Map<String, Value>, Fault> {
    let mut data = from_struct(at, data.unwrap_or_default())?;
    if let Some(named) = data.remove(USER_ID)
        && named.as_str() != id
    {
        return Err(Fault::field(at, "`user_id` is not the id of this user: leave it out"));
    }
    if data.contains_key("") {
        return Err(Fault::field(at, "a member has no name"));
    }
    if data.values().any(Value::is_null) {
        return Err(Fault::field(at, format!("a member is null: {instead}")));
    }
    Ok(data)
}

/// The attributes: lists of texts by `namespace:key`.
fn attributes_of(attributes: Option<Struct>) -> Result<Map<String, Value>, Fault> {
    let attributes = from_struct(ATTRIBUTES, attributes.unwrap_or_default())?;
    for (name, value) in &attributes {
        check_attribute_name(name)?;
        if !value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string)) {
            let why = "an attribute is not a list of texts, as in \"shop:tags\": [\"vip\"]";
            return Err(Fault::field(ATTRIBUTES, why));
        }
    }
    Ok(attributes)
}

fn check_attribute_name(name: &str) -> Result<(), Fault> {
    match name.split_once(':') {
        Some((namespace, key)) if !namespace.is_empty() && !key.is_empty() => Ok(()),
        Some(_) | None => {
            let why = "the name of an attribute is not NAMESPACE:KEY, as in \"shop:tags\"";
            Err(Fault::field(ATTRIBUTES, why))
        }
    }
}

/// The message about a user who was written, and the names of what it lacks.
pub(super) fn wire_user(id: &str, profile: &Profile) -> (User, Vec<String>) {
    let mut structures = Structures::default();
    let user = UserMask::all().user(profile, id, &mut structures);
    (user, structures.omitted())
}

#[cfg(test)]
mod tests {
    use prost_types::{FieldMask, Struct, Value as Wire, value::Kind};
    use serde_json::{Map, Value, json};

    use super::{Fault, of_new_user, of_update};
    use crate::grpc::pb::rownd::auth::v1::{Membership, User};

    fn wire(value: &Value) -> Wire {
        let kind = match value {
            Value::Null => Kind::NullValue(0),
            Value::Bool(flag) => Kind::BoolValue(*flag),
            Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
            Value::String(text) => Kind::StringValue(text.clone()),
            Value::Array(items) => {
                Kind::ListValue(prost_types::ListValue { values: items.iter().map(wire).collect() })
            }
            Value::Object(map) => Kind::StructValue(structure(map)),
        };
        Wire { kind: Some(kind) }
    }

    fn structure(map: &Map<String, Value>) -> Struct {
        Struct { fields: map.iter().map(|(name, value)| (name.clone(), wire(value))).collect() }
    }

    fn user(data: &Value, attributes: &Value) -> User {
        User {
            id: "ann".to_owned(),
            data: data.as_object().map(structure),
            attributes: attributes.as_object().map(structure),
            ..User::default()
        }
    }

    fn mask(paths: &[&str]) -> Option<FieldMask> {
        Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
    }

    #[test]
    fn a_mask_writes_what_is_there_and_clears_what_is_not() {
        let whole =
            || user(&json!({ "a": 1, "b.c": "x", "user_id": "ann" }), &json!({ "n:k": ["v"] }));
        for (name, paths, data, attributes, cleared, cleared_attributes) in [
            (
                "no mask",
                None,
                json!({ "a": 1, "b.c": "x" }),
                json!({ "n:k": ["v"] }),
                vec![],
                vec![],
            ),
            (
                "an empty one",
                mask(&[]),
                json!({ "a": 1, "b.c": "x" }),
                json!({ "n:k": ["v"] }),
                vec![],
                vec![],
            ),
            ("one member", mask(&["data.a"]), json!({ "a": 1 }), json!({}), vec![], vec![]),
            (
                "a name with a dot",
                mask(&["data.b.c"]),
                json!({ "b.c": "x" }),
                json!({}),
                vec![],
                vec![],
            ),
            (
                "an absent one",
                mask(&["data.a", "data.z"]),
                json!({ "a": 1 }),
                json!({}),
                vec!["z"],
                vec![],
            ),
            (
                "attributes",
                mask(&["attributes.n:k", "attributes.n:z"]),
                json!({}),
                json!({ "n:k": ["v"] }),
                vec![],
                vec!["n:z"],
            ),
        ] {
            let write = of_update(whole(), paths, false).unwrap();
            assert_eq!(Value::Object(write.data), data, "{name}");
            assert_eq!(Value::Object(write.attributes), attributes, "{name}");
            assert_eq!(write.cleared, cleared, "{name}");
            assert_eq!(write.cleared_attributes, cleared_attributes, "{name}");
        }
    }

    #[test]
    fn an_update_that_cannot_be_meant_is_refused() {
        let good = json!({ "a": 1 });
        let none = json!(null);
        for (name, given, paths) in [
            ("nothing", user(&none, &none), None),
            ("an empty profile", user(&json!({}), &json!({})), None),
            ("the id of another user", user(&json!({ "user_id": "bob" }), &none), None),
            ("null", user(&json!({ "a": null }), &none), None),
            ("a member without a name", user(&json!({ "": 1 }), &none), None),
            ("an attribute without a namespace", user(&none, &json!({ "k": ["v"] })), None),
            ("an attribute without a key", user(&none, &json!({ "n:": ["v"] })), None),
            ("an attribute that is no list", user(&none, &json!({ "n:k": "v" })), None),
            ("an attribute of numbers", user(&none, &json!({ "n:k": [1] })), None),
            ("all", user(&good, &none), mask(&["*"])),
            ("the whole of data", user(&good, &none), mask(&["data"])),
            ("all of data", user(&good, &none), mask(&["data.*"])),
            ("a member without a name", user(&good, &none), mask(&["data."])),
            ("the whole of the attributes", user(&good, &none), mask(&["attributes"])),
            ("an attribute without a namespace", user(&good, &none), mask(&["attributes.k"])),
            ("the state", user(&good, &none), mask(&["state"])),
            ("the id", user(&good, &none), mask(&["data.user_id"])),
            ("a placeholder", user(&good, &none), mask(&["verified_data.email"])),
            ("another case", user(&good, &none), mask(&["Data.a"])),
            ("the field of the message", user(&good, &none), mask(&["user.data.a"])),
            ("below a text", user(&good, &none), mask(&["data.a.b"])),
            ("below an object", user(&json!({ "a": { "b": 1 } }), &none), mask(&["data.a.b"])),
            ("below what is not there", user(&good, &none), mask(&["data.a", "data.z.b"])),
            ("below a list", user(&none, &json!({ "n:k": ["v"] })), mask(&["attributes.n:k.0"])),
        ] {
            assert!(of_update(given, paths, false).is_err(), "{name}");
        }
    }

    #[test]
    fn a_new_user_has_the_id_of_the_request() {
        assert!(of_new_user(user(&json!({ "a": 1 }), &json!(null)), false).is_err(), "user.id");
        let given = User { id: String::new(), ..user(&json!({ "a": 1 }), &json!(null)) };
        let write = of_new_user(given, true).unwrap();
        assert!(write.integrations);
        assert_eq!(Value::Object(write.data), json!({ "a": 1 }));
        let named = User { id: String::new(), ..user(&json!({ "user_id": "ann" }), &json!(null)) };
        assert!(of_new_user(named, false).is_err(), "an id in data");
    }

    #[test]
    fn a_new_user_has_nothing_that_only_the_issuer_sets() {
        let time = prost_types::Timestamp { seconds: 1, nanos: 0 };
        let bare = || User { id: String::new(), ..user(&json!({ "a": 1 }), &json!(null)) };
        assert!(of_new_user(bare(), false).is_ok());
        for (field, given) in [
            ("user.id", User { id: "ann".to_owned(), ..bare() }),
            ("user.state", User { state: 2, ..bare() }),
            ("user.auth_level", User { auth_level: 1, ..bare() }),
            ("user.verified_data", User { verified_data: Some(Struct::default()), ..bare() }),
            ("user.memberships", User { memberships: vec![Membership::default()], ..bare() }),
            ("user.meta", User { meta: Some(Struct::default()), ..bare() }),
            ("user.tokens_valid_since", User { tokens_valid_since: Some(time), ..bare() }),
            ("user.etag", User { etag: "W/\"x\"".to_owned(), ..bare() }),
        ] {
            let Err(Fault::Field(at, _)) = of_new_user(given, false) else { panic!("{field}") };
            assert_eq!(at, field);
        }
    }
}
