//! A warning about the configuration.

use std::{borrow::Cow, fmt};

/// Something that is allowed and probably not meant: the configuration is in force, and a person
/// should look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The stable word for this kind of warning.
    pub code: &'static str,
    /// The JSON pointer of the setting (RFC 6901); empty if it is about no single one.
    pub pointer: String,
    /// Where the setting was written, once that was looked up.
    pub place: Option<SettingPlace>,
    /// The cause, and what to write instead.
    pub text: Cow<'static, str>,
}

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingPlace {
    /// File, line and column, `rownd-authz.yaml:12:5`; or the environment variable.
    pub place: String,
    /// The number of the line; of a variable the highest there is, so that it sorts last.
    pub line: u64,
    /// The setting as people write it, `routes[0].auth`.
    pub setting: String,
}

impl Warning {
    /// A warning about no single setting.
    #[must_use]
    pub fn new(code: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code, pointer: String::new(), place: None, text: text.into() }
    }

    /// A warning about the setting at this JSON pointer.
    #[must_use]
    pub fn of(
        code: &'static str,
        pointer: impl Into<String>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, pointer: pointer.into(), place: None, text: text.into() }
    }

    /// The place for the start of a line that editors parse; empty if it is about no single setting.
    #[must_use]
    pub fn lead(&self) -> String {
        self.place.as_ref().map(|place| format!("{}: ", place.place)).unwrap_or_default()
    }

    /// The setting and the text, without the place.
    #[must_use]
    pub fn message(&self) -> String {
        match &self.place {
            Some(place) if !place.setting.is_empty() => {
                format!("{}: {}", place.setting, self.text)
            }
            Some(_) | None => self.text.clone().into_owned(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.lead(), self.message())
    }
}
