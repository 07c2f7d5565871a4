//! Wycheproof's JWS, JWK and JWE, and the JOSE cookbook.

use aws_lc_rs::hmac;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{list, vectors};
use crate::it::attacks::Court;
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, config,
    forge::{b64, unb64},
    issuer::KEYS,
};

/// The keys of all groups of a file, without those that are sets already taken apart.
fn group_keys(file: &Value) -> Vec<Value> {
    let mut keys = Vec::new();
    for group in list(file, "testGroups") {
        for half in ["public", "private"] {
            match group[half]["keys"].as_array() {
                Some(set) => keys.extend(set.iter().cloned()),
                None if group[half].is_object() => keys.push(group[half].clone()),
                None => {}
            }
        }
    }
    keys.truncate(99);
    keys
}

/// A header on real claims, signed by our good key; and by the vector's, where that is a MAC.
fn moved(header: &Value, court: &Court, key: &Value) -> Vec<String> {
    let claims = court.claims();
    let mut tokens = vec![court.key.token_under(header, &claims)];
    if let Some(secret) = key["k"].as_str() {
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.json().to_string()));
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &unb64(secret)), signed.as_bytes());
        tokens.push(format!("{signed}.{}", b64(mac)));
    }
    tokens
}

fn header_of(jws: &str) -> Option<Value> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = URL_SAFE_NO_PAD.decode(jws.split('.').next()?).ok()?;
    serde_json::from_slice::<Value>(&part).ok().filter(Value::is_object)
}

#[tokio::test]
async fn wycheproofs_jws_headers_on_real_claims() {
    for name in ["json_web_signature_test", "json_web_key_test"] {
        let Some(file) = vectors(&format!("wycheproof/{name}.json")) else {
            return;
        };
        let mut court = Court::sit().await;
        let mut keys = group_keys(&file);
        keys.push(court.key.jwk());
        court.publish(Reply::json(&json!({ "keys": keys }))).await;
        assert_eq!(
            court.app.metric("rownd_authz_keys", &[]),
            1.0,
            "{name}: none of them is Ed25519"
        );
        let (mut raw, mut on_claims) = (0, 0);
        for group in list(&file, "testGroups") {
            let key = group["private"]["keys"].get(0).unwrap_or(&group["private"]);
            for vector in list(group, "tests") {
                let what = format!("{name} tc {}: {}", vector["tcId"], vector["comment"]);
                // Some are objects: JSON is no form of ours.
                let jws =
                    vector["jws"].as_str().map_or_else(|| vector["jws"].to_string(), str::to_owned);
                let answer = court.judge(&jws).await;
                assert!(!answer.is_allowed(), "{what}: {answer:?}");
                raw += 1;
                let Some(header) = header_of(&jws) else {
                    continue;
                };
                for token in moved(&header, &court, key) {
                    let answer = court.judge(&token).await;
                    assert!(!answer.is_allowed(), "{what}: {answer:?}");
                }
                on_claims += 1;
            }
        }
        let expected = file["numberOfTests"].as_u64().unwrap();
        assert_eq!(raw, expected, "{name}");
        assert!(on_claims * 10 > raw * 8, "{name}: {on_claims} of {raw} have a header");
        court.adjourns().await;
    }
}

#[tokio::test]
async fn wycheproofs_jwe_are_refused_by_their_shape() {
    let Some(file) = vectors("wycheproof/json_web_encryption_test.json") else {
        return;
    };
    let court = Court::sit().await;
    let mut count = 0;
    for vector in list(&file, "testGroups").iter().flat_map(|group| list(group, "tests")) {
        let jwe = vector["jwe"].as_str().map_or_else(|| vector["jwe"].to_string(), str::to_owned);
        let answer = court.judge(&jwe).await;
        let good = ["token_malformed", "token_too_large", "credentials_ambiguous"];
        assert!(good.contains(&answer.reason()), "tc {}: {answer:?}", vector["tcId"]);
        count += 1;
    }
    assert_eq!(count, 139);
    let verified =
        court.app.metric("rownd_authz_verifications_total", &[("result", "signature_invalid")]);
    assert_eq!(verified, 0.0, "no cryptography was done for any of them");
    court.adjourns().await;
}

