//! A good token, changed in any way: byte by byte under its old signature, or claim by claim
//! under a new one. A token that passes states the same as before, or the same as a second reader
//! of the claims finds.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{APP, ISS, NOW, Signer, access, rig};
use crate::{
    model::{AuthLevel, DenyReason},
    verify::Identity,
};

const CLAIM: &str = "https://auth.rownd.io/";
const LEEWAY: u64 = 30;

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build().unwrap()
}

/// Every bit flipped; a byte left out, doubled, or moved by one; the text cut, or longer.
fn changes(token: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for at in 0..token.len() {
        let (head, tail) = token.split_at(at);
        for bit in 0..8 {
            let mut flipped = token.to_vec();
            flipped[at] ^= 1 << bit;
            all.push(flipped);
        }
        all.push([head, &tail[1..]].concat());
        all.push(head.to_vec());
        for more in [&tail[..1], b".", b"=", b" ", b"A"] {
            all.push([head, more, tail].concat());
        }
        if let [one, other, rest @ ..] = tail {
            all.push([head, &[*other, *one], rest].concat());
        }
    }
    for more in ["=", "==", " ", "\n", "\0", ".", ".A", "A", "AA", "AAAA"] {
        all.push([token, more.as_bytes()].concat());
        all.push([more.as_bytes(), token].concat());
    }
    all.retain(|changed| changed != token);
    all
}

#[test]
fn no_change_of_a_signed_byte_passes_or_spoils_the_token_itself() {
    let key = Signer::new("k", 1);
    let good = key.token(&access());
    runtime().block_on(rig(&[&key]).run_with_keys(async |rig| {
        let before = rig.verify(&good).await.unwrap();
        for (count, changed) in changes(&good).into_iter().enumerate() {
            let changed = Bytes::from(changed);
            assert!(rig.verify(&changed).await.is_err(), "{changed:?}");
            if count % 97 == 0 {
                assert!(rig.verify(&changed).await.is_err(), "again: {changed:?}");
                assert_eq!(rig.verify(&good).await.as_ref(), Ok(&before));
            }
        }
    }));
}

/// The signature of one token does not hold for the parts of another, however they are mixed.
#[test]
fn parts_of_good_tokens_do_not_mix() {
    let key = Signer::new("k", 1);
    let other = json!({"sub": "x", "iss": ISS, "aud": [format!("app:{APP}")], "exp": NOW + 9,
        "https://auth.rownd.io/app_user_id": "x"});
    let tokens = [
        key.token(&access()),
        key.token(&other),
        key.sign(&json!({"alg": "EdDSA", "kid": "k", "typ": "JWT"}), &access()),
        key.sign(&json!({"alg": "EdDSA"}), &other),
    ];
    let parts: Vec<Vec<&[u8]>> =
        tokens.iter().map(|token| token.split(|byte| *byte == b'.').collect()).collect();
    runtime().block_on(rig(&[&key]).run_with_keys(async |rig| {
        for (a, b, c) in (0..64).map(|mix| (mix / 16, mix / 4 % 4, mix % 4)) {
            let mixed = Bytes::from([parts[a][0], parts[b][1], parts[c][2]].join(&b'.'));
            let same = tokens.contains(&mixed);
            assert_eq!(rig.verify(&mixed).await.is_ok(), same, "{a} {b} {c}");
        }
    }));
}

/// The facts in the claims of a Rownd token, read a second time by other means.
fn second_reader(claims: &Map<String, Value>) -> Option<(String, AuthLevel, bool)> {
    let text = |name: &str| claims.get(name).map_or(Some(None), |it| it.as_str().map(Some));
    let flag =
        |name: &str| claims.get(&format!("{CLAIM}{name}")).map_or(Some(false), Value::as_bool);
    let time = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(it) => {
            let seconds = it.as_f64().filter(|at| (0.0..=253_402_300_799.0).contains(at))?;
            Some(Some(seconds.floor() as u64))
        }
    };
    let all: Vec<&str> = match claims.get("aud")? {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().map(Value::as_str).collect::<Option<_>>()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    let variants = all.iter().filter(|aud| aud.starts_with("app_variant:")).count();
    let meant = all.contains(&format!("app:{APP}").as_str()) && variants < 2;
    let in_time = time("exp")?? + LEEWAY > NOW
        && time("nbf")?.is_none_or(|at| at <= NOW + LEEWAY)
        && time("iat")?.is_none_or(|at| at <= NOW + LEEWAY);
    text("jti")?;
    let who = text(&format!("{CLAIM}app_user_id"))??;
    let plain = !who.is_empty() && who.trim() == who && !who.contains(char::is_control);
    let kind = text(&format!("{CLAIM}jwt_type"))?.unwrap_or("access_token");
    let good = text("iss")?? == ISS
        && !text("sub")??.is_empty()
        && meant
        && in_time
        && plain
        && who != "."
        && who != ".."
        && kind == "access_token"
        && !claims.contains_key("cnf");
    let (guest, proved) = (flag("is_anonymous")?, flag("is_verified_user")?);
    let level = match text(&format!("{CLAIM}auth_level"))? {
        Some("verified") => AuthLevel::Verified,
        Some("unverified") => AuthLevel::Unverified,
        Some("guest") => AuthLevel::Guest,
        Some(_) => AuthLevel::Instant,
        None if guest => AuthLevel::Guest,
        None if proved => AuthLevel::Verified,
        None => AuthLevel::Unverified,
    };
    let level = if guest { level.min(AuthLevel::Guest) } else { level };
    good.then(|| (who.to_owned(), level, guest || level == AuthLevel::Guest))
}

