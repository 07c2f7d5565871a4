//! The outputs of a rule for the service behind, beside the identity headers of every check.

use std::sync::Arc;

use super::{requirement::FactSources, variables::PathVariables};
use crate::config::RulePassport;

/// The outputs of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOutputs {
    /// The name of the rule.
    pub id: Arc<str>,
    /// The signed token.
    pub passport: Option<Arc<RulePassport>>,
    reads_profile: bool,
}

impl RuleOutputs {
    /// Those of the rule of this name, by what the settings say.
    pub(super) fn new(
        id: &Arc<str>,
        passport: Option<&Arc<RulePassport>>,
        sources: &FactSources,
    ) -> Self {
        let reads_profile = passport.is_some_and(|passport| {
            passport.reads_profile() || (passport.states_rights() && sources.rights_read_profile())
        });
        Self { id: id.clone(), passport: passport.cloned(), reads_profile }
    }

    /// Some output is in the user's profile.
    #[must_use]
    pub const fn reads_profile(&self) -> bool {
        self.reads_profile
    }

    /// Some output is a variable of the path.
    #[must_use]
    pub fn reads_path(&self) -> bool {
        let Self { id: _, passport, reads_profile: _ } = self;
        passport.as_ref().is_some_and(|passport| passport.path_variables().next().is_some())
    }

    /// The rule has nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let Self { id: _, passport, reads_profile: _ } = self;
        passport.is_none()
    }
}

/// A rule that let a request pass, and the variables of the path by whose reading it was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedRule {
    pub(super) outputs: Arc<RuleOutputs>,
    pub(super) variables: PathVariables,
}

impl GrantedRule {
    /// The outputs of the rule.
    #[must_use]
    pub const fn outputs(&self) -> &Arc<RuleOutputs> {
        &self.outputs
    }

    /// The variable of the path of this name, as it was sent: not decoded.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&[u8]> {
        self.variables.get(name)
    }
}
