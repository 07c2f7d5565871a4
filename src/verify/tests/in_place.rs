//! Keys that an operator has put in place: a key set or PEM, alone or beside fetched ones.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    APP, CommandTarget, FetchResult, ISS, Signer, access, key_set, named, rig_of, unnamed,
    verifies, with,
};
use crate::{
    config::SigningAlgorithm,
    model::DenyReason,
    verify::jwks::{FittingKeys, KeyRefusal, KeySet},
};

const ALL: &[SigningAlgorithm] = &SigningAlgorithm::ALL;

fn armoured(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn public<K: AsDer<PublicKeyX509Der<'static>>>(key: &K) -> String {
    armoured("PUBLIC KEY", key.as_der().unwrap().as_ref())
}

/// The text as YAML takes it in one line.
fn quoted(text: &str) -> String {
    json!(text).to_string()
}

fn pinned(keys: &str, more: &str) -> String {
    let keys = quoted(keys);
    format!(
        "issuers: [{{name: one, kind: rownd, base_url: '{ISS}', apps: [{{id: {APP}}}], key_set: {keys}{more}}}]"
    )
}

fn document(keys: &[&Signer]) -> String {
    String::from_utf8(key_set(keys)).unwrap()
}

#[test]
fn pem_keys_of_every_type_are_read_and_answer_to_any_name() {
    let ed = Signer::new("ed", 1);
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let p521 = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let text = [
        public(ed.pair.public_key()),
        public(ec.public_key()),
        public(p384.public_key()),
        public(p521.public_key()),
        public(rsa.public_key()),
    ];
    let text = format!("# our partner's\n{}", text.join("\n"));
    let set = KeySet::in_place(&text, named(ALL)).unwrap();
    assert_eq!(set.len(), 5);
    let marked = KeySet::in_place(&format!("\u{feff}{text}"), named(ALL)).unwrap();
    assert_eq!(marked.len(), 5, "a byte order mark changes nothing");
    for algorithm in ALL {
        assert!(set.find(None, *algorithm).is_some());
        assert!(set.find(Some("any"), *algorithm).is_some());
    }
    let key = set.find(Some("any"), SigningAlgorithm::EdDSA).unwrap();
    assert!(verifies(&key, b"text", ed.pair.sign(b"text").as_ref()));
}

#[test]
fn pem_that_is_no_sound_public_key_is_refused_with_its_place() {
    let ed = |seed| public(Signer::new("k", seed).pair.public_key());
    let small = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // An RSA key of 1024 bits, by hand: SEQUENCE { INTEGER n, INTEGER e }.
    let mut der = vec![0x30, 0x81, 0x89, 0x02, 0x81, 0x81, 0x00];
    der.extend_from_slice(&[0xff; 128]);
    der.extend_from_slice(&[0x02, 0x03, 0x01, 0x00, 0x01]);
    let weak_point =
        [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &[0; 32]];
    for (name, text, algorithms, said) in [
        ("nothing", "hello".to_owned(), ALL, "neither a JWKS nor PEM"),
        ("a private key", armoured("PRIVATE KEY", &[1, 2, 3]), ALL, "block 1 is a private key"),
        (
            "another private key",
            format!("{}{}", ed(1), armoured("EC PRIVATE KEY", &[1])),
            ALL,
            "block 2 is a private key",
        ),
        ("garbage", armoured("PUBLIC KEY", &[1, 2, 3]), ALL, "block 1 is no public key"),
        ("a weak RSA key", armoured("RSA PUBLIC KEY", &der), ALL, KeyRefusal::WeakRsa.text()),
        (
            "a weak point",
            armoured("PUBLIC KEY", &weak_point.concat()),
            ALL,
            KeyRefusal::WeakPoint.text(),
        ),
        (
            "another algorithm",
            public(small.public_key()),
            &[SigningAlgorithm::EdDSA][..],
            "PS512, which is not among",
        ),
    ] {
        let error = KeySet::in_place(&text, named(algorithms)).unwrap_err();
        assert!(error.contains(said), "{name}: {error}");
    }
}

