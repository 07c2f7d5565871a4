//! The contents of minted tokens, the keys that sign them, and rotations.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use super::{get, post, state};
use crate::{
    AuthLevel, Controls, Minter, Rotation, SignedBy, TokenOrder, data::time::unix_now, state::State,
};

const PREFIX: &str = "https://auth.rownd.io/";

fn part(token: &str, at: usize) -> Value {
    let text = token.split('.').nth(at).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

fn header(token: &str) -> Value {
    part(token, 0)
}

fn claims(token: &str) -> Value {
    part(token, 1)
}

/// Holds the signature against the published set by another library than the one that
/// made it.
fn verifies(state: &State, token: &str) -> bool {
    let kid = header(token)["kid"].clone();
    let set = state.ring().key_set();
    let Some(jwk) = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid) else {
        return false;
    };
    let jwk: Jwk = serde_json::from_value(jwk.clone()).unwrap();
    let key = DecodingKey::from_jwk(&jwk).unwrap();
    let (input, signature) = token.rsplit_once('.').unwrap();
    crypto::verify(signature, input.as_bytes(), &key, Algorithm::EdDSA).unwrap()
}

#[test]
fn each_level_claims_what_rownd_claims() {
    let state = state();
    let minter = Minter::new(Arc::clone(&state));
    let cases = [
        ("verified", "user_verified", "verified", true, None),
        ("unverified", "user_unverified", "unverified", false, None),
        ("guest", "user_guest", "guest", true, Some(true)),
        ("instant", "user_instant", "instant", false, Some(true)),
        ("disabled", "user_disabled", "verified", true, None),
        ("user_guest", "user_guest", "guest", true, Some(true)),
        ("auth0|12 3/é", "auth0|12 3/é", "verified", true, None),
        ("", "user_verified", "verified", true, None),
    ];
    for (user, id, level, verified, anonymous) in cases {
        let token = minter.mint(&TokenOrder::of(user)).unwrap();
        assert!(verifies(&state, &token), "{user}");
        let claims = claims(&token);
        assert_eq!(claims["sub"], id, "{user}");
        assert_eq!(claims[format!("{PREFIX}app_user_id")], id, "{user}");
        assert_eq!(claims[format!("{PREFIX}auth_level")], level, "{user}");
        assert_eq!(claims[format!("{PREFIX}is_verified_user")], verified, "{user}");
        let found =
            claims.get(format!("{PREFIX}is_anonymous")).map(|value| value.as_bool().unwrap());
        assert_eq!(found, anonymous, "{user}");
    }
}

#[test]
fn the_rest_of_a_token_is_as_rownd_writes_it() {
    let state = state();
    let token = Minter::new(Arc::clone(&state)).mint(&TokenOrder::default()).unwrap();
    let kid = state.ring().describe().kid;
    assert_eq!(header(&token), json!({ "alg": "EdDSA", "kid": kid }));
    let claims = claims(&token);
    assert_eq!(claims["aud"], json!([format!("app:{}", state.settings.app_id)]));
    assert_eq!(claims["iss"], "http://127.0.0.1:8787");
    let issued = claims["iat"].as_u64().unwrap();
    assert!(unix_now() - issued < 60);
    assert_eq!(claims["exp"].as_u64().unwrap() - issued, 3600);
    let jti: Vec<&str> = claims["jti"].as_str().unwrap().split('-').collect();
    let lengths: Vec<usize> = jti.iter().map(|piece| piece.len()).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    assert!(jti[2].starts_with('4'), "{jti:?}");
    assert!(jti[3].starts_with(['8', '9', 'a', 'b']), "{jti:?}");
}

#[test]
fn everything_can_be_ordered_otherwise() {
    let state = state();
    let minter = Minter::new(Arc::clone(&state));
    let order = TokenOrder {
        auth_level: Some(AuthLevel::Guest),
        app: Some("app_x".to_owned()),
        variant: Some("demo".to_owned()),
        kid: Some("sig-other".to_owned()),
        ..TokenOrder::of("someone")
            .ttl(10)
            .issued(-100)
            .claim("sub", json!({ "not": "text" }))
            .claim("plan", "gold")
            .claim("gone", 1)
            .without_claim("gone")
            .without_claim("jti")
            .header("typ", "JWT")
            .header("crit", json!(["exp"]))
            .without_header("alg")
    };
    let token = minter.mint(&order).unwrap();
    assert_eq!(header(&token), json!({ "kid": "sig-other", "typ": "JWT", "crit": ["exp"] }));
    let claims = claims(&token);
    assert_eq!(
        claims["aud"],
        json!(["app:app_x", format!("app_variant:{}", state.settings.variant.id)])
    );
    assert_eq!(claims["sub"], json!({ "not": "text" }));
    assert_eq!(claims["plan"], "gold");
    assert_eq!(claims[format!("{PREFIX}auth_level")], "guest");
    assert_eq!(claims[format!("{PREFIX}app_user_id")], "someone");
    assert!(claims.get("gone").is_none() && claims.get("jti").is_none());
    let (issued, ends) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert_eq!(ends - issued, 10);
    let now = i64::try_from(unix_now()).unwrap();
    assert!((95..160).contains(&(now - issued)));
}