#[tokio::test]
async fn the_cookbooks_ed25519_example_verifies_and_is_no_token() {
    let Some(example) = vectors("jose-cookbook/curve25519/jws.json") else {
        return;
    };
    let jwk = &example["input"]["key"];
    let key = Key::of_seed("none", &unb64(jwk["d"].as_str().unwrap()));
    assert_eq!(b64(key.public()), jwk["x"].as_str().unwrap());
    let issuer = Issuer::start();
    // The published form: without `d`, and without a name.
    let public = json!({ "kty": "OKP", "use": "sig", "crv": "Ed25519", "x": jwk["x"] });
    issuer.set(KEYS, Reply::json(&json!({ "keys": [public] })));
    let app = TestApp::ready(&config(&issuer)).await;

    let compact = example["output"]["compact"].as_str().unwrap();
    let (signed, signature) = compact.rsplit_once('.').unwrap();
    let decoding = DecodingKey::from_ed_components(jwk["x"].as_str().unwrap()).unwrap();
    let good = crypto::verify(signature, signed.as_bytes(), &decoding, Algorithm::EdDSA);
    assert!(matches!(good, Ok(true)), "the signature is good");
    let answer = app.check(&Ask::with_token(compact)).await;
    answer.assert_denied("a payload that is no claims", DenyReason::TokenMalformed);
    // The same key over real claims, under the very header of the example.
    let token = key.token_under(&example["signing"]["protected"], &Claims::of(&issuer.url()));
    app.check(&Ask::with_token(token)).await.assert_allowed("on real claims", "authenticated");
}

/// Everything of the cookbook but Ed25519.
const OTHERS: [&str; 11] = [
    "jws/4_1.rsa_v15_signature",
    "jws/4_2.rsa-pss_signature",
    "jws/4_3.ecdsa_signature",
    "jws/4_4.hmac-sha2_integrity_protection",
    "jws/4_5.signature_with_detached_content",
    "jws/4_6.protecting_specific_header_fields",
    "jws/4_7.protecting_content_only",
    "jws/4_8.multiple_signatures",
    "rfc7797/4.2.hmac-sha2_b64_false",
    "rfc7797/hmac-sha2_b64_false",
    "curve25519/ecdh-es",
];

fn one_or_more(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

#[tokio::test]
async fn the_cookbooks_other_examples_are_refused() {
    let Some(_) = vectors(&format!("jose-cookbook/{}.json", OTHERS[0])) else {
        return;
    };
    let mut court = Court::sit().await;
    let mut keys = vec![court.key.jwk()];
    let examples: Vec<Value> =
        OTHERS.iter().map(|name| vectors(&format!("jose-cookbook/{name}.json")).unwrap()).collect();
    for example in &examples {
        keys.extend(one_or_more(&example["input"]["key"]));
    }
    court.publish(Reply::json(&json!({ "keys": keys }))).await;
    assert_eq!(court.app.metric("rownd_authz_keys", &[]), 1.0, "only ours is of use");
    let mut forms = 0;
    for (name, example) in OTHERS.iter().zip(&examples) {
        for form in ["compact", "json", "json_flat"] {
            let Some(text) = example["output"].get(form) else {
                continue;
            };
            let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
            for spelt in [text.clone(), b64(&text)] {
                let answer = court.judge(&spelt).await;
                assert!(!answer.is_allowed(), "{name} {form}: {answer:?}");
            }
            forms += 1;
        }
        for signing in one_or_more(&example["signing"]) {
            let header = &signing["protected"];
            if header.is_object() {
                let key = &example["input"]["key"];
                for token in moved(header, &court, key) {
                    let answer = court.judge(&token).await;
                    assert!(!answer.is_allowed(), "{name} {header}: {answer:?}");
                }
            }
        }
    }
    assert!(forms > 20, "{forms}");
    court.adjourns().await;
}
