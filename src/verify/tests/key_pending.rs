//! Tokens whose key nobody knows yet, under paused time: what they are told, for how long, and
//! what cannot delay the fetch that finds their key.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{APP, ISS, NOW, Rig, Signer, access, key_set, rig, rig_of, with};
use crate::{
    config::SigningAlgorithm,
    model::{Denial, DenyReason},
    verify::key_source::FetchResult,
    verify::{Identity, fetch_budget::ClaimedIssueTime},
};

const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(10);

/// At the time of the test's clock, which began at [`NOW`].
async fn verify(rig: &Rig, token: &Bytes, began: Instant) -> Result<Arc<Identity>, Denial> {
    rig.verify_at(token, NOW + began.elapsed().as_secs()).await
}

async fn denied(rig: &Rig, token: &Bytes, began: Instant) -> (DenyReason, Option<Duration>) {
    let denial = verify(rig, token, began).await.unwrap_err();
    assert!(!denial.is_for_everybody(), "a client can cause it: {denial:?}");
    (denial.reason(), denial.retry_after())
}

fn issued(iat: &Value) -> Value {
    with(access(), &json!({ "iat": iat }))
}

#[tokio::test(start_paused = true)]
async fn the_denial_of_an_unknown_key_depends_on_the_issue_time_of_the_token() {
    let new = Signer::new("new", 2);
    let pending = (DenyReason::KeyPending, Some(COOLDOWN));
    let unknown = (DenyReason::KidUnknown, None);
    let table = [
        ("now", json!(NOW), pending),
        ("a minute before the fetch", json!(NOW - 60), pending),
        ("longer ago", json!(NOW - 62), unknown),
        ("half a second", json!(NOW as f64 - 30.5), pending),
        ("at the start of time", json!(0), unknown),
        ("in the future, within the leeway", json!(NOW + 30), pending),
        ("in the future, beyond the leeway", json!(NOW + 31), unknown),
        ("at the end of time", json!(253_402_300_799_u64), unknown),
        ("never", Value::Null, unknown),
        ("no number", json!(NOW.to_string()), (DenyReason::TokenMalformed, None)),
        ("a list", json!([NOW]), (DenyReason::TokenMalformed, None)),
    ];
    rig(&[&Signer::new("old", 1)])
        .run_with_keys(async |rig| {
            let began = Instant::now();
            for (what, iat, expected) in table {
                let found = denied(rig, &new.token(&issued(&iat)), began).await;
                assert_eq!(found, expected, "{what}");
            }
            assert_eq!(rig.script().fetches(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_is_pending_for_the_rest_of_the_cooldown_and_then_good() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    let token = new.token(&issued(&json!(NOW)));
    rig(&[&old])
        .run_with_keys(async |rig| {
            let began = Instant::now();
            rig.script().answer(key_set(&[&old, &new]));
            for passed in [0, 3, 6] {
                let found = denied(rig, &token, began).await;
                let rest = COOLDOWN - Duration::from_secs(passed);
                assert_eq!(found, (DenyReason::KeyPending, Some(rest)), "after {passed} s");
                sleep(3 * SECOND).await;
            }
            sleep(SECOND).await;
            // It was refused three times, and none of it is remembered.
            assert!(verify(rig, &token, began).await.is_ok());
            assert_eq!((rig.script().fetches(), rig.verified("key_pending")), (2, 3.0));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_never_comes_is_pending_for_little_more_than_a_minute() {
    let stranger = Signer::new("stranger", 2);
    let token = stranger.token(&issued(&json!(NOW)));
    rig(&[&Signer::new("old", 1)])
        .run_with_keys(async |rig| {
            let began = Instant::now();
            let mut last = 0;
            for second in 0..120 {
                match denied(rig, &token, began).await {
                    (DenyReason::KeyPending, Some(rest)) => {
                        assert!(rest <= COOLDOWN, "{rest:?}");
                        last = second;
                    }
                    found => assert_eq!(found, (DenyReason::KidUnknown, None)),
                }
                sleep(SECOND).await;
            }
            assert!((60..=75).contains(&last), "pending for {last} s");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_fetched_no_key_is_pending() {
    let (known, new) = (Signer::new("known", 1), Signer::new("new", 2));
    let set = json!({"keys": [known.jwk()]}).to_string();
    let yaml = format!(
        "issuers: [{{name: one, kind: static, issuer: '{ISS}', audiences: ['app:{APP}'], \
         key_set: '{set}'}}]"
    );
    let rig = rig_of(&yaml, &[]);
    let began = Instant::now();
    let found = denied(&rig, &new.token(&issued(&json!(NOW))), began).await;
    assert_eq!(found, (DenyReason::KidUnknown, None));
}

#[tokio::test(start_paused = true)]
async fn bad_signatures_take_no_fetch_away_from_a_new_key() {
    let (old, new, forger) = (Signer::new("old", 1), Signer::new("new", 2), Signer::new("old", 3));
    let good = new.token(&issued(&json!(NOW + 20)));
    rig(&[&old])
        .run_with_keys(async |rig| {
            let began = Instant::now();
            sleep(2 * COOLDOWN).await;
            // A forged signature has the keys fetched, and the issuer rotates just after that.
            let forged = forger.token(&access());
            let found = denied(rig, &forged, began).await;
            assert_eq!(found, (DenyReason::SignatureInvalid, None));
            sleep(SECOND).await;
            assert_eq!(rig.script().fetches(), 2);
            rig.script().answer(key_set(&[&new]));
            let asked = Instant::now();
            assert!(verify(rig, &good, began).await.is_ok());
            assert_eq!((asked.elapsed(), rig.script().fetches()), (Duration::ZERO, 3));
        })
        .await;
}

/// Nine good checks of new tokens for each bad one, through three abrupt rotations: nobody is
/// signed out, and a new key is known after a cooldown at the latest.
#[tokio::test(start_paused = true)]
async fn a_rotation_signs_nobody_out_while_unknown_keys_and_forged_signatures_come() {
    let signers: Vec<Signer> = ["k0", "k1", "k2", "k3"]
        .into_iter()
        .zip(1..)
        .map(|(kid, seed)| Signer::new(kid, seed))
        .collect();
    let (stranger, forger) = (Signer::new("stranger", 9), Signer::new("k0", 8));
    rig(&[&signers[0]])
        .run_with_keys(async |rig| {
            let began = Instant::now();
            for signer in &signers[1..] {
                rig.script().answer(key_set(&[signer]));
                let rotated = Instant::now();
                let mut since_good = None;
                while rotated.elapsed() < 4 * COOLDOWN {
                    let now = json!(NOW + began.elapsed().as_secs());
                    let bad = [stranger.token(&issued(&now)), forger.token(&access())];
                    for bad in bad {
                        assert!(verify(rig, &bad, began).await.is_err());
                    }
                    match verify(rig, &signer.token(&issued(&now)), began).await {
                        Ok(_) => {
                            since_good.get_or_insert(rotated.elapsed());
                        }
                        Err(denial) => {
                            assert_eq!(denial.reason(), DenyReason::KeyPending);
                            assert_eq!(since_good, None, "known, and unknown again");
                        }
                    }
                    sleep(SECOND / 10).await;
                }
                let since_good = since_good.unwrap();
                assert!(since_good <= COOLDOWN + SECOND, "found after {since_good:?}");
            }
            let cooldowns = began.elapsed().as_secs() / COOLDOWN.as_secs();
            let fetches = rig.script().fetches() as u64;
            assert!(fetches <= 2 * cooldowns + 2, "{fetches} in {cooldowns} cooldowns");
        })
        .await;
}

/// An issuer that is down: the last good keys stay, and a new token may be good.
#[tokio::test(start_paused = true)]
async fn a_failed_fetch_makes_no_new_token_a_bad_one() {
    let new = Signer::new("new", 2);
    rig(&[&Signer::new("old", 1)])
        .run_with_keys(async |rig| {
            let began = Instant::now();
            rig.script().fail(FetchResult::Network);
            sleep(100 * SECOND).await;
            for (iat, expected) in
                [(NOW + 100, DenyReason::KeyPending), (NOW - 100, DenyReason::KidUnknown)]
            {
                let found = denied(rig, &new.token(&issued(&json!(iat))), began).await;
                assert_eq!(found.0, expected, "{iat}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_looked_at_without_a_token_are_never_pending() {
    rig(&[&Signer::new("old", 1)])
        .run_with_keys(async |rig| {
            let keys = &rig.verifier.issuers()[0].rings[0].keys;
            let found = keys.find(
                Some("x"),
                SigningAlgorithm::EdDSA,
                ClaimedIssueTime::UNKNOWN,
                Instant::now(),
            );
            assert_eq!(found.await.unwrap_err().reason(), DenyReason::KidUnknown);
        })
        .await;
}