#[test]
fn a_time_beyond_the_numbers_stays_a_number() {
    let minter = Minter::new(state());
    let order = TokenOrder::default().ttl(i64::MAX).issued(i64::MAX);
    assert_eq!(claims(&minter.mint(&order).unwrap())["exp"], i64::MAX);
}

#[test]
fn a_refresh_token_says_so_and_no_level() {
    let token = Minter::new(state()).mint(&TokenOrder::of("guest").refresh()).unwrap();
    let claims = claims(&token);
    assert_eq!(claims[format!("{PREFIX}jwt_type")], "refresh_token");
    assert!(claims.get(format!("{PREFIX}auth_level")).is_none());
    let lasts = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(lasts, 30 * 86_400);
}

#[test]
fn raw_parts_are_signed_as_they_are() {
    let state = state();
    let kid = state.ring().describe().kid;
    let head = format!("{{\"alg\":\"EdDSA\",\"kid\":\"{kid}\"}}");
    let token = Minter::new(Arc::clone(&state))
        .sign(head.as_bytes(), b"{\"sub\":1,\"sub\":2}", SignedBy::Current)
        .unwrap();
    assert!(verifies(&state, &token));
    let payload = token.split('.').nth(1).unwrap();
    let payload = URL_SAFE_NO_PAD.decode(payload).unwrap();
    assert_eq!(payload, b"{\"sub\":1,\"sub\":2}");
}

/// `(who signs, does it verify)`, with `None` where no such key is there yet.
fn standing(state: &Arc<State>) -> BTreeMap<&'static str, Option<bool>> {
    let minter = Minter::new(Arc::clone(state));
    [
        ("current", SignedBy::Current),
        ("previous", SignedBy::Previous),
        ("withdrawn", SignedBy::Withdrawn),
        ("foreign", SignedBy::Foreign),
    ]
    .into_iter()
    .map(|(name, key)| {
        let minted = minter.mint(&TokenOrder::default().signed_by(key));
        (name, minted.ok().map(|token| verifies(state, &token)))
    })
    .collect()
}

#[test]
fn rotations_move_keys_on() {
    let plain = Rotation::default();
    let withdraw = Rotation { withdraw: true, ..plain };
    let same_kid = Rotation { same_kid: true, ..plain };
    let (good, bad) = (Some(true), Some(false));
    type Verifies = Option<bool>;
    let cases: [(&str, &[Rotation], Verifies, Verifies, usize); 5] = [
        ("fresh", &[], None, None, 1),
        ("plain", &[plain], good, None, 2),
        ("withdraw", &[withdraw], None, bad, 1),
        ("same kid", &[same_kid], None, bad, 1),
        ("plain, then withdraw", &[plain, withdraw], None, bad, 1),
    ];
    for (case, rotations, previous, withdrawn, published) in cases {
        let state = state();
        let controls = Controls::new(Arc::clone(&state));
        let first = Minter::new(Arc::clone(&state)).mint(&TokenOrder::default()).unwrap();
        for how in rotations {
            controls.rotate(*how).unwrap();
        }
        let expected = BTreeMap::from([
            ("current", good),
            ("previous", previous),
            ("withdrawn", withdrawn),
            ("foreign", bad),
        ]);
        assert_eq!(standing(&state), expected, "{case}");
        assert_eq!(state.ring().describe().published.len(), published, "{case}");
        let kept = published > 1 || rotations.is_empty();
        assert_eq!(verifies(&state, &first), kept, "{case}: the first token");
    }
}

#[test]
fn the_set_stays_small_however_often_it_turns() {
    let state = state();
    let controls = Controls::new(Arc::clone(&state));
    for _ in 0..30 {
        controls.rotate(Rotation::default()).unwrap();
    }
    let after = state.ring().describe();
    assert_eq!(after.published.len(), 9);
    assert!(after.withdrawn.is_some());
}

#[test]
fn a_same_kid_rotation_keeps_the_name_and_changes_the_key() {
    let state = state();
    let before = state.ring().key_set();
    let how = Rotation { same_kid: true, ..Rotation::default() };
    Controls::new(Arc::clone(&state)).rotate(how).unwrap();
    let after = state.ring().key_set();
    assert_eq!(before["keys"][0]["kid"], after["keys"][0]["kid"]);
    assert_ne!(before["keys"][0]["x"], after["keys"][0]["x"]);
}

#[tokio::test]
async fn minting_and_rotating_over_http() {
    let state = state();
    let order = json!({ "user": "guest", "claims": { "plan": "gold" } });
    let (status, body) = post(&state, "/__emulator/token", &order).await;
    assert_eq!(status, 200);
    let token = body["token"].as_str().unwrap().to_owned();
    assert!(verifies(&state, &token));
    assert_eq!(claims(&token)["plan"], "gold");

    let order = json!({ "signed_by": "withdrawn" });
    let (status, body) = post(&state, "/__emulator/token", &order).await;
    assert_eq!(status, 409);
    assert!(body["message"].as_str().unwrap().contains("rotate"));

    let (status, body) = post(&state, "/__emulator/rotate", &json!({ "withdraw": true })).await;
    assert_eq!(status, 200);
    assert_eq!(body["published"], json!([body["kid"]]));
    assert_eq!(body["withdrawn"], header(&token)["kid"]);
    assert!(!verifies(&state, &token));
    let (_, set) = get(&state, "/hub/auth/keys", &[]).await;
    assert_eq!(set["keys"][0]["kid"], body["kid"]);
}
