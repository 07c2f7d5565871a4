//! Two issuers with one `iss`, for access tokens and for ID tokens: each token is judged by one of
//! them, a token that could be of both is refused, and the keys of both are one store.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{CLIENT, ISS, NOW, Rig, Signer, at, key_set, rig_of, soon, with};
use crate::{
    config,
    model::DenyReason,
    verify::{
        CommandTarget, IssuerAnswer, KeysAsked, RevokedSubject, VerifierLimits, VerifierParts,
        fetch_budget::FetchCause, jwks::KeySet, key_state::KeysInUse,
    },
};

fn access_issuer(more: &str) -> String {
    format!(
        "{{name: api, kind: oidc, issuer: '{ISS}', audiences: [api, both], accepts: access, \
         claims: {{roles: roles}}{more}}}"
    )
}

fn id_issuer(more: &str) -> String {
    format!(
        "{{name: ids, kind: oidc, issuer: '{ISS}', audiences: [client, both], accepts: id, \
         claims: {{user_id: email}}{more}}}"
    )
}

fn issuers(all: &[String]) -> String {
    format!("issuers: [{}]", all.join(", "))
}

fn pair() -> String {
    issuers(&[access_issuer(""), id_issuer("")])
}

fn claims(changes: &Value) -> Value {
    let claims = json!({
        "iss": ISS, "sub": "user-1", "aud": "api", "email": "a@b.test", "roles": ["admin"],
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

#[tokio::test(start_paused = true)]
async fn a_token_of_one_iss_is_judged_by_the_issuer_of_its_kind() {
    use DenyReason::{
        AudienceMismatch, SignatureInvalid, TokenExpired, TokenKindAmbiguous, TokenKindRefused,
    };
    let (key, forger) = (Signer::new("k", 1), Signer::new("k", 2));
    let mut rig = rig_of(&pair(), &[key_set(&[&key])]);
    // (what the claims say, the issuer that judges, the user id or the reason)
    let cases: [(Value, &str, Result<&str, DenyReason>); 15] = [
        (json!({"scope": "read"}), "api", Ok("user-1")),
        (json!({"nonce": "n", "aud": "client"}), "ids", Ok("a@b.test")),
        (json!({"token_use": "id", "aud": "both"}), "ids", Ok("a@b.test")),
        (json!({"token_use": "access", "aud": "both"}), "api", Ok("user-1")),
        // No mark: the audience says for whom it was made.
        (json!({}), "api", Ok("user-1")),
        (json!({"aud": "client"}), "ids", Ok("a@b.test")),
        (json!({"aud": "both"}), "api", Err(TokenKindAmbiguous)),
        (json!({"aud": ["api", "client"], "azp": "client"}), "api", Err(TokenKindAmbiguous)),
        // A mark of the one and the audience of the other.
        (json!({"nonce": "n"}), "ids", Err(AudienceMismatch)),
        (json!({"scope": "read", "aud": "client"}), "api", Err(AudienceMismatch)),
        // Of neither: the first says why.
        (json!({"aud": "elsewhere"}), "api", Err(AudienceMismatch)),
        (json!({"events": {}}), "api", Err(TokenKindRefused)),
        (json!({"nonce": "n", "scope": "read"}), "api", Err(TokenKindRefused)),
        (json!({"aud": "client", "exp": NOW - 100}), "ids", Err(TokenExpired)),
        (json!({"scope": "read", "exp": NOW - 100}), "api", Err(TokenExpired)),
    ];
    rig.run_with_keys(async |rig| {
        for (changes, judge, expected) in &cases {
            let token = key.token(&claims(changes));
            // Twice: the second answer may be a cached one.
            for _ in 0..2 {
                match (rig.verify(&token).await, expected) {
                    (Ok(who), Ok(user)) => {
                        assert_eq!((&*who.issuer, who.user_id.as_str()), (*judge, *user));
                        assert_eq!(who.roles.is_empty(), *judge == "ids", "{changes}");
                    }
                    (Err(denial), Err(reason)) => {
                        let judged = denial.issuer().map(|name| &**name);
                        assert_eq!((denial.reason(), judged), (*reason, Some(*judge)), "{changes}");
                    }
                    (found, _) => panic!("{changes}: {found:?}"),
                }
            }
        }
        for (changes, judge) in [(json!({}), "api"), (json!({"aud": "client"}), "ids")] {
            let denial = rig.verify(&forger.token(&claims(&changes))).await.unwrap_err();
            assert_eq!(denial.reason(), SignatureInvalid);
            assert_eq!(denial.issuer().map(|name| &**name), Some(judge));
        }
        assert_eq!(rig.script().fetches(), 1, "the keys of both are fetched once");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_of_the_two_says_in_the_metrics_that_its_keys_are_there() {
    let key = Signer::new("k", 1);
    let mut rig = rig_of(&pair(), &[key_set(&[&key])]);
    rig.run_with_keys(async |rig| {
        rig.verifier.measure_keys();
        for name in ["api", "ids"] {
            assert_eq!(
                rig.metric(&format!("rownd_authz_keys{{issuer=\"{name}\"}}")),
                1.0,
                "{name}"
            );
            assert_eq!(rig.metric(&format!("rownd_authz_keys_stale{{issuer=\"{name}\"}}")), 0.0);
        }
        assert!(rig.verifier.issuers().iter().all(|issuer| issuer.key_status().usable == 1));
    })
    .await;
}

#[test]
fn the_two_have_one_store_where_their_keys_are_found_in_one_way() {
    let apart = ", algorithms: [RS256]";
    let slower = ", keys: {cooldown: 20s}";
    for (name, all, stores) in [
        ("the same", [access_issuer(""), id_issuer("")], 1),
        ("the other way round", [id_issuer(""), access_issuer("")], 1),
        ("other algorithms", [access_issuer(apart), id_issuer("")], 2),
        ("fetched at another pace", [access_issuer(""), id_issuer(slower)], 2),
        ("both at that pace", [access_issuer(slower), id_issuer(slower)], 1),
    ] {
        let rig = rig_of(&issuers(&all), &[]);
        assert_eq!(rig.verifier.key_stores().len(), stores, "{name}");
    }
}

#[test]
fn readiness_waits_for_the_keys_if_one_of_the_two_asks_for_that() {
    let optional = ", required: false";
    for (one, two, waits) in [("", "", true), (optional, "", true), ("", optional, true)]
        .into_iter()
        .chain([(optional, optional, false)])
    {
        let rig = rig_of(&issuers(&[super::issuer("other", "https://other.test")]), &[]);
        let start = rig.readiness.latch("the start");
        let _after = compile(&rig, &issuers(&[access_issuer(one), id_issuer(two)]));
        drop(start);
        assert_eq!(!rig.readiness.is_ready(), waits, "{one:?} {two:?}");
    }
}

fn put_keys(rig: &Rig, key: &Signer) {
    let keys = &rig.verifier.issuers()[0].rings[0].keys;
    let set = KeySet::parse(&key_set(&[key]), keys.rules(), None).unwrap();
    let (begun, now) = (keys.begin(), Instant::now());
    let (fetched_at, fresh_for) = (at(NOW), std::time::Duration::from_secs(600));
    keys.keep(KeysInUse { set, since: now, asked: now, fetched_at, fresh_for, own: true }, begun);
    keys.end(begun, FetchCause::Turn, None);
}

#[tokio::test(start_paused = true)]
async fn a_reload_of_one_of_the_two_loses_no_keys_and_leaves_no_store_without_a_task() {
    let key = Signer::new("k", 1);
    let slower = ", keys: {cooldown: 20s}";
    // (name, the issuers that follow, tasks that begin, stores of before that stay in use)
    let cases: [(&str, Vec<String>, usize, usize); 8] = [
        ("nothing", vec![access_issuer(""), id_issuer("")], 0, 1),
        ("the second goes", vec![access_issuer("")], 0, 1),
        ("the first goes, and the task of both with it", vec![id_issuer("")], 1, 0),
        ("they change places", vec![id_issuer(""), access_issuer("")], 1, 0),
        ("a rule of the second", vec![access_issuer(""), id_issuer(", leeway: 7s")], 0, 1),
        ("a rule of the first", vec![access_issuer(", leeway: 7s"), id_issuer("")], 0, 1),
        ("the keys of the first", vec![access_issuer(slower), id_issuer("")], 2, 0),
        ("the keys of both", vec![access_issuer(slower), id_issuer(slower)], 1, 0),
    ];
    for (name, all, tasks, kept) in cases {
        let rig = rig_of(&pair(), &[]);
        put_keys(&rig, &key);
        let after = compile(&rig, &issuers(&all));
        assert_eq!(after.refreshers.len(), tasks, "{name}");
        let (old, new) = (rig.verifier.key_stores(), after.verifier.key_stores());
        assert_eq!(old.intersection(&new).count(), kept, "{name}");
        let begun: Vec<_> = after.refreshers.iter().map(|task| task.store_id()).collect();
        assert!(new.iter().all(|store| old.contains(store) || begun.contains(store)), "{name}");
        for issuer in after.verifier.issuers() {
            assert_eq!(issuer.key_status().usable, 1, "{name}: {}", issuer.name());
        }
    }
}

#[test]
fn the_two_stay_on_one_store_when_the_first_gets_another_name() {
    let rig = rig_of(&pair(), &[]);
    let renamed = access_issuer("").replace("name: api", "name: other");
    let after = compile(&rig, &issuers(&[renamed, id_issuer("")]));
    let begun: Vec<_> = after.refreshers.iter().map(|task| task.store_id()).collect();
    assert_eq!(after.verifier.key_stores().into_iter().collect::<Vec<_>>(), begun);
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_forgotten_by_either_name_are_forgotten_for_both_and_stay_so() {
    let key = Signer::new("k", 1);
    let tokens = [claims(&json!({})), claims(&json!({"aud": "client"}))];
    for name in [Some("api"), Some("ids"), None] {
        let rig = rig_of(&pair(), &[]);
        put_keys(&rig, &key);
        // Compiled before the command, in force after it.
        let after = compile(&rig, &issuers(&[id_issuer(""), access_issuer("")]));
        assert_eq!(
            rig.verifier.forget_keys(CommandTarget::of(name)),
            if name.is_some() { 1 } else { 2 }
        );
        after.verifier.forget_as(&rig.verifier);
        for verifier in [&*rig.verifier, &after.verifier] {
            for claims in &tokens {
                let denial = verifier.verify(&key.token(claims), at(NOW), soon()).await;
                let reason = denial.unwrap_err().reason();
                assert_eq!(reason, DenyReason::KeysUnavailable, "{name:?} {claims}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_revocation_by_either_name_holds_for_the_iss() {
    let key = Signer::new("k", 1);
    let rig = rig_of(&pair(), &[]);
    put_keys(&rig, &key);
    let tokens = [json!({"jti": "t"}), json!({"jti": "t", "aud": "client"})];
    let tokens = tokens.map(|changes| key.token(&claims(&changes)));
    for name in [Some("api"), Some("ids"), None] {
        let subject = RevokedSubject::Token("t");
        assert_eq!(
            rig.verifier.revoke(CommandTarget::of(name), subject, None, at(NOW)),
            Ok(1),
            "{name:?}"
        );
        for token in &tokens {
            assert_eq!(rig.verify(token).await.unwrap_err().reason(), DenyReason::Revoked);
        }
        assert_eq!(rig.verifier.restore(CommandTarget::of(name), subject), Ok(1), "{name:?}");
        for token in &tokens {
            assert!(rig.verify(token).await.is_ok(), "{name:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_inspection_shows_the_answers_of_both_and_which_of_them_counts() {
    let key = Signer::new("k", 1);
    let rig = rig_of(&pair(), &[]);
    put_keys(&rig, &key);
    // (claims, which counts, the answers of both: `None` is taken)
    let (kind, audience) = (DenyReason::TokenKindRefused, DenyReason::AudienceMismatch);
    let both = DenyReason::TokenKindAmbiguous;
    for (changes, counts, answers) in [
        (json!({"scope": "read"}), 0, [None, Some(kind)]),
        (json!({"nonce": "n", "aud": "client"}), 1, [Some(kind), None]),
        (json!({"aud": "client"}), 1, [Some(audience), None]),
        (json!({"aud": "both"}), 0, [Some(both), Some(both)]),
    ] {
        let found = rig.verifier.inspect(&key.token(&claims(&changes)), at(NOW), KeysAsked::No);
        assert_eq!(found.picked, Some(counts), "{changes}");
        let said = found.issuers.iter().map(|finding| match &finding.answer {
            IssuerAnswer::Taken(_) => None,
            IssuerAnswer::Refused(reason) => Some(*reason),
            other @ (IssuerAnswer::IfSigned(_) | IssuerAnswer::Undecided(_)) => {
                panic!("{changes}: {other:?}")
            }
        });
        assert_eq!(said.collect::<Vec<_>>(), answers, "{changes}");
    }
}
