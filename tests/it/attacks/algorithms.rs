//! The algorithm is the key's, never the header's (RFC 8725 sections 3.1, 3.2 and 3.5).

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{Court, Kind};
use crate::support::{
    Key, Reply,
    forge::{Algorithm, b64},
};

for_every_kind!(
    none_is_no_algorithm_in_any_spelling,
    a_header_without_an_algorithm_or_with_an_odd_one_is_refused,
    no_public_key_serves_as_a_secret,
    a_key_of_another_family_in_the_set_verifies_nothing,
    a_key_signs_in_one_manner_only
);

/// Anything that makes a signature.
type Sign<'a> = dyn Fn(&[u8]) -> Vec<u8> + 'a;

/// Header and claims, signed by anything.
fn assemble(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", b64(signature))
}

async fn none_is_no_algorithm_in_any_spelling(kind: Kind) {
    let court = Court::of(kind).await;
    let claims = court.claims().json();
    for alg in ["none", "None", "NONE", "nOnE", "none ", " none", "", "null", "nоne"] {
        let header = json!({ "alg": alg, "kid": court.key.kid });
        let unsigned = assemble(&header, &claims, |_| Vec::new());
        court.refuses(&format!("{alg:?} unsigned"), &unsigned, DenyReason::TokenMalformed).await;
        // Without its last dot, with a signature of another token, with one made of nothing.
        let bare = unsigned.trim_end_matches('.');
        court.refuses(&format!("{alg:?} bare"), bare, DenyReason::TokenMalformed).await;
        let signed = court.key.sign(header.to_string(), claims.to_string());
        court.refuses(&format!("{alg:?} signed"), &signed, DenyReason::AlgorithmRefused).await;
        let zero = assemble(&header, &claims, |_| vec![0; 64]);
        court.refuses(&format!("{alg:?} zero"), &zero, DenyReason::AlgorithmRefused).await;
    }
    court.adjourns().await;
}

async fn a_header_without_an_algorithm_or_with_an_odd_one_is_refused(kind: Kind) {
    let court = Court::of(kind).await;
    let claims = court.claims();
    let kid = court.key.kid.clone();
    let malformed = [
        json!({ "kid": kid }),
        json!({ "alg": null, "kid": kid }),
        json!({ "alg": 5, "kid": kid }),
        json!({ "alg": [court.alg()], "kid": kid }),
        json!({ "alg": { court.alg(): true }, "kid": kid }),
        json!({ "Alg": court.alg(), "kid": kid }),
    ];
    let malformed = malformed.map(|header| (header, DenyReason::TokenMalformed));
    let others = [
        "eddsa", "EdDSA", "EdDSA ", "EDDSA", "Ed25519", "other", "Ed448", "dir", "HS256", "HS384",
        "HS512", "RS256", "rs256", "RS256 ", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "es256", "ES384", "ES512", "ES256K",
    ];
    // On the one curve that is supported, `Ed25519` is the same algorithm (RFC 9864).
    let is_own = |alg: &str| alg == court.alg() || (court.alg() == "EdDSA" && alg == "Ed25519");
    let others = others.into_iter().filter(|alg| !is_own(alg));
    let others =
        others.map(|alg| (json!({ "alg": alg, "kid": kid }), DenyReason::AlgorithmRefused));
    for (header, reason) in malformed.into_iter().chain(others) {
        // The signature is good: only the header stands in the way.
        let token = court.key.token_under(&header, &claims);
        court.refuses(&header.to_string(), &token, reason).await;
    }
    court.adjourns().await;
}

/// Every text that a careless library takes for the key when it is asked to do HMAC.
fn public_encodings(key: &Key) -> Vec<Vec<u8>> {
    let pem = |label: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"))
    };
    let mut all = Vec::new();
    for (label, der) in [("PUBLIC KEY", key.spki()), ("RSA PUBLIC KEY", key.raw())] {
        let pem = pem(label, &der);
        all.extend([
            STANDARD.encode(&der).into_bytes(),
            b64(&der).into_bytes(),
            der,
            pem.clone().into_bytes(),
            format!("{pem}\n").into_bytes(),
            format!(" {pem}").into_bytes(),
            pem.replace('\n', "\r\n").into_bytes(),
        ]);
    }
    for (_, number) in key.numbers() {
        all.extend([
            b64(&number).into_bytes(),
            STANDARD.encode(&number).into_bytes(),
            number.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
            number,
        ]);
    }
    all.extend([
        key.jwk().to_string().into_bytes(),
        json!({ "keys": [key.jwk()] }).to_string().into_bytes(),
        key.kid.clone().into_bytes(),
        Vec::new(),
    ]);
    all
}

