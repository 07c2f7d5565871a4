//! The places that expressions read, in a request and its caller.
//!
//! In: a place. Out: its value, or why it cannot be told. A header or a parameter that servers may
//! read in several ways is told in none of them.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::{Map, Value, json};

use super::{
    matching::{HeaderReadings, QueryReadings, canonical_host},
    method, path,
    requirement::FactSources,
    variables::PathVariables,
};
use crate::{
    expression::{Facts, Fault, FaultKind, IdentityField, Place, ProfileField, RequestField},
    model::{Group, Profile, RequestContext},
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
    pub(super) sources: &'a FactSources,
}

type Told<'a> = Result<Option<Cow<'a, Value>>, Fault>;

impl Facts for PlaceReader<'_> {
    fn value(&self, place: &Place) -> Told<'_> {
        match place {
            Place::Request(field) => self.request_field(*field, place),
            Place::Header(name) => self.header(name, place),
            Place::Query(name) => self.parameter(name, place),
            Place::Identity(field) => self.identity_field(*field, place),
            Place::Claim(name) => Ok(self.who(place)?.claims.get(name).map(Cow::Borrowed)),
            Place::Profile(field) => {
                self.who(place)?;
                self.profile_field(*field, place)
            }
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
        let readings = HeaderReadings::of(&self.request.headers, name);
        let value = readings.only_value().map_err(|_| unclear(place))?;
        value.map(|value| text(value, place)).transpose()
    }

    fn parameter(&self, name: &str, place: &Place) -> Told<'_> {
        let readings = QueryReadings::of(&self.request.target, name);
        let value = readings.only_value().map_err(|_| unclear(place))?;
        value.map(|value| text(value, place)).transpose()
    }

    /// The identity. Of a caller without one nothing is known, not even what it lacks.
    fn who(&self, place: &Place) -> Result<&Identity, Fault> {
        self.identity.ok_or_else(|| Fault::new(FaultKind::Missing, place.written()))
    }

    fn profile_field(&self, field: ProfileField, place: &Place) -> Told<'_> {
        let Some(profile) = self.profile else {
            // An issuer without profiles says nothing of its users.
            let kind =
                if self.may_read_profile { FaultKind::ProfileUnread } else { FaultKind::Missing };
            return Err(Fault::new(kind, place.written()));
        };
        let odd = match field {
            ProfileField::Data => profile.odd.data,
            ProfileField::VerifiedData => profile.odd.verified_data,
            ProfileField::Attributes => profile.odd.attributes,
            ProfileField::Groups => profile.odd.groups,
            ProfileField::UserId
            | ProfileField::State
            | ProfileField::AuthLevel
            | ProfileField::Meta => false,
        };
        if odd { Err(unclear(place)) } else { Ok(profile_field(profile, field).map(Cow::Owned)) }
    }

    /// A list of the token that its issuer's tokens do not say is not known to be empty.
    fn identity_field(&self, field: IdentityField, place: &Place) -> Told<'_> {
        let who = self.who(place)?;
        let is_read = match field {
            IdentityField::Roles => self.sources.roles_in_token(who),
            IdentityField::Groups => self.sources.groups_in_token(who),
            IdentityField::Scopes => self.sources.scopes_in_token(who),
            IdentityField::UserId
            | IdentityField::Issuer
            | IdentityField::AuthLevel
            | IdentityField::Anonymous
            | IdentityField::Verified
            | IdentityField::AppId
            | IdentityField::AppVariant
            | IdentityField::Tenant
            | IdentityField::SessionId
            | IdentityField::TokenId
            | IdentityField::IssuedAt => true,
        };
        if is_read {
            Ok(identity_field(who, field).map(Cow::Owned))
        } else {
            Err(Fault::new(FaultKind::Missing, place.written()))
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
