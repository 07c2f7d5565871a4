//! The outputs of a rule for the service behind, beside the identity headers of every check.

use std::sync::Arc;

/// The outputs of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOutputs {
    /// The name of the rule.
    pub id: Arc<str>,
}

impl RuleOutputs {
    /// Some output is in the user's profile.
    #[must_use]
    pub const fn reads_profile(&self) -> bool {
        let Self { id: _ } = self;
        false
    }

    /// The rule has nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let Self { id: _ } = self;
        true
    }
}
