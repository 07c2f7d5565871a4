//! Hostile keys in the issuer's set (findings F5 and F6): one good key, and what must never
//! verify anything beside it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{DecodingKey, crypto};
use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{Court, Kind};
use crate::support::{
    Claims, Key, Reply,
    forge::{Algorithm, b64},
};

for_every_kind!(
    unfit_keys_are_skipped_with_a_reason_and_the_good_one_stays,
    keys_in_every_usual_spelling_are_used,
    of_two_keys_with_one_name_neither_is_used,
    a_token_without_a_name_is_tried_with_few_keys_or_none
);
for_every_fetched_kind!(a_set_without_a_usable_key_is_no_set);

/// The attacker's own key, published under a name in a way that makes it unfit.
fn unfit(attacker: &Key) -> Vec<(&'static str, Value)> {
    let change = |name: &str, value: Value| {
        let mut jwk = attacker.jwk();
        jwk[name] = value;
        jwk
    };
    let mut rows = vec![
        ("use-enc", change("use", json!("enc"))),
        ("use-list", change("use", json!(["sig"]))),
        ("ops-encrypt", change("key_ops", json!(["encrypt"]))),
        ("ops-sign", change("key_ops", json!(["sign"]))),
        ("ops-text", change("key_ops", json!("verify"))),
        ("alg-rsa1-5", change("alg", json!("RSA1_5"))),
        ("alg-hs256", change("alg", json!("HS256"))),
        ("alg-rs512", change("alg", json!("RS512"))),
        ("alg-ps256", change("alg", json!("PS256"))),
        ("alg-es384", change("alg", json!("ES384"))),
        ("alg-ecdh", change("alg", json!("ECDH-ES"))),
        ("alg-ed448", change("alg", json!("Ed448"))),
        ("alg-none", change("alg", json!("none"))),
        ("crv-x25519", change("crv", json!("X25519"))),
        ("crv-ed448", change("crv", json!("Ed448"))),
        ("crv-lower", change("crv", json!("ed25519"))),
        ("crv-p384", change("crv", json!("P-384"))),
        ("crv-k1", change("crv", json!("secp256k1"))),
        ("kty-lower", change("kty", json!("ec"))),
        ("kty-oct", change("kty", json!("oct"))),
        ("kty-number", change("kty", json!(5))),
        ("private", change("d", json!(b64([7; 32])))),
        ("prime", change("p", json!(b64([7; 32])))),
        ("secret", change("k", json!(b64("secret")))),
    ];
    for (name, number) in attacker.numbers() {
        let spelt = |value: Value| change(name, value);
        rows.extend([
            ("short", spelt(json!(b64(&number[..number.len() - 1])))),
            ("even-or-long", spelt(json!(b64([&number[..], &[0]].concat())))),
            ("empty", spelt(json!(""))),
            ("null", spelt(json!(null))),
            ("number", spelt(json!(1))),
            ("padded-inside", spelt(json!(format!("A={}", &b64(&number)[2..])))),
            ("standard", spelt(json!(STANDARD.encode(number.repeat(2))))),
            ("zero", spelt(json!(b64(vec![0; number.len()])))),
        ]);
    }
    rows.extend(unfit_of_its_kind(attacker, change));
    rows
}

/// The members that only a key of this type has.
fn unfit_of_its_kind(
    attacker: &Key,
    change: impl Fn(&str, Value) -> Value,
) -> Vec<(&'static str, Value)> {
    match attacker.algorithm() {
        Algorithm::EdDsa => {
            let hex: String = attacker.public().iter().map(|b| format!("{b:02x}")).collect();
            vec![("x-hex", change("x", json!(hex))), ("x-ff", change("x", json!(b64([0xff; 32]))))]
        }
        // Another point, which is not on the curve.
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => {
            let x = &attacker.numbers()[0].1;
            vec![
                ("y-is-x", change("y", attacker.jwk()["x"].clone())),
                ("zero-before", change("x", json!(b64([&[0], &x[..]].concat())))),
            ]
        }
        Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512 => {
            let n = &attacker.numbers()[0].1;
            vec![
                ("e-one", change("e", json!(b64([1])))),
                ("e-two", change("e", json!(b64([2])))),
                ("e-huge", change("e", json!(b64([1, 0, 0, 0, 1])))),
                ("n-1024", change("n", json!(b64(&n[128..])))),
                ("zeros-and-1024", change("n", json!(b64([&[0; 128], &n[128..]].concat())))),
                ("n-2047", change("n", json!(b64([&[0x7f], &n[1..]].concat())))),
            ]
        }
    }
}

