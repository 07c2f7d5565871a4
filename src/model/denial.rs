//! A denial: its reason, and what a client needs to know to do better.

use std::{borrow::Cow, sync::Arc, time::Duration};

use super::{class::DenialClass, denial_form::DenialForm, identity::AuthLevel, reason::DenyReason};

/// A denial, with its stable reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    reason: DenyReason,
    required_level: Option<AuthLevel>,
    for_everybody: bool,
    retry_after: Option<Duration>,
    issuer: Option<Arc<str>>,
    header: Option<Cow<'static, str>>,
    // In a box, because every check carries the size of a denial and few denials have any of it.
    details: Option<Box<DenialDetails>>,
}

/// The parts that only denials by a rule or a guard have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct DenialDetails {
    scopes: Option<Arc<[Box<str>]>>,
    max_age: Option<Duration>,
    guard: Option<Arc<str>>,
    explanation: Option<Explanation>,
    form: Option<Arc<DenialForm>>,
}

/// The part of the configuration that denied a request, for clients that may know it
/// (`check.explain_denials`). It never holds a value of the token or of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The id of the rule or of the guard.
    pub rule: Arc<str>,
    /// The requirement as it is configured: `role: owner`.
    pub required: Arc<str>,
}

impl Denial {
    /// Denied for this reason, and nothing more is known.
    const fn of(reason: DenyReason) -> Self {
        Self {
            reason,
            required_level: None,
            for_everybody: false,
            retry_after: None,
            issuer: None,
            header: None,
            details: None,
        }
    }

    /// Denied for a cause that lies with us or the issuer and holds for every caller: nothing
    /// a client sends can bring it about. A reason of another class than
    /// [`DenialClass::Unavailable`] never holds for everybody.
    #[must_use]
    pub const fn for_everybody(reason: DenyReason) -> Self {
        let mut denial = Self::of(reason);
        denial.for_everybody = matches!(reason.class(), DenialClass::Unavailable);
        denial
    }

    /// Denied for now: the same credential may be good after that time.
    #[must_use]
    pub const fn until(reason: DenyReason, retry_after: Duration) -> Self {
        let mut denial = Self::of(reason);
        denial.retry_after = Some(retry_after);
        denial
    }

    /// Denied because the value of this identity header is above the limits.
    #[must_use]
    pub fn identity_too_large(header: &'static str) -> Self {
        Self { header: Some(Cow::Borrowed(header)), ..Self::of(DenyReason::IdentityTooLarge) }
    }

    /// Denied because the value of this configured header or parameter is above the limits.
    #[must_use]
    pub fn output_too_large(name: &str) -> Self {
        Self { header: Some(name.to_owned().into()), ..Self::of(DenyReason::OutputTooLarge) }
    }

    /// Denied because this configured header or parameter has no value for the request.
    #[must_use]
    pub fn output_missing(name: &str) -> Self {
        Self { header: Some(name.to_owned().into()), ..Self::of(DenyReason::OutputMissing) }
    }

