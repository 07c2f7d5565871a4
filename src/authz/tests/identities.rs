//! Checks with genuine tokens, minted by the emulator on a loopback port.

use std::net::{Ipv4Addr, SocketAddr};

use super::{Judged, Rig, judged, request, rig};
use crate::{
    authz::CheckApi,
    authz::Verdict,
    blocking::BlockingRunner,
    model::{AllowReason, AuthLevel, DenyReason, Step},
};
use rownd_emulator::{Minter, Settings, SignedBy, TokenOrder};

const ROUTES: &str = "
credentials: [{ header: authorization }, { cookie: tok }]
routes:
  - { id: feed, match: { path: { prefix: /feed } }, auth: optional, expired_cookie: anonymous }
  - { id: strict-feed, match: { path: { prefix: /strict } }, auth: optional }
  - { id: admin, match: { path: { prefix: /admin } }, auth_level: verified }
  - { id: pay, match: { path: { prefix: /pay } }, auth_level: verified, step_up: true }
";

/// Runs a test beside an emulator and the task that fetches its keys.
async fn with_tokens(test: impl AsyncFnOnce(&Rig, &Minter)) {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let emulator = rownd_emulator::bind(Settings::demo(free)).await.unwrap();
    let issuer = format!(
        "issuers: [{{name: one, kind: rownd, base_url: '{}', apps: [{{id: {}}}]}}]",
        emulator.base_url(),
        emulator.settings().app_id,
    );
    let minter = emulator.minter();
    let mut rig = rig(&format!("{issuer}\n{ROUTES}"));
    let refreshers = std::mem::take(&mut rig.refreshers);
    let tasks = refreshers.into_iter().map(|task| task.run(BlockingRunner::new()));
    let refreshers = futures_util::future::join_all(tasks);
    tokio::select! {
        ended = emulator.run(std::future::pending()) => panic!("{ended:?}"),
        _ = refreshers => panic!("a refresher never ends"),
        () = test(&rig, &minter) => {}
    }
}

async fn by_header(rig: &Rig, path: &str, token: &str) -> Verdict {
    rig.check(&request("GET", path, &[("authorization", &format!("Bearer {token}"))])).await
}

async fn by_cookie(rig: &Rig, path: &str, token: &str) -> Verdict {
    rig.check(&request("GET", path, &[("cookie", &format!("tok={token}"))])).await
}

#[tokio::test]
async fn a_user_passes_with_their_identity() {
    with_tokens(async |rig, minter| {
        let token = minter.mint(&TokenOrder::of("verified")).unwrap();
        for round in ["fresh", "cached"] {
            let verdict = by_header(rig, "/", &token).await;
            let Verdict::Allow(allowance) = &verdict else { panic!("{round}: {verdict:?}") };
            let (edits, facts) = (allowance.request(), verdict.facts());
            assert_eq!(allowance.reason(), AllowReason::Authenticated, "{round}");
            let (name, value) = &edits.identity.set[0];
            assert_eq!((*name, value.as_ref()), ("x-rownd-user-id", "user_verified"), "{round}");
            assert_eq!(facts.identity.as_ref().unwrap().auth_level, AuthLevel::Verified, "{round}");
        }
        assert_eq!(rig.ended("allow", "authenticated"), 2.0);
    })
    .await;
}

