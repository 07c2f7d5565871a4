//! The claims that a rule or a header reads beside those of every identity: their names, and
//! their values as a token states them.

use std::sync::Arc;

use serde_json::Value;

/// The claims that the configuration asks for: each a claim's name, or the JSON pointer (RFC 6901)
/// of a claim inside another, which begins with a slash. No name is in it twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimNames(Vec<String>);

/// The values of the claims that were asked for, as far as a token has them. It holds nothing, and
/// takes no memory of its own, where no claim is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptClaims {
    values: Box<[(Arc<str>, Value)]>,
    unread: Box<[(Arc<str>, UnreadClaim)]>,
}

/// Why a token does not tell the value of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadClaim {
    /// The token says that it has the claim, and that the value is at another server.
    Elsewhere,
    /// It may be inside a claim whose value is at another server.
    Untold,
    /// The way to it leads through a value that has no members.
    Blocked,
}

impl ClaimNames {
    /// These names, in alphabetical order, each once.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    /// With these names too.
    #[must_use]
    pub fn and(self, more: impl IntoIterator<Item = String>) -> Self {
        Self::new(self.0.into_iter().chain(more))
    }

    /// The names, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl KeptClaims {
    /// The value of the claim that was asked for by this name; `None` if the token does not have
    /// it, if it is `null`, or if nobody asked for it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.stated(name).filter(|value| !value.is_null())
    }

    /// The same, with a `null` as the token states it.
    #[must_use]
    pub fn stated(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// With a note that the token does not tell the values of these claims.
    #[must_use]
    pub fn without(self, unread: impl IntoIterator<Item = (Arc<str>, UnreadClaim)>) -> Self {
        Self { unread: unread.into_iter().collect(), ..self }
    }

    /// The token does not tell the value of this claim: that the value is absent says nothing.
    #[must_use]
    pub fn is_unread(&self, name: &str) -> bool {
        self.why_unread(name).is_some()
    }

    /// Why the token does not tell the value of this claim; `None` if it does.
    #[must_use]
    pub fn why_unread(&self, name: &str) -> Option<UnreadClaim> {
        self.unread.iter().find(|(known, _)| **known == *name).map(|(_, why)| *why)
    }

    /// The bytes of the notes about claims that are unread.
    #[must_use]
    pub const fn unread_bytes(&self) -> usize {
        self.unread.len() * size_of::<(Arc<str>, UnreadClaim)>()
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(name, value)| (name.as_ref(), value))
    }
}

impl FromIterator<(Arc<str>, Value)> for KeptClaims {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(claims: I) -> Self {
        Self { values: claims.into_iter().collect(), unread: Box::default() }
    }
}
