//! Passports that are used again: by everything that went into them, bounded in bytes.
//!
//! An entry stands for one token, rule and content, of one configuration. It is used only while more
//! than half of its life is left, so that a service gets no passport that ends on its way.

use std::{mem::size_of, sync::Arc};

use quick_cache::{Weighter, sync::Cache};

use crate::{digest::Sha256, model::heap};

/// All that a passport follows from; a cache belongs to one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PassportKey {
    /// The digest of the caller's whole token.
    pub(super) token: Sha256,
    pub(super) rule: Arc<str>,
    /// The digest of every value that is stated and is not of the token: of the profile, of the path, of the
    /// roles.
    pub(super) content: Option<Sha256>,
}

/// A signed passport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SignedPassport {
    pub(super) token: Arc<str>,
    pub(super) lifetime: PassportLifetime,
}

/// When a passport was made and when it ends, Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PassportLifetime {
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
}

impl PassportLifetime {
    /// More than half of it is left. Before its beginning, which a clock that was set back comes to,
    /// it is as good as over.
    const fn is_young(self, now: u64) -> bool {
        let Self { issued_at, expires_at } = self;
        issued_at <= now
            && now < expires_at
            && 2 * (expires_at - now) > expires_at.saturating_sub(issued_at)
    }
}

/// The table's own share of an entry, in bytes: its slots, the hash map, and the hashes of evicted
/// entries.
const TABLE_SHARE: usize = 160;
/// The two reference counts in front of a shared text.
const COUNTS: usize = 2 * size_of::<usize>();
/// Bytes of a small passport: decides for how many entries the table is laid out.
const TYPICAL_ENTRY: u64 = 1_000;

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<PassportKey, SignedPassport> for Weight {
    fn weight(&self, _: &PassportKey, passport: &SignedPassport) -> u64 {
        // The name of the rule is shared with the configuration.
        let slot = size_of::<PassportKey>() + size_of::<SignedPassport>() + TABLE_SHARE;
        (slot + heap::block(COUNTS + passport.token.len())) as u64
    }
}

/// The cache; of 0 bytes it keeps nothing.
#[derive(Debug)]
pub(super) struct PassportCache(Option<Cache<PassportKey, SignedPassport, Weight>>);

impl PassportCache {
    pub(super) fn new(bytes: u64) -> Self {
        let items = usize::try_from(bytes / TYPICAL_ENTRY).unwrap_or(usize::MAX);
        Self((bytes > 0).then(|| Cache::with_weighter(items, bytes, Weight)))
    }

    /// The passport of this content, if it is young enough.
    pub(super) fn get(&self, key: &PassportKey, now: u64) -> Option<SignedPassport> {
        let found = self.0.as_ref()?.get(key)?;
        found.lifetime.is_young(now).then_some(found)
    }

    pub(super) fn insert(&self, key: PassportKey, passport: SignedPassport) {
        if let Some(entries) = &self.0 {
            entries.insert(key, passport);
        }
    }

    /// Bytes in use, by the same estimate that bounds them.
    pub(super) fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, Cache::weight)
    }
}

#[cfg(test)]
mod tests {
    use super::{PassportCache, PassportKey, PassportLifetime, SignedPassport};

    fn key(token: [u8; 32]) -> PassportKey {
        PassportKey { token, rule: "orders".into(), content: None }
    }

    fn passport(length: usize) -> SignedPassport {
        let lifetime = PassportLifetime { issued_at: 100, expires_at: 160 };
        SignedPassport { token: "x".repeat(length).into(), lifetime }
    }

    #[test]
    fn a_passport_is_used_again_while_more_than_half_of_its_life_is_left() {
        let cache = PassportCache::new(1 << 20);
        cache.insert(key([1; 32]), passport(600));
        for (now, expected) in
            [(99, false), (100, true), (129, true), (130, false), (160, false), (u64::MAX, false)]
        {
            assert_eq!(cache.get(&key([1; 32]), now).is_some(), expected, "{now}");
        }
        for other in [
            key([2; 32]),
            PassportKey { rule: "order".into(), ..key([1; 32]) },
            PassportKey { content: Some([0; 32]), ..key([1; 32]) },
        ] {
            assert_eq!(cache.get(&other, 100), None, "{other:?}");
        }
    }

    #[test]
    fn the_memory_is_bounded_whatever_is_inserted() {
        let cache = PassportCache::new(64 << 10);
        for number in 0..10_000_u32 {
            let mut content = [0; 32];
            content[..4].copy_from_slice(&number.to_be_bytes());
            cache.insert(key(content), passport(100 + (number % 4000) as usize));
            assert!(cache.bytes() <= 64 << 10, "{}", cache.bytes());
        }
        assert!(cache.bytes() > 32 << 10, "{}", cache.bytes());
    }

    #[test]
    fn of_no_bytes_it_keeps_nothing() {
        let cache = PassportCache::new(0);
        cache.insert(key([1; 32]), passport(600));
        assert_eq!((cache.get(&key([1; 32]), 100), cache.bytes()), (None, 0));
    }
}
