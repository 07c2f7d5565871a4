//! The facts of a check, as expressions and outputs read them.
//!
//! In: the request, the variables of its path, the identity and the profile. Out: the value of each
//! place. A part of the request that servers read differently has no value: it is unclear. A fact of
//! nobody and a list that tokens do not say are missing, and a fact of a profile that was not read yet is
//! unknown.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde_json::{Map, Value, json};

use super::{
    matching::{HeaderReadings, QueryReadings, Unclear, canonical_host},
    method, path,
    requirement::FactSources,
    variables::PathVariables,
};
use crate::{
    expression::{Facts, Fault, FaultKind, IdentityPlace, Place, ProfilePlace, RequestPlace},
    model::{Group, OddParts, Profile, RequestContext, UnreadClaim},
    verify::Identity,
};

/// The profile of a caller.
#[derive(Debug, Clone, Copy)]
pub(super) enum CallerProfile<'a> {
    /// It was read.
    Read(&'a Profile),
    /// It was not read yet.
    Unread,
    /// There is none: no identity, or an issuer without profiles.
    None,
}

/// The facts of one check.
#[derive(Debug, Clone, Copy)]
pub struct CallerFacts<'a> {
    pub(super) request: &'a RequestContext,
    pub(super) variables: &'a PathVariables,
    pub(super) identity: Option<&'a Identity>,
    pub(super) profile: CallerProfile<'a>,
    /// The lists that tokens say, and the roles and permissions.
    pub(super) sources: &'a FactSources,
}

/// A value, if there is one; or the reason why it cannot be told.
type Known<'a> = Result<Option<Cow<'a, Value>>, FaultKind>;

impl Facts for CallerFacts<'_> {
    fn value(&self, place: &Place) -> Result<Option<Cow<'_, Value>>, Fault> {
        let known = match place {
            Place::Request(field) => self.request(*field),
            Place::Header(name) => {
                let headers = &self.request.headers;
                // A proxy that joins the lines of a header does it with a comma.
                match HeaderReadings::of(headers, name).only() {
                    Ok(Some(value)) if headers.joined() && value.contains(&b',') => {
                        Err(FaultKind::Unclear)
                    }
                    Ok(value) => value.map(text).transpose(),
                    Err(Unclear) => Err(FaultKind::Unclear),
                }
            }
            Place::Query(name) => match QueryReadings::of(&self.request.target, name).only() {
                Ok(value) => value.as_deref().map(text).transpose(),
                Err(Unclear) => Err(FaultKind::Unclear),
            },
            // Of a caller without an identity nothing is known, not even what it lacks.
            Place::Identity(field) => {
                self.identity.map_or(Err(FaultKind::Missing), |who| self.of(who, *field))
            }
            Place::Claim(name) => {
                self.identity.map_or(Err(FaultKind::Missing), |who| claim(who, name))
            }
            Place::Profile(field) => match self.profile {
                _ if self.identity.is_none() => Err(FaultKind::Missing),
                CallerProfile::Read(profile) => of_profile(profile, *field),
                CallerProfile::Unread => Err(FaultKind::ProfileUnread),
                // An issuer without profiles says nothing of its users.
                CallerProfile::None => Err(FaultKind::Missing),
            },
            Place::Path(name) => self.variables.get(name).map(decoded).transpose(),
        };
        known.map_err(|kind| Fault::new(kind, place.written()))
    }

    fn text(&self, place: &Place) -> Option<&str> {
        let who = self.identity?;
        match place {
            Place::Claim(name) => who.claims.get(name)?.as_str(),
            Place::Identity(field) => text_of(who, *field),
            Place::Request(_)
            | Place::Header(_)
            | Place::Query(_)
            | Place::Profile(_)
            | Place::Path(_) => None,
        }
    }
}

/// A field of an identity that is one text.
fn text_of(who: &Identity, field: IdentityPlace) -> Option<&str> {
    match field {
        IdentityPlace::UserId => Some(&who.user_id),
        IdentityPlace::Issuer => Some(&who.issuer),
        IdentityPlace::AuthLevel => Some(who.auth_level.as_str()),
        IdentityPlace::AppId => who.app_id.as_deref(),
        IdentityPlace::AppVariant => who.app_variant.as_deref(),
        IdentityPlace::Tenant => who.tenant.as_deref(),
        IdentityPlace::SessionId => who.session_id.as_deref(),
        IdentityPlace::TokenId => who.token_id.as_deref(),
        IdentityPlace::Anonymous
        | IdentityPlace::Verified
        | IdentityPlace::IssuedAt
        | IdentityPlace::Groups
        | IdentityPlace::Scopes
        | IdentityPlace::Roles
        | IdentityPlace::Permissions => None,
    }
}

