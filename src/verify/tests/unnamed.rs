//! Tokens and keys without a `kid`: which keys are tried, how many, for which kinds of issuer, and
//! what a flood of forged ones may cost.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    CommandTarget, ISS, NOW, Rig, Signer, access, issuer, key_set, named, rig_of, soon, unnamed,
    with,
};
use crate::{
    config::SigningAlgorithm::{self, EdDSA},
    model::{DenyReason, Step},
    verify::{
        jwks::{FittingKeys, Key, KeyRefusal, KeyRules, KeySet, MAX_TRIES},
        key_turns::{KeyTurns, SignedPart},
    },
};

const EDDSA: &[SigningAlgorithm] = &[EdDSA];

/// Keys of these names, each another one.
fn published(names: &[Option<&str>]) -> Value {
    let keys = names.iter().zip(1..).map(|(name, seed)| {
        let mut jwk = Signer::new("", seed).jwk();
        jwk["kid"] = json!(name);
        jwk
    });
    json!({ "keys": keys.collect::<Vec<Value>>() })
}

/// The numbers of the keys that are tried for a token, in their order; or the word for none.
fn tried(set: &KeySet, kid: Option<&str>) -> Result<Vec<u8>, &'static str> {
    let number = |key: &Arc<Key>| {
        let signed = |seed: &u8| {
            let signature = Signer::new("", *seed).pair.sign(b"text");
            key.check(EdDSA, b"text", signature.as_ref()).is_some()
        };
        (1..20).find(signed).unwrap()
    };
    match set.fitting(kid, EdDSA) {
        None => Err("unknown"),
        Some(FittingKeys::One(key)) => Ok(vec![number(&key)]),
        Some(FittingKeys::Several(keys)) => Ok(keys.iter().map(number).collect()),
        Some(FittingKeys::TooMany) => Err("too many"),
    }
}

fn read(document: &Value, rules: KeyRules<'_>) -> KeySet {
    KeySet::parse(document.to_string().as_bytes(), rules, None).unwrap()
}

/// Names of the keys, the `kid` of the token, and which are tried where names are optional, and
/// where every token has one.
type Row = (
    &'static [Option<&'static str>],
    Option<&'static str>,
    Result<&'static [u8], &'static str>,
    Result<&'static [u8], &'static str>,
);

const UNKNOWN: Result<&[u8], &str> = Err("unknown");
const TOO_MANY: Result<&[u8], &str> = Err("too many");
const A: Option<&str> = Some("a");
const B: Option<&str> = Some("b");

#[rustfmt::skip] // one case a line
const ROWS: &[Row] = &[
    // A token without a name.
    (&[A], None, Ok(&[1]), Ok(&[1])),
    (&[None], None, Ok(&[1]), Ok(&[1])),
    (&[A, B], None, Ok(&[1, 2]), UNKNOWN),
    (&[A, None], None, Ok(&[1, 2]), UNKNOWN),
    (&[A, B, Some("c"), Some("d")], None, Ok(&[1, 2, 3, 4]), UNKNOWN),
    (&[A, B, Some("c"), None], None, Ok(&[1, 2, 3, 4]), UNKNOWN),
    (&[A, B, Some("c"), Some("d"), Some("e")], None, TOO_MANY, UNKNOWN),
    (&[A, B, Some("c"), Some("d"), None], None, TOO_MANY, UNKNOWN),
    (&[A, None, None, None, None], None, TOO_MANY, UNKNOWN),
    // A token with the name of a key.
    (&[A, B], B, Ok(&[2]), Ok(&[2])),
    (&[None, B], B, Ok(&[2]), Ok(&[2])),
    (&[A, B, Some("c"), Some("d"), Some("e")], B, Ok(&[2]), Ok(&[2])),
    (&[A, B, Some("c"), Some("d"), None], B, Ok(&[2]), Ok(&[2])),
    // A token with another name: for the one key of a set, if that has none.
    (&[None], Some("x"), Ok(&[1]), UNKNOWN),
    (&[None], Some(""), Ok(&[1]), UNKNOWN),
    (&[A], Some("x"), UNKNOWN, UNKNOWN),
    (&[A, B], Some("x"), UNKNOWN, UNKNOWN),
    (&[A, None], Some("x"), UNKNOWN, UNKNOWN),
];