/// A partner rotates: the old key and the new one stand there together.
#[test]
fn a_few_pem_keys_of_one_algorithm_are_all_tried_and_more_are_refused() {
    let ed = |seed| public(Signer::new("k", seed).pair.public_key());
    let text = |count: u8| (1..=count).map(ed).collect::<String>();
    let fitting = |set: &KeySet, kid| match set.fitting(kid, SigningAlgorithm::EdDSA) {
        None => 0,
        Some(FittingKeys::One(_)) => 1,
        Some(FittingKeys::Several(keys)) => keys.len(),
        Some(FittingKeys::TooMany) => usize::MAX,
    };
    for count in 1..=4_u8 {
        let few = usize::from(count);
        let set = KeySet::in_place(&text(count), unnamed(ALL)).unwrap();
        assert_eq!(set.len(), few);
        assert_eq!((fitting(&set, Some("x")), fitting(&set, None)), (few, few));
        // Where each token has a name, one without it is for the only key that there is.
        let set = KeySet::in_place(&text(count), named(ALL)).unwrap();
        let alone = usize::from(count == 1);
        assert_eq!((fitting(&set, Some("x")), fitting(&set, None)), (few, alone));
        // The same key twice is one key.
        let twice = KeySet::in_place(&format!("{0}{0}", text(count)), unnamed(ALL)).unwrap();
        assert_eq!(twice.len(), few);
    }
    for rules in [named(ALL), unnamed(ALL)] {
        let error = KeySet::in_place(&text(5), rules).unwrap_err();
        assert!(error.contains("more than 4 keys in PEM for EdDSA"), "{error}");
    }
}

#[tokio::test]
async fn both_keys_of_a_partner_who_rotates_verify_tokens_of_any_name_and_of_none() {
    let (old, new, other) = (Signer::new("x", 1), Signer::new("y", 2), Signer::new("x", 3));
    let keys = [&old, &new].map(|key| public(key.pair.public_key())).concat();
    let yaml = format!(
        "issuers: [{{name: one, kind: static, issuer: '{ISS}', audiences: [api], \
         auth_level: verified, key_set: {}}}]",
        quoted(&keys)
    );
    let rig = rig_of(&yaml, &[]);
    let claims = with(access(), &json!({"aud": "api"}));
    for (signer, good) in [(&old, true), (&new, true), (&other, false)] {
        for header in [json!({"alg": "EdDSA", "kid": signer.kid}), json!({"alg": "EdDSA"})] {
            let found = rig.verify(&signer.sign(&header, &claims)).await;
            let reason = found.map(|_| ()).map_err(|denial| denial.reason());
            let expected = if good { Ok(()) } else { Err(DenyReason::SignatureInvalid) };
            assert_eq!(reason, expected, "{header}");
        }
    }
    assert_eq!(rig.verifier.issuers()[0].key_status().keys.len(), 2);
}

#[test]
fn a_key_set_in_place_without_a_usable_key_says_why() {
    let keys = json!({"keys": [{"kty": "oct", "kid": "s", "k": "AA"}]}).to_string();
    let error = KeySet::in_place(&keys, unnamed(ALL)).unwrap_err();
    assert!(error.contains("(kid s)") && error.contains(KeyRefusal::Secret.text()), "{error}");
}

#[tokio::test(start_paused = true)]
async fn keys_in_place_verify_until_fetched_ones_come_and_never_beside_them() {
    let (old, new) = (Signer::new("old", 1), Signer::new("new", 2));
    let mut rig = rig_of(&pinned(&document(&[&old]), ""), &[key_set(&[&new])]);
    rig.script().fail(FetchResult::Network);
    let (by_old, by_new) = (old.token(&access()), new.token(&with(access(), &json!({"x": 1}))));
    rig.run(async |rig| {
        rig.verify(&by_old).await.unwrap();
        // The other keys of the issuer are unknown: that is not the token's fault.
        let denial = rig.verify(&by_new).await.unwrap_err();
        assert_eq!(denial.reason(), DenyReason::KeysUnavailable);
        assert!(!denial.is_for_everybody(), "a client chooses the kid");
        rig.script().answer(key_set(&[&new]));
        tokio::time::sleep(std::time::Duration::from_secs(120)).await;
        rig.verify(&by_new).await.unwrap();
        let denial = rig.verify(&by_old).await.unwrap_err();
        assert_eq!(denial.reason(), DenyReason::KidUnknown, "also where its claims are cached");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_fetching_the_keys_in_place_are_all_there_is() {
    let (ours, other) = (Signer::new("ours", 1), Signer::new("other", 2));
    let rig = rig_of(&pinned(&document(&[&ours]), ", keys: {fetch: false}"), &[]);
    assert!(rig.readiness.waiting_for().is_empty(), "{:?}", rig.readiness.waiting_for());
    rig.verify(&ours.token(&access())).await.unwrap();
    assert_eq!(
        rig.verify(&other.token(&access())).await.unwrap_err().reason(),
        DenyReason::KidUnknown
    );
    let status = rig.verifier.issuers()[0].key_status();
    assert_eq!((status.usable, status.overdue, status.stale), (1, false, false));
    assert_eq!(rig.metric("rownd_authz_keys{issuer=\"one\"}"), 1.0);
    // Trust can be ended here too; only other keys or a restart bring it back.
    rig.verifier.forget_keys(CommandTarget::default());
    assert_eq!(
        rig.verify(&ours.token(&access())).await.unwrap_err().reason(),
        DenyReason::KeysUnavailable
    );
}
