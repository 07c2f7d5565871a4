//! The record of a check's steps.

use super::{request, rig, soon};
use crate::{
    metrics::CheckApi,
    model::{AllowReason, CredentialSource, DenyReason, Step},
};

const ROUTES: &str = "
credentials: [{ header: authorization }, { cookie: tok }]
routes:
  - { id: open, match: { path: { prefix: /open } }, auth: none }
  - { id: feed, match: { path: { prefix: /feed } }, auth: optional }
  - { id: cors, match: { path: { prefix: /cors } }, cors_preflight: true }
";

async fn steps(method: &str, path: &str, lines: super::Lines<'_>) -> Vec<Step> {
    let rig = rig(ROUTES);
    let pending = rig.authorizer.begin(CheckApi::ExtAuthz);
    let request = request(method, path, lines);
    let (explained, steps) = pending.explain(&request, soon()).await;
    // Explaining changes nothing about the verdict.
    assert_eq!(explained, rig.check(&request).await);
    steps
}

/// The rules before this one do not hold because of the path; then come these steps.
fn told(skipped: &[&str], rule: &str, then: &[Step]) -> Vec<Step> {
    let skip = |rule: &&str| Step::RuleSkipped { rule: (*rule).into(), because: "path" };
    let mut steps: Vec<Step> = skipped.iter().map(skip).collect();
    steps.push(Step::RuleChosen(rule.into()));
    steps.extend_from_slice(then);
    steps
}

#[tokio::test]
async fn a_check_tells_its_steps_in_order() {
    let decided = Step::Decided;
    let headers = || Step::HeadersMade { set: 0, removed: 10 };
    let cors = [("origin", "https://a.com"), ("access-control-request-method", "POST")];
    assert_eq!(
        steps("GET", "/open", &[]).await,
        told(
            &[],
            "open",
            &[Step::CredentialNotWanted, decided(Ok(AllowReason::Public)), headers()]
        )
    );
    assert_eq!(
        steps("GET", "/feed", &[]).await,
        told(
            &["open"],
            "feed",
            &[Step::CredentialAbsent, decided(Ok(AllowReason::Anonymous)), headers()]
        )
    );
    assert_eq!(
        steps("GET", "/", &[]).await,
        told(
            &["open", "feed", "cors"],
            "default",
            &[Step::CredentialAbsent, decided(Err(DenyReason::CredentialMissing))]
        )
    );
    assert_eq!(
        steps("OPTIONS", "/cors", &cors).await,
        told(
            &["open", "feed"],
            "cors",
            &[Step::Preflight, decided(Ok(AllowReason::CorsPreflight)), headers()]
        )
    );
    let found = steps("GET", "/feed", &[("authorization", "Bearer x")]).await;
    let expected = told(&["open"], "feed", &[Step::CredentialFound(CredentialSource::Header)]);
    assert_eq!(found[..expected.len()], expected);
}
