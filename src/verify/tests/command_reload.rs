//! Commands and a reload of the configuration, in either order: keys that were forgotten are not
//! trusted again by a reload, what a reload brings is not forgotten by a command of before, and
//! what was revoked stays so under another name.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::json;

use super::{APP, CLIENT, ISS, Rig, Signer, access, key_set, rig_of, soon};
use crate::{
    config,
    model::DenyReason,
    verify::{
        CommandTarget, RevokedSubject, Verifier, VerifierLimits, VerifierParts,
        fetch_budget::FetchCause, jwks::KeySet, key_state::KeysInUse,
    },
};

/// The configuration that follows, compiled beside the one of the rig.
fn compile(before: &Verifier, rig: &Rig, yaml: &str) -> VerifierParts {
    let config =
        config::parse("test.yaml", yaml, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let limits = VerifierLimits {
        max_token_bytes: 8192,
        claims_cache_bytes: 1 << 20,
        refusal_cache_bytes: 1 << 20,
    };

    before.rebuild(&config.issuers, limits, &CLIENT, &rig.readiness).unwrap()
}

/// And put in force.
fn reload(before: &Verifier, rig: &Rig, yaml: &str) -> Arc<Verifier> {
    let after = compile(before, rig, yaml).verifier;
    after.forget_as(before);
    Arc::new(after)
}

fn set_of(keys: &[&Signer]) -> String {
    json!(String::from_utf8(key_set(keys)).unwrap()).to_string()
}

/// With keys in place; the first half of each pair fetches nothing, the second one does.
fn kinds(keys: &[&Signer], more: &str) -> [String; 3] {
    let set = set_of(keys);
    let rownd = |fetch: bool| {
        let more =
            if fetch { more.to_owned() } else { more.replace("keys: {", "keys: {fetch: false, ") };
        format!(
            "issuers: [{{name: one, kind: rownd, base_url: '{ISS}', apps: [{{id: {APP}}}], \
             key_set: {set}, {more}}}]"
        )
    };
    let fixed = format!(
        "issuers: [{{name: one, kind: static, issuer: '{ISS}', audiences: ['app:{APP}'], \
         algorithms: [EdDSA], auth_level: verified, key_set: {set}, {more}}}]"
    );
    [rownd(true), rownd(false), fixed]
}

async fn reason(verifier: &Verifier, key: &Signer) -> Option<DenyReason> {
    let token = key.token(&access());
    let verified = verifier.verify(&token, super::at(super::NOW), soon()).await;
    verified.err().map(|denial| denial.reason())
}

#[tokio::test(start_paused = true)]
async fn keys_in_place_that_were_forgotten_stay_so_whatever_else_is_reloaded() {
    let stolen = Signer::new("k", 1);
    let first = kinds(&[&stolen], "keys: {cooldown: 10s}");
    for (row, yaml) in first.iter().enumerate() {
        let rig = rig_of(yaml, &[]);
        assert_eq!(reason(&rig.verifier, &stolen).await, None, "{yaml}");
        rig.verifier.forget_keys(CommandTarget::default());
        let mut before = rig.verifier.clone();
        for more in [
            "leeway: 7s, keys: {cooldown: 10s}",
            "leeway: 7s, keys: {cooldown: 11s}",
            "leeway: 7s, keys: {cooldown: 11s}, allow_insecure_http: true",
            "leeway: 7s, keys: {cooldown: 12s}, allow_insecure_http: true",
        ] {
            let after = reload(&before, &rig, &kinds(&[&stolen], more)[row]);
            let found = reason(&after, &stolen).await;
            assert_eq!(found, Some(DenyReason::KeysUnavailable), "{row} {more}");
            before = after;
        }
        let renamed = first[row].replace("name: one", "name: two");
        let after = reload(&before, &rig, &renamed);
        let found = reason(&after, &stolen).await;
        assert_eq!(found, Some(DenyReason::KeysUnavailable), "{row} under another name");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_take_the_place_of_forgotten_ones_are_trusted() {
    let (stolen, new) = (Signer::new("old", 1), Signer::new("new", 2));
    let more = "keys: {cooldown: 10s}";
    let first = kinds(&[&stolen], more);
    for (row, yaml) in first.iter().enumerate() {
        let rig = rig_of(yaml, &[]);
        rig.verifier.forget_keys(CommandTarget::default());
        let after = reload(&rig.verifier, &rig, &kinds(&[&new], more)[row]);
        assert_eq!(reason(&after, &new).await, None, "{row}");
        assert!(reason(&after, &stolen).await.is_some(), "{row}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_fetched_for_a_new_address_are_not_forgotten_by_an_old_command() {
    let yaml = |base: &str| {
        format!(
            "issuers: [{{name: one, kind: rownd, issuer: '{ISS}', base_url: '{base}', \
             apps: [{{id: {APP}}}]}}]"
        )
    };
    let new = Signer::new("new", 2);
    for (given_meanwhile, expected) in [(false, None), (true, Some(DenyReason::KeysUnavailable))] {
        let rig = rig_of(&yaml("https://old.test"), &[]);
        rig.verifier.forget_keys(CommandTarget::default());
        let parts = compile(&rig.verifier, &rig, &yaml("https://new.test"));
        let keys = &parts.verifier.issuers()[0].rings[0].keys;
        let set = KeySet::parse(&key_set(&[&new]), keys.rules(), None).unwrap();
        let (begun, now) = (keys.begin(), tokio::time::Instant::now());
        keys.keep(
            KeysInUse {
                set,
                since: now,
                asked: now,
                fetched_at: std::time::SystemTime::now(),
                fresh_for: Duration::from_secs(600),
                own: true,
            },
            begun,
        );
        keys.end(begun, FetchCause::Turn, None);
        if given_meanwhile {
            rig.verifier.forget_keys(CommandTarget::default());
        }
        parts.verifier.forget_as(&rig.verifier);
        assert_eq!(reason(&parts.verifier, &new).await, expected, "{given_meanwhile}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_stays_when_its_issuer_gets_another_name() {
    let key = Signer::new("k", 1);
    let [yaml, ..] = kinds(&[&key], "keys: {cooldown: 10s}");
    let rig = rig_of(&yaml, &[]);
    let jti = access()["jti"].as_str().unwrap().to_owned();
    for subject in [
        RevokedSubject::Token(&jti),
        RevokedSubject::User { id: "user_test0000000000000000001", not_before: super::NOW },
    ] {
        assert_eq!(
            rig.verifier.revoke(
                CommandTarget::of(Some("one")),
                subject,
                None,
                super::at(super::NOW)
            ),
            Ok(1)
        );
        assert_eq!(reason(&rig.verifier, &key).await, Some(DenyReason::Revoked));
        let other = reload(&rig.verifier, &rig, &yaml.replace("name: one", "name: two"));
        assert_eq!(other.issuers()[0].name(), "two");
        assert_eq!(reason(&other, &key).await, Some(DenyReason::Revoked), "{subject:?}");
        assert_eq!(other.restore(CommandTarget::of(Some("two")), subject), Ok(1));
        assert_eq!(reason(&other, &key).await, None);
        // Under the old name, another issuer: it has nothing to do with that.
        let third = yaml.replace(ISS, "https://third.test");
        let third = reload(&rig.verifier, &rig, &third);
        assert_eq!(third.restore(CommandTarget::of(Some("one")), subject), Ok(0));
    }
}