async fn unfit_keys_are_skipped_with_a_reason_and_the_good_one_stays(kind: Kind) {
    let mut court = Court::of(kind).await;
    let attacker = kind.key("sig-attacker");
    let rows = unfit(&attacker);
    let mut keys = vec![court.key.jwk(), json!(null), json!("key"), json!([]), json!({}), json!(5)];
    for (name, jwk) in &rows {
        let mut jwk = jwk.clone();
        jwk["kid"] = json!(name);
        keys.push(jwk);
    }
    let refused = keys.len() - 1;
    court.publish(Reply::json(&json!({ "keys": keys }))).await;
    for (name, _) in &rows {
        let header = json!({ "alg": court.alg(), "kid": name });
        let token = attacker.token_under(&header, &court.claims());
        court.refuses(name, &token, DenyReason::KidUnknown).await;
    }
    let status: Value = serde_json::from_str(&court.app.page("/status").await.body).unwrap();
    let keys = &status["issuers"][0]["keys"];
    assert_eq!(
        (keys["usable"].as_u64(), keys["refused"].as_array().unwrap().len()),
        (Some(1), refused)
    );
    assert_eq!(court.app.metric("rownd_authz_keys_refused", &[]), refused as f64);
    court.adjourns().await;
}

/// Keys as issuers publish them, with members that say nothing, and numbers written in other ways.
async fn keys_in_every_usual_spelling_are_used(kind: Kind) {
    let mut court = Court::of(kind).await;
    let with = |changes: &[(&str, Value)]| {
        let mut jwk = court.key.jwk();
        for (name, value) in changes {
            jwk[name] = value.clone();
        }
        jwk
    };
    let mut rows = vec![
        ("use-null", with(&[("use", json!(null))])),
        ("alg-null", with(&[("alg", json!(null))])),
        ("ops-null", with(&[("key_ops", json!(null))])),
        ("ops-empty", with(&[("key_ops", json!([]))])),
        ("private-null", with(&[("d", json!(null)), ("p", json!(null)), ("k", json!(null))])),
        ("certificates", with(&[("x5c", json!([])), ("x5t", json!(null)), ("x5u", json!({}))])),
    ];
    for (name, number) in court.key.numbers() {
        rows.push(("padded", with(&[(name, json!(format!("{}==", b64(&number))))])));
        if court.key.algorithm() == Algorithm::Rs256 {
            let zero = b64([&[0], &number[..]].concat());
            rows.push(("zero-before", with(&[(name, json!(zero))])));
        }
    }
    let good = court.key.jwk();
    for (name, jwk) in rows {
        let sets = [
            json!({ "keys": [jwk] }).to_string(),
            format!("\u{feff}{}", json!({ "keys": [jwk] })),
            jwk.to_string(),
        ];
        for set in sets {
            court.publish(Reply::text(set.clone())).await;
            court.takes(&format!("{name}: {set}"), court.key.token(&court.claims())).await;
            assert_eq!(court.app.metric("rownd_authz_keys_refused", &[]), 0.0, "{name}: {set}");
        }
    }
    court.publish(Reply::json(&json!({ "keys": [good] }))).await;
    court.adjourns().await;
}

async fn of_two_keys_with_one_name_neither_is_used(kind: Kind) {
    let mut court = Court::of(kind).await;
    let twins = [kind.key("sig-twin"), kind.key("sig-twin")];
    court.publish(Reply::keys(&[&court.key, &twins[0], &twins[1]])).await;
    for twin in &twins {
        let token = twin.token(&court.claims());
        court.refuses("a twin", &token, DenyReason::KidUnknown).await;
    }
    assert_eq!(court.app.metric("rownd_authz_keys", &[]), 1.0, "both are out");
    let unnamed = court.key.token_under(&json!({ "alg": court.alg() }), &court.claims());
    court.takes("without a name the good one is meant", unnamed).await;
    // The same key twice is one key.
    court.publish(Reply::keys(&[&court.key, &twins[0], &twins[0]])).await;
    court.takes("one key, written twice", twins[0].token(&court.claims())).await;
    court.adjourns().await;
}

