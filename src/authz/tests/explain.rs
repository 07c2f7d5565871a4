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
    steps.into_iter().filter(|step| !matches!(step, Step::RuleSkipped { .. })).collect()
}

#[tokio::test]
async fn a_check_tells_its_steps_in_order() {
    let rule = |id: &str| Step::RuleChosen(id.into());
    let decided = |result| Step::Decided(result);
    let headers = Step::HeadersMade { set: 0, removed: 10 };
    let cors = [("origin", "https://a.com"), ("access-control-request-method", "POST")];
    assert_eq!(
        steps("GET", "/open", &[]).await,
        [
            rule("open"),
            Step::CredentialNotWanted,
            decided(Ok(AllowReason::Public)),
            headers.clone()
        ]
    );
    assert_eq!(
        steps("GET", "/feed", &[]).await,
        [
            rule("feed"),
            Step::CredentialAbsent,
            decided(Ok(AllowReason::Anonymous)),
            headers.clone()
        ]
    );
    assert_eq!(
        steps("GET", "/", &[]).await,
        [rule("default"), Step::CredentialAbsent, decided(Err(DenyReason::CredentialMissing))]
    );
    assert_eq!(
        steps("OPTIONS", "/cors", &cors).await,
        [rule("cors"), Step::Preflight, decided(Ok(AllowReason::CorsPreflight)), headers]
    );
    let found = steps("GET", "/feed", &[("authorization", "Bearer x")]).await;
    let expected = [rule("feed"), Step::CredentialFound(CredentialSource::Header)];
    assert_eq!(found[..2], expected);
}
