//! Tokens that were refused a moment ago: refused again for the same reason and no other, and
//! never a moment longer than the reason holds.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{APP, ISS, NOW, Rig, Signer, access, issuer, key_set, rig, rig_of, with};
use crate::{
    model::{DenyReason, IssuerIndex},
    verify::{
        CommandTarget,
        key_ring::RingIndex,
        key_source::FetchResult,
        refusal_cache::{RefusalCache, RefusedToken},
    },
};

const SECOND: Duration = Duration::from_secs(1);
const COOLDOWN: Duration = Duration::from_secs(10);

async fn reason(rig: &Rig, token: &Bytes, now: u64) -> Option<DenyReason> {
    rig.verify_at(token, now).await.err().map(|denial| denial.reason())
}

/// How often a refusal was known already.
fn hits(rig: &Rig) -> f64 {
    rig.metric("rownd_authz_cache_lookups_total{cache=\"refusals\",result=\"hit\"}")
}

fn kept(rig: &Rig) -> f64 {
    rig.metric("rownd_authz_cache_insertions_total{cache=\"refusals\"}")
}

/// How often this was the result, at the issuer or at none.
fn counted(rig: &Rig, reason: DenyReason) -> f64 {
    let code = reason.code();
    let at = |issuer: &str| {
        rig.metric(&format!(
            "rownd_authz_verifications_total{{issuer=\"{issuer}\",result=\"{code}\"}}"
        ))
    };
    at("one") + at("unknown")
}

fn expired() -> Value {
    with(access(), &json!({"exp": NOW - 100, "iat": NOW - 1_000}))
}

