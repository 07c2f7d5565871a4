//! A section of the configuration checks itself.
//!
//! To add a section: a file in `sections/` with its settings and its check, and one field each in
//! `WrittenConfig` and `Config`. Checks that need two sections are in `validate/`.

use super::findings::Findings;

/// A section as it is written, which finds its own problems.
pub(super) trait Section {
    /// The section as it holds after the check.
    type Checked;

    /// Adds every problem of the section at this JSON pointer. The result may lack the settings
    /// that have a problem.
    fn check(self, at: &str, found: &mut Findings) -> Self::Checked;
}