fn value() -> impl Strategy<Value = Value> {
    let app = format!("app:{APP}");
    let words = [
        "",
        " ",
        "x",
        " x",
        "x\u{a0}",
        "x\n",
        ".",
        "..",
        "true",
        "1800000000",
        "verified",
        "guest",
        "Verified",
        "access_token",
        "refresh_token",
        "null",
        ISS,
        "https://issuer.test/",
        "HTTPS://issuer.test",
        &app,
        "app:",
        "app_variant:a",
        "app_variant:b",
        "user_1",
    ];
    let words: Vec<Value> = words.iter().map(|word| json!(word)).collect();
    let word = prop::sample::select(words);
    let times = [0, 1, NOW - 31, NOW - 30, NOW - 29, NOW, NOW + 30, NOW + 31, u64::MAX];
    let other = [
        json!(null),
        json!(true),
        json!(false),
        json!(-1),
        json!(1e300),
        json!({}),
        json!(1_800_000_000.5),
        json!(-0.0),
        json!(1_799_999_970.9),
        json!(1_800_000_030.9),
    ];
    let leaf = prop_oneof![
        3 => word,
        1 => prop::sample::select(times.to_vec()).prop_map(|at| json!(at)),
        1 => prop::sample::select(other.to_vec()),
    ];
    prop_oneof![
        3 => leaf.clone(),
        1 => prop::collection::vec(leaf.clone(), 0..3).prop_map(Value::Array),
        1 => (leaf.clone(), leaf).prop_map(move |(one, two)| json!([one, format!("app:{APP}"), two])),
    ]
}

fn name() -> impl Strategy<Value = String> {
    let plain = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "cnf", "scope", "typ", "stt"];
    let ours = ["app_user_id", "is_anonymous", "is_verified_user", "auth_level", "jwt_type"];
    let ours = ours.iter().map(|name| format!("{CLAIM}{name}"));
    prop::sample::select(
        plain.iter().map(|name| (*name).to_owned()).chain(ours).collect::<Vec<_>>(),
    )
}

fn judged(identity: Result<Arc<Identity>, DenyReason>) -> Option<(String, AuthLevel, bool)> {
    identity.ok().map(|who| (who.user_id.clone(), who.auth_level, who.anonymous))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn claims_of_any_type_are_refused_or_mean_what_a_second_reader_reads(
        stories in prop::collection::vec(
            prop::collection::vec((name(), prop::option::weighted(0.8, value())), 1..4),
            200,
        ),
    ) {
        let key = Signer::new("k", 1);
        runtime().block_on(rig(&[&key]).run_with_keys(async |rig| {
            for changes in stories {
                let mut claims = access().as_object().unwrap().clone();
                for (name, value) in changes {
                    match value {
                        None => claims.remove(&name),
                        Some(value) => claims.insert(name, value),
                    };
                }
                let token = key.token(&Value::Object(claims.clone()));
                for time in ["first", "again"] {
                    let found = rig.verify(&token).await.map_err(|denial| denial.reason());
                    prop_assert_eq!(judged(found), second_reader(&claims), "{} {:?}", time, claims);
                }
            }
            Ok(())
        }))?;
    }
}

/// However the name of a member is spelled, it does not stand twice.
#[test]
fn no_member_is_said_twice_in_another_spelling() {
    let key = Signer::new("k", 1);
    let claims = access();
    let header = json!({"alg": "EdDSA", "kid": "k", "typ": "JWT"});
    let spelled = |name: &str| {
        let first = name.chars().next().unwrap();
        name.replacen(first, &format!("\\u{:04x}", u32::from(first)), 1)
    };
    let twice = |object: &Value, name: &str| {
        let text = object.to_string();
        let value = &object[name];
        format!("{},\"{}\":{value}}}", text.strip_suffix('}').unwrap(), spelled(name))
    };
    runtime().block_on(rig(&[&key]).run_with_keys(async |rig| {
        for name in claims.as_object().unwrap().keys() {
            let token = key.sign_text(&header.to_string(), &twice(&claims, name));
            let denied = rig.verify(&token).await.unwrap_err();
            assert_eq!(denied.reason(), DenyReason::TokenMalformed, "{name}");
        }
        for name in header.as_object().unwrap().keys() {
            let token = key.sign_text(&twice(&header, name), &claims.to_string());
            let denied = rig.verify(&token).await.unwrap_err();
            assert_eq!(denied.reason(), DenyReason::TokenMalformed, "{name}");
        }
    }));
}
