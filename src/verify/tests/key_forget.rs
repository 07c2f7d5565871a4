//! The command to forget keys: trust ends at once, cached claims included, and what comes
//! instead is fetched now, yet not as often as somebody may repeat the command.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{CommandTarget, ISS, Rig, Signer, access, issuer, key_set, rig, rig_of, soon, with};
use crate::{
    config::SigningAlgorithm, model::DenyReason, verify::fetch_budget::ClaimedIssueTime,
    verify::key_source::FetchResult,
};

const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(10);

/// Whether its keys are in use now, without waiting for any.
fn usable(rig: &Rig) -> usize {
    rig.verifier.issuers()[0].key_status().usable
}

fn stale(rig: &Rig) -> f64 {
    rig.metric("rownd_authz_keys_stale{issuer=\"one\"}")
}

#[tokio::test(start_paused = true)]
async fn forgotten_keys_verify_nothing_more() {
    let (stolen, new) = (Signer::new("k", 1), Signer::new("k", 2));
    let token = stolen.token(&access());
    rig(&[&stolen])
        .run_with_keys(async |rig| {
            assert!(rig.verify(&token).await.is_ok());
            assert!(rig.verify(&token).await.is_ok(), "its claims are cached");
            rig.script().answer(key_set(&[&new]));
            rig.script().takes(50 * SECOND / 1_000);
            assert_eq!(rig.verifier.forget_keys(CommandTarget::of(Some("one"))), 1);
            assert_eq!(usable(rig), 0);
            assert!(!rig.verifier.issuers()[0].can_decide());
            sleep(2 * SECOND).await;
            let denied = rig.verify(&token).await.unwrap_err();
            assert_eq!(denied.reason(), DenyReason::SignatureInvalid, "the new key is here");
            assert!(rig.verify(&new.token(&access())).await.is_ok());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_still_published_is_trusted_anew_but_no_claim_of_before() {
    let key = Signer::new("k", 1);
    let token = key.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            for _ in 0..2 {
                assert!(rig.verify(&token).await.is_ok());
            }
            rig.verifier.forget_keys(CommandTarget::default());
            sleep(2 * SECOND).await;
            assert!(rig.verify(&token).await.is_ok());
            assert_eq!((rig.verified("verified"), rig.verified("cached")), (2.0, 1.0));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_cooldown_does_not_hold_up_the_command_and_a_check_waits_for_it() {
    let key = Signer::new("k", 1);
    rig(&[&key])
        .run_with_keys(async |rig| {
            sleep(SECOND).await;
            rig.verifier.forget_keys(CommandTarget::default());
            let began = Instant::now();
            assert!(rig.verify(&key.token(&access())).await.is_ok());
            assert_eq!((began.elapsed(), rig.script().fetches()), (Duration::ZERO, 2));
            assert!(began.elapsed() < COOLDOWN);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_command_cannot_be_used_to_hammer() {
    rig(&[&Signer::new("k", 1)])
        .run_with_keys(async |rig| {
            for answer in [true, false] {
                if !answer {
                    rig.script().fail(FetchResult::Network);
                }
                let before = rig.script().fetches();
                for _ in 0..1_000 {
                    rig.verifier.forget_keys(CommandTarget::default());
                    sleep(Duration::from_millis(10)).await;
                }
                let fetches = rig.script().fetches() - before;
                assert!((9..=11).contains(&fetches), "{fetches} fetches in 10 s");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_began_before_the_command_is_void() {
    let (stolen, new) = (Signer::new("old", 1), Signer::new("new", 2));
    rig(&[&stolen])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            rig.script().takes(3 * SECOND);
            // A fetch begins; its answer is decided when it ends, as an issuer's would not be.
            let keys = &rig.verifier.issuers()[0].rings[0].keys;
            let _ = keys
                .find(Some("made up"), SigningAlgorithm::EdDSA, ClaimedIssueTime::UNKNOWN, soon())
                .await;
            rig.verifier.forget_keys(CommandTarget::default());
            sleep(3 * SECOND - Duration::from_millis(100)).await;
            assert_eq!((usable(rig), rig.script().fetches()), (0, 3), "void, and asked once more");
            assert_eq!(stale(rig), 1.0);
            rig.script().answer(key_set(&[&new]));
            sleep(3 * SECOND).await;
            assert_eq!((usable(rig), stale(rig)), (1, 0.0));
            let denied = rig.verify(&stolen.token(&access())).await.unwrap_err();
            assert_eq!(denied.reason(), DenyReason::KidUnknown);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn forgotten_keys_do_not_return_when_the_issuer_fails() {
    let key = Signer::new("k", 1);
    let token = key.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert!(rig.verify(&token).await.is_ok());
            rig.script().fail(FetchResult::Status);
            rig.verifier.forget_keys(CommandTarget::default());
            for _ in 0..20 {
                let denied = rig.verify(&token).await.unwrap_err();
                assert_eq!(denied.reason(), DenyReason::KeysUnavailable);
                assert!(denied.is_for_everybody());
                sleep(SECOND).await;
            }
            assert_eq!(stale(rig), 1.0);
            assert_eq!(rig.metric("rownd_authz_keys{issuer=\"one\"}"), 0.0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn one_issuer_is_meant_by_its_name_or_all_without() {
    let (one, two) = (Signer::new("k", 1), Signer::new("k", 2));
    let yaml = format!("issuers: [{}, {}]", issuer("one", ISS), issuer("two", "https://two.test"));
    let of_two = two.token(&with(access(), &json!({"iss": "https://two.test"})));
    rig_of(&yaml, &[key_set(&[&one]), key_set(&[&two])])
        .run_with_keys(async |rig| {
            for script in &rig.scripts {
                script.fail(FetchResult::Network);
            }
            for (name, expected) in [("three", 0), ("", 0), ("ONE", 0), ("one", 1)] {
                assert_eq!(
                    rig.verifier.forget_keys(CommandTarget::of(Some(name))),
                    expected,
                    "{name}"
                );
            }
            assert!(rig.verify(&one.token(&access())).await.is_err());
            assert!(rig.verify(&of_two).await.is_ok(), "the other keeps its keys");
            assert_eq!(rig.verifier.forget_keys(CommandTarget::default()), 2);
            assert!(rig.verify(&of_two).await.is_err());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn keys_that_stand_in_the_configuration_stay_forgotten() {
    let set = String::from_utf8(key_set(&[&Signer::new("k", 1)])).unwrap();
    let yaml = format!(
        "issuers: [{{name: one, kind: static, issuer: '{ISS}', audiences: [api], \
         algorithms: [EdDSA], auth_level: verified, key_set: '{set}'}}]"
    );
    let rig = rig_of(&yaml, &[]);
    let keys = &rig.verifier.issuers()[0].rings[0].keys;
    let find = async || {
        keys.find(Some("k"), SigningAlgorithm::EdDSA, ClaimedIssueTime::UNKNOWN, soon()).await
    };
    assert!(find().await.is_ok());
    assert_eq!((stale(&rig), rig.metric("rownd_authz_keys{issuer=\"one\"}")), (0.0, 1.0));
    assert_eq!(rig.verifier.forget_keys(CommandTarget::of(Some("one"))), 1);
    let denied = find().await.unwrap_err();
    assert_eq!((denied.reason(), usable(&rig)), (DenyReason::KeysUnavailable, 0));
    assert_eq!((stale(&rig), rig.metric("rownd_authz_keys{issuer=\"one\"}")), (1.0, 0.0));
}
