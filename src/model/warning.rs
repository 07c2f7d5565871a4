//! A warning about the configuration.

use std::{borrow::Cow, fmt};

/// Something that is allowed and probably not meant: the configuration is in force, and a person
/// should look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The stable word for this kind of warning.
    pub code: &'static str,
    /// The cause, and what to write instead.
    pub text: Cow<'static, str>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
