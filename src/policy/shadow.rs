//! The decisions of rules and guards in shadow. They are reported, and change no verdict.

use std::sync::Arc;

use strum::{IntoStaticStr, VariantArray};

use super::unmet::ConditionState;

/// The most outcomes that one check reports.
pub(super) const MOST: usize = 8;

/// The decision of a rule or a guard in shadow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowOutcome {
    /// Its name.
    pub rule: Arc<str>,
    /// Its decision.
    pub decision: ShadowDecision,
}

/// The decision of a rule or a guard in shadow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ShadowDecision {
    /// It would have let the request pass.
    WouldAllow,
    /// It would have denied the request.
    WouldDeny,
    /// It cannot be judged: no rule in force reads the credential or the profile that it needs.
    Unjudged,
}

impl ShadowDecision {
    /// Of the state of its conditions. `reads_credential`: a rule in force reads one.
    pub(super) const fn of(state: &ConditionState, judgeable: bool) -> Self {
        match (judgeable, state) {
            (false, _) | (true, ConditionState::NeedsProfile) => Self::Unjudged,
            (true, ConditionState::Met) => Self::WouldAllow,
            (true, ConditionState::Unmet(_)) => Self::WouldDeny,
        }
    }

    /// Its word in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
