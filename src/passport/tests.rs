//! Keys: those that can be used, those that cannot, and what is published of them.

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa::{KeySize, PrivateDecryptingKey},
    signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{Passports, key::PrivateKey, labels::PassportResult, problems};
use crate::{
    config::{Config, PassportKey, RulePassport, Secret, parse},
    metrics::{LabelValues, Labels, Metrics},
    model::{AuthLevel, DenialClass, DenyReason, IdentityFacts},
    verify::Identity,
};

/// The private key of RFC 8410 section 10.3, which has no public half in it, as OpenSSL writes it.
const ED25519_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";

fn pem(tag: &str, der: impl Into<Vec<u8>>) -> String {
    pem::encode(&pem::Pem::new(tag, der))
}

fn fresh(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    pem("PRIVATE KEY", rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_der())
}

fn p256() -> String {
    fresh(&rcgen::PKCS_ECDSA_P256_SHA256)
}

fn rsa() -> String {
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
    pem("PRIVATE KEY", der.as_ref())
}

fn settings(text: &str, kid: Option<&str>) -> PassportKey {
    PassportKey {
        file: "/keys/one.pem".into(),
        kid: kid.map(str::to_owned),
        pem: Secret::new(text),
        readable_by_all: false,
    }
}

/// A configuration with these keys.
fn config(keys: &[(&str, Option<&str>)]) -> Config {
    let directory = tempfile::tempdir().unwrap();
    let written = keys.iter().enumerate().map(|(index, (text, kid))| {
        let file = directory.path().join(format!("{index}.pem"));
        std::fs::write(&file, text).unwrap();
        let kid = kid.map_or_else(String::new, |kid| format!(", kid: {kid}"));
        format!("{{ file: '{}'{kid} }}", file.display())
    });
    let written = written.collect::<Vec<_>>().join(", ");
    let yaml = format!(
        "issuers: [{{ name: r, kind: rownd, apps: [{{ id: app_test }}] }}]\n\
         passport: {{ issuer: 'https://authz.example.com/a', keys: [{written}] }}"
    );
    parse("test.yaml", &yaml, &std::collections::BTreeMap::new()).unwrap()
}

fn build(config: &Config) -> Result<Option<Passports>, String> {
    let mut labels = Labels::of_issuers(["r".to_owned()]);
    labels.passport_results = LabelValues::of::<PassportResult>();
    Passports::build(config, &Default::default(), &Metrics::build(&labels).unwrap())
}

fn document(passports: &Passports, path: &str) -> Value {
    let found = passports.published().find(path).unwrap_or_else(|| panic!("nothing at {path}"));
    serde_json::from_slice(&found.body).unwrap()
}

#[test]
fn a_key_signs_by_the_algorithm_of_its_type() {
    let from =
        |jwk: &Value, name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    for (name, text, algorithm, verifies) in [
        ("P-256", p256(), "ES256", &ECDSA_P256_SHA256_FIXED as &dyn VerificationAlgorithm),
        ("Ed25519 without its public half", ED25519_KEY.to_owned(), "EdDSA", &ED25519),
        ("Ed25519 with it", fresh(&rcgen::PKCS_ED25519), "EdDSA", &ED25519),
    ] {
        let key = PrivateKey::read(&settings(&text, None)).expect(name);
        let jwk = key.jwk();
        assert_eq!((key.algorithm(), &jwk["alg"]), (algorithm, &algorithm.into()), "{name}");
        let public = match algorithm {
            "ES256" => [vec![4], from(&jwk, "x"), from(&jwk, "y")].concat(),
            _ => from(&jwk, "x"),
        };
        let signature = key.sign(b"text").unwrap();
        let public = UnparsedPublicKey::new(verifies, &public);
        public.verify(b"text", &signature).unwrap_or_else(|_| panic!("{name}: another signature"));
        assert!(public.verify(b"tex", &signature).is_err(), "{name}");
    }
}

#[test]
fn a_file_that_holds_no_usable_key_is_refused_and_never_quoted() {
    let (one, other) = (p256(), p256());
    let body = one.lines().nth(1).unwrap();
    for (name, text, expected) in [
        ("empty", String::new(), "no PEM block"),
        ("text", format!("secret {body}"), "no PEM block"),
        ("cut off", one[..one.len() / 2].to_owned(), "no PEM block"),
        ("not base64", one.replace(body, "!!!!"), "not PEM"),
        ("two keys", format!("{one}{other}"), "several PEM blocks"),
        ("encrypted", one.replace("PRIVATE", "ENCRYPTED PRIVATE"), "openssl pkcs8 -in"),
        ("SEC 1", one.replace("PRIVATE", "EC PRIVATE"), "-topk8"),
        ("PKCS #1", one.replace("PRIVATE", "RSA PRIVATE"), "-topk8"),
        ("public", one.replace("PRIVATE", "PUBLIC"), "holds a public key"),
        ("SPKI", pem("PUBLIC KEY", *b"0"), "holds a public key"),
        ("certificate", pem("CERTIFICATE", *b"0"), "no private key"),
        ("P-384", fresh(&rcgen::PKCS_ECDSA_P384_SHA384), "another type"),
        ("RSA", rsa(), "another type"),
        ("no DER", pem("PRIVATE KEY", *b"secret"), "another type"),
    ] {
        let message = PrivateKey::read(&settings(&text, None)).expect_err(name);
        assert!(message.contains(expected), "{name}: {message}");
        assert!(message.contains("/keys/one.pem"), "{name}: {message}");
        assert!(!message.contains(body) && !message.contains("secret "), "{name}: {message}");
    }
}