#[test]
fn the_keys_that_are_tried_are_few_and_of_the_tokens_name() {
    for (names, kid, lenient, strict) in ROWS {
        let document = published(names);
        for (rules, expected) in [(unnamed(EDDSA), lenient), (named(EDDSA), strict)] {
            let what = format!("{kid:?} of {names:?}, optional: {}", rules.kid_optional);
            let set = read(&document, rules);
            assert_eq!(tried(&set, *kid), expected.map(<[u8]>::to_vec), "{what}");
        }
    }
}

/// A key without a name that no token can reach is not shown as one in use.
#[test]
fn a_key_that_cannot_be_used_is_refused_with_the_reason() {
    for (names, rules, used) in [
        (&[None][..], unnamed(EDDSA), 1),
        (&[None], named(EDDSA), 1),
        (&[None, A], unnamed(EDDSA), 2),
        (&[None, A], named(EDDSA), 1),
        (&[None, None, A, B], unnamed(EDDSA), 4),
        (&[None, None, A, B], named(EDDSA), 2),
        (&[None, None, None, A, B], unnamed(EDDSA), 2),
    ] {
        let set = read(&published(names), rules);
        assert_eq!((set.len(), set.names().len()), (used, used), "{names:?}");
        let unused = names.len() - used;
        assert_eq!(set.refused.len(), unused, "{names:?}");
        assert!(set.refused.iter().all(|key| key.reason == KeyRefusal::Unnamed), "{names:?}");
    }
    // Where all of them are of this kind, the set is none, and says why.
    let many = published(&[None; MAX_TRIES + 1]).to_string();
    let error = KeySet::parse(many.as_bytes(), unnamed(EDDSA), None).unwrap_err().to_string();
    assert!(error.contains(KeyRefusal::Unnamed.text()), "{error}");
}

#[test]
fn one_key_under_several_names_is_tried_once() {
    let mut keys: Vec<Value> = Vec::new();
    for name in 0..20 {
        keys.push(with(Signer::new("x", 1).jwk(), &json!({"kid": format!("k{name}")})));
    }
    keys.push(Signer::new("other", 2).jwk());
    let set = read(&json!({ "keys": keys }), unnamed(EDDSA));
    assert_eq!(tried(&set, None), Ok(vec![1, 2]));
}

/// The one key of a set answers to any name only as long as it is alone.
#[test]
fn a_key_that_gets_company_answers_to_no_other_name_any_more() {
    let alone = read(&published(&[None]), unnamed(EDDSA));
    assert_eq!(tried(&alone, Some("x")), Ok(vec![1]));
    let document = published(&[None, A]).to_string();
    let both = KeySet::parse(document.as_bytes(), unnamed(EDDSA), Some(&alone)).unwrap();
    assert!(both.holds(&alone.find(None, EdDSA).unwrap()), "the same key, kept as it is");
    assert_eq!(tried(&both, Some("x")), Err("unknown"));
}

fn oidc(name: &str, iss: &str) -> String {
    format!(
        "{{name: {name}, kind: oidc, issuer: '{iss}', audiences: [api], auth_level: verified, \
         algorithms: [EdDSA]}}"
    )
}

fn claims() -> Value {
    with(access(), &json!({"aud": "api"}))
}

/// A token without a `kid`.
fn bare(signer: &Signer, claims: &Value) -> bytes::Bytes {
    signer.sign(&json!({"alg": "EdDSA"}), claims)
}

