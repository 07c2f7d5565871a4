//! The facts that conditions look at, and those that have to be read first.

use std::collections::BTreeSet;

use super::variables::PathVariables;
use crate::{
    expression::ExpressionWork,
    model::{CredentialSource, Profile, RequestContext},
    verify::Identity,
};

/// The facts that a condition may look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence<'a> {
    /// The request, as the proxy describes it.
    pub(super) request: &'a RequestContext,
    /// The variables of the path; none unless [`Needs::path_variables`] is set.
    pub(super) variables: &'a PathVariables,
    /// The verified identity; `None` if no credential was sent, or no rule reads one.
    pub(super) identity: Option<&'a Identity>,
    /// The profile of its user; `None` until it has been read.
    pub(super) profile: Option<&'a Profile>,
    /// Where the credential was found, if there is one.
    pub(super) source: Option<CredentialSource>,
    /// The time of the check, Unix seconds.
    pub(super) now: u64,
    /// The work that is left for expressions.
    pub(super) work: &'a ExpressionWork,
}

/// The facts that rules need before they can be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// A credential is looked for, and verified if there is one.
    pub identity: bool,
    /// The user's profile may have to be read.
    pub profile: bool,
    /// The variables of the path are read.
    pub path_variables: bool,
    /// The names of the claims that an identity keeps, as [`ClaimNames`](crate::model::ClaimNames)
    /// writes them.
    pub claims: BTreeSet<String>,
}

impl Needs {
    /// Adds the needs of another condition or rule.
    pub(super) fn extend(&mut self, other: Self) {
        let Self { identity, profile, path_variables, claims } = other;
        self.identity |= identity;
        self.profile |= profile;
        self.path_variables |= path_variables;
        self.claims.extend(claims);
    }
}