#[test]
fn only_the_public_members_of_all_keys_are_published() {
    let passports = build(&config(&[(&p256(), None), (ED25519_KEY, Some("old"))]));
    let passports = passports.unwrap().unwrap();
    let set = document(&passports, "/a/.well-known/jwks.json");
    let keys = set["keys"].as_array().unwrap();
    let members: Vec<Vec<&str>> = keys
        .iter()
        .map(|key| key.as_object().unwrap().keys().map(String::as_str).collect())
        .collect();
    let expected = [
        vec!["alg", "crv", "kid", "kty", "use", "x", "y"],
        vec!["alg", "crv", "kid", "kty", "use", "x"],
    ];
    let sorted = |list: &[Vec<&str>]| -> Vec<Vec<String>> {
        let each = list.iter().map(|names| {
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.sort();
            names
        });
        each.collect()
    };
    assert_eq!(sorted(&members), sorted(&expected));
    // The public key of RFC 8410 section 10.1.
    assert_eq!(keys[1]["x"], "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE");
    assert_eq!((&keys[1]["kid"], keys[0]["kid"].as_str().unwrap().len()), (&"old".into(), 43));
    let discovery = document(&passports, "/a/.well-known/openid-configuration");
    assert_eq!(discovery["issuer"], "https://authz.example.com/a");
    assert_eq!(discovery["jwks_uri"], "https://authz.example.com/a/.well-known/jwks.json");
    let algorithms = &discovery["id_token_signing_alg_values_supported"];
    assert_eq!(*algorithms, serde_json::json!(["ES256", "EdDSA"]));
    assert!(passports.published().find("/.well-known/jwks.json").is_none());
}

#[test]
fn keys_that_cannot_stand_beside_each_other_are_problems_of_their_settings() {
    let (one, other) = (p256(), p256());
    for (name, keys, expected) in [
        ("two", vec![(&*one, None), (&*other, None)], vec![]),
        (
            "one twice",
            vec![(&*one, None), (&*one, Some("b"))],
            vec![("/passport/keys/1/file", "the same key")],
        ),
        (
            "one name",
            vec![(&*one, Some("a")), (&*other, Some("a"))],
            vec![("/passport/keys/1/kid", "write another name")],
        ),
        (
            "both bad",
            vec![("x", None), ("y", None)],
            vec![("/passport/keys/0/file", "PEM"), ("/passport/keys/1/file", "PEM")],
        ),
    ] {
        let config = config(&keys);
        let found = problems(&config);
        assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
        for (finding, (pointer, words)) in found.iter().zip(&expected) {
            assert_eq!(finding.pointer, *pointer, "{name}");
            assert!(finding.message.contains(words), "{name}: {finding:?}");
        }
        assert_eq!(build(&config).is_err(), !expected.is_empty(), "{name}");
    }
}

#[test]
fn a_signer_that_was_not_published_before_is_told() {
    let (one, other) = (p256(), p256());
    let build = |keys: &[(&str, Option<&str>)]| build(&config(keys)).unwrap().unwrap();
    let before = build(&[(&one, Some("one")), (&other, Some("other"))]);
    for (name, keys, expected) in [
        ("moved to the front", vec![(&*other, Some("other")), (&*one, Some("one"))], None),
        ("the old one alone", vec![(&*one, Some("one"))], None),
        ("never seen", vec![(ED25519_KEY, Some("new")), (&*one, Some("one"))], Some("new")),
    ] {
        assert_eq!(build(&keys).signs_by_a_new_key(&before), expected, "{name}");
    }
}

#[test]
fn a_passport_that_cannot_be_signed_is_a_denial_of_its_own() {
    let mut passports = build(&config(&[(&p256(), None)])).unwrap().unwrap();
    let facts = IdentityFacts::new("user".to_owned(), "r".into(), AuthLevel::Verified);
    let identity = Identity::for_test(facts);
    let rule: RulePassport =
        serde_json::from_value(serde_json::json!({ "audience": "orders" })).unwrap();
    let minted = |passports: &Passports| {
        passports.mint(&rule, &identity, serde_json::Map::new(), 1_000).map(|(token, _)| token)
    };
    assert_eq!(minted(&passports).unwrap().split('.').count(), 3);
    passports.keys.clear();
    let reason = minted(&passports).unwrap_err().reason();
    assert_eq!(reason, DenyReason::PassportUnavailable);
    assert_eq!(reason.class(), DenialClass::Unavailable);
}

#[test]
fn a_token_that_says_it_is_a_passport_is_known() {
    let passports = build(&config(&[(&p256(), None)])).unwrap().unwrap();
    let token = |header: &str, claims: &str| {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    };
    let plain = r#"{"alg":"ES256"}"#;
    let typ = |typ: &str| token(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#), "{}");
    for (name, token, expected) in [
        ("a passport", typ("rownd-passport+jwt"), true),
        ("in other letters", typ("Application/ROWND-Passport+JWT"), true),
        ("a transaction token", typ("txntoken+jwt"), true),
        ("our iss", token(plain, r#"{"iss":"https://authz.example.com/a"}"#), true),
        ("with blanks around it", format!(" {} ", typ("txntoken+jwt")), true),
        ("another token", typ("JWT"), false),
        ("another iss", token(plain, r#"{"iss":"https://authz.example.com"}"#), false),
        ("no JSON", token("x", "y"), false),
        ("an opaque token", "abc".to_owned(), false),
        ("nothing", String::new(), false),
    ] {
        assert_eq!(passports.is_own(&token), expected, "{name}");
    }
}
