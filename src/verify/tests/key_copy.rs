//! A copy of the key set elsewhere (`jwks_fallback_url`): it stands in for an issuer that has said
//! nothing, and never against what the issuer itself said lately.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::{ISS, Rig, Script, Signer, access, issuer, key_set, rig_of};
use crate::{
    model::DenyReason,
    upstream::Document,
    verify::key_source::FetchResult,
    verify::{
        CommandTarget,
        key_refresher::{FetchedIssuer, KeyRefresher},
        key_source::{FetchError, KeyDocuments},
    },
};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// The issuer, and the copy.
#[derive(Debug)]
struct Pair(Script, Script);

impl KeyDocuments for Pair {
    fn fetch(&mut self) -> BoxFuture<'_, Result<Document, FetchError>> {
        self.0.fetch()
    }

    fn fetch_copy(&mut self) -> Option<BoxFuture<'_, Result<Document, FetchError>>> {
        Some(self.1.fetch())
    }
}

async fn reason(rig: &Rig, key: &Signer) -> Option<DenyReason> {
    rig.verify(&key.token(&access())).await.err().map(|denial| denial.reason())
}

/// An issuer with these keys, beside a copy with those.
async fn beside(
    own: &[&Signer],
    copied: &[&Signer],
    test: impl AsyncFnOnce(&Rig, &Script, &Script),
) {
    let rig = rig_of(&format!("issuers: [{}]", issuer("one", ISS)), &[]);
    run(rig, own, copied, test).await;
}

async fn run(
    mut rig: Rig,
    own: &[&Signer],
    copied: &[&Signer],
    test: impl AsyncFnOnce(&Rig, &Script, &Script),
) {
    let (first, copy) = (Script::new(key_set(own)), Script::new(key_set(copied)));
    let keys = rig.verifier.issuers()[0].rings[0].keys.clone();
    let source = Box::new(Pair(first.clone(), copy.clone()));
    let metrics = rig.metrics.clone();
    let label = rig.verifier.issuers()[0].label();
    let series = FetchedIssuer { name: "one".into(), label, tenant: None };
    rig.refreshers.push(KeyRefresher::new(series, keys, source, metrics, None));
    rig.run(async |rig| test(rig, &first, &copy).await).await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_lags_behind_takes_nothing_back_that_the_issuer_said() {
    let (stolen, new) = (Signer::new("old", 1), Signer::new("new", 2));
    beside(&[&new], &[&stolen], async |rig, first, copy| {
        assert_eq!(reason(rig, &new).await, None);
        first.fail(FetchResult::Status);
        for minute in [1, 30, 12 * 60] {
            sleep(minute * MINUTE).await;
            assert_eq!(reason(rig, &new).await, None, "after {minute} minutes");
            let denied = reason(rig, &stolen).await;
            assert_ne!(denied, None, "withdrawn by the issuer, {minute} minutes");
        }
        assert_eq!(copy.fetches(), 0, "not asked either");
        assert_eq!(rig.metric("rownd_authz_keys_stale{issuer=\"one\"}"), 1.0);
        // The last answer of the issuer has become too old.
        sleep(DAY).await;
        assert_eq!(reason(rig, &stolen).await, None, "there is nothing but the copy");
        first.answer(key_set(&[&new]));
        sleep(20 * MINUTE).await;
        assert_eq!(reason(rig, &new).await, None, "the issuer is back");
        assert_eq!(reason(rig, &stolen).await, Some(DenyReason::KidUnknown));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_serves_and_is_kept_fresh_where_the_issuer_has_said_nothing() {
    let (one, two) = (Signer::new("one", 1), Signer::new("two", 2));
    beside(&[], &[&one], async |rig, first, copy| {
        assert_eq!(reason(rig, &one).await, None);
        copy.answer(key_set(&[&two]));
        sleep(20 * MINUTE).await;
        assert_eq!(reason(rig, &two).await, None, "the copy is asked again");
        assert_eq!(reason(rig, &one).await, Some(DenyReason::KidUnknown));
        // By command, everything is forgotten, and the copy is as good as before.
        rig.verifier.forget_keys(CommandTarget::default());
        sleep(MINUTE).await;
        assert_eq!(reason(rig, &two).await, None);
        assert!(first.fetches() >= copy.fetches(), "the issuer is asked first");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_copy_is_not_kept_as_the_issuers_own() {
    let (one, two) = (Signer::new("one", 1), Signer::new("two", 2));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let yaml = format!(
        "{{issuers: [{}], key_snapshots: {{directory: {}}}}}",
        issuer("one", ISS),
        path.display()
    );
    run(rig_of(&yaml, &[]), &[], &[&one], async |rig, first, _| {
        assert_eq!(reason(rig, &one).await, None);
        sleep(MINUTE).await;
        assert!(!path.join("one.keys").exists());
        first.answer(key_set(&[&two]));
        sleep(20 * MINUTE).await;
        assert_eq!(reason(rig, &two).await, None);
        assert!(path.join("one.keys").exists());
    })
    .await;
}