async fn no_public_key_serves_as_a_secret(kind: Kind) {
    let court = Court::of(kind).await;
    let claims = court.claims().json();
    for (index, secret) in public_encodings(&court.key).into_iter().enumerate() {
        let families = [
            ("HS256", hmac::HMAC_SHA256),
            ("HS384", hmac::HMAC_SHA384),
            ("HS512", hmac::HMAC_SHA512),
        ];
        for (alg, algorithm) in families {
            let mac = |text: &[u8]| {
                hmac::sign(&hmac::Key::new(algorithm, &secret), text).as_ref().to_vec()
            };
            let what = format!("{alg} with encoding {index}");
            let header = json!({ "alg": alg, "kid": court.key.kid });
            let token = assemble(&header, &claims, mac);
            court.refuses(&what, &token, DenyReason::AlgorithmRefused).await;
            // The header tells the truth about the key, the signature is a MAC.
            let token = assemble(&court.key.header(), &claims, mac);
            court.refuses(&what, &token, DenyReason::SignatureInvalid).await;
        }
    }
    court.adjourns().await;
}

async fn a_key_of_another_family_in_the_set_verifies_nothing(kind: Kind) {
    let mut court = Court::of(kind).await;
    let all = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];
    let others: Vec<Key> = all
        .into_iter()
        .filter(|algorithm| *algorithm != court.key.algorithm())
        .map(|algorithm| Key::of(algorithm, algorithm.name()))
        .collect();
    let secret = b"a secret that somebody has published";
    let oct =
        json!({ "kty": "oct", "kid": "HS256", "alg": "HS256", "use": "sig", "k": b64(secret) });
    let keys = [&court.key, &others[0], &others[1]].map(Key::jwk);
    let keys: Vec<Value> = keys.into_iter().chain([oct]).collect();
    court.publish(Reply::json(&json!({ "keys": keys }))).await;

    let claims = court.claims().json();
    let mac = |text: &[u8]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text).as_ref().to_vec()
    };
    let sign = |key: &Key, text: &[u8]| key.signature(std::str::from_utf8(text).unwrap());
    let rows: [(&str, &Sign<'_>); 3] = [
        (&others[0].kid, &|text| sign(&others[0], text)),
        (&others[1].kid, &|text| sign(&others[1], text)),
        ("HS256", &mac),
    ];
    for (name, sign) in rows {
        let token = assemble(&json!({ "alg": name, "kid": name }), &claims, sign);
        court.refuses(name, &token, DenyReason::AlgorithmRefused).await;
        // The right algorithm for the issuer, the wrong key: its name is none of ours.
        let token = assemble(&json!({ "alg": court.alg(), "kid": name }), &claims, sign);
        court.refuses(name, &token, DenyReason::KidUnknown).await;
        // And without a name there is one key that fits, which did not sign.
        let token = assemble(&json!({ "alg": court.alg() }), &claims, sign);
        court.refuses(name, &token, DenyReason::SignatureInvalid).await;
    }
    court.adjourns().await;
}

/// A key is for one algorithm of its family: what else it can sign with is not asked for.
async fn a_key_signs_in_one_manner_only(kind: Kind) {
    let court = Court::of(kind).await;
    let claims = court.claims().json();
    for name in ["PS256", "PS384", "PS512", "RS384", "RS512", "ES384", "ES512", "ES256K", "Ed448"] {
        let header = json!({ "alg": name, "kid": court.key.kid });
        let own = court.key.sign(header.to_string(), claims.to_string());
        court.refuses(&format!("{name} in name"), &own, DenyReason::AlgorithmRefused).await;
        for (manner, truth) in [(name, header), (court.alg(), court.key.header())] {
            let odd = |text: &[u8]| {
                let signatures = court.key.other_signatures(std::str::from_utf8(text).unwrap());
                let made = signatures.into_iter().find(|(known, _)| *known == name);
                // Of a family without other manners: anything of the usual length.
                made.map_or_else(|| vec![1; 96], |(_, signature)| signature)
            };
            let reason = match manner == court.alg() {
                true => DenyReason::SignatureInvalid,
                false => DenyReason::AlgorithmRefused,
            };
            court
                .refuses(&format!("{name} as {manner}"), assemble(&truth, &claims, odd), reason)
                .await;
        }
    }
    court.adjourns().await;
}

/// An issuer that signs with everything there is: each of its keys still has one algorithm.
#[tokio::test]
async fn a_key_never_answers_to_another_keys_algorithm() {
    let all = Algorithm::ALL;
    let mut court = Court::of_with(Kind::Oidc, |c| {
        c["issuers"][0]["algorithms"] = json!(all.map(Algorithm::name));
    })
    .await;
    let keys = all.map(|algorithm| Key::of(algorithm, "same"));
    let published: Vec<&Key> = keys.iter().chain([&court.key]).collect();
    let set = Reply::keys(&published);
    court.publish(set).await;
    let claims = court.claims().json();
    for key in &keys {
        for said in all {
            let header = json!({ "alg": said.name(), "kid": "same" });
            let token = key.sign(header.to_string(), claims.to_string());
            let what = format!("{:?} as {said:?}", key.algorithm());
            if said == key.algorithm() {
                court.takes(&what, token).await;
            } else {
                court.refuses(&what, token, DenyReason::SignatureInvalid).await;
            }
        }
    }
    court.adjourns().await;
}