    /// The header or parameter whose value is above the limits or missing, where that was the matter.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// The reason in words for the client, with the name of the header where one was the matter.
    #[must_use]
    pub fn message(&self) -> Cow<'static, str> {
        let message = self.reason.message();
        self.header().map_or(message.into(), |header| format!("{message}: {header}").into())
    }

    /// After what time to ask again, where this denial knows it better than the settings.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// See [`Self::for_everybody`].
    #[must_use]
    pub const fn is_for_everybody(&self) -> bool {
        self.for_everybody
    }

    /// The auth level that would have been enough, where that was the matter.
    #[must_use]
    pub const fn required_level(&self) -> Option<AuthLevel> {
        self.required_level
    }

    /// The reason of the refusal.
    #[must_use]
    pub const fn reason(&self) -> DenyReason {
        self.reason
    }

    /// Denied because the auth level is below `required`.
    #[must_use]
    pub const fn level_too_low(required: AuthLevel, step_up: bool) -> Self {
        let reason = if step_up { DenyReason::StepUpRequired } else { DenyReason::AuthLevelTooLow };
        let mut denial = Self::of(reason);
        denial.required_level = Some(required);
        denial
    }

    /// Denied because the token lacks at least one of these scopes, which a rule asks for. The
    /// client is told all of them.
    #[must_use]
    pub fn scopes_missing(scopes: Arc<[Box<str>]>) -> Self {
        let mut denial = Self::of(DenyReason::ScopeMissing);
        denial.details_mut().scopes = Some(scopes);
        denial
    }

    /// Denied because the user signed in longer ago than `max_age`, or the token does not say when.
    #[must_use]
    pub fn authentication_too_old(max_age: Duration) -> Self {
        Self::of(DenyReason::AuthenticationTooOld).and_max_age(max_age)
    }

    /// Denied because a requirement of a rule is not met.
    #[must_use]
    pub const fn requirement_unmet() -> Self {
        Self::of(DenyReason::RequirementUnmet)
    }

    /// Denied because a fact that a rule asks for is absent or has another type.
    #[must_use]
    pub const fn requirement_unknown() -> Self {
        Self::of(DenyReason::RequirementUnknown)
    }

    /// Denied by the guard with this id.
    #[must_use]
    pub fn guard_refused(guard: Arc<str>) -> Self {
        let mut denial = Self::of(DenyReason::GuardRefused);
        denial.details_mut().guard = Some(guard);
        denial
    }

    /// Denied because the token was issued longer ago than a rule allows (`token_max_age`).
    #[must_use]
    pub const fn token_too_old() -> Self {
        Self::of(DenyReason::TokenTooOld)
    }

    /// Denied because an expression of a rule ended in an error.
    #[must_use]
    pub const fn expression_failed() -> Self {
        Self::of(DenyReason::ExpressionFailed)
    }

    /// The sign-in that would be enough also has to have at least this auth level.
    #[must_use]
    pub const fn and_level(mut self, required: AuthLevel) -> Self {
        self.required_level = Some(required);
        self
    }

    /// The sign-in that would be enough also has to be at most so long ago.
    #[must_use]
    pub fn and_max_age(mut self, max_age: Duration) -> Self {
        self.details_mut().max_age = Some(max_age);
        self
    }

    /// The same for a machine, which cannot sign in again: a plain "not enough rights" instead of
    /// the advice to sign in. Other denials stay as they are.
    #[must_use]
    pub fn for_machine(mut self) -> Self {
        match self.reason {
            DenyReason::StepUpRequired => self.reason = DenyReason::AuthLevelTooLow,
            DenyReason::AuthenticationTooOld => self.reason = DenyReason::SignInImpossible,
            _ => {}
        }
        self
    }

    /// With the part of the configuration that denied. The first call counts.
    #[must_use]
    pub fn explained(mut self, explanation: Explanation) -> Self {
        self.details_mut().explanation.get_or_insert(explanation);
        self
    }

    /// Without the part of the configuration that denied, for tests that compare the rest.
    #[cfg(test)]
    pub(crate) fn unexplained(mut self) -> Self {
        if let Some(details) = &mut self.details {
            details.explanation = None;
        }
        self.details = self.details.filter(|details| **details != DenialDetails::default());
        self
    }

    /// By a rule whose denials have this form. The first call counts.
    #[must_use]
    pub fn at_rule(mut self, form: Arc<DenialForm>) -> Self {
        self.details_mut().form.get_or_insert(form);
        self
    }

    /// The scopes that a rule asks for, where the token lacks one.
    #[must_use]
    pub fn scopes(&self) -> Option<&[Box<str>]> {
        self.details.as_ref()?.scopes.as_deref()
    }

    /// The longest time since the sign-in that would be enough, where that was the matter.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.details.as_ref()?.max_age
    }

    /// The id of the guard that denied.
    #[must_use]
    pub fn guard(&self) -> Option<&Arc<str>> {
        self.details.as_ref()?.guard.as_ref()
    }

    /// The part of the configuration that denied, where it is known.
    #[must_use]
    pub fn explanation(&self) -> Option<&Explanation> {
        self.details.as_ref()?.explanation.as_ref()
    }

    /// The form of the rule's denials; `None` where that of the whole configuration counts.
    #[must_use]
    pub fn form(&self) -> Option<&Arc<DenialForm>> {
        self.details.as_ref()?.form.as_ref()
    }

    fn details_mut(&mut self) -> &mut DenialDetails {
        self.details.get_or_insert_default()
    }

    /// Denied by the rules of this issuer, by its configured name. The first call counts.
    #[must_use]
    pub fn judged_by(mut self, issuer: &Arc<str>) -> Self {
        self.issuer.get_or_insert_with(|| issuer.clone());
        self
    }

    /// The configured name of the issuer whose token was denied: the one that the token's `iss`
    /// picked. `None` where no credential was read that far. Never what a client sent.
    #[must_use]
    pub const fn issuer(&self) -> Option<&Arc<str>> {
        self.issuer.as_ref()
    }
}

impl From<DenyReason> for Denial {
    fn from(reason: DenyReason) -> Self {
        Self::of(reason)
    }
}
