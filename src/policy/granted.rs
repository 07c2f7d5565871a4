//! A rule that let a request pass, for those that tell the service behind what the rule says.

use std::sync::Arc;

use super::{
    caller_facts::{CallerFacts, CallerProfile},
    outputs::RuleOutputs,
    variables::PathVariables,
};
use crate::{
    model::{Profile, RequestContext},
    verify::Identity,
};

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

    /// The facts of the check, as the rule tells them: of this identity, and of the profile, which was
    /// read before the permit where it is needed and there is one.
    #[must_use]
    pub fn facts<'a>(
        &'a self,
        request: &'a RequestContext,
        identity: Option<&'a Identity>,
        profile: Option<&'a Profile>,
    ) -> CallerFacts<'a> {
        CallerFacts {
            request,
            variables: &self.variables,
            identity,
            profile: profile.map_or(CallerProfile::None, CallerProfile::Read),
            sources: &self.outputs.sources,
        }
    }

    /// The variable of the path of this name, as it was sent: not decoded.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&[u8]> {
        self.variables.get(name)
    }
}