fn rig_of_keys(keys: &[&Signer]) -> Rig {
    rig_of(&format!("issuers: [{}]", oidc("one", ISS)), &[key_set(keys)])
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_name_is_verified_by_the_key_that_signed_it() {
    let keys: Vec<Signer> =
        ["a", "b", "c", "d"].iter().zip(1..).map(|(kid, seed)| Signer::new(kid, seed)).collect();
    let all: Vec<&Signer> = keys.iter().collect();
    rig_of_keys(&all)
        .run_with_keys(async |rig| {
            for (signer, place) in keys.iter().zip(0..) {
                let token = bare(signer, &with(claims(), &json!({"jti": format!("{place}")})));
                let mut steps = Vec::new();
                let found =
                    rig.verifier.verify_recorded(&token, super::at(NOW), soon(), &mut steps).await;
                assert_eq!(found.unwrap().user_id, "user_test0000000000000000001");
                // The record names the key that matched.
                let key = Some(signer.kid.into());
                assert!(steps.contains(&Step::SignatureChecked { key, good: true }), "{steps:?}");
            }
            let forged = bare(&Signer::new("z", 9), &claims());
            let denial = rig.verify(&forged).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::SignatureInvalid);
            let named = Signer::new("a", 9).token(&claims());
            let denial = rig.verify(&named).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::SignatureInvalid, "its name counts");
            let other = Signer::new("b", 1).token(&claims());
            let denial = rig.verify(&other).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::SignatureInvalid, "the key of another name");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn where_too_many_keys_fit_the_denial_says_so() {
    let keys: Vec<Signer> = ["a", "b", "c", "d", "e"]
        .iter()
        .zip(1..)
        .map(|(kid, seed)| Signer::new(kid, seed))
        .collect();
    let all: Vec<&Signer> = keys.iter().collect();
    rig_of_keys(&all)
        .run_with_keys(async |rig| {
            let token = bare(&keys[0], &claims());
            assert_eq!(rig.verify(&token).await.unwrap_err().reason(), DenyReason::KidMissing);
            assert_eq!(rig.verified("kid_missing"), 1.0);
            let found = rig.verifier.inspect(&token, super::at(NOW), crate::verify::KeysAsked::No);
            let answer = format!("{:?} {:?}", found.issuers[0].answer, found.issuers[0].signature);
            assert_eq!(answer, "Refused(KidMissing) NotReached");
            // No fetch is asked for it.
            sleep(Duration::from_secs(20)).await;
            assert_eq!(rig.script().fetches(), 1);
            rig.verify(&keys[4].token(&claims())).await.unwrap();
        })
        .await;
}

/// The tokens of Rownd have a `kid`, and one without it is not tried with several keys.
#[tokio::test(start_paused = true)]
async fn a_kind_whose_tokens_have_a_name_takes_none_without_it() {
    let (a, b) = (Signer::new("a", 1), Signer::new("b", 2));
    let yaml = format!("issuers: [{}]", issuer("one", ISS));
    rig_of(&yaml, &[key_set(&[&a, &b])])
        .run_with_keys(async |rig| {
            let old = with(access(), &json!({"iat": NOW - 3_000}));
            for signer in [&a, &b] {
                let denial = rig.verify(&bare(signer, &old)).await.unwrap_err();
                assert_eq!(denial.reason(), DenyReason::KidUnknown);
            }
            rig.verify(&b.token(&old)).await.unwrap();
        })
        .await;
    let alone = json!({"keys": [with(a.jwk(), &json!({"kid": null}))]}).to_string();
    rig_of(&yaml, &[alone.into_bytes()])
        .run_with_keys(async |rig| {
            let old = with(access(), &json!({"iat": NOW - 3_000}));
            let denial = rig.verify(&a.token(&old)).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::KidUnknown, "the key has no name");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_named_token_is_for_the_one_key_of_a_set_that_has_no_name_and_its_successor() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    let alone = |signer: &Signer| {
        let key = with(signer.jwk(), &json!({"kid": null}));
        json!({ "keys": [key] }).to_string().into_bytes()
    };
    let yaml = format!("issuers: [{}]", oidc("one", ISS));
    rig_of(&yaml, &[alone(&old)])
        .run_with_keys(async |rig| {
            let by_old = old.token(&claims());
            rig.verify(&by_old).await.unwrap();
            // The issuer rotates: the first token of the new key makes us look.
            rig.script().answer(alone(&new));
            sleep(Duration::from_secs(11)).await;
            let by_new = new.token(&claims());
            let denial = rig.verify(&by_new).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::SignatureInvalid);
            sleep(Duration::from_secs(1)).await;
            assert_eq!(rig.script().fetches(), 2);
            rig.verify(&by_new).await.unwrap();
            let denial = rig.verify(&by_old).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::SignatureInvalid, "its claims were cached");
        })
        .await;
}

