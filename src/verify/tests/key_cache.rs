//! Keeping keys fresh under paused time: rotation, single flight, cooldown, time limits.

use std::{task::Poll, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{NOW, Rig, Signer, access, key_set, rig, soon};
use crate::{
    config::SigningAlgorithm,
    model::{Denial, DenyReason},
    verify::{fetch_budget::ClaimedIssueTime, jwks::FittingKeys},
};

const SECOND: Duration = Duration::from_secs(1);
/// The settings' defaults.
const COOLDOWN: Duration = Duration::from_secs(10);
const REFRESH: Duration = Duration::from_secs(600);

async fn find(rig: &Rig, kid: &str, deadline: Instant) -> Result<FittingKeys, Denial> {
    rig.verifier.issuers()[0].rings[0]
        .keys
        .find(Some(kid), SigningAlgorithm::EdDSA, ClaimedIssueTime::UNKNOWN, deadline)
        .await
}

async fn denied(rig: &Rig, kid: &str) -> DenyReason {
    find(rig, kid, soon()).await.unwrap_err().reason()
}

#[tokio::test(start_paused = true)]
async fn the_first_check_waits_for_the_first_keys() {
    let key = Signer::new("k", 1);
    let mut rig = rig(&[&key]);
    rig.script().takes(Duration::from_millis(150));
    assert!(!rig.readiness.is_ready());
    rig.run(async |rig| {
        let began = Instant::now();
        assert!(find(rig, "k", soon()).await.is_ok());
        assert_eq!(began.elapsed(), Duration::from_millis(150));
        assert_eq!(rig.script().fetches(), 1);
        assert!(rig.readiness.is_ready(), "{:?}", rig.readiness.waiting_for());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_checks_for_an_unknown_key_cause_one_fetch() {
    rig(&[&Signer::new("k", 1)])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            let before = rig.script().fetches();
            let names: Vec<String> = (0..1_000).map(|index| format!("random-{index}")).collect();
            let found = join_all(names.iter().map(|name| denied(rig, name))).await;
            // So many wait for the fetch; the rest are told at once to come back.
            let waited = found.iter().filter(|reason| **reason == DenyReason::KidUnknown).count();
            let turned_away = found.iter().filter(|reason| **reason == DenyReason::KeyPending);
            assert_eq!((waited, turned_away.count()), (256, 744));
            assert_eq!(rig.script().fetches(), before + 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn only_so_many_checks_wait_for_a_slow_issuer() {
    rig(&[&Signer::new("k", 1)])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            rig.script().takes(Duration::from_millis(150));
            let names: Vec<String> = (0..300).map(|index| format!("random-{index}")).collect();
            let began = Instant::now();
            let asked = names.iter().map(async |name| (denied(rig, name).await, began.elapsed()));
            let found = join_all(asked).await;
            let at_once = (DenyReason::KeyPending, Duration::ZERO);
            let waited = (DenyReason::KidUnknown, Duration::from_millis(150));
            let count = |expected| found.iter().filter(|found| **found == expected).count();
            assert_eq!((count(waited), count(at_once)), (256, 44));
            // The places are free again.
            sleep(COOLDOWN).await;
            assert_eq!(denied(rig, "one more").await, DenyReason::KidUnknown);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_document_that_makes_us_panic_does_not_end_the_task() {
    let key = Signer::new("k", 1);
    rig(&[&key])
        .run_with_keys(async |rig| {
            rig.script().panic_once();
            sleep(REFRESH).await;
            assert!(find(rig, "k", Instant::now()).await.is_ok(), "the last good keys stay");
            sleep(Duration::from_secs(61)).await;
            let status = rig.verifier.issuers()[0].key_status();
            assert_eq!((status.usable, status.last_error), (1, None));
            assert!(rig.script().fetches() >= 3);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn within_the_cool_down_an_unknown_key_is_answered_at_once() {
    rig(&[&Signer::new("k", 1)])
        .run_with_keys(async |rig| {
            let began = Instant::now();
            assert_eq!(denied(rig, "other").await, DenyReason::KidUnknown);
            assert_eq!((began.elapsed(), rig.script().fetches()), (Duration::ZERO, 1));
            sleep(COOLDOWN - SECOND).await;
            assert_eq!(denied(rig, "other").await, DenyReason::KidUnknown);
            assert_eq!(rig.script().fetches(), 1);
            sleep(SECOND).await;
            assert_eq!(denied(rig, "other").await, DenyReason::KidUnknown);
            assert_eq!(rig.script().fetches(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_random_names_causes_one_fetch_in_a_cool_down() {
    rig(&[&Signer::new("k", 1)])
        .run_with_keys(async |rig| {
            let began = Instant::now();
            for index in 0..3_000 {
                assert_eq!(denied(rig, &format!("random-{index}")).await, DenyReason::KidUnknown);
                sleep(Duration::from_millis(10)).await;
            }
            assert!(began.elapsed() >= 3 * COOLDOWN);
            assert!(rig.script().fetches() <= 4, "{} fetches in 30 s", rig.script().fetches());
            let times = rig.script().fetched_at();
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= COOLDOWN));
        })
        .await;
}

/// Ten thousand names a second for ten seconds, at an issuer that takes its time.
#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_names_cause_two_fetches_in_a_cool_down_at_most() {
    rig(&[&Signer::new("k", 1)])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            rig.script().takes(Duration::from_millis(20));
            let before = rig.script().fetches();
            for part in 0..1_000 {
                let names: Vec<String> = (0..100).map(|index| format!("{part}-{index}")).collect();
                join_all(names.iter().map(|name| denied(rig, name))).await;
                sleep(Duration::from_millis(10)).await;
            }
            let fetches = rig.script().fetches() - before;
            assert!((1..=2).contains(&fetches), "{fetches} fetches in 10 s");
        })
        .await;
}

/// A check may be dropped at any of its awaits: no place stays taken, no fetch is lost.
#[tokio::test(start_paused = true)]
async fn a_check_may_end_at_every_await() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    let token = new.token(&access());
    rig(&[&old])
        .run_with_keys(async |rig| {
            let mut longest = 0;
            for polls in 0.. {
                sleep(COOLDOWN).await;
                rig.script().answer(key_set(&[&old]));
                rig.script().takes(Duration::from_millis(50));
                // More than may wait, each dropped after so many polls.
                let ended =
                    (0..300).map(|_| rig.verify(&token)).map(|check| drop_after(check, polls));
                let ended = join_all(ended).await.into_iter().filter(|ended| *ended).count();
                longest = polls;
                sleep(COOLDOWN).await;
                assert_eq!(denied(rig, "other").await, DenyReason::KidUnknown, "{polls} polls");
                if ended == 300 {
                    break;
                }
            }
            assert!(longest >= 2, "a check that waits is polled more than once");
            sleep(COOLDOWN).await;
            rig.script().answer(key_set(&[&old, &new]));
            assert!(rig.verify(&token).await.is_ok());
        })
        .await;
}

/// Whether it came to its end before it was dropped, having been polled so often.
async fn drop_after<T>(future: impl Future<Output = T>, polls: usize) -> bool {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        future.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_by_the_check_that_needs_it() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    rig(&[&old])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            rig.script().answer(key_set(&[&old, &new]));
            rig.script().takes(Duration::from_millis(100));
            let found = rig.verify(&new.token(&access())).await;
            assert!(found.is_ok(), "{found:?}");
            assert!(find(rig, "old", soon()).await.is_ok());
            assert_eq!(rig.script().fetches(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_cannot_wait_is_told_so_and_the_next_one_finds_the_key() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    rig(&[&old])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            rig.script().answer(key_set(&[&old, &new]));
            rig.script().takes(Duration::from_millis(500));
            let began = Instant::now();
            let denial = find(rig, "new", soon()).await.unwrap_err();
            assert_eq!(began.elapsed(), Duration::from_millis(200));
            assert_eq!(denial.reason(), DenyReason::KeyPending);
            assert!(!denial.is_for_everybody(), "any caller may name a key");
            // The fetch goes on although nobody waits for it.
            sleep(Duration::from_millis(400)).await;
            assert!(find(rig, "new", Instant::now()).await.is_ok());
            assert_eq!(rig.script().fetches(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_comes_during_a_fetch_waits_for_that_fetch() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    rig(&[&old])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            rig.script().answer(key_set(&[&old, &new]));
            rig.script().takes(Duration::from_millis(300));
            let early = find(rig, "new", Instant::now() + SECOND);
            let late = async {
                sleep(Duration::from_millis(250)).await;
                find(rig, "new", Instant::now() + SECOND).await
            };
            let (early, late) = tokio::join!(early, late);
            assert!(early.is_ok() && late.is_ok());
            assert_eq!(rig.script().fetches(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_known_key_is_never_waited_for() {
    let key = Signer::new("k", 1);
    rig(&[&key])
        .run_with_keys(async |rig| {
            rig.script().takes(Duration::from_secs(5));
            sleep(REFRESH).await;
            let began = Instant::now();
            assert!(find(rig, "k", Instant::now()).await.is_ok());
            assert_eq!(began.elapsed(), Duration::ZERO);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn keys_are_renewed_in_time_by_themselves() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    rig(&[&old])
        .run_with_keys(async |rig| {
            rig.script().answer(key_set(&[&new]));
            sleep(REFRESH).await;
            assert!(find(rig, "new", Instant::now()).await.is_ok());
            sleep(10 * REFRESH).await;
            let times = rig.script().fetched_at();
            let gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.len() >= 10, "{gaps:?}");
            assert!(
                gaps.iter().all(|gap| (REFRESH.mul_f64(0.9)..=REFRESH + SECOND).contains(gap)),
                "{gaps:?}"
            );
            assert_eq!(denied(rig, "old").await, DenyReason::KidUnknown);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_max_age_of_an_answer_is_held_between_bounds() {
    let key = Signer::new("k", 1);
    let ten_years = 315_360_000;
    for (says, least, most) in [
        (0, 27, 31),
        (5, 27, 31),
        (100, 90, 101),
        (86_400, 3_240, 3_601),
        (ten_years, 3_240, 3_601),
    ] {
        let mut rig = rig(&[&key]);
        rig.script().answer_for(key_set(&[&key]), Duration::from_secs(says));
        rig.run_with_keys(async |rig| {
            sleep(Duration::from_secs(2 * most)).await;
            let times = rig.script().fetched_at();
            let gap = (times[1] - times[0]).as_secs();
            assert!((least..=most).contains(&gap), "max-age {says}: {gap}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_signature_makes_us_look_once_whether_the_key_was_replaced() {
    let (key, replaced) = (Signer::new("k", 1), Signer::new("k", 2));
    let token = replaced.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            let reason = async || rig.verify(&token).await.err().map(|denial| denial.reason());
            // The keys have just come: a second look would bring the same ones.
            assert_eq!(reason().await, Some(DenyReason::SignatureInvalid));
            sleep(SECOND).await;
            assert_eq!(rig.script().fetches(), 1);
            sleep(COOLDOWN).await;
            rig.script().answer(key_set(&[&replaced]));
            assert_eq!(reason().await, Some(DenyReason::SignatureInvalid));
            sleep(SECOND).await;
            assert_eq!(rig.script().fetches(), 2);
            assert_eq!(reason().await, None);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_forged_tokens_causes_one_fetch_in_a_cool_down() {
    let (key, foreign) = (Signer::new("k", 1), Signer::new("k", 2));
    rig(&[&key])
        .run_with_keys(async |rig| {
            for index in 0..300 {
                let forged =
                    foreign.sign(&json!({"alg": "EdDSA", "kid": "k", "n": index}), &access());
                assert!(rig.verify_at(&forged, NOW).await.is_err());
                sleep(Duration::from_millis(100)).await;
            }
            assert!(rig.script().fetches() <= 4, "{} fetches in 30 s", rig.script().fetches());
        })
        .await;
}
