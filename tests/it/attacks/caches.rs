//! Verified claims are cached; nothing else may ever come out of the cache.

use std::time::{Duration, SystemTime};

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::{Court, Kind};
use crate::support::{
    Ask, Issuer, Reply,
    forge::{APP, now},
    issuer::KEYS,
};

for_every_kind!(
    a_thousand_neighbours_of_a_cached_token_are_refused,
    a_cached_token_dies_at_its_end,
    policy_is_judged_on_every_hit,
    two_services_share_no_cache,
    many_users_at_once_get_their_own_identities,
    without_a_cache_every_token_is_verified_each_time
);
for_every_fetched_kind!(nothing_about_a_bad_token_is_remembered);

const VERIFICATIONS: &str = "rownd_authz_verifications_total";

impl Court {
    fn hits(&self) -> f64 {
        self.app.metric(VERIFICATIONS, &[("result", "cached")])
    }
}

async fn a_thousand_neighbours_of_a_cached_token_are_refused(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    court.takes("fresh", &token).await;
    court.takes("cached", &token).await;
    assert_eq!(court.hits(), 1.0, "it is in the cache");
    let bytes = token.as_bytes();
    let mut tried = 0;
    for index in (0..bytes.len()).cycle().take(1000) {
        // Each shares all but one byte, all before or all behind one, with the cached token.
        let mut forged = bytes.to_vec();
        match tried % 4 {
            0 => forged[index] = if forged[index] == b'A' { b'B' } else { b'A' },
            1 => forged.truncate(index),
            2 => drop(forged.drain(..=index)),
            _ => forged.insert(index, b'A'),
        }
        tried += 1;
        let answer = court.judge(&forged).await;
        assert!(!answer.is_allowed(), "{tried}: {}", String::from_utf8_lossy(&forged));
    }
    assert_eq!((tried, court.hits()), (1000, 1.0), "no neighbour is a hit");
    court.takes("still cached", &token).await;
    assert_eq!(court.hits(), 2.0);
    court.adjourns().await;
}

async fn a_cached_token_dies_at_its_end(kind: Kind) {
    let court = Court::of_with(kind, |c| c["issuers"][0]["leeway"] = json!("0s")).await;
    let end = now() + 2;
    let token = court.key.token(&court.claims().with("exp", end));
    let (mut taken, mut last) = (0, SystemTime::now());
    let denied = loop {
        let asked = SystemTime::now();
        let answer = court.judge(&token).await;
        if !answer.is_allowed() {
            break answer;
        }
        assert!(now() < end + 10, "it lives on");
        (taken, last) = (taken + 1, asked);
    };
    denied.assert_denied("at its end", DenyReason::TokenExpired);
    assert_eq!(denied.fact("issuer"), kind.name());
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(end).unwrap());
    assert!(last < end, "taken when it had ended");
    assert!(taken > 1 && court.hits() >= 1.0, "out of the cache: {taken}");
    for _ in 0..10 {
        court.refuses("afterwards", &token, DenyReason::TokenExpired).await;
    }
    court.adjourns().await;
}

async fn policy_is_judged_on_every_hit(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims().level("guest"));
    court.takes("a route for anybody", &token).await;
    for _ in 0..3 {
        let answer = court.app.check(&Ask::get("/verified/x").bearer(&token)).await;
        answer.assert_denied("a route for the verified", DenyReason::AuthLevelTooLow);
        assert_eq!(answer.fact("issuer"), kind.name());
        court.takes("the first again", &token).await;
    }
    let answer =
        court.app.check(&Ask::get("/").extension("route", "verified").bearer(&token)).await;
    answer.assert_denied("a named route", DenyReason::AuthLevelTooLow);
    assert!(court.hits() >= 6.0, "all of them hits");
    court.adjourns().await;
}

async fn nothing_about_a_bad_token_is_remembered(kind: Kind) {
    let mut court = Court::of(kind).await;
    // A token of a key that is not there yet, and of an issuer that fails.
    let next = kind.key("sig-2");
    let token = next.token(&court.claims());
    court.refuses("not yet", &token, DenyReason::KidUnknown).await;
    court.publish(Reply::status(500)).await;
    assert!(!court.judge(&token).await.is_allowed());
    court.publish(Reply::keys(&[&court.key, &next])).await;
    court.takes("as soon as its key is there", &token).await;
    court.adjourns().await;
}

async fn two_services_share_no_cache(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    court.takes("fresh", &token).await;
    court.takes("cached", &token).await;
    // The same issuer, another app: its own service, which has to say no.
    let mut settings = court.settings.clone();
    kind.for_another(&mut settings["issuers"][0]);
    let other = crate::support::TestApp::ready(&settings).await;
    let answer = other.check(&Ask::with_token(&token)).await;
    answer.assert_denied("another app", DenyReason::AudienceMismatch);
    court.adjourns().await;
}

async fn many_users_at_once_get_their_own_identities(kind: Kind) {
    let other = kind.key("sig-1");
    let second = Issuer::with_keys(&[&other]);
    let settings = kind.settings("second", &second, &[&other]);
    let court = Court::of_with(kind, |c| c["issuers"].as_array_mut().unwrap().push(settings)).await;
    // The same users on both sides, names that run into one another, all in flight together.
    let asks = (0..200_usize).map(|index| {
        let user = format!("a|{}", "b".repeat(index / 2));
        let side = index % 2;
        let key = [&court.key, &other][side];
        let claims = [court.claims(), kind.claims("second", &second)][side].clone().user(&user);
        (user, [kind.name(), "second"][side], Ask::with_token(key.token(&claims)))
    });
    let asks: Vec<_> = asks.collect();
    for round in 0..2 {
        let answers = asks.iter().map(|(_, _, ask)| court.app.check(ask));
        let answers = futures_util::future::join_all(answers).await;
        for ((user, issuer, _), answer) in asks.iter().zip(answers) {
            assert_eq!(answer.set("x-rownd-user-id"), Some(user.as_str()), "round {round}");
            assert_eq!(answer.set("x-rownd-issuer"), Some(*issuer), "round {round}");
            let app = matches!(kind, Kind::Rownd | Kind::Supertokens).then_some(APP);
            assert_eq!(answer.set("x-rownd-app-id"), app);
        }
    }
    assert!(court.hits() >= 200.0);
    court.adjourns().await;
}

async fn without_a_cache_every_token_is_verified_each_time(kind: Kind) {
    let court = Court::of_with(kind, |c| c["check"]["claims_cache_bytes"] = json!(0)).await;
    let token = court.key.token(&court.claims());
    for _ in 0..3 {
        court.takes("each time", &token).await;
    }
    assert_eq!(court.hits(), 0.0);
    assert_eq!(court.app.metric(VERIFICATIONS, &[("result", "verified")]), 3.0);
    let once = u64::from(kind != Kind::Static);
    assert_eq!(court.issuer.hits(KEYS), once, "and no key is asked for again");
    court.adjourns().await;
}
