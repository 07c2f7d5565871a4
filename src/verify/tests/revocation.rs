//! Withdrawn tokens, sessions and users: at the very next verification, cached or not; bounded;
//! and never forgotten too early.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::json;
use tokio::time::advance;

use super::{CommandTarget, ISS, NOW, Rig, Signer, access, at, issuer, key_set, rig, rig_of, with};
use crate::{
    config::{Revocation as Settings, Span},
    metrics::{Labels, Metrics},
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::revocation::{
        MemoryRevocations, RevocationList as _, RevokeError, RevokedSubject, RevokingIssuer,
    },
};

const USER: &str = "user_test0000000000000000001";
const JTI: &str = "00000000-0000-4000-8000-000000000001";
const DAY: Duration = Duration::from_secs(86_400);

async fn reason(rig: &Rig, token: &Bytes) -> Option<DenyReason> {
    rig.verify(token).await.err().map(|denial| denial.reason())
}

fn revoke(rig: &Rig, subject: RevokedSubject<'_>) -> usize {
    rig.verifier.revoke(CommandTarget::of(None), subject, None, at(NOW)).unwrap()
}

const fn user(not_before: u64) -> RevokedSubject<'static> {
    RevokedSubject::User { id: USER, not_before }
}

/// A list of its own, with room for this many.
fn list(max_entries: usize) -> (Arc<MemoryRevocations>, Arc<Metrics>) {
    let mut labels = Labels::of_issuers(["one".to_owned()]);
    crate::verify::add_labels(&mut labels);
    let metrics = Metrics::build(&labels).unwrap();
    let settings = Settings { max_entries, max_ttl: Span::from_secs(86_400) };
    (MemoryRevocations::new(&settings, &metrics), metrics)
}

fn who(token: &str, session: &str, issued_at: Option<u64>) -> IdentityFacts {
    IdentityFacts {
        session_id: Some(session.to_owned()),
        token_id: Some(token.to_owned()),
        issued_at,
        ..IdentityFacts::new(USER.to_owned(), "one".into(), AuthLevel::Verified)
    }
}

