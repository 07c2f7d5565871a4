//! The names that a source holds for one user, as they stand in the identity or in the profile.
//!
//! In: a claim, an attribute, the groups of a profile. Out: the names, borrowed, or why they cannot be
//! read. A value of another type is unreadable as a whole: a list of which only a part is understood
//! may say something else than that part.

use serde_json::Value;

use crate::model::{Group, KeptClaims, Profile};

/// The claim with the e-mail address (OpenID Connect Core section 5.1).
pub(super) const EMAIL: &str = "email";
/// The claim that says whether the issuer has verified it.
pub(super) const EMAIL_VERIFIED: &str = "email_verified";
/// The claim with the roles of a SuperTokens session.
pub(super) const ST_ROLE: &str = "/st-role/v";
/// The claim with the permissions of a SuperTokens session.
pub(super) const ST_PERM: &str = "/st-perm/v";
/// The state of a membership that is not an invitation.
const ACTIVE: &str = "active";

/// A value has another type than the source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// A text, or a list of texts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Texts<'a> {
    One(Option<&'a str>),
    /// All of them are texts.
    Many(&'a [Value]),
}

impl<'a> Texts<'a> {
    /// The texts of a value; none of one that is absent.
    pub(super) fn read(value: Option<&'a Value>) -> Result<Self, Unreadable> {
        match value {
            None | Some(Value::Null) => Ok(Self::One(None)),
            Some(Value::String(text)) => Ok(Self::One(Some(text))),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                Ok(Self::Many(items))
            }
            Some(Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                Err(Unreadable)
            }
        }
    }

    /// The texts of a claim of the token.
    pub(super) fn of_claim(claims: &'a KeptClaims, name: &str) -> Result<Self, Unreadable> {
        if claims.is_unread(name) { Err(Unreadable) } else { Self::read(claims.get(name)) }
    }

    /// Each text, but no empty one: that names nothing.
    pub(super) fn iter(self) -> impl Iterator<Item = &'a str> {
        let (one, many) = match self {
            Self::One(one) => (one, [].as_slice()),
            Self::Many(many) => (None, many),
        };
        let texts = one.into_iter().chain(many.iter().filter_map(Value::as_str));
        texts.filter(|text| !text.is_empty())
    }
}

/// The texts of an attribute of the profile.
pub(super) fn attribute_texts<'a>(
    profile: &'a Profile,
    attribute: &str,
) -> Result<Texts<'a>, Unreadable> {
    if profile.odd.attributes {
        return Err(Unreadable);
    }
    Texts::read(profile.attributes.get(attribute))
}

/// The groups in which the user is an active member. A group whose id holds a slash is none of them:
/// its id and a role could read as another group's id and role.
pub(super) fn active_groups(profile: &Profile) -> impl Iterator<Item = &Group> {
    profile.groups.iter().filter(|group| {
        group.member_state.as_deref() == Some(ACTIVE)
            && !group.id.is_empty()
            && !group.id.contains('/')
    })
}
