//! The places that expressions read, in a request and its caller.
//!
//! In: a place. Out: its value, or why it cannot be told. A header or a parameter that servers may
//! read in several ways is told in none of them.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::{Map, Value, json};

use super::{matching::canonical_host, method, path, variables::PathVariables};
use crate::{
    expression::{Facts, Fault, FaultKind, IdentityField, Place, ProfileField, RequestField},
    model::{Group, Occurrence, Profile, RequestContext},
    verify::Identity,
};

/// Reads places.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlaceReader<'a> {
    pub(super) request: &'a RequestContext,
    pub(super) variables: &'a PathVariables,
    pub(super) identity: Option<&'a Identity>,
    pub(super) profile: Option<&'a Profile>,
    /// The profile can still be read, where there is none yet.
    pub(super) may_read_profile: bool,
}

type Told<'a> = Result<Option<Cow<'a, Value>>, Fault>;

impl Facts for PlaceReader<'_> {
    fn value(&self, place: &Place) -> Told<'_> {
        match place {
            Place::Request(field) => self.request_field(*field, place),
            Place::Header(name) => self.header(name, place),
            Place::Query(name) => self.parameter(name, place),
            Place::Identity(field) => {
                Ok(self.identity.and_then(|who| identity_field(who, *field)).map(Cow::Owned))
            }
            Place::Claim(name) => {
                Ok(self.identity.and_then(|who| who.claims.get(name)).map(Cow::Borrowed))
            }
            Place::Profile(field) => match self.profile {
                Some(profile) => Ok(profile_field(profile, *field).map(Cow::Owned)),
                None if self.may_read_profile => {
                    Err(Fault::new(FaultKind::ProfileUnread, place.written()))
                }
                None => Ok(None),
            },
            Place::Path(name) => match self.variables.get(name) {
                Some(sent) => {
                    let decoded: Cow<'_, [u8]> = percent_decode(sent).into();
                    text(&decoded, place).map(Some)
                }
                None => Ok(None),
            },
        }
    }
}

impl PlaceReader<'_> {
    fn request_field(&self, field: RequestField, place: &Place) -> Told<'_> {
        let request = self.request;
        let bytes = match field {
            RequestField::Method => match method::readings(&request.method) {
                Ok(readings) if readings.iter().count() == 1 => Cow::Borrowed(&*request.method),
                Ok(_) | Err(_) => return Err(unclear(place)),
            },
            RequestField::Host => match canonical_host(&request.host) {
                Some(host) => host,
                None => return Err(unclear(place)),
            },
            RequestField::Path => match path::readings(&request.target) {
                Some(readings) if readings.iter().count() == 1 => {
                    Cow::Owned(readings.iter().next().unwrap_or_default().to_vec())
                }
                Some(_) | None => return Err(unclear(place)),
            },
            RequestField::Scheme => Cow::Borrowed(request.scheme.as_ref()),
        };
        text(&bytes, place).map(Some)
    }

    fn header(&self, name: &str, place: &Place) -> Told<'_> {
        match self.request.headers.occurrence(name) {
            Occurrence::Absent => Ok(None),
            // Behind a comma may stand another line, or another value.
            Occurrence::Once(value) if self.request.headers.joined() && value.contains(&b',') => {
                Err(unclear(place))
            }
            Occurrence::Once(value) => text(value, place).map(Some),
            Occurrence::Repeated => Err(unclear(place)),
        }
    }

    fn parameter(&self, name: &str, place: &Place) -> Told<'_> {
        let mut values = self.request.query().values(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            // Some servers read a blank.
            (Some(value), None) if value.contains(&b'+') => Err(unclear(place)),
            (Some(value), None) => text(&value, place).map(Some),
            (Some(_), Some(_)) => Err(unclear(place)),
        }
    }
}

fn unclear(place: &Place) -> Fault {
    Fault::new(FaultKind::Unclear, place.written())
}

/// A text, if it is UTF-8.
fn text(bytes: &[u8], place: &Place) -> Result<Cow<'static, Value>, Fault> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Owned(Value::String(text.to_owned()))),
        Err(_) => Err(unclear(place)),
    }
}

/// A field of the identity, as expressions and header maps read it; `None` if it has none.
fn identity_field(who: &Identity, field: IdentityField) -> Option<Value> {
    let list = |items: &[String]| Value::from(items.to_vec());
    let optional = |text: &Option<String>| text.clone().map(Value::from);
    match field {
        IdentityField::UserId => Some(who.user_id.clone().into()),
        IdentityField::Issuer => Some(Value::from(&*who.issuer)),
        IdentityField::AuthLevel => Some(who.auth_level.as_str().into()),
        IdentityField::Anonymous => Some(who.anonymous.into()),
        IdentityField::Verified => Some(who.verified().into()),
        IdentityField::AppId => optional(&who.app_id),
        IdentityField::AppVariant => optional(&who.app_variant),
        IdentityField::Tenant => optional(&who.tenant),
        IdentityField::SessionId => optional(&who.session_id),
        IdentityField::TokenId => optional(&who.token_id),
        IdentityField::IssuedAt => who.issued_at.map(Value::from),
        IdentityField::Roles => Some(list(&who.roles)),
        IdentityField::Groups => Some(list(&who.groups)),
        IdentityField::Scopes => Some(list(&who.scopes)),
    }
}

fn profile_field(profile: &Profile, field: ProfileField) -> Option<Value> {
    let map = |map: &Map<String, Value>| Some(Value::Object(map.clone()));
    match field {
        ProfileField::UserId => profile.user_id.clone().map(Value::from),
        ProfileField::State => profile.state.clone().map(Value::from),
        ProfileField::AuthLevel => profile.auth_level.map(|level| level.as_str().into()),
        ProfileField::Data => map(&profile.data),
        ProfileField::VerifiedData => map(&profile.verified_data),
        ProfileField::Attributes => map(&profile.attributes),
        ProfileField::Groups => Some(profile.groups.iter().map(group).collect()),
        ProfileField::Meta => map(&profile.meta),
    }
}

fn group(group: &Group) -> Value {
    let Group { id, name, roles, member_state } = group;
    json!({ "id": id, "name": name, "roles": roles, "member_state": member_state })
}
