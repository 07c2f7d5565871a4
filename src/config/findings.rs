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
pub(super) struct Findings {
    found: Vec<Finding>,
    left_out: Vec<String>,
}

impl Findings {
    /// No problems yet. The settings at these JSON pointers were left out because they have one
    /// already, and stand at their defaults.
    pub(super) const fn without(left_out: Vec<String>) -> Self {
        Self { found: Vec::new(), left_out }
    }

    /// Whether the setting at this JSON pointer was left out, alone or with what is around it: its
    /// value says nothing.
    pub(super) fn is_left_out(&self, pointer: &str) -> bool {
        let is_around = |known: &String| {
            pointer
                .strip_prefix(known.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.left_out.iter().any(is_around)
    }

    /// Whether a setting at or inside this JSON pointer has a problem.
    pub(super) fn has_within(&self, pointer: &str) -> bool {
        let is_within = |known: &str| {
            known.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.found.iter().any(|finding| is_within(&finding.pointer))
            || self.left_out.iter().any(|known| is_within(known))
    }

    /// Adds the problem of the setting at this JSON pointer.
    pub(super) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.found.push(Finding { pointer: pointer.into(), message: message.into() });
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
        findings.found
    }
}
