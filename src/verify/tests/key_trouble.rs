//! Issuers that fail: the last good keys stay, one failure never touches another issuer, and
//! nothing a client can bring about counts as a fault that holds for everybody.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use super::{ISS, Rig, Signer, access, issuer, key_set, rig, rig_of, soon, with};
use crate::{
    config::SigningAlgorithm,
    model::{AppOfKey, Denial, DenyReason},
    verify::key_source::FetchResult,
    verify::{fetch_budget::ClaimedIssueTime, jwks::KeyRefusal},
};

const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(10);
const REFRESH: Duration = Duration::from_secs(600);
const MAX_STALE: Duration = Duration::from_secs(86_400);

async fn denial(rig: &Rig, kid: &str, deadline: Instant) -> Denial {
    let keys = &rig.verifier.issuers()[0].rings[0].keys;
    keys.find(Some(kid), SigningAlgorithm::EdDSA, ClaimedIssueTime::UNKNOWN, deadline)
        .await
        .unwrap_err()
}

fn fetches(rig: &Rig, result: &str) -> f64 {
    rig.metric(&format!("rownd_authz_key_fetches_total{{issuer=\"one\",result=\"{result}\"}}"))
}

#[tokio::test(start_paused = true)]
async fn without_any_keys_the_fault_is_not_the_clients() {
    let key = Signer::new("k", 1);
    for (takes, name) in [(Duration::ZERO, "refused"), (5 * SECOND, "hanging")] {
        let mut rig = rig(&[&key]);
        rig.script().fail(FetchResult::Network);
        rig.script().takes(takes);
        rig.run(async |rig| {
            let began = Instant::now();
            let denial = denial(rig, "k", soon()).await;
            assert_eq!(denial.reason(), DenyReason::KeysUnavailable, "{name}");
            assert!(denial.is_for_everybody(), "{name}");
            assert!(began.elapsed() <= Duration::from_millis(200), "{name}");
            assert!(!rig.readiness.is_ready(), "{name}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_check_waits_for_a_task_that_does_not_run() {
    let rig = rig(&[&Signer::new("k", 1)]);
    let began = Instant::now();
    assert_eq!(denial(&rig, "k", soon()).await.reason(), DenyReason::KeysUnavailable);
    assert_eq!(began.elapsed(), Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_down_at_start_is_asked_again_every_second_then_less_often() {
    let key = Signer::new("k", 1);
    let mut rig = rig(&[&key]);
    rig.script().fail(FetchResult::Status);
    rig.run(async |rig| {
        sleep(Duration::from_secs(300)).await;
        let gaps = gaps(rig);
        let planned = [1.0; 30].into_iter().chain([2.0, 4.0, 8.0, 15.0, 15.0]);
        for (gap, planned) in gaps.iter().zip(planned) {
            assert!((planned * 0.89..=planned * 1.01).contains(gap), "{gaps:?}");
        }
        assert!(gaps.len() >= 36, "{gaps:?}");
        assert_eq!(fetches(rig, "status"), (gaps.len() + 1) as f64);
        rig.script().answer(key_set(&[&key]));
        sleep(Duration::from_secs(16)).await;
        assert!(rig.readiness.is_ready());
        assert_eq!(fetches(rig, "ok"), 1.0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_returns_within_half_a_minute_is_noticed_within_a_second() {
    let key = Signer::new("k", 1);
    for down in [1, 5, 20, 25] {
        let mut rig = rig(&[&key]);
        rig.script().fail(FetchResult::Network);
        rig.run(async |rig| {
            sleep(Duration::from_secs(down)).await;
            assert!(!rig.readiness.is_ready(), "{down} s");
            rig.script().answer(key_set(&[&key]));
            sleep(SECOND).await;
            assert!(rig.readiness.is_ready(), "{down} s");
        })
        .await;
    }
}

/// A retry and a fetch for an unknown key are two in a cooldown, for any kind of failure.
#[tokio::test(start_paused = true)]
async fn an_issuer_that_fails_is_asked_twice_in_a_cooldown_at_most() {
    rig(&[&Signer::new("k", 1)])
        .run_with_keys(async |rig| {
            rig.script().fail(FetchResult::Invalid);
            for index in 0..12_000 {
                denial(rig, &format!("random-{index}"), soon()).await;
                sleep(Duration::from_millis(10)).await;
            }
            let times = rig.script().fetched_at();
            assert!(times.len() > 10, "{times:?}");
            assert!(times.windows(3).all(|three| three[2] - three[0] >= COOLDOWN), "{times:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_alarm_is_on_while_the_keys_are_not_the_latest_good_answer() {
    let key = Signer::new("k", 1);
    let alarm = |rig: &Rig| {
        let status = rig.verifier.issuers()[0].key_status();
        let gauge = |name| rig.metric(&format!("rownd_authz_{name}{{issuer=\"one\"}}"));
        assert_eq!(gauge("keys_stale") > 0.0, status.stale);
        assert_eq!(gauge("keys"), status.usable as f64);
        (status.stale, status.usable)
    };
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(alarm(rig), (false, 1));
            rig.script().fail(FetchResult::Network);
            sleep(REFRESH).await;
            assert_eq!(alarm(rig), (true, 1), "at the first failure");
            sleep(MAX_STALE + REFRESH).await;
            assert_eq!(alarm(rig), (true, 0), "too old to be used");
            rig.script().answer(key_set(&[&key]));
            sleep(Duration::from_secs(16)).await;
            assert_eq!(alarm(rig), (false, 1));
        })
        .await;
}

fn gaps(rig: &Rig) -> Vec<f64> {
    let times = rig.script().fetched_at();
    times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_stay_in_use_for_a_bounded_time() {
    let key = Signer::new("k", 1);
    let token = key.token(&with(access(), &json!({"exp": 4_000_000_000_u64})));
    rig(&[&key])
        .run_with_keys(async |rig| {
            for (answer, document) in [
                (Some(FetchResult::Network), ""),
                (Some(FetchResult::Timeout), ""),
                (Some(FetchResult::Status), ""),
                (None, "<html>"),
                (None, "{}"),
                (None, r#"{"keys":[]}"#),
                (None, r#"{"keys":null}"#),
                (None, r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#),
            ] {
                match answer {
                    Some(result) => rig.script().fail(result),
                    None => rig.script().answer(document.as_bytes().to_vec()),
                }
                sleep(REFRESH).await;
                assert!(rig.verify(&token).await.is_ok(), "{answer:?} {document}");
            }
            let status = rig.verifier.issuers()[0].key_status();
            assert_eq!((status.usable, status.overdue), (1, true), "{status:?}");
            assert!(status.last_error.is_some() && status.age_seconds > Some(4_000), "{status:?}");
            sleep(MAX_STALE).await;
            let denial = rig.verify(&token).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::KeysUnavailable);
            assert!(denial.is_for_everybody());
            assert_eq!(rig.verifier.issuers()[0].key_status().usable, 0);
            assert!(fetches(rig, "invalid") > 0.0 && fetches(rig, "timeout") > 0.0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_is_the_tokens_fault_while_the_issuer_answers() {
    rig(&[&Signer::new("k", 1)])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            let found = denial(rig, "other", soon()).await;
            assert_eq!((found.reason(), found.is_for_everybody()), (DenyReason::KidUnknown, false));
            // One failed refresh while the keys are still young changes nothing.
            rig.script().fail(FetchResult::Network);
            sleep(COOLDOWN).await;
            let found = denial(rig, "other", soon()).await;
            assert_eq!((found.reason(), found.is_for_everybody()), (DenyReason::KidUnknown, false));
            // When they should have been renewed long ago, the key may well exist.
            sleep(2 * REFRESH).await;
            let found = denial(rig, "other", soon()).await;
            assert_eq!(
                (found.reason(), found.is_for_everybody()),
                (DenyReason::KeysUnavailable, false)
            );
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn keys_that_come_back_are_used_at_once() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    rig(&[&old])
        .run_with_keys(async |rig| {
            rig.script().fail(FetchResult::Timeout);
            sleep(2 * REFRESH).await;
            rig.script().answer(key_set(&[&new]));
            sleep(Duration::from_secs(61)).await;
            let status = rig.verifier.issuers()[0].key_status();
            assert_eq!((status.usable, status.overdue, status.last_error), (1, false, None));
            assert!(rig.verify(&new.token(&access())).await.is_ok());
            assert!(rig.verify(&old.token(&access())).await.is_err());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn refused_keys_are_shown() {
    let key = Signer::new("k", 1);
    let mut rig = rig(&[&key]);
    let document = json!({"keys": [key.jwk(), {"kty": "oct", "k": "AA"}, null]});
    rig.script().answer(document.to_string().into_bytes());
    rig.run_with_keys(async |rig| {
        let status = rig.verifier.issuers()[0].key_status();
        assert_eq!((status.usable, status.refused.len(), status.attempts), (1, 2, 1));
        assert_eq!(rig.metric("rownd_authz_keys{issuer=\"one\"}"), 1.0);
        for (reason, count) in [("secret", 1.0), ("not_strict", 1.0), ("weak_rsa", 0.0)] {
            let series = format!("rownd_authz_keys_refused{{issuer=\"one\",reason=\"{reason}\"}}");
            assert_eq!(rig.metric(&series), count, "{reason}");
        }
    })
    .await;
}

/// The reasons are said exactly then when nothing of a set can be used: at the start, and where
/// the last good keys stay in use.
#[tokio::test(start_paused = true)]
async fn the_reasons_are_shown_where_no_key_of_a_set_can_be_used() {
    let key = Signer::new("k", 1);
    let weak = json!({"kty": "RSA", "kid": "old", "n": "AQAB", "e": "AQAB"});
    let unusable = json!({"keys": [weak, {"kty": "oct", "k": "AA"}]}).to_string().into_bytes();
    let yaml = format!(
        "issuers: [{{name: one, kind: oidc, issuer: '{ISS}', audiences: [api], \
         algorithms: [EdDSA, RS256]}}]"
    );
    let shown = |rig: &Rig| {
        let status = rig.verifier.issuers()[0].key_status();
        let refused: Vec<String> = status.refused.iter().map(ToString::to_string).collect();
        (status.usable, refused, status.last_error)
    };
    let count = |rig: &Rig, reason: &str| {
        rig.metric(&format!("rownd_authz_keys_refused{{issuer=\"one\",reason=\"{reason}\"}}"))
    };
    let reasons = [
        format!("{} (kid old)", KeyRefusal::WeakRsa.text()),
        format!("{} (no kid)", KeyRefusal::Secret.text()),
    ];
    let error = Some(format!("the document holds no usable key: {}", reasons.join("; ")));
    let mut rig = rig_of(&yaml, std::slice::from_ref(&unusable));
    rig.run(async |rig| {
        sleep(Duration::from_millis(500)).await;
        assert_eq!(shown(rig), (0, reasons.to_vec(), error.clone()));
        assert_eq!((count(rig, "weak_rsa"), count(rig, "secret")), (1.0, 1.0));
        // An issuer that does not answer says nothing new about its keys.
        rig.script().fail(FetchResult::Network);
        sleep(Duration::from_secs(1)).await;
        let (usable, refused, other) = shown(rig);
        assert_eq!((usable, refused), (0, reasons.to_vec()));
        assert_ne!(other, error);
        assert_eq!(count(rig, "weak_rsa"), 1.0);
        rig.script().answer(key_set(&[&key]));
        sleep(Duration::from_secs(2)).await;
        assert_eq!(shown(rig), (1, Vec::new(), None));
        assert_eq!((count(rig, "weak_rsa"), count(rig, "secret")), (0.0, 0.0));
        // The last good keys stay in use, and the reasons of the latest set are shown.
        rig.script().answer(unusable.clone());
        sleep(REFRESH).await;
        assert_eq!(shown(rig), (1, reasons.to_vec(), error.clone()));
        assert_eq!((count(rig, "weak_rsa"), count(rig, "secret")), (1.0, 1.0));
        // Another document that is none replaces them.
        rig.script().answer(b"<html>".to_vec());
        sleep(Duration::from_secs(61)).await;
        let (usable, refused, _) = shown(rig);
        assert_eq!((usable, refused), (1, Vec::new()));
    })
    .await;
}

#[test]
fn the_metric_has_each_reason_in_its_place() {
    for (index, reason) in KeyRefusal::ALL.iter().enumerate() {
        assert_eq!(*reason as usize, index);
    }
}

/// Two issuers, of which the second has no keys.
fn half_down() -> (Rig, Signer, Signer) {
    let (one, two) = (Signer::new("k", 1), Signer::new("k", 2));
    let yaml = format!("issuers: [{}, {}]", issuer("one", ISS), issuer("two", "https://two.test"));
    let rig = rig_of(&yaml, &[key_set(&[&one]), b"<html>".to_vec()]);
    (rig, one, two)
}

#[tokio::test(start_paused = true)]
async fn one_issuers_failure_does_not_touch_another() {
    let (mut rig, one, two) = half_down();
    rig.run(async |rig| {
        sleep(Duration::from_secs(100)).await;
        assert!(rig.verify(&one.token(&access())).await.is_ok());
        let of_two = two.token(&with(access(), &json!({"iss": "https://two.test"})));
        let denial = rig.verify(&of_two).await.unwrap_err();
        assert_eq!(denial.reason(), DenyReason::KeysUnavailable);
        assert_eq!(rig.readiness.waiting_for(), ["keys of two"]);
        assert_eq!(rig.scripts[0].fetches(), 1);
    })
    .await;
}

/// A client chooses the issuer its token names, forged or not. While another issuer works,
/// that choice must not lead to an answer that a proxy may let through.
#[tokio::test(start_paused = true)]
async fn an_issuer_that_is_down_is_no_fault_for_everybody_while_another_works() {
    let (mut rig, _, two) = half_down();
    let of_two = two.token(&with(access(), &json!({"iss": "https://two.test"})));
    rig.run(async |rig| {
        sleep(SECOND).await;
        let denial = rig.verify(&of_two).await.unwrap_err();
        assert_eq!(
            (denial.reason(), denial.is_for_everybody()),
            (DenyReason::KeysUnavailable, false)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_app_that_is_unknown_is_a_fault_for_everybody_only_while_all_are() {
    let key = Signer::new("k", 1);
    let other = key.token(&with(access(), &json!({"aud": ["app:other"]})));
    for (name, apps, for_everybody) in [
        ("all unknown", "[{key: key_a}, {key: key_b}]", true),
        ("one known", "[{key: key_a}, {id: app_b}]", false),
    ] {
        let yaml =
            format!("issuers: [{{name: one, kind: rownd, base_url: '{ISS}', apps: {apps}}}]");
        rig_of(&yaml, &[key_set(&[&key])])
            .run_with_keys(async |rig| {
                let denial = rig.verify(&other).await.unwrap_err();
                assert_eq!(denial.reason(), DenyReason::AppUnknown, "{name}");
                assert_eq!(denial.is_for_everybody(), for_everybody, "{name}");
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_id_that_was_learned_is_used_from_then_on() {
    let key = Signer::new("k", 1);
    let yaml =
        format!("issuers: [{{name: one, kind: rownd, base_url: '{ISS}', apps: [{{key: key_a}}]}}]");
    rig_of(&yaml, &[key_set(&[&key])])
        .run_with_keys(async |rig| {
            let token = key.token(&access());
            assert_eq!(rig.verify(&token).await.unwrap_err().reason(), DenyReason::AppUnknown);
            assert!(!rig.readiness.is_ready());
            let app = &rig.verifier.issuers()[0].apps()[0];
            assert_eq!(
                (app.id(), app.key().map(crate::config::Secret::expose)),
                (None, Some("key_a"))
            );
            let named = |id: &str| AppOfKey { id: id.to_owned(), variant: None };
            app.learn(named(super::APP));
            app.learn(named("app_another"));
            assert_eq!(app.id(), Some(super::APP));
            assert!(rig.verify(&token).await.is_ok());
            assert!(rig.readiness.is_ready(), "{:?}", rig.readiness.waiting_for());
        })
        .await;
}
