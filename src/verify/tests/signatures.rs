//! Whole tokens: which key, which algorithm, which issuer, and in which order it is asked.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{ISS, NOW, Rig, Signer, access, issuer, key_set, rig, rig_of, unsigned, with};
use crate::model::DenyReason;

async fn reason(rig: &Rig, token: &Bytes) -> Result<String, DenyReason> {
    let found = rig.verify(token).await;
    found.map(|identity| identity.user_id.clone()).map_err(|denial| denial.reason())
}

#[tokio::test(start_paused = true)]
async fn a_genuine_token_is_taken_and_a_forged_one_is_not() {
    let (key, foreign) = (Signer::new("k", 1), Signer::new("k", 2));
    let claims = access();
    let good = key.token(&claims);
    let text = std::str::from_utf8(&good).unwrap().to_owned();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let other = with(access(), &json!({"https://auth.rownd.io/app_user_id": "admin"}));
    let moved =
        format!("{}.{signature}", unsigned(r#"{"alg":"EdDSA","kid":"k"}"#, &other.to_string()));
    let zero = format!("{signed}.{}", "A".repeat(86));
    let short = format!("{signed}.{}", &signature[..44]);
    let long = format!("{signed}.{signature}{signature}");
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &good).await, Ok("user_test0000000000000000001".to_owned()));
            let forged = Err(DenyReason::SignatureInvalid);
            #[rustfmt::skip] // one case a line
            let cases = [
                ("signed by another key", foreign.token(&claims)),
                ("other claims under the same signature", moved.into()),
                ("a signature of zeros", zero.into()),
                ("half a signature", short.into()),
                ("the signature twice", long.into()),
                ("re-encoded claims", Bytes::from(text.replace(&claims_part(&text), &spaced(&claims)))),
            ];
            for (name, token) in cases {
                assert_eq!(reason(rig, &token).await, forged, "{name}");
            }
        })
        .await;
}

fn claims_part(token: &str) -> String {
    token.split('.').nth(1).unwrap().to_owned()
}

/// The same claims with a blank more: another text, so another signature.
fn spaced(claims: &Value) -> String {
    URL_SAFE_NO_PAD.encode(format!("{claims} "))
}