#[tokio::test(start_paused = true)]
async fn only_what_cannot_turn_good_is_kept() {
    use DenyReason::{
        AlgorithmRefused, AppUnknown, AudienceMismatch, ClaimsInvalid, IssuerUntrusted, KidUnknown,
        SignatureInvalid, TokenExpired, TokenKindRefused, TokenMalformed, TokenNotYetValid,
        VariantRefused,
    };
    let (key, other) = (Signer::new("k", 1), Signer::new("other", 2));
    let forged = Signer::new("k", 3);
    let of = |change: Value| key.token(&with(access(), &change));
    let cases = [
        (forged.token(&access()), SignatureInvalid, true),
        (key.token(&expired()), TokenExpired, true),
        (of(json!({"aud": ["nobody"]})), AudienceMismatch, true),
        (of(json!({"aud": [format!("app:{APP}"), "app_variant:x"]})), VariantRefused, true),
        (of(json!({"https://auth.rownd.io/jwt_type": "refresh_token"})), TokenKindRefused, true),
        (of(json!({"https://auth.rownd.io/app_user_id": null})), ClaimsInvalid, true),
        (of(json!({"nbf": NOW + 100})), TokenNotYetValid, false),
        (of(json!({"iat": NOW + 100})), TokenNotYetValid, false),
        (other.token(&access()), KidUnknown, false),
        (of(json!({"aud": ["app:app_not_known_yet"]})), AppUnknown, false),
        (of(json!({"iss": "https://nobody.test"})), IssuerUntrusted, false),
        (key.sign(&json!({"alg": "HS256", "kid": "k"}), &access()), AlgorithmRefused, false),
        (Bytes::from_static(b"no token"), TokenMalformed, false),
    ];
    let yaml = format!(
        "issuers: [{{name: one, kind: rownd, base_url: '{ISS}', \
         apps: [{{id: {APP}, variants: [brand]}}, {{key: key_a}}]}}]"
    );
    rig_of(&yaml, &[key_set(&[&key])])
        .run_with_keys(async |rig| {
            for (token, expected, is_kept) in cases {
                let before = (kept(rig), hits(rig), counted(rig, expected));
                for _ in 0..3 {
                    assert_eq!(reason(rig, &token, NOW).await, Some(expected));
                }
                let after = (kept(rig) - before.0, hits(rig) - before.1);
                let wanted = if is_kept { (1.0, 2.0) } else { (0.0, 0.0) };
                assert_eq!(after, wanted, "{expected:?}");
                assert_eq!(counted(rig, expected) - before.2, 3.0, "{expected:?}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_forgotten_after_five_seconds() {
    let key = Signer::new("k", 1);
    let token = key.token(&expired());
    rig(&[&key])
        .run_with_keys(async |rig| {
            for (after, expected) in [(0, 0.0), (4, 1.0), (1, 1.0), (4, 2.0)] {
                sleep(after * SECOND).await;
                assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::TokenExpired));
                assert_eq!(hits(rig), expected);
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_makes_the_token_good_at_once() {
    let key = Signer::new("k", 1);
    let token = key.token(&with(access(), &json!({"exp": NOW + 10})));
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &token, NOW + 40).await, Some(DenyReason::TokenExpired));
            assert_eq!(reason(rig, &token, NOW + 40).await, Some(DenyReason::TokenExpired));
            assert_eq!(hits(rig), 1.0);
            assert_eq!(reason(rig, &token, NOW + 39).await, None, "within the leeway");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_with_the_keys_that_judged_it() {
    let (key, replaced) = (Signer::new("k", 1), Signer::new("k", 2));
    let token = replaced.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN).await;
            rig.script().answer(key_set(&[&replaced]));
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::SignatureInvalid));
            // The look for a replaced key has brought it: within the five seconds.
            sleep(SECOND).await;
            assert_eq!(reason(rig, &token, NOW).await, None);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_hit_looks_for_a_replaced_key_as_the_first_time_did() {
    let (key, replaced) = (Signer::new("k", 1), Signer::new("k", 2));
    let token = replaced.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            sleep(COOLDOWN - SECOND).await;
            rig.script().answer(key_set(&[&replaced]));
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::SignatureInvalid));
            sleep(SECOND).await;
            // The cooldown is over, the refusal is not.
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::SignatureInvalid));
            assert_eq!(hits(rig), 1.0);
            sleep(SECOND).await;
            assert_eq!(reason(rig, &token, NOW).await, None);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_never_outlives_the_trust_in_the_keys() {
    let (key, forged) = (Signer::new("k", 1), Signer::new("k", 2));
    let token = forged.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::SignatureInvalid));
            rig.script().fail(FetchResult::Network);
            rig.verifier.forget_keys(CommandTarget::default());
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::KeysUnavailable));
            assert_eq!(hits(rig), 0.0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_refusal_of_one_issuer_is_not_that_of_another() {
    let (one, two) = (Signer::new("k", 1), Signer::new("k", 2));
    let yaml = format!("issuers: [{}, {}]", issuer("one", ISS), issuer("two", "https://two.test"));
    let forged = one.token(&with(access(), &json!({"iss": "https://two.test"})));
    rig_of(&yaml, &[key_set(&[&one]), key_set(&[&two])])
        .run_with_keys(async |rig| {
            for _ in 0..2 {
                assert_eq!(reason(rig, &forged, NOW).await, Some(DenyReason::SignatureInvalid));
            }
            assert_eq!(reason(rig, &one.token(&access()), NOW).await, None);
            let other =
                "rownd_authz_verifications_total{issuer=\"two\",result=\"signature_invalid\"}";
            assert_eq!((rig.verified("signature_invalid"), rig.metric(other)), (0.0, 2.0));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_nothing_is_kept() {
    let key = Signer::new("k", 1);
    let token = key.token(&expired());
    let yaml = format!("issuers: [{}]\ncheck: {{refusal_cache_bytes: 0}}", issuer("one", ISS));
    rig_of(&yaml, &[key_set(&[&key])])
        .run_with_keys(async |rig| {
            for _ in 0..3 {
                assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::TokenExpired));
            }
            assert_eq!((kept(rig), hits(rig)), (0.0, 0.0));
        })
        .await;
}

/// A stream of unique bad tokens stays within the budget, by its own account and by what the
/// table has taken.
#[test]
fn any_number_of_refusals_stay_within_their_budget() {
    let rig = rig(&[]);
    let budget = 1 << 20;
    let refusals = RefusalCache::new(budget, &rig.metrics);
    let lifetime = crate::verify::claims::lifetime::Lifetime::new(None, None, None);
    let refused = RefusedToken {
        reason: DenyReason::SignatureInvalid,
        ring: RingIndex { issuer: IssuerIndex::new(0), place: 0 },
        keys: 1,
        lifetime,
        until: Instant::now(),
    };
    for index in 0..100_000_u64 {
        let mut fingerprint = [0; 32];
        fingerprint[..8].copy_from_slice(&index.to_le_bytes());
        refusals.insert(fingerprint, refused);
    }
    let (account, taken) = (refusals.bytes(), refusals.memory_used());
    assert!(account > budget / 2 && account <= budget, "{account}");
    assert!(taken <= budget, "{taken} bytes taken, {account} by its own account");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_when_keys_in_place_replace_keys_that_are_too_old() {
    let (ours, fetched) = (Signer::new("k", 1), Signer::new("k", 2));
    let set = String::from_utf8(key_set(&[&ours])).unwrap();
    let yaml = format!(
        "issuers: [{{name: one, kind: rownd, base_url: '{ISS}', apps: [{{id: {APP}}}], \
         key_set: '{set}', keys: {{refresh_interval: 600s, max_stale: 60s}}}}]"
    );
    let token = ours.token(&access());
    let mut rig = rig_of(&yaml, &[key_set(&[&fetched])]);
    rig.run(async |rig| {
        sleep(SECOND).await;
        rig.scripts[0].fail(crate::verify::key_source::FetchResult::Network);
        // A second before the fetched keys are too old, and a second after.
        sleep(658 * SECOND).await;
        assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::SignatureInvalid));
        sleep(2 * SECOND).await;
        assert_eq!(reason(rig, &token, NOW).await, None);
    })
    .await;
}
