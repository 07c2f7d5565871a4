//! The names of headers as servers read them, whatever their spelling.
//!
//! In: names, as a client sent them or as the configuration has them. Out: whether some server takes
//! one for another.

use std::{collections::BTreeMap, sync::Arc};

use crate::model::spelled;

/// Further headers that only this service sets, in lower case: each by itself as servers read it.
#[derive(Debug, Default)]
pub(super) struct OwnedNames {
    names: BTreeMap<Box<[u8]>, Arc<str>>,
    shapes: NameShapes,
}

/// The shapes of some names as servers read them, a bit for each length and one for each pair of first
/// and last letter: nearly all headers of a request have another shape, and need not be compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NameShapes {
    lengths: u64,
    ends: u64,
}

impl OwnedNames {
    pub(super) fn add(&mut self, name: String) {
        self.shapes.add(name.as_bytes());
        self.names.insert(as_read(name.as_bytes()), name.into());
    }

    /// Each of them.
    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.values()
    }

    /// Their shapes.
    pub(super) const fn shapes(&self) -> NameShapes {
        self.shapes
    }

    /// Some server reads this as one of them.
    pub(super) fn are_imitated_by(&self, name: &[u8]) -> bool {
        self.shapes.may_hold(name) && self.names.contains_key(&*as_read(name))
    }
}

impl NameShapes {
    pub(super) fn add(&mut self, name: &[u8]) {
        self.lengths |= Self::length(name);
        self.ends |= Self::end(name);
    }

    /// One of the names may be read as this one.
    pub(super) fn may_hold(self, name: &[u8]) -> bool {
        self.lengths & Self::length(name) != 0 && self.ends & Self::end(name) != 0
    }

    /// All lengths without a bit of their own share the last one.
    fn length(name: &[u8]) -> u64 {
        1 << name.len().min(63)
    }

    fn end(name: &[u8]) -> u64 {
        let [first, last] = [name.first(), name.last()].map(|end| end.map_or(0, |b| spelled(*b)));
        1 << ((first.wrapping_mul(7) ^ last) % 64)
    }
}

/// A whole name as those servers see it.
fn as_read(name: &[u8]) -> Box<[u8]> {
    name.iter().map(|byte| spelled(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NameShapes, OwnedNames};
    use crate::model::is_spelling;

    /// Another spelling of a name.
    fn written(name: &str, signs: &[u8]) -> Vec<u8> {
        let spell = |(at, byte): (usize, u8)| match signs.get(at) {
            Some(sign) if !byte.is_ascii_alphanumeric() => *sign,
            Some(sign) if *sign < 0x80 => byte.to_ascii_uppercase(),
            Some(_) | None => byte,
        };
        name.bytes().enumerate().map(spell).collect()
    }

    proptest! {
        #[test]
        fn every_spelling_of_a_name_is_known(
            names in prop::collection::vec("[-a-z0-9]{1,70}", 1..6),
            signs in prop::collection::vec(any::<u8>().prop_filter("a sign", |sign| !sign.is_ascii_alphanumeric()), 70),
        ) {
            let (mut owned, mut shapes) = (OwnedNames::default(), NameShapes::default());
            for name in &names {
                owned.add(name.clone());
                shapes.add(name.as_bytes());
            }
            for name in &names {
                let spelled = written(name, &signs);
                prop_assert!(is_spelling(&spelled, name.as_bytes()));
                prop_assert!(shapes.may_hold(&spelled) && owned.are_imitated_by(&spelled));
            }
        }
    }

    #[test]
    fn other_names_are_no_spelling() {
        let mut owned = OwnedNames::default();
        owned.add("x-plan".to_owned());
        for (name, expected) in [
            ("x-plan", true),
            ("X_PLAN", true),
            ("x.plan", true),
            ("x-plans", false),
            ("xx-plan", false),
            ("x-pian", false),
            ("x-clan", false),
            ("y-plan", false),
            ("x-plam", false),
            ("", false),
        ] {
            assert_eq!(owned.are_imitated_by(name.as_bytes()), expected, "{name}");
        }
    }
}
