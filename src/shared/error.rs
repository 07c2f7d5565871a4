//! Why the store gave no answer.

use super::labels::SharedResult;

/// The most characters of an error of the store that are shown.
const MAX_SHOWN: usize = 200;

/// Why the store gave no answer. Holds no key, no value and no password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SharedError {
    /// There is no connection, or it broke. It is unknown whether the store has heard the question.
    #[error("no connection to the shared store: {0}")]
    Unreachable(String),
    /// There was no answer in time. It is unknown whether the store has heard the question.
    #[error("the shared store did not answer in time")]
    Late,
    /// The store has no room. Nothing was written.
    #[error("the shared store is full: {0}")]
    Full(String),
    /// The store refused the question. Nothing was written.
    #[error("the shared store refuses: {0}")]
    Refused(String),
}

impl SharedError {
    /// The text of an error that comes from outside: one short line of plain characters.
    pub(super) fn shown(text: &str) -> String {
        text.chars()
            .map(|sign| if sign.is_control() { ' ' } else { sign })
            .take(MAX_SHOWN)
            .collect()
    }

    pub(super) const fn metric_result(&self) -> SharedResult {
        match self {
            Self::Unreachable(_) => SharedResult::Unreachable,
            Self::Late => SharedResult::Timeout,
            Self::Full(_) => SharedResult::Full,
            Self::Refused(_) => SharedResult::Refused,
        }
    }
}
