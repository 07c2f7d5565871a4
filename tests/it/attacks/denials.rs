//! A denial names the issuer it was judged by, whichever way it came about: fresh, out of a
//! cache, or after the token was found good. It is the configured name, never what was sent.

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::{Court, Kind};
use crate::support::{Ask, Issuer, forge::now};

for_every_kind!(
    every_denial_names_its_issuer,
    of_two_issuers_the_one_that_iss_picked_is_named,
    what_picks_no_issuer_is_denied_in_no_name
);
for_every_fetched_kind!(an_issuer_without_keys_is_named);

const LOOKUPS: &str = "rownd_authz_cache_lookups_total";

/// Decided before the token's `iss` was read, or because it is unknown. `claims_invalid` may be.
pub(super) const fn before_any_issuer(reason: DenyReason) -> bool {
    matches!(
        reason,
        DenyReason::TokenMalformed
            | DenyReason::TokenTooLarge
            | DenyReason::TokenHeaderRefused
            | DenyReason::IssuerUntrusted
            | DenyReason::CredentialMissing
            | DenyReason::CredentialsAmbiguous
            | DenyReason::AuthorizationMalformed
            | DenyReason::SessionCookieRepeated
            | DenyReason::RequestTooLarge
    )
}

async fn every_denial_names_its_issuer(kind: Kind) {
    let court = Court::of(kind).await;
    let (good, key) = (court.claims(), &court.key);
    let unknown = json!({ "alg": court.alg(), "kid": "sig-unknown" });
    let other = json!({ "alg": "PS256", "kid": "sig-1" });
    // Refusals that are kept, and refusals that are not.
    let rows = [
        (
            "expired",
            key.token(&good.clone().with("exp", now() - 3600)),
            DenyReason::TokenExpired,
            true,
        ),
        ("forged", kind.key("sig-1").token(&good), DenyReason::SignatureInvalid, true),
        (
            "a refresh token",
            key.token(&good.clone().rownd("jwt_type", "refresh_token")),
            DenyReason::TokenKindRefused,
            true,
        ),
        (
            "for another",
            key.token(&good.clone().with("aud", "other")),
            DenyReason::AudienceMismatch,
            true,
        ),
        ("no subject", key.token(&good.clone().without("sub")), DenyReason::ClaimsInvalid, true),
        (
            "too early",
            key.token(&good.clone().with("nbf", now() + 3600)),
            DenyReason::TokenNotYetValid,
            false,
        ),
        ("another algorithm", key.token_under(&other, &good), DenyReason::AlgorithmRefused, false),
        ("an unknown key", key.token_under(&unknown, &good), DenyReason::KidUnknown, false),
    ];
    for (what, token, reason, kept) in rows {
        let before = refusals_hit(&court);
        for round in ["fresh", "again"] {
            let answer = court.judge(&token).await;
            answer.assert_denied(&format!("{kind:?} {what} {round}"), reason);
            assert_eq!(answer.fact("issuer"), kind.name(), "{kind:?} {what} {round}");
        }
        let hits = || refusals_hit(&court) - before;
        if !kept {
            assert_eq!(hits(), 0.0, "{kind:?} {what}: nothing is kept");
        }
        // A refusal is kept for seconds: a busy machine may need another round.
        while kept && hits() == 0.0 {
            let answer = court.judge(&token).await;
            answer.assert_denied(&format!("{kind:?} {what} once more"), reason);
            assert_eq!(answer.fact("issuer"), kind.name(), "{kind:?} {what} once more");
        }
    }
    court.adjourns().await;
}

fn refusals_hit(court: &Court) -> f64 {
    court.app.metric(LOOKUPS, &[("cache", "refusals"), ("result", "hit")])
}

async fn of_two_issuers_the_one_that_iss_picked_is_named(kind: Kind) {
    let other = kind.key("sig-1");
    let second = Issuer::with_keys(&[&other]);
    let settings = kind.settings("second", &second, &[&other]);
    let court = Court::of_with(kind, |c| c["issuers"].as_array_mut().unwrap().push(settings)).await;
    let claims = kind.claims("second", &second);
    for (what, token, reason) in [
        ("expired", other.token(&claims.clone().with("exp", 1)), DenyReason::TokenExpired),
        ("by the first's key", court.key.token(&claims), DenyReason::SignatureInvalid),
    ] {
        for _ in 0..2 {
            let answer = court.judge(&token).await;
            answer.assert_denied(what, reason);
            assert_eq!(answer.fact("issuer"), "second", "{kind:?} {what}");
        }
    }
    court.adjourns().await;
}

async fn what_picks_no_issuer_is_denied_in_no_name(kind: Kind) {
    let court = Court::of(kind).await;
    let claims = court.claims();
    let foreign = claims.clone().with("iss", "https://canary.example");
    for (what, ask, reason) in [
        ("nothing", Ask::get("/"), DenyReason::CredentialMissing),
        ("garbage", Ask::with_token("a.b.c"), DenyReason::TokenMalformed),
        ("a stranger's", Ask::with_token(court.key.token(&foreign)), DenyReason::IssuerUntrusted),
        (
            "a cookie from elsewhere",
            Ask::get("/")
                .method("POST")
                .header("cookie", format!("app_session={}", court.key.token(&claims))),
            DenyReason::CookieCrossSite,
        ),
    ] {
        let answer = court.app.check(&ask).await;
        answer.assert_denied(what, reason);
        assert_eq!(answer.fact("issuer"), "", "{kind:?} {what}");
        assert!(!format!("{answer:?}").contains("canary"), "{answer:?}");
    }
    court.adjourns().await;
}

async fn an_issuer_without_keys_is_named(kind: Kind) {
    let closed = Issuer::closed();
    let key = kind.key("sig-1");
    let mut settings = kind.settings("closed", &closed, &[]);
    settings["required"] = json!(false);
    let court = Court::of_with(kind, |c| c["issuers"].as_array_mut().unwrap().push(settings)).await;
    let answer = court.judge(key.token(&kind.claims("closed", &closed))).await;
    answer.assert_denied("no keys", DenyReason::KeysUnavailable);
    assert_eq!(answer.fact("issuer"), "closed");
    court.adjourns().await;
}

/// SuperTokens' own proof in a cookie is judged by what the verified session says.
#[tokio::test]
async fn a_session_with_another_proof_is_denied_in_its_issuers_name() {
    let court = Court::of(Kind::Supertokens).await;
    let token = court.key.token(&court.claims().with("antiCsrfToken", "secret-1"));
    let ask = Ask::get("/").method("POST").header("cookie", format!("app_session={token}"));
    let answer = court.app.check(&ask.header("anti-csrf", "secret-2")).await;
    answer.assert_denied("another proof", DenyReason::CookieCrossSite);
    assert_eq!(answer.fact("issuer"), "supertokens");
    court.adjourns().await;
}
