//! Issuers with tenants: each tenant has its own `iss` and keys, and nothing of one is good for
//! another.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{CLIENT, CommandTarget, NOW, Rig, Signer, at, key_set, rig_of, soon, with};
use crate::{
    config,
    model::{Denial, DenyReason},
    verify::{
        Identity, IssuerAnswer, KeysAsked, RevokedSubject, VerifierLimits, VerifierParts,
        fetch_budget::FetchCause, jwks::KeySet, key_state::KeysInUse,
    },
};

fn issuer(tenants: &[&str], more: &str) -> String {
    format!(
        "{{name: many, kind: oidc, issuer: 'https://login.test/{{tenant}}/v2.0', \
         tenants: [{}], audiences: [api]{more}}}",
        tenants.join(", ")
    )
}

pub(super) fn yaml(tenants: &[&str], more: &str) -> String {
    format!("issuers: [{}]", issuer(tenants, more))
}

fn iss(tenant: &str) -> String {
    format!("https://login.test/{tenant}/v2.0")
}

pub(super) fn claims(tenant: &str, changes: &Value) -> Value {
    let claims = json!({
        "iss": iss(tenant), "sub": "user-1", "aud": "api", "jti": "t",
        "iat": NOW - 100, "exp": NOW + 3_500,
    });
    with(claims, changes)
}