const ONE: &[RevokingIssuer<'_>] = &[at_issuer("one", false)];

const fn at_issuer(iss: &str, takes_endless_tokens: bool) -> RevokingIssuer<'_> {
    RevokingIssuer { iss, takes_endless_tokens }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_denied_cached_or_not_and_taking_it_back_helps() {
    let key = Signer::new("k", 1);
    let cached = key.token(&access());
    // The same `jti`, but not seen before.
    let fresh = key.token(&with(access(), &json!({"extra": 1})));
    let other = key.token(&with(access(), &json!({"jti": "other"})));
    let without = key.token(&with(access(), &json!({"jti": null})));
    rig(&[&key])
        .run_with_keys(async |rig| {
            assert_eq!(reason(rig, &cached).await, None);
            assert_eq!(revoke(rig, RevokedSubject::Token(JTI)), 1);
            for (name, token, expected) in [
                ("cached", &cached, Some(DenyReason::Revoked)),
                ("fresh", &fresh, Some(DenyReason::Revoked)),
                ("fresh, again", &fresh, Some(DenyReason::Revoked)),
                ("another token", &other, None),
                ("a token without jti", &without, None),
            ] {
                assert_eq!(reason(rig, token).await, expected, "{name}");
            }
            assert_eq!(rig.verified("revoked"), 3.0);
            assert_eq!(rig.metric("rownd_authz_revocations{kind=\"token\"}"), 1.0);
            assert_eq!(
                rig.verifier.restore(CommandTarget::of(None), RevokedSubject::Token(JTI)),
                Ok(1)
            );
            assert_eq!(reason(rig, &cached).await, None, "taken back");
            assert_eq!(rig.metric("rownd_authz_revocations{kind=\"token\"}"), 0.0);
            assert_eq!(
                rig.verifier.restore(CommandTarget::of(None), RevokedSubject::Token(JTI)),
                Ok(0),
                "twice"
            );
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_user_is_revoked_up_to_a_second() {
    let key = Signer::new("k", 1);
    let issued = |iat: serde_json::Value| key.token(&with(access(), &json!({ "iat": iat })));
    let (before, equal) = (issued(json!(NOW - 61)), issued(json!(NOW - 60)));
    let (after, silent) = (issued(json!(NOW - 59)), issued(json!(null)));
    let another = key.token(&with(
        access(),
        &json!({"iat": NOW - 61, "https://auth.rownd.io/app_user_id": "another"}),
    ));
    rig(&[&key])
        .run_with_keys(async |rig| {
            revoke(rig, user(NOW - 60));
            // An earlier time takes nothing back.
            assert_eq!(revoke(rig, user(NOW - 600)), 0);
            for (name, token, expected) in [
                ("before", &before, Some(DenyReason::Revoked)),
                ("in the same second", &equal, None),
                ("after", &after, None),
                ("does not say", &silent, Some(DenyReason::Revoked)),
                ("of somebody else", &another, None),
            ] {
                assert_eq!(reason(rig, token).await, expected, "{name}");
            }
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_is_named_or_all_are_meant() {
    const TWO: &str = "https://two.test";
    let key = Signer::new("k", 1);
    let yaml = format!("issuers: [{}, {}]", issuer("one", ISS), issuer("two", TWO));
    let (one, two) = (key.token(&access()), key.token(&with(access(), &json!({ "iss": TWO }))));
    rig_of(&yaml, &[key_set(&[&key]), key_set(&[&key])])
        .run_with_keys(async |rig| {
            let command =
                |issuer| rig.verifier.revoke(CommandTarget::of(issuer), user(NOW), None, at(NOW));
            assert_eq!(command(Some("three")), Err(RevokeError::IssuerUnknown));
            assert_eq!(command(Some("two")), Ok(1));
            assert_eq!(reason(rig, &one).await, None);
            assert_eq!(reason(rig, &two).await, Some(DenyReason::Revoked));
            assert_eq!(command(None), Ok(1), "the other one");
            assert_eq!(reason(rig, &one).await, Some(DenyReason::Revoked));
            assert_eq!(rig.verifier.restore(CommandTarget::of(None), user(0)), Ok(2));
            assert_eq!(reason(rig, &two).await, None);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_passed_on_both_clocks_is_an_end() {
    let hour = 3_600;
    for (name, wall, steady, hit) in [
        ("at once", 0, 0, true),
        ("an hour later", hour, hour, true),
        ("within the leeway of an issuer", hour + 59, hour + 59, true),
        ("after it", hour + 61, hour + 61, false),
        // A clock that was set forward and back again, and one that was set back.
        ("on the wall only", hour + 61, 0, true),
        ("on the steady clock only", 0, hour + 61, true),
    ] {
        let (list, _) = list(10);
        let keep = Some(Duration::from_secs(hour));
        list.revoke(ONE, RevokedSubject::Session("s"), keep, NOW).unwrap();
        advance(Duration::from_secs(steady)).await;
        // A sweep drops exactly the entries that a check does not see any more.
        assert_eq!(list.hits("one", &who("t", "s", None), NOW + wall), hit, "{name}");
        list.sweep(at(NOW + wall));
        assert_eq!(list.counts().sessions, usize::from(hit), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_an_entry_is_kept_is_bounded_and_never_shortened() {
    let (list, _) = list(10);
    let session = RevokedSubject::Session("s");
    let most = DAY + Duration::from_secs(1);
    assert_eq!(list.revoke(ONE, session, Some(most), NOW), Err(RevokeError::TooLong(DAY)));
    assert_eq!(list.counts().sessions, 0);
    list.revoke(ONE, session, None, NOW).unwrap();
    list.revoke(ONE, session, Some(Duration::from_secs(1)), NOW).unwrap();
    let hits = |after: u64| list.hits("one", &who("t", "s", None), NOW + after);
    advance(DAY).await;
    assert!(hits(86_400), "a shorter command came later");
    advance(Duration::from_secs(61)).await;
    assert!(!hits(86_461));
    // Where tokens have no end, an entry has none either, unless the command says so.
    let endless = &[at_issuer("one", true)];
    list.revoke(endless, RevokedSubject::Token("t"), None, NOW).unwrap();
    list.revoke(endless, RevokedSubject::Session("s"), Some(DAY), NOW).unwrap();
    advance(100 * DAY).await;
    list.sweep(at(NOW + 100 * 86_400));
    let counts = list.counts();
    assert_eq!((counts.tokens, counts.sessions), (1, 0));
    assert!(list.hits("one", &who("t", "x", None), NOW + 100 * 86_400));
}

#[tokio::test(start_paused = true)]
async fn a_full_list_refuses_and_forgets_nothing_until_something_ends() {
    let (list, metrics) = list(3);
    let both = &[at_issuer("one", false), at_issuer("two", false)];
    let hour = Some(Duration::from_secs(3_600));
    list.revoke(both, RevokedSubject::Token("t"), None, NOW).unwrap();
    // All of it or nothing: there is room for one, and two are meant.
    assert_eq!(
        list.revoke(both, RevokedSubject::Session("s"), hour, NOW),
        Err(RevokeError::Full(3))
    );
    assert_eq!(list.counts().sessions, 0);
    list.revoke(ONE, RevokedSubject::Session("s"), hour, NOW).unwrap();
    assert_eq!(
        list.revoke(ONE, RevokedSubject::Session("x"), hour, NOW),
        Err(RevokeError::Full(3))
    );
    // A subject that is in the list already needs no new entry.
    assert_eq!(list.revoke(ONE, RevokedSubject::Token("t"), None, NOW), Ok(0));
    assert!(
        list.hits("one", &who("t", "", None), NOW) && list.hits("one", &who("", "s", None), NOW)
    );
    advance(Duration::from_secs(3_661)).await;
    let later = NOW + 3_661;
    assert_eq!(list.revoke(ONE, RevokedSubject::Session("x"), hour, later), Ok(1), "one has ended");
    assert!(
        list.hits("one", &who("", "x", None), later)
            && !list.hits("one", &who("", "s", None), later)
    );
    let text = metrics.render();
    assert!(text.contains("rownd_authz_revocations{kind=\"session\"} 1"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_million_commands_do_not_grow_the_list() {
    let (list, _) = list(1_000);
    let mut refused = 0;
    for index in 0..1_000_000_u32 {
        let id = index.to_string();
        let subject = match index % 3 {
            0 => RevokedSubject::Token(&id),
            1 => RevokedSubject::Session(&id),
            _ => RevokedSubject::User { id: &id, not_before: NOW },
        };
        refused += usize::from(list.revoke(ONE, subject, None, NOW).is_err());
    }
    assert_eq!(refused, 999_000);
    let counts = list.counts();
    assert_eq!(counts.tokens + counts.sessions + counts.users, 1_000);
    assert!(list.hits("one", &who("0", "", None), NOW), "the first is still there");
}

#[test]
fn kinds_issuers_and_ids_that_share_their_letters_differ() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (list, _) = list(10);
        list.revoke(&[at_issuer("on", false)], RevokedSubject::Session("et"), None, NOW).unwrap();
        list.revoke(ONE, RevokedSubject::Session("x"), None, NOW).unwrap();
        list.revoke(ONE, RevokedSubject::Session(USER), None, NOW).unwrap();
        for (name, token, session, hit) in [
            ("the issuer's end in the id", "t", "t", false),
            ("a token named like a session", "x", "y", false),
            ("a session named like a user", "t", "y", false),
            ("the session", "t", "x", true),
        ] {
            assert_eq!(list.hits("one", &who(token, session, Some(NOW - 9)), NOW), hit, "{name}");
        }
    });
}
