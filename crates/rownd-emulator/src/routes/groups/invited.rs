//! The user whom an invite or a new member names: by id, by e-mail address or by phone number.
//!
//! In: the members of the body. Out: the id of the user, who is made if nobody has the address.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    data::{
        DataError, lookup,
        profile::{OmittedFields, ProfileWrite, upsert},
        records::AppRecords,
    },
    routes::request::{ApiError, bad_request},
};

/// The members of a body that name a user. A phone number may be a JSON number. Empty texts count
/// as left out.
#[derive(Deserialize)]
pub(crate) struct UserNaming {
    email: Option<String>,
    phone: Option<Value>,
    user_id: Option<String>,
}

/// The way in which a user is named.
pub(crate) struct NamedUser {
    /// `email`, `phone` or `user_id`, and its value as the caller wrote it.
    pub(crate) by: (&'static str, Value),
    /// The value by which the user is found: the phone number with `+`, for example.
    pub(crate) lookup_value: String,
}

impl UserNaming {
    /// The one way in which the body names a user.
    pub(crate) fn named(self) -> Result<NamedUser, ApiError> {
        let text = |value: Option<String>| value.filter(|text| !text.trim().is_empty());
        let phone = self.phone.filter(|phone| !phone.is_null() && *phone != json!(""));
        match (text(self.email), phone, text(self.user_id)) {
            (Some(email), None, None) => {
                let lookup_value = email.trim().to_owned();
                Ok(NamedUser { by: ("email", json!(email)), lookup_value })
            }
            (None, Some(phone), None) => {
                let lookup_value = lookup::phone_number(&phone)
                    .ok_or_else(|| bad_request("`phone` is not a phone number"))?;
                Ok(NamedUser { by: ("phone", phone), lookup_value })
            }
            (None, None, Some(id)) => {
                Ok(NamedUser { by: ("user_id", json!(id)), lookup_value: id })
            }
            _ => Err(bad_request("exactly one of `email`, `phone` and `user_id` names the user")),
        }
    }
}

impl NamedUser {
    /// The field of the profile that following a link proves, and its value.
    pub(crate) fn proves(&self) -> Option<(&'static str, String)> {
        match self.by.0 {
            "email" => Some(("email", self.lookup_value.clone())),
            "phone" => Some(("phone_number", self.lookup_value.clone())),
            _ => None,
        }
    }

    /// The id of the user, who is made if nobody has the address.
    pub(crate) fn ensure(&self, app_records: &mut AppRecords) -> Result<String, DataError> {
        let Some((field, value)) = self.proves() else {
            return app_records.user(&self.lookup_value).map(|user| user.id.clone());
        };
        if let Some(user) = app_records.find_by_value(&value) {
            return Ok(user.id.clone());
        }
        let data = Map::from_iter([(field.to_owned(), json!(value))]);
        let written = ProfileWrite { data, attributes: Map::new() };
        upsert(app_records, "__default__", &written, OmittedFields::Kept)
    }
}