#[tokio::test]
async fn the_record_of_a_good_token_has_its_issuer_signature_and_claims() {
    with_tokens(async |rig, minter| {
        let token = minter.mint(&TokenOrder::of("verified")).unwrap();
        let request = request("GET", "/admin", &[("authorization", &format!("Bearer {token}"))]);
        // The first check asks for the keys; from then on they are known.
        assert_eq!(judged(&rig.check(&request).await), Ok(AllowReason::Authenticated));
        let other = minter.mint(&TokenOrder::of("verified").issued(-60)).unwrap();
        for (token, cached) in [(&other, false), (&token, true)] {
            let header = format!("Bearer {token}");
            let request = super::request("GET", "/admin", &[("authorization", &header)]);
            let pending = rig.authorizer.begin(CheckApi::ExtAuthz);
            let (verdict, steps) = pending.explain(&request, super::soon()).await;
            assert_eq!(judged(&verdict), Ok(AllowReason::Authenticated));
            let checked = steps
                .iter()
                .any(|step| matches!(step, Step::SignatureChecked { key: Some(_), good: true }));
            let judged = steps.contains(&Step::ClaimsJudged(Ok(())));
            let hit = steps.contains(&Step::ClaimsCached);
            assert_eq!((checked, judged, hit), (!cached, !cached, cached), "{steps:?}");
            let last: Vec<&Step> = steps.iter().rev().take(3).rev().collect();
            let user_id = "user_verified".into();
            let (issuer, auth_level) = ("one".into(), AuthLevel::Verified);
            assert!(steps.contains(&Step::IssuerChosen("one".into())));
            assert_eq!(
                last[..2],
                [
                    &Step::Identified { issuer, user_id, auth_level },
                    &Step::Decided(Ok(AllowReason::Authenticated)),
                ]
            );
            assert!(matches!(last[2], Step::HeadersMade { set: 6.., .. }), "{last:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cached_token_is_judged_by_each_rule_anew() {
    with_tokens(async |rig, minter| {
        let guest = minter.mint(&TokenOrder::of("guest")).unwrap();
        for _ in 0..2 {
            for (path, expected) in [
                ("/", Ok(AllowReason::Authenticated)),
                ("/feed", Ok(AllowReason::Authenticated)),
                ("/admin", Err(DenyReason::AuthLevelTooLow)),
                ("/pay", Err(DenyReason::StepUpRequired)),
            ] {
                let verdict = by_header(rig, path, &guest).await;
                assert_eq!(judged(&verdict), expected, "{path}");
                assert!(
                    verdict.facts().identity.is_some(),
                    "{path}: also a denial says who it was"
                );
                if let Verdict::Deny { denial, .. } = &verdict {
                    assert_eq!(denial.required_level(), Some(AuthLevel::Verified), "{path}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_expired_cookie_is_no_credential_where_the_rule_says_so() {
    const EXPIRED: Judged = Err(DenyReason::TokenExpired);
    with_tokens(async |rig, minter| {
        let old = minter.mint(&TokenOrder::of("verified").issued(-7_200)).unwrap();
        let verdict = by_cookie(rig, "/feed", &old).await;
        let Verdict::Allow(allowance) = &verdict else { panic!("{verdict:?}") };
        let (edits, facts) = (allowance.request(), verdict.facts());
        assert_eq!((allowance.reason(), facts.identity.is_none()), (AllowReason::Anonymous, true));
        assert!(edits.identity.set.is_empty());
        assert_eq!(judged(&by_cookie(rig, "/strict", &old).await), EXPIRED, "a rule that does not say so");
        assert_eq!(judged(&by_cookie(rig, "/", &old).await), EXPIRED, "a required credential");
        assert_eq!(judged(&by_header(rig, "/feed", &old).await), EXPIRED, "a header is sent on purpose");
        #[rustfmt::skip] // one case a line
        let cases = [
            ("forged", TokenOrder::of("verified").issued(-7_200).signed_by(SignedBy::Foreign), DenyReason::SignatureInvalid),
            ("a refresh token", TokenOrder::of("verified").refresh(), DenyReason::TokenKindRefused),
            ("another app's", TokenOrder::of("verified").claim("aud", "app:other"), DenyReason::AudienceMismatch),
        ];
        for (name, order, expected) in cases {
            let token = minter.mint(&order).unwrap();
            assert_eq!(judged(&by_cookie(rig, "/feed", &token).await), Err(expected), "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cookie_that_changes_something_needs_its_proof_also_when_it_is_genuine() {
    with_tokens(async |rig, minter| {
        let token = minter.mint(&TokenOrder::of("verified")).unwrap();
        let cookie = format!("tok={token}");
        for (origin, expected) in [
            ("https://a.com", Ok(AllowReason::Authenticated)),
            ("https://evil.com", Err(DenyReason::CookieCrossSite)),
        ] {
            let judged = rig.judge("POST", "/", &[("cookie", &cookie), ("origin", origin)]).await;
            assert_eq!(judged, expected, "{origin}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_identity_that_does_not_fit_into_headers_is_denied() {
    with_tokens(async |rig, minter| {
        let long = minter.mint(&TokenOrder::of(&"x".repeat(1_025))).unwrap();
        assert_eq!(judged(&by_header(rig, "/", &long).await), Err(DenyReason::IdentityTooLarge));
        let fits = minter.mint(&TokenOrder::of(&"x".repeat(1_024))).unwrap();
        assert_eq!(judged(&by_header(rig, "/", &fits).await), Ok(AllowReason::Authenticated));
    })
    .await;
}