/// Where tokens may come without a `kid`, each of up to four keys is tried; where they may not, one
/// key alone is.
async fn a_token_without_a_name_is_tried_with_few_keys_or_none(kind: Kind) {
    let mut court = Court::of(kind).await;
    let optional = matches!(kind, Kind::Oidc | Kind::Static);
    let header = json!({ "alg": court.alg() });
    let stranger = kind.key("sig-1");
    let more: Vec<Key> = (2..=5).map(|number| kind.key(&format!("sig-{number}"))).collect();
    for count in 0..=more.len() {
        let keys: Vec<&Key> = [&court.key].into_iter().chain(&more[..count]).collect();
        let set = Reply::keys(&keys);
        let tokens: Vec<String> =
            keys.iter().map(|key| key.token_under(&header, &court.claims())).collect();
        court.publish(set).await;
        let what = format!("{} keys", count + 1);
        for token in &tokens {
            match (optional, count + 1) {
                (_, 1) | (true, 2..=4) => {
                    court.takes(&what, token).await;
                }
                (true, _) => court.refuses(&what, token, DenyReason::KidMissing).await,
                (false, _) => court.refuses(&what, token, DenyReason::KidUnknown).await,
            }
        }
        let forged = stranger.token_under(&header, &court.claims());
        assert!(!court.judge(&forged).await.is_allowed(), "{what}");
        // A name counts, also where it is another key's.
        let claims = court.claims();
        let misnamed =
            stranger.token_under(&json!({ "alg": court.alg(), "kid": "sig-1" }), &claims);
        court.refuses(&what, &misnamed, DenyReason::SignatureInvalid).await;
    }
    court.adjourns().await;
}

/// Every encoding of a point of small order, the ones that no encoder writes included.
fn small_order_points() -> Vec<[u8; 32]> {
    let hex = |text: &str| -> [u8; 32] {
        let bytes = (0..32).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap());
        bytes.collect::<Vec<_>>().try_into().unwrap()
    };
    let positive = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];
    let both = positive.iter().flat_map(|text| {
        let point = hex(text);
        let mut negative = point;
        negative[31] |= 0x80;
        [point, negative]
    });
    both.collect()
}

/// A token under such a key that the library takes for genuine, made without any private key:
/// S is zero, R is a point of small order, and the text is varied until the equation holds.
fn forge_without_a_key(point: [u8; 32], kid: &str, iss: &str) -> Option<String> {
    let decoding = DecodingKey::from_ed_components(&b64(point)).ok()?;
    let header = b64(json!({ "alg": "EdDSA", "kid": kid }).to_string());
    for _ in 0..64 {
        let signed = format!("{header}.{}", b64(Claims::of(iss).json().to_string()));
        for r in small_order_points() {
            let signature = b64([r, [0; 32]].concat());
            let good = crypto::verify(
                &signature,
                signed.as_bytes(),
                &decoding,
                jsonwebtoken::Algorithm::EdDSA,
            );
            if matches!(good, Ok(true)) {
                return Some(format!("{signed}.{signature}"));
            }
        }
    }
    None
}

#[tokio::test]
async fn keys_under_which_anybody_can_sign_are_refused() {
    let mut court = Court::sit().await;
    let points = small_order_points();
    let name = |index: usize| format!("small-{index}");
    let mut keys = vec![court.key.jwk()];
    for (index, point) in points.iter().enumerate() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": name(index), "x": b64(point) });
        keys.push(jwk);
    }
    court.publish(Reply::json(&json!({ "keys": keys }))).await;
    assert_eq!(court.app.metric("rownd_authz_keys", &[]), 1.0, "only the good one is in use");
    let mut forged = 0;
    for (index, point) in points.into_iter().enumerate() {
        let token = forge_without_a_key(point, &name(index), &court.iss());
        forged += usize::from(token.is_some());
        let token = token.unwrap_or_else(|| {
            let header = json!({ "alg": "EdDSA", "kid": name(index) });
            Key::new("any").token_under(&header, &court.claims())
        });
        court.refuses(&name(index), &token, DenyReason::KidUnknown).await;
    }
    assert!(forged >= 8, "the library takes forgeries under {forged} of these keys");
    court.adjourns().await;
}

async fn a_set_without_a_usable_key_is_no_set(kind: Kind) {
    let mut court = Court::of(kind).await;
    let attacker = kind.key("sig-attacker");
    let mut hostile: Vec<Value> = unfit(&attacker).into_iter().map(|(_, jwk)| jwk).collect();
    hostile.truncate(50);
    court.publish(Reply::json(&json!({ "keys": hostile }))).await;
    court.takes("the last good key", court.key.token(&court.claims())).await;
    let token = attacker.token(&court.claims());
    court.refuses("the attacker's", &token, DenyReason::KidUnknown).await;
    assert_eq!(court.app.metric("rownd_authz_key_fetches_total", &[("result", "invalid")]), 1.0);
    court.adjourns().await;
}
