//! The record of a check's steps.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{request, rig, soon};
use crate::{
    authz::CheckApi,
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

#[tokio::test]
async fn a_check_tells_its_steps_in_order() {
    let rule = |id: &str| Step::RuleChosen(id.into());
    let skipped = |id: &str| Step::RuleSkipped { rule: id.into(), because: "path" };
    let decided = |result| Step::Decided(result);
    let headers = Step::HeadersMade { set: 0, removed: 12 };
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
            skipped("open"),
            rule("feed"),
            Step::CredentialAbsent,
            decided(Ok(AllowReason::Anonymous)),
            headers.clone()
        ]
    );
    assert_eq!(
        steps("GET", "/", &[]).await,
        [
            skipped("open"),
            skipped("feed"),
            skipped("cors"),
            rule("default"),
            Step::CredentialAbsent,
            decided(Err(DenyReason::CredentialMissing))
        ]
    );
    assert_eq!(
        steps("OPTIONS", "/cors", &cors).await,
        [
            skipped("open"),
            skipped("feed"),
            rule("cors"),
            Step::Preflight,
            decided(Ok(AllowReason::CorsPreflight)),
            headers
        ]
    );
    let found = steps("GET", "/feed", &[("authorization", "Bearer x")]).await;
    assert_eq!(
        found,
        [skipped("open"), rule("feed"), Step::CredentialFound(CredentialSource::Header)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_whose_key_is_not_known_says_so() {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let claims = part(r#"{"iss":"https://api.rownd.io","exp":4000000000}"#);
    let header = part(r#"{"alg":"EdDSA","kid":"k"}"#);
    let token = format!("Bearer {header}.{claims}.{}", "A".repeat(86));
    let steps = steps("GET", "/feed", &[("authorization", &token)]).await;
    let issuer = Step::IssuerChosen("rownd".into());
    let key = Step::KeyAbsent { key: Some("k".into()), others_known: false };
    assert_eq!(steps[steps.len() - 2..], [issuer, key]);
    assert!(!format!("{steps:?}").contains(&claims), "no part of a token is recorded");
}
