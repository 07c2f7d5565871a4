//! A requirement as it holds after the check.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, Serializer};

use super::{texts::Texts, value_test::ValueTests, words::PathIdentity, written::WrittenRequire};
use crate::{
    expression::{Expression, PlaceRoot},
    model::{AuthLevel, CredentialSource},
};

/// The conditions of a rule beside a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    pub(super) written: WrittenRequire,
    pub(super) root: RequirementNode,
    /// Where each condition stands below the requirement (JSON pointers), in the order of
    /// [`Self::leaves`].
    pub(super) places: Vec<String>,
}

/// A part of a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequirementNode {
    /// It never holds.
    Never,
    /// Each of these has to hold.
    All(Vec<Self>),
    /// One of these has to hold.
    Any(Vec<Self>),
    /// None of these may hold.
    NoneOf(Vec<Self>),
    /// One condition.
    Leaf(RequirementLeaf),
}

/// One condition. Of several texts, one has to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequirementLeaf {
    /// The least auth level.
    AuthLevel(AuthLevel),
    /// The user is a guest, or is none.
    Anonymous(bool),
    /// A field that the user has proved.
    Verified(Texts),
    /// The configured name of the issuer.
    Issuer(Texts),
    /// The id of the app.
    App(Texts),
    /// The id of the app variant.
    AppVariant(Texts),
    /// The tenant.
    Tenant(Texts),
    /// The id of the user.
    User(Texts),
    /// A scope of the token.
    Scope(Texts),
    /// A role of the user.
    Role(Texts),
    /// A permission of the user.
    Permission(Texts),
    /// A group of the user.
    Group(Texts),
    /// A role in a group.
    GroupRole {
        /// The ids of groups.
        group: Texts,
        /// The roles in them.
        role: Texts,
    },
    /// An attribute of the profile.
    Attribute(ValuePlace, ValueTests),
    /// A claim of the token.
    Claim(ValuePlace, ValueTests),
    /// A variable of the path is this part of the identity.
    PathIsIdentity {
        /// The name of the variable.
        variable: String,
        /// The part of the identity.
        field: PathIdentity,
    },
    /// A variable of the path is the text of this claim.
    PathIsClaim {
        /// The name of the variable.
        variable: String,
        /// The claim.
        claim: ValuePlace,
    },
    /// The longest time since the user signed in.
    MaxAge(Duration),
    /// The longest time since the token was issued.
    TokenMaxAge(Duration),
    /// Where the credential was found.
    Source(Vec<CredentialSource>),
    /// An expression that has to be true.
    Cel(Arc<Expression>),
}

/// A value's place: its name, or its JSON pointer, which begins with a slash. A name that begins
/// with a slash itself is held as the pointer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePlace(String);

impl Requirement {
    /// The requirement as it is written.
    pub(in crate::config) const fn written(&self) -> &WrittenRequire {
        &self.written
    }

    /// The whole of the conditions.
    #[must_use]
    pub const fn root(&self) -> &RequirementNode {
        &self.root
    }

    /// Where each condition stands below the requirement (JSON pointers), in the order of
    /// [`Self::leaves`].
    #[must_use]
    pub fn places(&self) -> &[String] {
        &self.places
    }

    /// Every condition, wherever it stands.
    pub fn leaves(&self) -> impl Iterator<Item = &RequirementLeaf> {
        let mut found = Vec::new();
        self.root.collect(&mut found);
        found.into_iter()
    }
}

impl RequirementNode {
    fn collect<'a>(&'a self, found: &mut Vec<&'a RequirementLeaf>) {
        match self {
            Self::Never => {}
            Self::All(nodes) | Self::Any(nodes) | Self::NoneOf(nodes) => {
                nodes.iter().for_each(|node| node.collect(found));
            }
            Self::Leaf(leaf) => found.push(leaf),
        }
    }
}

impl RequirementLeaf {
    /// It can be judged only of a request with an identity.
    #[must_use]
    pub fn reads_identity(&self) -> bool {
        match self {
            Self::Cel(expression) => [PlaceRoot::Identity, PlaceRoot::Claims, PlaceRoot::Profile]
                .iter()
                .any(|root| expression.reads(*root)),
            Self::AuthLevel(_)
            | Self::Anonymous(_)
            | Self::Verified(_)
            | Self::Issuer(_)
            | Self::App(_)
            | Self::AppVariant(_)
            | Self::Tenant(_)
            | Self::User(_)
            | Self::Scope(_)
            | Self::Role(_)
            | Self::Permission(_)
            | Self::Group(_)
            | Self::GroupRole { .. }
            | Self::Attribute(..)
            | Self::Claim(..)
            | Self::PathIsIdentity { .. }
            | Self::PathIsClaim { .. }
            | Self::MaxAge(_)
            | Self::TokenMaxAge(_)
            | Self::Source(_) => true,
        }
    }

    /// The setting's name.
    #[must_use]
    pub const fn setting(&self) -> &'static str {
        match self {
            Self::AuthLevel(_) => "auth_level",
            Self::Anonymous(_) => "anonymous",
            Self::Verified(_) => "verified",
            Self::Issuer(_) => "issuer",
            Self::App(_) => "app",
            Self::AppVariant(_) => "app_variant",
            Self::Tenant(_) => "tenant",
            Self::User(_) => "user",
            Self::Scope(_) => "scope",
            Self::Role(_) => "role",
            Self::Permission(_) => "permission",
            Self::Group(_) => "group",
            Self::GroupRole { .. } => "group_role",
            Self::Attribute(..) => "attribute",
            Self::Claim(..) => "claim",
            Self::PathIsIdentity { .. } | Self::PathIsClaim { .. } => "equals",
            Self::MaxAge(_) => "max_age",
            Self::TokenMaxAge(_) => "token_max_age",
            Self::Source(_) => "source",
            Self::Cel(_) => "cel",
        }
    }
}

impl ValuePlace {
    /// A value of this name.
    pub(super) fn of_name(name: &str) -> Self {
        if name.starts_with('/') {
            Self(format!("/{}", name.replace('~', "~0").replace('/', "~1")))
        } else {
            Self(name.to_owned())
        }
    }

    /// A JSON pointer, which begins with a slash.
    pub(super) fn of_pointer(pointer: &str) -> Self {
        Self(pointer.to_owned())
    }

    /// The text by which [`ClaimNames`](crate::model::ClaimNames) has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ValuePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Printed as it is written in the file.
impl Serialize for Requirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}