#[tokio::test(start_paused = true)]
async fn the_issuer_says_which_algorithm_there_is() {
    let key = Signer::new("k", 1);
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key.x().as_bytes());
    rig(&[&key])
        .run_with_keys(async |rig| {
            #[rustfmt::skip] // one case a line
            let cases = [
                "none", "None", "nOnE", "NONE", "", " EdDSA", "EdDSA ", "eddsa", "EDDSA", "ed25519", "Ed25519 ", "Ed448", "HS256",
                "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES256K", "ES384",
                "ES512", "RS256 ", "dir", "RSA-OAEP", "EdDSA\u{0}", "EdDSA,none",
            ];
            for algorithm in cases {
                let token = key.sign(&json!({"alg": algorithm, "kid": "k"}), &access());
                assert_eq!(reason(rig, &token).await, Err(DenyReason::AlgorithmRefused), "{algorithm:?}");
            }
            // The public key as the secret of a symmetric algorithm.
            let signed = unsigned(r#"{"alg":"HS256","kid":"k"}"#, &access().to_string());
            let tag = aws_lc_rs::hmac::sign(&secret, signed.as_bytes());
            let tag = URL_SAFE_NO_PAD.encode(tag.as_ref());
            let token = Bytes::from(format!("{signed}.{tag}"));
            assert_eq!(reason(rig, &token).await, Err(DenyReason::AlgorithmRefused), "HMAC");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_key_is_chosen_by_its_name_as_an_opaque_word() {
    let (a, b) = (Signer::new("a", 1), Signer::new("b", 2));
    rig(&[&a, &b])
        .run_with_keys(async |rig| {
            let claims = access();
            #[rustfmt::skip] // one case a line
            let cases = [
                ("its own name", json!({"alg": "EdDSA", "kid": "a"}), None),
                ("the name of another key", json!({"alg": "EdDSA", "kid": "b"}), Some(DenyReason::SignatureInvalid)),
                ("no name, two keys", json!({"alg": "EdDSA"}), Some(DenyReason::KidUnknown)),
                ("another case", json!({"alg": "EdDSA", "kid": "A"}), Some(DenyReason::KidUnknown)),
                ("a blank", json!({"alg": "EdDSA", "kid": " a"}), Some(DenyReason::KidUnknown)),
                ("a path", json!({"alg": "EdDSA", "kid": "../../a"}), Some(DenyReason::KidUnknown)),
                ("SQL", json!({"alg": "EdDSA", "kid": "' OR 1=1 --"}), Some(DenyReason::KidUnknown)),
                ("NUL", json!({"alg": "EdDSA", "kid": "a\u{0}"}), Some(DenyReason::KidUnknown)),
                ("a URL", json!({"alg": "EdDSA", "kid": "https://evil.test/key"}), Some(DenyReason::KidUnknown)),
                ("a key brought along", json!({"alg": "EdDSA", "kid": "c", "jwk": a.jwk()}), Some(DenyReason::KidUnknown)),
            ];
            for (name, header, expected) in cases {
                let found = reason(rig, &a.sign(&header, &claims)).await.err();
                assert_eq!(found, expected, "{name}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_key_name_is_taken_where_there_is_one_key() {
    let key = Signer::new("only", 1);
    rig(&[&key])
        .run_with_keys(async |rig| {
            let token = key.sign(&json!({"alg": "EdDSA"}), &access());
            assert!(reason(rig, &token).await.is_ok());
            let forged = Signer::new("only", 2).sign(&json!({"alg": "EdDSA"}), &access());
            assert_eq!(reason(rig, &forged).await, Err(DenyReason::SignatureInvalid));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn the_issuer_is_known_exactly_or_not_at_all() {
    let key = Signer::new("k", 1);
    rig(&[&key])
        .run_with_keys(async |rig| {
            #[rustfmt::skip] // one case a line
            let cases = [
                "", "https://issuer.test/", "https://ISSUER.test", "http://issuer.test", "issuer.test", " https://issuer.test",
                "https://issuer.test.evil.test", "https://issuer.test\u{0}", "https://api.rownd.io",
            ];
            for iss in cases {
                let token = key.token(&with(access(), &json!({"iss": iss})));
                assert_eq!(reason(rig, &token).await, Err(DenyReason::IssuerUntrusted), "{iss:?}");
            }
            let absent = key.token(&with(access(), &json!({"iss": null})));
            assert_eq!(reason(rig, &absent).await, Err(DenyReason::IssuerUntrusted));
            let list = key.token(&with(access(), &json!({"iss": ["https://evil.test", ISS]})));
            assert_eq!(reason(rig, &list).await, Err(DenyReason::TokenMalformed));
            // Nothing of this made anybody ask for keys again.
            assert_eq!(rig.script().fetches(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_serves_its_own_issuer_only() {
    let (one, two) = (Signer::new("same", 1), Signer::new("same", 2));
    let iss = ["https://one.test", "https://two.test"];
    let yaml = format!("issuers: [{}, {}]", issuer("one", iss[0]), issuer("two", iss[1]));
    let claims = |iss: &str| with(access(), &json!({"iss": iss}));
    rig_of(&yaml, &[key_set(&[&one]), key_set(&[&two])])
        .run_with_keys(async |rig| {
            for (key, iss, expected) in [
                (&one, iss[0], Ok("one")),
                (&two, iss[1], Ok("two")),
                (&one, iss[1], Err(DenyReason::SignatureInvalid)),
                (&two, iss[0], Err(DenyReason::SignatureInvalid)),
            ] {
                let found = rig.verify(&key.token(&claims(iss))).await;
                let found =
                    found.as_ref().map(|who| &*who.issuer).map_err(|denial| denial.reason());
                assert_eq!(found, expected, "{iss}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_too_long_is_not_parsed() {
    let key = Signer::new("k", 1);
    let padded = |length: usize| {
        let mut token = key.token(&access()).to_vec();
        token.resize(length, b'A');
        Bytes::from(token)
    };
    rig(&[&key])
        .run_with_keys(async |rig| {
            for length in [24_575, 24_576] {
                assert_ne!(
                    reason(rig, &padded(length)).await,
                    Err(DenyReason::TokenTooLarge),
                    "{length}"
                );
            }
            for length in [24_577, 1 << 20] {
                assert_eq!(
                    reason(rig, &padded(length)).await,
                    Err(DenyReason::TokenTooLarge),
                    "{length}"
                );
            }
        })
        .await;
}

/// The reason is about the first fault: an attacker learns nothing about claims, and a user with
/// an old token learns that it has to be refreshed.
#[tokio::test(start_paused = true)]
async fn the_order_is_shape_issuer_algorithm_key_signature_time_claims() {
    let (key, foreign) = (Signer::new("k", 1), Signer::new("k", 2));
    let expired = json!({"exp": NOW - 1_000});
    let other_app = json!({"exp": NOW - 1_000, "aud": ["app:other"]});
    rig(&[&key])
        .run_with_keys(async |rig| {
            #[rustfmt::skip] // one case a line
            let cases = [
                ("forged and expired", foreign.token(&with(access(), &expired)), DenyReason::SignatureInvalid),
                ("expired, another app", key.token(&with(access(), &other_app)), DenyReason::TokenExpired),
                ("expired", key.token(&with(access(), &expired)), DenyReason::TokenExpired),
                ("unknown issuer, no algorithm", key.sign(&json!({"alg": "none"}), &json!({"iss": "x"})), DenyReason::IssuerUntrusted),
                ("no algorithm, unknown key", key.sign(&json!({"alg": "none", "kid": "x"}), &access()), DenyReason::AlgorithmRefused),
                ("a refused header, unknown issuer", key.sign(&json!({"alg": "EdDSA", "crv": 1, "crit": []}), &json!({"iss": "x"})), DenyReason::TokenHeaderRefused),
                ("no end", key.token(&with(access(), &json!({"exp": null}))), DenyReason::ClaimsInvalid),
                ("not yet", key.token(&with(access(), &json!({"iat": NOW + 31}))), DenyReason::TokenNotYetValid),
                ("a refresh token", key.token(&with(access(), &json!({"https://auth.rownd.io/jwt_type": "refresh_token"}))), DenyReason::TokenKindRefused),
            ];
            for (name, token, expected) in cases {
                assert_eq!(reason(rig, &token).await, Err(expected), "{name}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_without_an_end_is_taken_only_where_the_operator_says_so() {
    let key = Signer::new("k", 1);
    let issuer = issuer("one", ISS).replace("kind: rownd", "kind: rownd, allow_missing_exp: true");
    let yaml = format!("issuers: [{issuer}]");
    let token = key.token(&with(access(), &json!({"exp": null})));
    rig_of(&yaml, &[key_set(&[&key])])
        .run_with_keys(async |rig| {
            assert!(rig.verify(&token).await.unwrap().expires_at.is_none());
            // Far in the future still; but not before its start.
            assert!(rig.verify_at(&token, NOW + 1_000_000_000).await.is_ok());
            let early = rig.verify_at(&token, NOW - 1_000).await;
            assert_eq!(
                early.map_err(|denial| denial.reason()).err(),
                Some(DenyReason::TokenNotYetValid)
            );
        })
        .await;
}

#[test]
fn the_cryptography_is_asked_at_start_whether_it_works() {
    assert_eq!(crate::verify::self_test(), Ok(()));
}
