//! Writes of users at the issuer: what is cached of a user follows each write.
//!
//! In: the beginning and the end of a write. Out: a cache without what the write made untrue. The
//! answer to a write is kept as the profile, unless another write of the same user was under way
//! meanwhile: nobody knows which of two the issuer has made last.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

use super::{
    Profiles, UserOfApp,
    cache::{CachedProfile, FoundProfile},
    source::ProfileKey,
};
use crate::model::Profile;

/// The writes of one user.
#[derive(Debug, Default)]
struct OfOneUser {
    count: usize,
    /// Two of them have been under way at the same time.
    overlapped: bool,
}

/// The writes under way, by user.
#[derive(Debug, Default)]
pub(super) struct WritesUnderWay(Mutex<HashMap<ProfileKey, OfOneUser>>);

impl WritesUnderWay {
    fn begin(&self, key: &ProfileKey) {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let user = users.entry(key.clone()).or_default();
        user.count += 1;
        user.overlapped |= user.count > 1;
    }

    /// Whether no other write of the user was under way meanwhile.
    fn end(&self, key: &ProfileKey) -> bool {
        let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(user) = users.get_mut(key) else { return false };
        let alone = !user.overlapped;
        user.count = user.count.saturating_sub(1);
        if user.count == 0 {
            users.remove(key);
        }
        alone
    }
}

/// A write of one user. However it ends, the cached profiles of the user are dropped.
#[derive(Debug)]
pub struct ProfileWrite {
    profiles: Arc<Profiles>,
    issuer: String,
    user: String,
    /// `None`: the profiles of this app are not cached.
    key: Option<ProfileKey>,
    began: Instant,
    answer: Option<Arc<Profile>>,
}

impl Profiles {
    /// A write of this user begins.
    #[must_use]
    pub fn begin_write(self: &Arc<Self>, whose: UserOfApp<'_>) -> ProfileWrite {
        let key = self.key(whose).map(|(_, key)| key);
        if let Some(key) = &key {
            self.writes.begin(key);
        }
        ProfileWrite {
            profiles: self.clone(),
            issuer: whose.issuer.to_owned(),
            user: whose.user.to_owned(),
            key,
            began: Instant::now(),
            answer: None,
        }
    }

    /// Keeps an answer as the profile of this user.
    fn keep(&self, key: ProfileKey, profile: Arc<Profile>, asked: Instant) {
        self.cache.insert(key, CachedProfile { answer: FoundProfile::Found(profile), asked });
        self.metrics.profile_cache_size(self.cache.bytes());
    }
}

impl ProfileWrite {
    /// The write has ended with this profile, which is kept.
    pub fn ended_with(mut self, profile: Arc<Profile>) {
        self.answer = Some(profile);
    }
}

impl Drop for ProfileWrite {
    fn drop(&mut self) {
        let alone = self.key.as_ref().is_some_and(|key| self.profiles.writes.end(key));
        // A fetch that began before the end of the write may bring what was before it.
        self.profiles.forget_user(&self.issuer, &self.user);
        if alone && let (Some(key), Some(profile)) = (self.key.take(), self.answer.take()) {
            self.profiles.keep(key, profile, self.began);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ProfileKey, WritesUnderWay};
    use crate::model::IssuerIndex;

    #[test]
    fn writes_that_overlap_are_told_apart_from_those_that_do_not() {
        let key = |user: &str| ProfileKey {
            issuer: IssuerIndex::new(0),
            app: "app".to_owned(),
            user: user.to_owned(),
        };
        let (ann, bob) = (key("ann"), key("bob"));
        let writes = WritesUnderWay::default();
        writes.begin(&ann);
        writes.begin(&bob);
        assert!(writes.end(&ann) && writes.end(&bob), "of two users");
        writes.begin(&ann);
        writes.begin(&ann);
        assert!(!writes.end(&ann) && !writes.end(&ann), "the first and the second");
        writes.begin(&ann);
        assert!(writes.end(&ann), "the next one alone");
        assert!(writes.0.lock().unwrap().is_empty());
    }
}
