//! Whether a token is valid by a profile, and the size of the cache. Fetches are tested against a
//! server, in `tests/it/freshness`.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    cache::{CachedProfile, FoundProfile, ProfileCache},
    freshness::token_still_valid,
    source::ProfileKey,
};
use crate::model::{Cutoff, DenyReason, IssuerIndex, OddParts, Profile};

const SECOND: i128 = 1_000_000_000;

fn profile(state: Option<&str>, tokens_valid_since: Cutoff) -> Profile {
    Profile {
        user_id: None,
        state: state.map(str::to_owned),
        auth_level: None,
        data: Map::new(),
        verified_data: Map::new(),
        attributes: Map::new(),
        groups: Vec::new(),
        meta: Map::new(),
        tokens_valid_since,
        odd: OddParts::default(),
    }
}

#[test]
fn a_token_is_valid_by_the_state_and_the_cut_off_of_its_user() {
    let at = |seconds: i128| Cutoff::At(seconds * SECOND);
    let (revoked, disabled) = (Err(DenyReason::Revoked), Err(DenyReason::UserDisabled));
    for (name, state, cutoff, issued_at, expected) in [
        ("nothing known", None, Cutoff::None, None, Ok(())),
        ("enabled", Some("enabled"), Cutoff::None, Some(100), Ok(())),
        ("disabled", Some("disabled"), Cutoff::None, Some(100), disabled),
        ("an unknown state", Some("frozen"), Cutoff::None, Some(100), disabled),
        ("issued before", None, at(101), Some(100), revoked),
        ("issued at the same time", None, at(100), Some(100), Ok(())),
        ("issued after", None, at(99), Some(100), Ok(())),
        ("half a second before", None, Cutoff::At(100 * SECOND + 1), Some(100), revoked),
        ("does not say when", None, at(0), None, revoked),
        ("an unreadable cut-off", None, Cutoff::Unreadable, Some(u64::MAX), revoked),
        ("a cut-off before 1970", None, at(-1), Some(0), Ok(())),
    ] {
        assert_eq!(token_still_valid(&profile(state, cutoff), issued_at), expected, "{name}");
    }
}

fn key(user: &str) -> ProfileKey {
    ProfileKey { issuer: IssuerIndex::new(0), app: "app".to_owned(), user: user.to_owned() }
}

fn entry(data: &Value) -> CachedProfile {
    let mut profile = profile(None, Cutoff::None);
    profile.data = data.as_object().cloned().unwrap_or_default();
    CachedProfile { answer: FoundProfile::Found(Arc::new(profile)), asked: Instant::now() }
}

#[test]
fn the_cache_is_bounded_in_bytes_for_profiles_of_any_content() {
    // Short texts that take much more memory than they are long: an empty list takes 32 bytes, an
    // object of one member the node of a tree with room for eleven.
    for (name, dense, count, bytes) in [
        ("empty lists", json!([]), 1_000, 32),
        ("objects of one member", json!({ "a": 1 }), 100, 32 + 632),
    ] {
        let cache = ProfileCache::new(1 << 20);
        let dense = json!({ "items": vec![dense; count] });
        for index in 0..1_000 {
            cache.insert(key(&index.to_string()), entry(&dense));
        }
        assert!(cache.bytes() <= 1 << 20, "{name}: {}", cache.bytes());
        let kept = cache.forget(|_| true);
        let most = (1 << 20) / (count * bytes);
        assert!((1..=most).contains(&kept), "{name}: {kept} entries, at most {most} fit");
        assert_eq!(cache.bytes(), 0, "{name}");
    }
    let cache = ProfileCache::new(0);
    cache.insert(key("u"), entry(&json!({})));
    assert!(cache.get(&key("u")).is_none(), "no memory, no entry");
}

#[test]
fn ids_that_are_equal_only_when_joined_name_different_users() {
    let cache = ProfileCache::new(1 << 20);
    let of = |place, app: &str, user: &str| {
        let issuer = IssuerIndex::new(place);
        ProfileKey { issuer, app: app.into(), user: user.into() }
    };
    cache.insert(of(1, "ab", "c"), entry(&json!({})));
    for other in [of(1, "a", "bc"), of(1, "abc", ""), of(0, "ab", "c"), of(11, "ab", "c")] {
        assert!(cache.get(&other).is_none(), "{other:?}");
    }
    assert!(cache.get(&of(1, "ab", "c")).is_some());
}