/// A flood of forged tokens without a name causes no more fetches than any other.
#[tokio::test(start_paused = true)]
async fn forged_tokens_without_a_name_cause_one_fetch_in_a_cooldown() {
    let (a, b, forger) = (Signer::new("a", 1), Signer::new("b", 2), Signer::new("a", 9));
    rig_of_keys(&[&a, &b])
        .run_with_keys(async |rig| {
            let before = rig.script().fetches();
            for second in 0..30 {
                for serial in 0..20 {
                    let jti = json!({"jti": format!("{second}-{serial}")});
                    let denial =
                        rig.verify(&bare(&forger, &with(claims(), &jti))).await.unwrap_err();
                    assert_eq!(denial.reason(), DenyReason::SignatureInvalid);
                }
                sleep(Duration::from_secs(1)).await;
            }
            let fetches = rig.script().fetches() - before;
            assert!((2..=3).contains(&fetches), "{fetches} in 30 s");
        })
        .await;
}

/// Keys that are forgotten verify nothing, with or without a name.
#[tokio::test(start_paused = true)]
async fn forgotten_keys_are_not_tried() {
    let (a, b) = (Signer::new("a", 1), Signer::new("b", 2));
    rig_of_keys(&[&a, &b])
        .run_with_keys(async |rig| {
            let token = bare(&b, &claims());
            rig.verify(&token).await.unwrap();
            rig.script().answer(key_set(&[&a]));
            rig.verifier.forget_keys(CommandTarget::default());
            sleep(Duration::from_secs(2)).await;
            let denial = rig.verify(&token).await.unwrap_err();
            assert_eq!(denial.reason(), DenyReason::SignatureInvalid, "by the one that is left");
        })
        .await;
}

/// Keys in use of an issuer with these, and a forged token's signed part.
fn keys_of(signers: &[&Signer]) -> Vec<Arc<Key>> {
    let set = KeySet::parse(&key_set(signers), unnamed(EDDSA), None).unwrap();
    match set.fitting(None, EdDSA) {
        Some(FittingKeys::Several(keys)) => keys,
        other => panic!("{other:?}"),
    }
}

fn part_of(token: &bytes::Bytes) -> SignedPart<'static> {
    SignedPart::of(&super::parse(token).unwrap(), EdDSA)
}

#[tokio::test(start_paused = true)]
async fn the_key_that_verified_last_is_tried_first_and_needs_no_turn() {
    let (a, b, forger) = (Signer::new("a", 1), Signer::new("b", 2), Signer::new("z", 9));
    let keys = keys_of(&[&a, &b]);
    let turns = KeyTurns::new();
    let (by_a, by_b, forged) = (bare(&a, &claims()), bare(&b, &claims()), bare(&forger, &claims()));
    let name = |proof: Option<crate::verify::jwks::GoodSignature>| {
        proof.and_then(|proof| proof.key().kid().map(str::to_owned))
    };
    let find = async |token, deadline| {
        turns.find_signer(&keys, part_of(token), deadline, |_| true).await.map(name)
    };
    assert_eq!(find(&by_b, soon()).await.unwrap().as_deref(), Some("b"));
    assert_eq!(find(&forged, soon()).await.unwrap(), None);
    // Another check has the turn and keeps it.
    let turn = turns.hold_turn().unwrap();
    assert_eq!(find(&by_b, Instant::now()).await.unwrap().as_deref(), Some("b"));
    let denial = find(&by_a, soon()).await.unwrap_err();
    assert_eq!(denial.reason(), DenyReason::KeyPending, "it waited until its deadline");
    assert!(!denial.is_for_everybody(), "a client can cause it");
    drop(turn);
    assert_eq!(find(&by_a, soon()).await.unwrap().as_deref(), Some("a"));
    // A key that went out of use meanwhile is no proof.
    let gone = turns.find_signer(&keys, part_of(&by_b), soon(), |_| false).await;
    assert_eq!(gone.unwrap_err().reason(), DenyReason::KeyPending);
}

