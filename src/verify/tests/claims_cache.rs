//! The cache of verified claims: it saves the signature and nothing else.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ISS, NOW, Rig, Signer, access, issuer, key_set, rig, rig_of, rig_that_keeps, with};
use crate::{
    model::{AuthLevel, ClaimNames, CookieProof, DenyReason, IdentityFacts, KeptClaims},
    verify::claims_cache::{ClaimsCache, fingerprint, weigh},
    verify::key_source::FetchResult,
};

async fn reason(rig: &Rig, token: &Bytes, now: u64) -> Option<DenyReason> {
    rig.verify_at(token, now).await.err().map(|denial| denial.reason())
}

/// How many verifications there were: with the signature, and without.
fn counts(rig: &Rig) -> (f64, f64) {
    (rig.verified("verified"), rig.verified("cached"))
}

#[tokio::test(start_paused = true)]
async fn a_token_is_verified_once() {
    let key = Signer::new("k", 1);
    let token = key.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            let first = rig.verify(&token).await.unwrap();
            assert_eq!(counts(rig), (1.0, 0.0));
            let second = rig.verify(&Bytes::from(token.to_vec())).await.unwrap();
            assert_eq!(counts(rig), (1.0, 1.0));
            assert_eq!(first, second);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_that_shares_all_but_a_character_is_another_token() {
    let key = Signer::new("k", 1);
    let token = key.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            rig.verify(&token).await.unwrap();
            let mut forged = 0;
            for at in 0..token.len() {
                // Another character at each place, a longer and a shorter token.
                let mut changed = token.to_vec();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                for candidate in [changed, token[..at].to_vec(), token[at + 1..].to_vec()] {
                    let denied = reason(rig, &Bytes::from(candidate), NOW).await;
                    assert!(denied.is_some(), "character {at}");
                    forged += 1;
                }
            }
            for tail in ["A", ".", "=", " ", "\0", "AA"] {
                let longer = Bytes::from([token.as_ref(), tail.as_bytes()].concat());
                assert!(reason(rig, &longer, NOW).await.is_some(), "{tail:?}");
            }
            assert!(forged > 1_000, "{forged}");
            assert_eq!(counts(rig), (1.0, 0.0), "none of them met the cache");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_and_the_start_are_judged_on_every_hit() {
    let key = Signer::new("k", 1);
    let token = key.token(&with(access(), &json!({"nbf": NOW, "iat": NOW, "exp": NOW + 10})));
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &token, NOW).await, None);
            for (now, expected) in [
                (NOW + 10 + 29, None),
                (NOW + 10 + 30, Some(DenyReason::TokenExpired)),
                (NOW + 1_000_000, Some(DenyReason::TokenExpired)),
                (NOW, None),
                (NOW - 30, None),
                (NOW - 31, Some(DenyReason::TokenNotYetValid)),
                (0, Some(DenyReason::TokenNotYetValid)),
                (NOW + 39, None),
            ] {
                assert_eq!(reason(rig, &token, now).await, expected, "{now}");
            }
            // All of that without a second signature.
            assert_eq!(counts(rig), (1.0, 4.0));
            assert_eq!(rig.verified("token_expired"), 2.0);
            assert_eq!(rig.verified("token_not_yet_valid"), 2.0);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_dies_with_its_key() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    let token = old.token(&access());
    rig(&[&old])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &token, NOW).await, None);
            rig.script().answer(key_set(&[&old, &new]));
            refreshed(rig, 2).await;
            assert_eq!(reason(rig, &token, NOW).await, None);
            assert_eq!(counts(rig), (1.0, 1.0), "a key that stays keeps its entries");
            rig.script().answer(key_set(&[&new]));
            refreshed(rig, 3).await;
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::KidUnknown));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_dies_when_another_key_takes_the_name() {
    let key = Signer::new("k", 1);
    let token = key.token(&access());
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &token, NOW).await, None);
            rig.script().answer(key_set(&[&Signer::new("k", 2)]));
            refreshed(rig, 2).await;
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::SignatureInvalid));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_entry_rests_while_its_keys_are_too_old() {
    let key = Signer::new("k", 1);
    let token = key.token(&with(access(), &json!({"exp": NOW + 10_000_000})));
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &token, NOW).await, None);
            rig.script().fail(FetchResult::Network);
            tokio::time::advance(std::time::Duration::from_secs(600 + 86_400 + 1)).await;
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::KeysUnavailable));
        })
        .await;
}