impl CallerFacts<'_> {
    fn request(&self, field: RequestPlace) -> Known<'static> {
        let request = self.request;
        match field {
            RequestPlace::Method => {
                let readings = method::readings(&request.method).map_err(|_| FaultKind::Unclear)?;
                only(readings.iter())
            }
            RequestPlace::Host => {
                let host = canonical_host(&request.host).ok_or(FaultKind::Unclear)?;
                text(&host).map(Some)
            }
            RequestPlace::Path => {
                let readings = path::readings(&request.target).ok_or(FaultKind::Unclear)?;
                if readings.odd() { Err(FaultKind::Unclear) } else { only(readings.iter()) }
            }
            RequestPlace::Scheme => {
                let scheme = Some(&request.scheme).filter(|scheme| !scheme.is_empty());
                scheme.map(|scheme| text(scheme)).transpose()
            }
        }
    }

    fn of(&self, who: &Identity, field: IdentityPlace) -> Known<'static> {
        let texts = |items: &[String]| Some(json!(items));
        let is_said = |said: fn(&FactSources, &Identity) -> bool| said(self.sources, who);
        let has_sources = self.sources.rights().is_configured();
        let value = match field {
            IdentityPlace::Groups if !is_said(FactSources::groups_in_token) => {
                return Err(FaultKind::Missing);
            }
            IdentityPlace::Scopes if !is_said(FactSources::scopes_in_token) => {
                return Err(FaultKind::Missing);
            }
            IdentityPlace::Roles if !has_sources && !is_said(FactSources::roles_in_token) => {
                return Err(FaultKind::Missing);
            }
            IdentityPlace::UserId
            | IdentityPlace::Issuer
            | IdentityPlace::AuthLevel
            | IdentityPlace::AppId
            | IdentityPlace::AppVariant
            | IdentityPlace::Tenant
            | IdentityPlace::SessionId
            | IdentityPlace::TokenId => text_of(who, field).map(Value::from),
            IdentityPlace::Anonymous => Some(who.anonymous.into()),
            IdentityPlace::Verified => Some(who.verified().into()),
            IdentityPlace::IssuedAt => who.issued_at.map(Value::from),
            IdentityPlace::Groups => texts(&who.groups),
            IdentityPlace::Scopes => texts(&who.scopes),
            IdentityPlace::Roles if !has_sources => texts(&who.roles),
            IdentityPlace::Roles | IdentityPlace::Permissions => return self.rights_of(who, field),
        };
        Ok(value.map(Cow::Owned))
    }

    /// The roles or permissions by the sources of the configuration.
    fn rights_of(&self, who: &Identity, field: IdentityPlace) -> Known<'static> {
        let profile = match self.profile {
            CallerProfile::Read(profile) => Some(profile),
            CallerProfile::Unread | CallerProfile::None => None,
        };
        let book = self.sources.rights();
        let rights = book.rights(who, profile);
        let names = if field == IdentityPlace::Roles { rights.roles } else { rights.permissions };
        match (names, self.profile) {
            (Some(names), _) => Ok(Some(Cow::Owned(json!(names)))),
            (None, CallerProfile::Unread) if book.reads_profile(&who.issuer) => {
                Err(FaultKind::ProfileUnread)
            }
            // A source could not be read, or there is none: nobody knows what the user may do.
            (None, _) => Err(FaultKind::Missing),
        }
    }
}

/// A claim, `null` included. One whose value is at another server is there, and cannot be read.
fn claim<'a>(who: &'a Identity, name: &str) -> Known<'a> {
    match who.claims.why_unread(name) {
        Some(UnreadClaim::Elsewhere) => Err(FaultKind::Elsewhere),
        Some(UnreadClaim::Untold | UnreadClaim::Blocked) => Err(FaultKind::Missing),
        None => Ok(who.claims.stated(name).map(Cow::Borrowed)),
    }
}

/// The one reading of a part of the request.
fn only<'a>(mut readings: impl Iterator<Item = &'a [u8]>) -> Known<'static> {
    match (readings.next(), readings.next()) {
        (Some(reading), None) => text(reading).map(Some),
        (_, Some(_)) | (None, None) => Err(FaultKind::Unclear),
    }
}

/// The bytes as a text.
fn text(bytes: &[u8]) -> Result<Cow<'static, Value>, FaultKind> {
    let text = std::str::from_utf8(bytes).map_err(|_| FaultKind::Unclear)?;
    Ok(Cow::Owned(text.into()))
}

/// A variable of the path, decoded exactly once. Nothing, `.` and `..` name no thing.
fn decoded(sent: &[u8]) -> Result<Cow<'static, Value>, FaultKind> {
    let decoded: Cow<'_, [u8]> = percent_decode(sent).into();
    if matches!(&*decoded, b"" | b"." | b"..") { Err(FaultKind::Unclear) } else { text(&decoded) }
}

/// A part of the profile that came in another shape than documented lacks something, or all.
fn of_profile(profile: &Profile, field: ProfilePlace) -> Known<'static> {
    let of_group = |group: &Group| {
        let Group { id, name, roles, member_state } = group;
        json!({ "id": id, "name": name, "roles": roles, "member_state": member_state })
    };
    let whole =
        |odd: bool, value: Value| if odd { Err(FaultKind::Missing) } else { Ok(Some(value)) };
    let map = |odd, map: &Map<String, Value>| whole(odd, Value::Object(map.clone()));
    let OddParts { groups, attributes, data, verified_data } = profile.odd;
    let value = match field {
        ProfilePlace::UserId => Ok(profile.user_id.as_deref().map(Value::from)),
        ProfilePlace::State => Ok(profile.state.as_deref().map(Value::from)),
        ProfilePlace::AuthLevel => Ok(profile.auth_level.map(|level| level.as_str().into())),
        ProfilePlace::Data => map(data, &profile.data),
        ProfilePlace::VerifiedData => map(verified_data, &profile.verified_data),
        ProfilePlace::Attributes => map(attributes, &profile.attributes),
        ProfilePlace::Groups => whole(groups, profile.groups.iter().map(of_group).collect()),
        ProfilePlace::Meta => map(false, &profile.meta),
    };
    value.map(|value| value.map(Cow::Owned))
}