#[tokio::test(start_paused = true)]
async fn the_two_keys_of_a_rotation_need_no_turn() {
    let signers = [Signer::new("a", 1), Signer::new("b", 2), Signer::new("c", 3)];
    let keys = keys_of(&signers.each_ref());
    let turns = KeyTurns::new();
    let [by_a, by_b, by_c] = signers.each_ref().map(|signer| bare(signer, &claims()));
    let is_found = async |token, deadline| {
        let found = turns.find_signer(&keys, part_of(token), deadline, |_| true).await;
        found.map(|proof| proof.is_some()).map_err(|denial| denial.reason())
    };
    for token in [&by_c, &by_b] {
        assert_eq!(is_found(token, soon()).await, Ok(true));
    }
    // A flood has the turn and every place.
    let _turn = turns.hold_turn().unwrap();
    for token in [&by_b, &by_c, &by_c, &by_b, &by_c] {
        assert_eq!(is_found(token, Instant::now()).await, Ok(true));
    }
    assert_eq!(is_found(&by_a, soon()).await, Err(DenyReason::KeyPending));
}

#[tokio::test(start_paused = true)]
async fn only_so_many_tokens_wait_for_a_turn() {
    let (a, b, forger) = (Signer::new("a", 1), Signer::new("b", 2), Signer::new("z", 9));
    let keys = keys_of(&[&a, &b]);
    let turns = KeyTurns::new();
    let forged = bare(&forger, &claims());
    let turn = turns.hold_turn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(2);
    let all = (0..1_000).map(|_| turns.find_signer(&keys, part_of(&forged), deadline, |_| true));
    let began = Instant::now();
    let first = async {
        sleep(Duration::from_secs(1)).await;
        drop(turn);
    };
    let (ends, ()) = tokio::join!(join_all(all), first);
    let judged = ends.iter().filter(|end| matches!(end, Ok(None))).count();
    assert_eq!((judged, ends.len() - judged), (64, 936));
    assert!(began.elapsed() < Duration::from_secs(2), "nobody waited longer than the turn");
    // Every place is free again.
    assert!(turns.find_signer(&keys, part_of(&forged), soon(), |_| true).await.is_ok());
}

/// `EdDSA` and `Ed25519` are two names of one algorithm on the supported curve (RFC 9864).
#[tokio::test(start_paused = true)]
async fn a_token_may_name_ed25519_by_either_name_where_the_setting_says_eddsa() {
    for (setting, by_eddsa) in [("EdDSA", true), ("Ed25519", false)] {
        for alg in ["EdDSA", "Ed25519"] {
            let key = Signer::new("k", 1);
            let jwk = with(key.jwk(), &json!({ "alg": alg }));
            let document = json!({ "keys": [jwk] }).to_string().into_bytes();
            let yaml = format!("issuers: [{}]", oidc("one", ISS).replace("EdDSA", setting));
            rig_of(&yaml, &[document])
                .run(async |rig| {
                    let token = key.sign(&json!({"alg": "Ed25519", "kid": "k"}), &claims());
                    rig.verify(&token).await.unwrap();
                    let token = key.sign(&json!({"alg": "EdDSA", "kid": "k"}), &claims());
                    let found = rig.verify(&token).await.map(|_| ()).map_err(|e| e.reason());
                    let expected =
                        if by_eddsa { Ok(()) } else { Err(DenyReason::AlgorithmRefused) };
                    assert_eq!(found, expected, "{setting} {alg}");
                    // A name that differs in one character is another name.
                    for other in ["ed25519", "Ed25519 ", "Ed448", "ED25519", "eddsa"] {
                        let token = key.sign(&json!({"alg": other, "kid": "k"}), &claims());
                        let denial = rig.verify(&token).await.unwrap_err();
                        assert_eq!(denial.reason(), DenyReason::AlgorithmRefused, "{other}");
                    }
                })
                .await;
        }
    }
}
