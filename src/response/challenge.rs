//! The value of `WWW-Authenticate` (RFC 9110 section 11.6.1).
//!
//! In: a denial and the settings. Out: one challenge of the scheme `Bearer`. Each value in it is a word
//! of the program or of the configuration, within the characters that a quoted string takes as they
//! are, so none is ever escaped.

use std::fmt::Write as _;

use super::ClassForm;
use crate::{
    config::DenialSettings,
    model::{Denial, DenialClass},
};

/// The content of a class's challenges.
pub(super) enum Challenge {
    /// There is none.
    None,
    /// The realm alone (RFC 6750 section 3.1).
    Bare,
    /// The realm, with error and description.
    Error,
}

/// The challenge of a denial, if its class has one.
pub(super) fn challenge(
    form: &ClassForm,
    settings: &DenialSettings,
    denial: &Denial,
) -> Option<String> {
    let mut text = format!("Bearer realm=\"{}\"", settings.realm);
    match form.challenge {
        Challenge::None => return None,
        Challenge::Bare => {}
        Challenge::Error => add_error(&mut text, form, denial),
    }
    // RFC 9728 section 5.1.
    if let Some(url) = &settings.resource_metadata {
        let _ = write!(text, ", resource_metadata=\"{url}\"");
    }
    Some(text)
}

fn add_error(text: &mut String, form: &ClassForm, denial: &Denial) {
    let message = denial.message();
    let _ = write!(text, ", error=\"{}\", error_description=\"{message}\"", form.error);
    // RFC 6750 section 3.
    let scopes: Vec<&str> = denial.scopes().unwrap_or_default().iter().map(AsRef::as_ref).collect();
    let scopes: Vec<&str> = scopes.into_iter().filter(|scope| is_scope_token(scope)).collect();
    if !scopes.is_empty() {
        let _ = write!(text, ", scope=\"{}\"", scopes.join(" "));
    }
    // RFC 9470 section 3.
    if denial.reason().class() == DenialClass::StepUp {
        if let Some(level) = denial.required_level() {
            let _ = write!(text, ", acr_values=\"{}\"", level.as_str());
        }
        if let Some(max_age) = denial.max_age() {
            let _ = write!(text, ", max_age=\"{}\"", max_age.as_secs());
        }
    }
}

/// RFC 6749 section 3.3: visible ASCII without `"` and `\`.
fn is_scope_token(scope: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !scope.is_empty() && scope.bytes().all(good)
}
