//! The form of a denial is that of the rule that was chosen, whichever step denied; before a rule is
//! chosen, and where several rules hold whose forms differ, it is that of the whole configuration.

use std::{sync::Arc, time::Duration};

use super::{Rig, request, rig};
use crate::{
    authz::{CheckApi, Verdict, VerdictFacts, in_flight::to_caller},
    model::{AuthLevel, Denial, DenyReason, IdentityFacts},
    verify::Identity,
};

const ROUTES: &str = "
routes:
  - { id: shop, match: { path: { prefix: /shop } }, odd_paths: judge, denial: { html: { title: Shop } } }
  - { id: same, match: { path: { prefix: /same } }, odd_paths: judge, denial: { html: { title: Shop } } }
  - { id: api, match: { path: { prefix: /api } }, odd_paths: judge, denial: { json: true } }
  - { id: rest, match: { path: { prefix: / } }, odd_paths: judge }
denial: { html: { title: Common } }
";

async fn denied(rig: &Rig, path: &str, lines: &[(&str, &str)]) -> Denial {
    match rig.check(&request("GET", path, lines)).await {
        Verdict::Deny { denial, .. } => denial,
        allowed @ Verdict::Allow(_) => panic!("{path}: {allowed:?}"),
    }
}

/// The title of the page of a rule; `None` where the common form counts, `-` where there is no page.
fn title(denial: &Denial) -> Option<&str> {
    denial.form().map(|form| form.page.as_ref().map_or("-", |page| page.title.as_str()))
}

#[tokio::test]
async fn every_step_after_the_choice_denies_in_the_form_of_the_rule() {
    let rig = rig(ROUTES);
    let bad = [("authorization", "Bearer bad")];
    let two = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    for (name, path, lines, reason, expected) in [
        ("nobody", "/shop/a", &[][..], DenyReason::CredentialMissing, Some("Shop")),
        ("a bad token", "/shop/a", &bad[..], DenyReason::TokenMalformed, Some("Shop")),
        ("two tokens", "/shop/a", &two[..], DenyReason::CredentialsAmbiguous, Some("Shop")),
        ("a rule of JSON", "/api/a", &[], DenyReason::CredentialMissing, Some("-")),
        ("a rule without a form", "/other", &[], DenyReason::CredentialMissing, None),
        ("before the choice", "/shop/%zz", &[], DenyReason::PathRefused, None),
        ("two rules", "/shop/../api", &[], DenyReason::CredentialMissing, None),
        ("a rule with and one without", "/shop/../b", &[], DenyReason::CredentialMissing, None),
        (
            "two rules of one form",
            "/shop/../same",
            &[],
            DenyReason::CredentialMissing,
            Some("Shop"),
        ),
    ] {
        let denial = denied(&rig, path, lines).await;
        assert_eq!((denial.reason(), title(&denial)), (reason, expected), "{name}");
    }
}

#[tokio::test]
async fn a_message_that_is_no_request_is_denied_in_the_common_form() {
    let pending = rig(ROUTES).authorizer.begin(CheckApi::ExtAuthz);
    assert_eq!(pending.deny(DenyReason::Internal).result().unwrap_err().form(), None);
}

#[test]
fn a_machine_is_not_told_to_sign_in() {
    let user = || IdentityFacts::new("u".to_owned(), "one".into(), AuthLevel::Guest);
    let max_age = Duration::from_secs(60);
    for (machine, denial, expected) in [
        (false, Denial::authentication_too_old(max_age), DenyReason::AuthenticationTooOld),
        (true, Denial::authentication_too_old(max_age), DenyReason::SignInImpossible),
        (true, Denial::level_too_low(AuthLevel::Verified, true), DenyReason::AuthLevelTooLow),
        (true, DenyReason::CredentialMissing.into(), DenyReason::CredentialMissing),
    ] {
        let who = Arc::new(Identity::for_test(IdentityFacts { machine, ..user() }));
        let facts = VerdictFacts { identity: Some(who), ..VerdictFacts::unknown() };
        let told = to_caller(denial, &facts);
        assert_eq!((told.reason(), told.issuer().map(AsRef::as_ref)), (expected, Some("one")));
    }
}
