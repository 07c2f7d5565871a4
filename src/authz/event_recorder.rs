//! Events about checks: of tokens that were verified or refused, and of checks that were denied.
//!
//! In: the end of a check. Out: at most three events, none of which is made unless somebody wants
//! events of its type.

use std::sync::Arc;

use super::{
    ends::{CheckApi, CheckEnd, CheckRecorder, outcome},
    facts::VerdictFacts,
};
use crate::{
    metrics::Label as _,
    model::{Denial, DenialClass, Event, EventRecorder, EventType},
    verify::Identity,
};

/// Tells the events about checks.
#[derive(Debug)]
pub(super) struct CheckEvents(Arc<dyn EventRecorder>);

impl CheckEvents {
    /// The events about checks; `None` if nobody wants any.
    pub(super) fn wanted(events: &Arc<dyn EventRecorder>) -> Option<Self> {
        const OF_CHECKS: [EventType; 3] =
            [EventType::TokenVerified, EventType::TokenRefused, EventType::CheckDenied];
        OF_CHECKS.iter().any(|kind| events.wants(*kind)).then(|| Self(events.clone()))
    }

    fn denied(&self, end: &CheckEnd<'_>, denial: &Denial) {
        let reason = denial.reason();
        let refused = matches!(reason.class(), DenialClass::BadCredential);
        if refused && self.0.wants(EventType::TokenRefused) {
            let event = Event::new(EventType::TokenRefused).word("reason", reason.code());
            let event = about_check(event.word("api", end.api.as_str()), end);
            self.0.record(about_denied(event, denial, end.facts));
        }
        if end.api == CheckApi::ExtAuthz && self.0.wants(EventType::CheckDenied) {
            let event = Event::new(EventType::CheckDenied).word("reason", reason.code());
            let event = about_check(event.word("outcome", outcome(reason).as_str()), end);
            self.0.record(about_denied(event, denial, end.facts));
        }
    }
}

impl CheckRecorder for CheckEvents {
    fn ended(&self, end: &CheckEnd<'_>) {
        if let (true, Some(identity)) = (end.facts.verified_anew, &end.facts.identity)
            && self.0.wants(EventType::TokenVerified)
        {
            let event = Event::new(EventType::TokenVerified).word("api", end.api.as_str());
            self.0.record(about(about_check(event, end), identity));
        }
        if let Err(denial) = end.result {
            self.denied(end, denial);
        }
    }
}

/// With the caller, or at least with the issuer that the denial is about.
fn about_denied(event: Event, denial: &Denial, facts: &VerdictFacts) -> Event {
    match (&facts.identity, denial.issuer()) {
        (Some(identity), _) => about(event, identity),
        (None, Some(issuer)) => event.at_issuer(issuer.clone()),
        (None, None) => event,
    }
}

fn about(event: Event, identity: &Identity) -> Event {
    event
        .at_issuer(identity.issuer.clone())
        .of_app(identity.app_id.as_deref())
        .of_user(Some(&identity.user_id))
        .text("session_id", identity.session_id.as_deref())
        .word("auth_level", identity.auth_level.as_str())
}

/// With the rule and the id of the request, which only requests of a proxy have.
fn about_check(event: Event, end: &CheckEnd<'_>) -> Event {
    if end.api != CheckApi::ExtAuthz {
        return event;
    }
    // It was checked to be visible ASCII when it was taken over.
    let request_id = std::str::from_utf8(&end.facts.request_id).ok();
    event.shared("rule", end.facts.rule.clone()).text("request_id", request_id)
}