/// Waits until so many fetches have been published.
async fn refreshed(rig: &Rig, attempts: u64) {
    while rig.verifier.issuers()[0].key_status().attempts < attempts {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_remembered_of_a_bad_token() {
    let key = Signer::new("k", 1);
    let token = key.token(&with(access(), &json!({"nbf": NOW + 100})));
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::TokenNotYetValid));
            assert_eq!(reason(rig, &token, NOW + 100).await, None);
            assert_eq!(counts(rig), (1.0, 0.0));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_remembered_of_missing_keys() {
    let key = Signer::new("k", 1);
    let token = key.token(&access());
    let mut rig = rig(&[&key]);
    rig.script().fail(FetchResult::Status);
    rig.run(async |rig| {
        assert_eq!(reason(rig, &token, NOW).await, Some(DenyReason::KeysUnavailable));
        rig.script().answer(key_set(&[&key]));
        refreshed(rig, 2).await;
        assert_eq!(reason(rig, &token, NOW).await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_cache_every_token_is_verified_again() {
    let key = Signer::new("k", 1);
    let token = key.token(&access());
    let mut rig = rig(&[&key]);
    let metrics = rig.metrics.clone();
    let verifier = std::sync::Arc::get_mut(&mut rig.verifier).unwrap();
    verifier.cache = ClaimsCache::new(0, &metrics);
    rig.run_with_keys(async |rig| {
        for _ in 0..3 {
            assert_eq!(reason(rig, &token, NOW).await, None);
        }
        assert_eq!(counts(rig), (3.0, 0.0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded_in_bytes() {
    let key = Signer::new("k", 1);
    let mut rig = rig(&[&key]);
    let metrics = rig.metrics.clone();
    let verifier = std::sync::Arc::get_mut(&mut rig.verifier).unwrap();
    verifier.cache = ClaimsCache::new(64 << 10, &metrics);
    rig.run_with_keys(async |rig| {
        let tokens: Vec<Bytes> = (0..400)
            .map(|index| {
                let id = format!("user_{index}_{}", "x".repeat(200));
                key.token(&with(access(), &json!({"https://auth.rownd.io/app_user_id": id})))
            })
            .collect();
        for token in tokens.iter().chain(&tokens) {
            assert_eq!(reason(rig, token, NOW).await, None);
        }
        let (fresh, cached) = counts(rig);
        assert!(fresh > 600.0, "{cached} of 400 were still there, in 64 KiB");
        let count = |what| rig.metric(&format!("rownd_authz_cache_{what}"));
        assert_eq!(count("lookups_total{cache=\"claims\",result=\"hit\"}"), cached);
        assert_eq!(count("lookups_total{cache=\"claims\",result=\"miss\"}"), fresh);
        assert_eq!(count("insertions_total{cache=\"claims\"}"), fresh);
        let evicted = count("evictions_total{cache=\"claims\"}");
        assert!(evicted > 300.0 && evicted < fresh, "{evicted}");
        rig.verifier.measure_caches();
        let bytes = count("bytes{cache=\"claims\"}");
        assert!(bytes > 10_000.0 && bytes <= 65_536.0, "{bytes}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_issuers_with_one_user_are_two_identities() {
    let (one, two) = (Signer::new("k", 1), Signer::new("k", 2));
    let yaml = format!("issuers: [{}, {}]", issuer("one", ISS), issuer("two", "https://two.test"));
    let first = one.token(&access());
    let second = two.token(&with(access(), &json!({"iss": "https://two.test"})));
    rig_of(&yaml, &[key_set(&[&one]), key_set(&[&two])])
        .run_with_keys(async |rig| {
            for _ in 0..2 {
                assert_eq!(&*rig.verify(&first).await.unwrap().issuer, "one");
                assert_eq!(&*rig.verify(&second).await.unwrap().issuer, "two");
            }
        })
        .await;
}

proptest! {
    #[test]
    fn a_fingerprint_is_of_the_whole_token(one in prop::collection::vec(any::<u8>(), 0..200), other in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(fingerprint(&one) == fingerprint(&other), one == other);
        let longer = [one.as_slice(), b"x"].concat();
        prop_assert_ne!(fingerprint(&one), fingerprint(&longer));
    }
}

/// Values of every JSON type, one of them inside another claim, and one that stays unknown.
#[tokio::test(start_paused = true)]
async fn a_claim_that_is_asked_for_is_there_after_a_cache_hit_and_no_other_is() {
    let key = Signer::new("k", 1);
    let more = json!({
        "plan": "gold",
        "seats": 3,
        "unasked": "x",
        "realm": { "flags": ["a", { "b": null }], "rest": 1, "none": null },
        "nothing": null,
    });
    let token = key.token(&with(access(), &more));
    let asked =
        ["plan", "seats", "/realm/flags", "/realm/none", "nothing", "absent", "iss", "aud", "plan"];
    let asked = ClaimNames::new(asked.map(str::to_owned));
    rig_that_keeps(&asked, &format!("issuers: [{}]", issuer("one", ISS)), &[key_set(&[&key])])
        .run_with_keys(async |rig| {
            for cached in [0.0, 1.0] {
                let identity = rig.verify(&token).await.unwrap();
                assert_eq!(counts(rig), (1.0, cached));
                let kept: Vec<(&str, &Value)> = identity.claims.iter().collect();
                let expected = [
                    ("/realm/flags", &json!(["a", { "b": null }])),
                    ("/realm/none", &Value::Null),
                    ("aud", &access()["aud"]),
                    ("iss", &json!(ISS)),
                    ("plan", &json!("gold")),
                    ("seats", &json!(3)),
                ];
                assert_eq!(kept, expected);
                assert_eq!(identity.claims.get("plan"), Some(&json!("gold")));
                assert_eq!(identity.claims.get("unasked"), None);
                assert_eq!(identity.claims.get("/realm/none"), None, "a null is absent");
                assert_eq!(identity.claims.stated("/realm/none"), Some(&Value::Null));
            }
        })
        .await;
    // The production configuration of today asks for none.
    rig(&[&key])
        .run_with_keys(async |rig| {
            let identity = rig.verify(&token).await.unwrap();
            assert_eq!(identity.claims, KeptClaims::default());
        })
        .await;
}

#[test]
fn every_claim_that_is_kept_is_weighed() {
    let plain = || IdentityFacts::new("user".into(), "one".into(), AuthLevel::Verified);
    let long = "x".repeat(1_000);
    for value in [json!(long), json!([long]), json!({ "a": { "b": long } }), json!({ &long: 1 })] {
        let mut facts = plain();
        facts.claims = [("claim".into(), value.clone())].into_iter().collect();
        let more = weigh(&facts) - weigh(&plain());
        assert!(more >= 1_000, "{more} bytes more for {value}");
    }
    let mut many = plain();
    many.claims = (0..10).map(|index| (index.to_string().into(), Value::Null)).collect();
    assert!(weigh(&many) - weigh(&plain()) >= 10 * 32, "an empty value takes its place too");
}

/// A token can make each of these texts long, so each has to count.
#[test]
fn every_text_of_an_identity_is_weighed() {
    let long = || "x".repeat(1_000);
    let plain = || IdentityFacts::new("user".into(), "one".into(), AuthLevel::Verified);
    type Change = (&'static str, fn(&mut IdentityFacts, String));
    let changes: [Change; 10] = [
        ("user_id", |who, text| who.user_id = text),
        ("app_id", |who, text| who.app_id = Some(text)),
        ("app_variant", |who, text| who.app_variant = Some(text)),
        ("session_id", |who, text| who.session_id = Some(text)),
        ("token_id", |who, text| who.token_id = Some(text)),
        ("tenant", |who, text| who.tenant = Some(text)),
        ("roles", |who, text| who.roles = vec![text]),
        ("groups", |who, text| who.groups = vec![text]),
        ("scopes", |who, text| who.scopes = vec![text]),
        ("cookie_proof", |who, text| who.cookie_proof = CookieProof::AntiCsrf(Some(text.into()))),
    ];
    for (name, change) in changes {
        let mut who = plain();
        change(&mut who, long());
        let more = weigh(&who) - weigh(&plain());
        assert!(more >= 3_900, "{name}: {more} bytes more for 1000");
    }
    // Bytes that are encoded take three times their place in each of the three encodings.
    for text in ["\u{fc}", "%", "\n", ","] {
        let (mut who, mut plain) = (plain(), plain());
        who.groups = vec![text.repeat(1_000)];
        plain.groups = vec![String::new()];
        let (more, bytes) = (weigh(&who) - weigh(&plain), 1_000 * text.len() as u64);
        assert!(more >= 10 * bytes, "{text:?}: {more} bytes more for {bytes}");
    }
    // Short items have a place of their own, too.
    let mut many = plain();
    many.scopes = vec![String::new(); 1_000];
    assert!(weigh(&many) - weigh(&plain()) >= 40_000);
}
