//! The memory of cached identities: what the cache counts for them is what they take.

use std::ops::Range;

use bytes::Bytes;
use prost::Message as _;
use serde_json::{Value, json};
use test_support::forge::{Key, now};
use tokio::runtime::Builder;

use super::{
    check, door,
    door::{ask, frame},
    http, outer,
};
use crate::{grpc::ext_authz::CheckDoor, metrics::Metrics};

/// Identities that are measured, and those before them, for which the table is laid out.
const MEASURED: usize = 500;
const BEFORE: usize = 500;
/// Each is asked for so often: its headers are kept from the second time on.
const ASKED: usize = 3;

/// The bytes in the cache, as it counts them.
fn counted(door: &CheckDoor, metrics: &Metrics) -> usize {
    door.authorizer.snapshot().verifier().measure_caches();
    let text = metrics.render();
    let series = "rownd_authz_cache_bytes{cache=\"claims\"} ";
    text.lines().find_map(|line| line.strip_prefix(series)?.parse().ok()).unwrap()
}

/// A check of a token, as it comes.
fn asks_for(token: &str) -> Bytes {
    let mut request = http();
    request.headers.insert("authorization".to_owned(), format!("Bearer {token}"));
    frame(&check(request).encode_to_vec())
}

/// The claims of one user, beside those that every token has.
type Shape = fn(usize) -> Value;

const SHAPES: [(&str, Shape); 6] = [
    ("a user of an OpenID provider", |_| json!({ "azp": "app_0123456789abcdefghijklmno" })),
    ("a session", |index| {
        let session = format!("{index:08}-0123-4567-89ab-cdef01234567");
        json!({ "azp": "app_0123456789abcdefghijklmno", "sid": session, "jti": session })
    }),
    ("many roles", |_| {
        let roles: Vec<String> = (0..30).map(|index| format!("role-{index}")).collect();
        json!({ "roles": roles, "groups": ["one", "two"] })
    }),
    ("a long group", |_| json!({ "groups": ["x".repeat(1_000)] })),
    ("many scopes", |_| json!({ "scope": "read ".repeat(50) })),
    ("text that is no ASCII", |_| json!({ "sid": "\u{fc}".repeat(50) })),
];

#[test]
fn a_cached_identity_takes_the_memory_that_is_counted_for_it() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let key = Key::new("k1");
    let yaml = format!(
        "issuers: [{{ name: partner, kind: static, issuer: 'urn:partner', audiences: [api], \
         auth_level: verified, key_set: '{}', claims: {{ app_id: azp, session_id: sid, \
         roles: roles, groups: groups }} }}]",
        json!({ "keys": [key.jwk()] })
    );
    for (name, shape) in SHAPES {
        let (door, metrics) = {
            let _inside = runtime.enter();
            door(&yaml)
        };
        let requests = |users: Range<usize>| -> Vec<Bytes> {
            let request = |index| {
                let mut claims = shape(index);
                claims["iss"] = json!("urn:partner");
                claims["aud"] = json!("api");
                claims["sub"] = json!(format!("user_{index:024}"));
                claims["exp"] = json!(now() + 3600);
                asks_for(&key.sign(key.header().to_string(), claims.to_string()))
            };
            users.map(request).collect()
        };
        let ask_all = |requests: &[Bytes]| {
            runtime.block_on(async {
                for _ in 0..ASKED {
                    for request in requests {
                        let answer = ask(&door, request.clone()).await;
                        assert_eq!(outer(&answer), 0, "{name}");
                    }
                }
            });
        };
        ask_all(&requests(0..BEFORE));
        let (measured, before) = (requests(BEFORE..BEFORE + MEASURED), counted(&door, &metrics));
        let held = allocation_counter::measure(|| ask_all(&measured)).bytes_current;
        let (held, counted) = (usize::try_from(held).unwrap(), counted(&door, &metrics) - before);
        let (held, counted) = (held / MEASURED, counted / MEASURED);
        assert!(counted >= held, "{name}: {counted} bytes counted, {held} held");
        assert!(counted <= held * 2, "{name}: {counted} bytes counted, {held} held");
    }
}