fn compile(rig: &Rig, yaml: &str) -> VerifierParts {
    let config =
        config::parse("test.yaml", yaml, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
    let limits = VerifierLimits {
        max_token_bytes: 8192,
        claims_cache_bytes: 1 << 20,
        refusal_cache_bytes: 1 << 20,
    };
    rig.verifier.rebuild(&config.issuers, limits, &CLIENT, &rig.readiness).unwrap()
}

/// Puts this key in the ring of a tenant, as a fetch does.
fn put_keys(rig: &Rig, tenant: &str, key: &Signer) {
    let keys = &rig.verifier.issuers()[0].ring_of(&iss(tenant)).unwrap().keys;
    let set = KeySet::parse(&key_set(&[key]), keys.rules(), None).unwrap();
    let (begun, now) = (keys.begin(), Instant::now());
    let (fetched_at, fresh_for) = (at(NOW), Duration::from_secs(600));
    keys.keep(KeysInUse { set, since: now, asked: now, fetched_at, fresh_for, own: true }, begun);
    keys.end(begun, FetchCause::Turn, None);
}

/// A rig with one key for each tenant, all under one name.
fn rig_with(tenants: &[&str], more: &str, keys: &[Signer]) -> Rig {
    let rig = rig_of(&yaml(tenants, more), &[]);
    tenants.iter().zip(keys).for_each(|(tenant, key)| put_keys(&rig, tenant, key));
    rig
}

fn two_keys() -> [Signer; 2] {
    [Signer::new("k", 1), Signer::new("k", 2)]
}

async fn judge(rig: &Rig, key: &Signer, claims: &Value) -> Result<Arc<Identity>, Denial> {
    rig.verify(&key.token(claims)).await
}

fn reason(result: Result<Arc<Identity>, Denial>) -> Option<DenyReason> {
    result.err().map(|denial| denial.reason())
}

#[tokio::test(start_paused = true)]
async fn a_key_of_one_tenant_verifies_no_token_of_another() {
    let keys = two_keys();
    let rig = rig_with(&["a", "b"], "", &keys);
    for (own, tenant) in [(0, "a"), (1, "b")] {
        for _ in 0..2 {
            let who = judge(&rig, &keys[own], &claims(tenant, &json!({}))).await.unwrap();
            assert_eq!((&*who.issuer, who.tenant.as_deref()), ("many", Some(tenant)));
            let forged = judge(&rig, &keys[1 - own], &claims(tenant, &json!({}))).await;
            assert_eq!(reason(forged), Some(DenyReason::SignatureInvalid), "{tenant}");
        }
    }
    assert_eq!(rig.verifier.key_stores().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_is_one_whole_segment_and_stands_in_the_list_byte_for_byte() {
    let keys = two_keys();
    let rig = rig_with(&["a", "b.c"], "", &keys);
    for stranger in [
        "https://login.test/c/v2.0",
        "https://login.test/A/v2.0",
        "https://login.test//v2.0",
        "https://login.test/v2.0",
        "https://login.test/a/v2.0/",
        "https://login.test/a/b/v2.0",
        "https://login.test/a%2Fb/v2.0",
        "https://login.test/%61/v2.0",
        "https://login.test/./a/v2.0",
        "https://login.test/x/../a/v2.0",
        "https://login.test/a/v2.0?x",
        "https://login.test/a/v2.0#x",
        "https://login.test/{tenant}/v2.0",
        "https://LOGIN.test/a/v2.0",
        "https://login.test/a /v2.0",
        "https://login.test/bXc/v2.0",
        "https://login.test:443/a/v2.0",
        "http://login.test/a/v2.0",
        "https://a.login.test/a/v2.0",
        "a",
        "",
    ] {
        let denial = judge(&rig, &keys[0], &claims("a", &json!({ "iss": stranger }))).await;
        let denial = denial.unwrap_err();
        assert_eq!(denial.reason(), DenyReason::IssuerUntrusted, "{stranger}");
        assert!(denial.issuer().is_none(), "{stranger}");
    }
    // No tenant was asked: no store has begun or wished for a fetch.
    for issuer in rig.verifier.issuers() {
        assert_eq!(issuer.each_key_status().iter().map(|(.., keys)| keys.attempts).sum::<u64>(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_may_state_the_tenant_of_the_iss_and_no_other() {
    let keys = two_keys();
    let rig = rig_with(&["a", "b"], ", claims: {tenant: tid}", &keys);
    for (stated, expected) in [
        (json!({}), None),
        (json!({"tid": "a"}), None),
        (json!({"tid": "b"}), Some(DenyReason::ClaimsInvalid)),
        (json!({"tid": "A"}), Some(DenyReason::ClaimsInvalid)),
        (json!({"tid": ""}), Some(DenyReason::ClaimsInvalid)),
        (json!({"tid": 1}), Some(DenyReason::ClaimsInvalid)),
    ] {
        let judged = judge(&rig, &keys[0], &claims("a", &stated)).await;
        if let Ok(who) = &judged {
            assert_eq!(who.tenant.as_deref(), Some("a"), "{stated}");
        }
        assert_eq!(reason(judged), expected, "{stated}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_at_one_tenant_does_not_hit_another() {
    let keys = two_keys();
    let rig = rig_with(&["a", "b"], ", claims: {session_id: sid}", &keys);
    let session = json!({ "sid": "s" });
    let at_a = CommandTarget { issuer: Some("many"), tenant: Some("a") };
    let all = CommandTarget::of(Some("many"));
    for subject in [
        RevokedSubject::Token("t"),
        RevokedSubject::Session("s"),
        RevokedSubject::User { id: "user-1", not_before: NOW },
    ] {
        for (target, new, hits) in [(at_a, 1, [true, false]), (all, 2, [true, true])] {
            assert_eq!(rig.verifier.revoke(target, subject, None, at(NOW)), Ok(new), "{subject:?}");
            for ((tenant, key), hit) in ["a", "b"].iter().zip(&keys).zip(hits) {
                let judged = judge(&rig, key, &claims(tenant, &session)).await;
                assert_eq!(reason(judged), hit.then_some(DenyReason::Revoked), "{tenant}");
            }
            assert_eq!(rig.verifier.restore(target, subject), Ok(new), "{subject:?}");
        }
    }
    for unknown in [
        CommandTarget { issuer: Some("many"), tenant: Some("c") },
        CommandTarget { issuer: Some("other"), tenant: Some("a") },
    ] {
        let revoked = rig.verifier.revoke(unknown, RevokedSubject::Token("t"), None, at(NOW));
        assert!(revoked.is_err(), "{unknown:?}");
        assert_eq!(rig.verifier.forget_keys(unknown), 0, "{unknown:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_one_tenant_are_forgotten_alone() {
    let keys = two_keys();
    let rig = rig_with(&["a", "b"], "", &keys);
    let at_a = CommandTarget { issuer: Some("many"), tenant: Some("a") };
    assert_eq!(rig.verifier.forget_keys(at_a), 1);
    let of = |tenant| claims(tenant, &json!({}));
    // The fault of one tenant is no fault of all.
    let denial = judge(&rig, &keys[0], &of("a")).await.unwrap_err();
    assert_eq!(denial.reason(), DenyReason::KeysUnavailable);
    assert!(!denial.is_for_everybody());
    assert!(judge(&rig, &keys[1], &of("b")).await.is_ok());
    assert_eq!(rig.verifier.forget_keys(CommandTarget::of(Some("many"))), 1);
    let denial = judge(&rig, &keys[1], &of("b")).await.unwrap_err();
    assert_eq!(denial.reason(), DenyReason::KeysUnavailable);
    assert!(denial.is_for_everybody());
}

#[tokio::test(start_paused = true)]
async fn a_reload_of_the_list_keeps_the_keys_of_the_others() {
    let keys = two_keys();
    let slower = ", keys: {cooldown: 20s}";
    // (name, the issuer that follows, stores that begin, tenants that have keys)
    let cases: [(&str, String, usize, Vec<&str>); 8] = [
        ("nothing", yaml(&["a", "b"], ""), 0, vec!["a", "b"]),
        ("one more", yaml(&["a", "b", "c"], ""), 1, vec!["a", "b"]),
        ("one less", yaml(&["b"], ""), 0, vec!["b"]),
        ("one for another", yaml(&["c", "b"], ""), 1, vec!["b"]),
        ("another order", yaml(&["b", "a"], ""), 0, vec!["a", "b"]),
        ("a rule", yaml(&["a", "b"], ", leeway: 7s"), 0, vec!["a", "b"]),
        ("the pace", yaml(&["a", "b"], slower), 2, vec!["a", "b"]),
        ("the place", yaml(&["a", "b"], ", jwks_url: 'https://k.test/{tenant}'"), 2, vec![]),
    ];
    for (name, next, begun, with_keys) in cases {
        let rig = rig_with(&["a", "b"], "", &keys);
        let after = compile(&rig, &next);
        assert_eq!(after.refreshers.len(), begun, "{name}");
        let new = after.verifier.key_stores();
        let tasks: Vec<_> = after.refreshers.iter().map(|task| task.store_id()).collect();
        let old = rig.verifier.key_stores();
        assert!(new.iter().all(|store| old.contains(store) != tasks.contains(store)), "{name}");
        let statuses = after.verifier.issuers()[0].each_key_status();
        let found = statuses.iter().filter(|(.., keys)| keys.usable > 0);
        assert_eq!(
            found.filter_map(|(tenant, ..)| *tenant).collect::<Vec<_>>(),
            with_keys,
            "{name}"
        );
        // Keys that were kept were kept for their own tenant.
        for (own, tenant) in [(0, "a"), (1, "b")] {
            let judge = async |key: &Signer| {
                let token = key.token(&claims(tenant, &json!({})));
                reason(after.verifier.verify(&token, at(NOW), soon()).await)
            };
            let is_there = with_keys.contains(&tenant);
            assert_eq!(judge(&keys[own]).await.is_none(), is_there, "{name}: {tenant}");
            assert!(judge(&keys[1 - own]).await.is_some(), "{name}: {tenant}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_takes_the_place_of_a_single_issuer_gets_none_of_its_keys() {
    let key = Signer::new("k", 1);
    let single = "issuers: [{name: many, kind: oidc, issuer: 'https://login.test/a/v2.0', \
                  audiences: [api]}]";
    let rig = rig_of(single, &[]);
    put_keys(&rig, "a", &key);
    let after = compile(&rig, &yaml(&["a", "b"], ""));
    assert_eq!(after.refreshers.len(), 2);
    assert_eq!(after.verifier.issuers()[0].key_status().usable, 0);
    // And the other way round.
    let rig = rig_with(&["a", "b"], "", &two_keys());
    let after = compile(&rig, single);
    assert_eq!(after.verifier.issuers()[0].key_status().usable, 0);
}

#[tokio::test(start_paused = true)]
async fn two_kinds_of_token_may_have_one_list_of_tenants_and_one_store_for_each() {
    let keys = two_keys();
    let pair = |second: &[&str]| {
        let ids = issuer(second, ", accepts: id").replace("name: many", "name: ids");
        let ids = ids.replace("audiences: [api]", "audiences: [client]");
        format!("issuers: [{}, {ids}]", issuer(&["a", "b"], ", accepts: access"))
    };
    let rig = rig_of(&pair(&["b", "a"]), &[]);
    assert_eq!(rig.verifier.key_stores().len(), 2);
    put_keys(&rig, "a", &keys[0]);
    put_keys(&rig, "b", &keys[1]);
    for (own, tenant) in [(0, "a"), (1, "b")] {
        for (aud, name) in [("api", "many"), ("client", "ids")] {
            let who =
                judge(&rig, &keys[own], &claims(tenant, &json!({ "aud": aud }))).await.unwrap();
            assert_eq!((&*who.issuer, who.tenant.as_deref()), (name, Some(tenant)));
        }
    }
    // Other lists: stores of their own.
    assert_eq!(rig_of(&pair(&["a"]), &[]).verifier.key_stores().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_pages_and_the_metrics_show_tenants_in_bounded_form() {
    let names: Vec<String> = (0..256).map(|index| format!("t{index:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let keys: Vec<Signer> = (0..200).map(|seed| Signer::new("k", seed)).collect();
    let rig = rig_with(&names, "", &keys);
    let issuer = &rig.verifier.issuers()[0];
    let status = issuer.tenants_status().unwrap();
    assert_eq!((status.total, status.fresh, status.stale, status.without_keys), (256, 200, 0, 56));
    assert_eq!(status.faults.len(), 20);
    assert_eq!(status.faults[0].tenant, "t200");
    let all = issuer.key_status();
    assert_eq!((all.usable, all.keys.len(), all.attempts), (200, 0, 200));
    rig.verifier.measure_keys();
    let of = |name: &str, more: &str| rig.metric(&format!("{name}{{issuer=\"many\"{more}}}"));
    assert_eq!(of("rownd_authz_keys", ""), 200.0);
    assert_eq!(of("rownd_authz_tenants", ",state=\"fresh\""), 200.0);
    assert_eq!(of("rownd_authz_tenants", ",state=\"without_keys\""), 56.0);
    // No series, and no text of the page, for each tenant.
    let text = rig.metrics.render();
    assert!(names.iter().all(|name| !text.contains(name)));
    let page = json!({ "keys": all, "tenants": status }).to_string();
    assert!(page.len() < 4_000, "{}", page.len());
}

#[test]
fn an_inspection_names_the_tenant_or_the_place_of_it() {
    let keys = two_keys();
    let rig = rig_with(&["a", "b"], "", &keys);
    let inspect =
        |claims: &Value| rig.verifier.inspect(&keys[0].token(claims), at(NOW), KeysAsked::No);
    let found = inspect(&claims("a", &json!({})));
    assert_eq!((found.picked, found.issuers[0].iss.as_str()), (Some(0), iss("a").as_str()));
    match &found.issuers[0].answer {
        IssuerAnswer::Taken(who) => assert_eq!(who.tenant.as_deref(), Some("a")),
        other @ (IssuerAnswer::Refused(_)
        | IssuerAnswer::IfSigned(_)
        | IssuerAnswer::Undecided(_)) => {
            panic!("{other:?}")
        }
    }
    let found = inspect(&claims("b", &json!({})));
    let answer = &found.issuers[0].answer;
    assert!(matches!(answer, IssuerAnswer::Refused(DenyReason::SignatureInvalid)), "{answer:?}");
    let found = inspect(&claims("c", &json!({})));
    assert_eq!((found.picked, found.issuers[0].iss.as_str()), (None, iss("{tenant}").as_str()));
    let answer = &found.issuers[0].answer;
    assert!(matches!(answer, IssuerAnswer::Refused(DenyReason::IssuerUntrusted)), "{answer:?}");
}

#[test]
fn each_tenant_has_a_snapshot_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let settings = format!(
        "{{{}, key_snapshots: {{directory: {}}}}}",
        yaml(&["a", "b.c"], ""),
        path.display()
    );
    let rig = rig_of(&settings, &[]);
    let rings = &rig.verifier.issuers()[0].rings;
    let paths: Vec<_> = rings.iter().map(|ring| ring.keys.snapshot.get().unwrap().path()).collect();
    assert_eq!(paths, ["many.a.keys", "many.b.c.keys"].map(|name| path.join(name)));
}
