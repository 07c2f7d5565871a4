//! The problems that the checks of the sections find: each with its setting, none with a line yet.
//!
//! In: JSON pointer and message, as a check goes on. Out: all of them, for the one place that adds
//! file and line.

/// The problem of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The JSON pointer of the setting (RFC 6901); empty for the whole file.
    pub pointer: String,
    /// The cause, and what to write instead.
    pub message: String,
}

/// All problems that were found so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds the problem of the setting at this JSON pointer.
    pub(super) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(Finding { pointer: pointer.into(), message: message.into() });
    }

    /// Keeps the good value, or adds the message as the problem of this setting.
    pub(super) fn keep<T>(
        &mut self,
        pointer: impl Into<String>,
        result: Result<T, impl Into<String>>,
    ) -> Option<T> {
        result.map_err(|message| self.add(pointer, message)).ok()
    }
}

impl From<Findings> for Vec<Finding> {
    fn from(findings: Findings) -> Self {
        findings.0
    }
}
