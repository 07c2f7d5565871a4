//! The user whom a call adds or invites: by id, e-mail address or phone number.

use serde_json::Value as Json;

use super::checks;
use crate::{
    grpc::{
        pb::rownd::auth::v1::{add_group_member_request, create_group_invite_request},
        rownd_auth::fault::Fault,
    },
    issuer_api::administration::groups::Members,
};

/// The user of a request.
#[derive(Clone, Copy)]
pub(super) enum NamedUser<'a> {
    Id(&'a str),
    Email(&'a str),
    Phone(&'a str),
}

impl NamedUser<'_> {
    /// The user, as the log may show it: an address is content.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Id(id) => format!("user {id}"),
            Self::Email(_) => "a user by e-mail address".to_owned(),
            Self::Phone(_) => "a user by phone number".to_owned(),
        }
    }

    /// The id, if the request says it.
    pub(super) fn id(self) -> Option<String> {
        match self {
            Self::Id(id) => Some(id.to_owned()),
            Self::Email(_) | Self::Phone(_) => None,
        }
    }

    /// The member that names the user to Rownd.
    pub(super) fn members(self) -> Result<Members, Fault> {
        let (name, value) = match self {
            Self::Id(id) => {
                checks::user_id("user_id", id)?;
                ("user_id", id)
            }
            Self::Email(address) => {
                checks::email("email", address)?;
                ("email", address)
            }
            Self::Phone(number) => {
                checks::phone("phone", number)?;
                ("phone", number)
            }
        };
        Ok(Members::from_iter([(name.to_owned(), Json::String(value.to_owned()))]))
    }
}

fn missing() -> Fault {
    Fault::field("user", "is missing: give `user_id`, `email` or `phone`")
}

impl<'a> TryFrom<&'a Option<add_group_member_request::User>> for NamedUser<'a> {
    type Error = Fault;

    fn try_from(user: &'a Option<add_group_member_request::User>) -> Result<Self, Fault> {
        use add_group_member_request::User;
        match user {
            Some(User::UserId(id)) => Ok(Self::Id(id)),
            Some(User::Email(address)) => Ok(Self::Email(address)),
            Some(User::Phone(number)) => Ok(Self::Phone(number)),
            None => Err(missing()),
        }
    }
}

impl<'a> TryFrom<&'a Option<create_group_invite_request::User>> for NamedUser<'a> {
    type Error = Fault;

    fn try_from(user: &'a Option<create_group_invite_request::User>) -> Result<Self, Fault> {
        use create_group_invite_request::User;
        match user {
            Some(User::UserId(id)) => Ok(Self::Id(id)),
            Some(User::Email(address)) => Ok(Self::Email(address)),
            Some(User::Phone(number)) => Ok(Self::Phone(number)),
            None => Err(missing()),
        }
    }
}
