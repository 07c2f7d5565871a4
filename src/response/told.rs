//! The parts of a denial that a body tells, in each of its forms.

use std::borrow::Cow;

use super::{
    ClassForm, Recipient,
    page::{PageText, page},
};
use crate::{
    config::DenialSettings,
    model::{Denial, DenialClass, DenialPage},
};

/// The parts of a denial that a body tells.
pub(super) struct Told<'a> {
    reason: &'static str,
    message: Cow<'static, str>,
    request_id: Cow<'a, str>,
    /// The rule or guard, and what it asked for, where the settings let clients know it.
    explanation: Option<(&'a str, Cow<'a, str>)>,
}

impl<'a> Told<'a> {
    pub(super) fn of(denial: &'a Denial, settings: &DenialSettings, client: Recipient<'a>) -> Self {
        let forbids = denial.reason().class() == DenialClass::Forbidden;
        let explanation = (settings.explain && forbids).then(|| match denial.explanation() {
            Some(known) => (&*known.rule, Cow::Borrowed(&*known.required)),
            None => {
                let rule = denial.guard().map_or(client.rule, |guard| guard);
                (rule, required(denial).into())
            }
        });
        Self {
            reason: denial.reason().code(),
            message: denial.message(),
            request_id: String::from_utf8_lossy(client.request_id),
            explanation,
        }
    }

    /// For gRPC: a line of text, which libraries show as the message.
    pub(super) fn text(&self) -> String {
        let Self { reason, message, .. } = self;
        match &self.explanation {
            Some((rule, required)) if !required.is_empty() => {
                format!("{reason}: {message} (rule {rule}: {required})")
            }
            Some((rule, _)) => format!("{reason}: {message} (rule {rule})"),
            None => format!("{reason}: {message}"),
        }
    }

    /// For every other client.
    pub(super) fn json(&self, form: &ClassForm) -> String {
        let mut body = serde_json::json!({
            "error": form.error,
            "reason": self.reason,
            "message": self.message,
            "request_id": self.request_id,
        });
        if let (Some((rule, required)), Some(members)) = (&self.explanation, body.as_object_mut()) {
            members.insert("rule".to_owned(), (*rule).into());
            if !required.is_empty() {
                members.insert("required".to_owned(), required.as_ref().into());
            }
        }
        body.to_string()
    }

    /// For browsers.
    pub(super) fn page(&self, looks: &DenialPage, form: &ClassForm) -> String {
        let (rule, required) = self
            .explanation
            .as_ref()
            .map_or(("", ""), |(rule, required)| (*rule, required.as_ref()));
        let details = [
            ("Reason", self.reason),
            ("Rule", rule),
            ("Required", required),
            ("Request", self.request_id.as_ref()),
        ];
        let details: Vec<_> = details.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let message = capitalized(&self.message);
        page(looks, &PageText { heading: form.heading, message: &message, details: &details })
    }
}

/// The requirement that a denial itself knows.
fn required(denial: &Denial) -> String {
    match (denial.required_level(), denial.scopes()) {
        (Some(level), _) => format!("auth_level: {}", level.as_str()),
        (None, Some(scopes)) => format!("scope: {}", scopes.join(" ")),
        (None, None) => String::new(),
    }
}

/// A message as a sentence.
fn capitalized(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}
