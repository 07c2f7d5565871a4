//! Names and seals of the key of the deployment, and how two records merge.

use std::time::Duration;

use super::{Deployment, SetRecord};
use crate::config::DeploymentKey;

fn deployment(first: u8) -> Deployment {
    let mut key = [7; 32];
    key[0] = first;
    Deployment::new(&DeploymentKey::new(key))
}

#[test]
fn a_name_is_the_same_on_every_replica_and_on_no_other_deployment() {
    let (one, same, other) = (deployment(1), deployment(1), deployment(2));
    assert_eq!(one.name_of(b"token"), same.name_of(b"token"));
    assert_ne!(one.name_of(b"token"), one.name_of(b"token2"));
    assert_ne!(one.name_of(b"token"), other.name_of(b"token"));
    assert_eq!(one.name_of(b"").len(), 64);
}

#[test]
fn only_the_same_key_and_name_open_a_seal() {
    let seal = |name: &str, value: &[u8]| deployment(1).sealer(name).unwrap().seal(value).unwrap();
    let sealed = seal("a", b"a secret value");
    assert!(!sealed.windows(6).any(|part| part == b"secret"));
    assert_ne!(sealed, seal("a", b"a secret value"), "never twice the same");
    let open =
        |first: u8, name: &str, sealed: &[u8]| deployment(first).sealer(name).unwrap().open(sealed);
    assert_eq!(open(1, "a", &sealed).as_deref(), Some(&b"a secret value"[..]));
    assert_eq!(open(1, "b", &sealed), None, "moved to another name");
    assert_eq!(open(2, "a", &sealed), None, "another deployment");
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        assert_eq!(open(1, "a", &changed), None, "byte {index}");
    }
    for length in 0..sealed.len() {
        assert_eq!(open(1, "a", &sealed[..length]), None, "cut at {length}");
    }
    assert_eq!(open(1, "a", &seal("a", b"")).as_deref(), Some(&b""[..]));
}

const KNOWN: SetRecord = SetRecord {
    id: [1; 32],
    kind: 2,
    value: 5,
    left: Some(Duration::from_secs(600)),
    stamp: 10,
    removed: false,
};

/// The tests with the stores show the rest.
#[test]
fn an_end_that_differs_by_the_clocks_alone_is_no_change() {
    let with = |left, stamp| SetRecord { left, stamp, ..KNOWN };
    for (name, new, changed) in [
        ("the same", KNOWN, false),
        ("a little later", with(Some(Duration::from_secs(659)), 10), false),
        ("much later", with(Some(Duration::from_secs(700)), 10), true),
        ("earlier", with(Some(Duration::from_secs(1)), 10), false),
        ("without an end", with(None, 10), true),
        ("a later stamp", with(KNOWN.left, 11), true),
        ("an earlier stamp", with(KNOWN.left, 9), false),
        ("a larger value", SetRecord { value: 6, ..KNOWN }, true),
        ("a smaller value", SetRecord { value: 4, ..KNOWN }, false),
        ("taken back before", SetRecord { removed: true, stamp: 9, ..KNOWN }, false),
        ("taken back at once", SetRecord { removed: true, ..KNOWN }, false),
        ("taken back later", SetRecord { removed: true, stamp: 11, ..KNOWN }, true),
    ] {
        let (merged, has_changed) = SetRecord::merged(&KNOWN, &new, false);
        assert_eq!(has_changed, changed, "{name}");
        assert_eq!(merged != KNOWN, changed, "{name}: {merged:?}");
    }
    assert!(SetRecord::merged(&KNOWN, &KNOWN, true).1, "a command is a change");
}
