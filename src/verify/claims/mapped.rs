//! A claim that the claim map names: its place, and how its value is read.
//!
//! In: the claims of a token. Out: a text or a list of texts. A value of another JSON type than the
//! settings say is an error, never an absent claim.

use std::borrow::Cow;

use super::path::ClaimPath;
use crate::{
    config::Claim,
    model::DenyReason,
    verify::json::{Json, Object},
};

/// A claim of the map, compiled.
#[derive(Debug)]
pub(in crate::verify) struct MappedClaim {
    path: ClaimPath,
    /// The list is the names of an object's members.
    keys: bool,
    /// The value is a whole number, or a list of them.
    integer: bool,
}

impl MappedClaim {
    /// `None` if no place is written, which the check of the settings refuses.
    pub(in crate::verify) fn build(claim: &Claim) -> Option<Self> {
        let path = ClaimPath::new(claim.place()?);
        Some(Self { path, keys: claim.keys(), integer: claim.integer() })
    }

    /// The claim of a name or a pointer, read as text.
    pub(in crate::verify) fn of_text(text: &str) -> Self {
        Self { path: ClaimPath::of_text(text), keys: false, integer: false }
    }

    /// It is this claim, and not one inside another.
    pub(in crate::verify) fn is(&self, name: &str) -> bool {
        self.path.is(name)
    }

    /// The claim of the token that it is, or is inside of.
    pub(in crate::verify) fn first(&self) -> &str {
        self.path.first()
    }

    /// Its value; `null` counts as absent.
    pub(in crate::verify) fn find<'a, 'b>(&self, claims: &'a Object<'b>) -> Option<&'a Json<'b>> {
        self.path.find(claims)
    }

    /// Its text, if the token has the claim.
    pub(in crate::verify) fn text<'a>(
        &self,
        claims: &'a Object<'_>,
    ) -> Result<Option<Cow<'a, str>>, DenyReason> {
        self.reachable(claims)?;
        self.find(claims).map(|value| self.item(value)).transpose()
    }

    /// Its list, if the token has the claim: a list, or one item; of a text, with
    /// `split_at_blanks`, the words in it.
    pub(in crate::verify) fn list(
        &self,
        claims: &Object<'_>,
        split_at_blanks: bool,
    ) -> Result<Option<Vec<String>>, DenyReason> {
        self.reachable(claims)?;
        let Some(value) = self.find(claims) else { return Ok(None) };
        if self.keys {
            let object = value.object().ok_or(DenyReason::ClaimsInvalid)?;
            // `false` and `null` say that the user does not have it.
            let has = |value: &Json<'_>| !matches!(value, Json::Null | Json::Bool(false));
            let names = object.members().filter(|(_, value)| has(value));
            return Ok(Some(names.map(|(name, _)| name.to_owned()).collect()));
        }
        if let Some(items) = value.list() {
            let items = items.iter().map(|item| self.item(item).map(Cow::into_owned));
            return items.collect::<Result<_, _>>().map(Some);
        }
        let text = self.item(value)?;
        Ok(Some(if split_at_blanks {
            // By blanks alone (RFC 6749 section 3.3): another sign is a part of the word.
            text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        } else {
            vec![text.into_owned()]
        }))
    }

    /// Each value on the way to it has members.
    fn reachable(&self, claims: &Object<'_>) -> Result<(), DenyReason> {
        if self.path.is_blocked(claims) { Err(DenyReason::ClaimsInvalid) } else { Ok(()) }
    }

    /// A text, or a whole number where the settings say so: then nothing else, as the user 7 and
    /// the user "7" may be two.
    fn item<'a>(&self, value: &'a Json<'_>) -> Result<Cow<'a, str>, DenyReason> {
        if !self.integer {
            return value.text().map(Cow::Borrowed).ok_or(DenyReason::ClaimsInvalid);
        }
        // Numbers with a fraction, an exponent, or more than 64 bits are read as floats.
        match value {
            Json::Unsigned(number) => Ok(number.to_string().into()),
            Json::Negative(number) => Ok(number.to_string().into()),
            Json::Null
            | Json::Bool(_)
            | Json::Float(_)
            | Json::Text(_)
            | Json::List(_)
            | Json::Object(_) => Err(DenyReason::ClaimsInvalid),
        }
    }
}
