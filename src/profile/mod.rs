//! Profiles: the things that Rownd knows of a user, kept for a short time; and whether a token is
//! still valid by the profile of its user.
//!
//! In: a verified identity and a deadline. Out: the profile, or why there is none. Callers never
//! fetch: a background task makes one fetch for a user however many callers ask, and they wait for
//! it until their own deadlines. The fetch goes on when its callers have left.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod cache;
mod fetcher;
mod freshness;
mod lookup_result;
mod source;
#[cfg(test)]
mod tests;
mod writes;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    config::{Profiles as Settings, Secret},
    issuer_api::{ApiError, IssuerApi, OwnUser},
    metrics::{LabelValues, Labels, Metrics},
    model::{IdentityFacts, IssuerIndex, Profile},
    single_flight::Missed,
    verify::{Identity, Issuer},
};
use cache::{CachedProfile, FoundProfile, ProfileCache};
pub use fetcher::ProfileFetcher;
use fetcher::{Fetcher, Fetches};
pub use freshness::issued_after_cutoff;
use lookup_result::ProfileResult;
use source::{ProfileKey, ProfileSource};
pub use writes::ProfileWrite;
use writes::WritesUnderWay;

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.profile_results = LabelValues::of::<ProfileResult>();
}

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The issuer has no profiles, or the app has no key and secret to read them with.
    #[error("the issuer has no profiles, or the app no key and secret to read them with")]
    Unsupported,
    /// Rownd has no such user.
    #[error("there is no such user")]
    NotFound,
    /// The API gave no usable answer.
    #[error(transparent)]
    Unavailable(ApiError),
    /// The fetch that callers share gave no answer, in time or at all.
    #[error(transparent)]
    Missed(Missed),
    /// The caller asks too often for a younger profile than the cached one. It may ask again after
    /// this time.
    #[error("younger profiles are asked for too often")]
    TooOften(Duration),
}

/// A caller's wish for a younger profile than the setting asks for.
#[derive(Clone, Copy)]
pub struct MaxAge<'a> {
    /// The longest time since the profile was asked for.
    pub max_age: Duration,
    /// Called if the wish alone makes a fetch necessary. An error is the time after which the
    /// caller may ask again.
    pub may_fetch: &'a (dyn Fn() -> Result<(), Duration> + Sync),
}

impl std::fmt::Debug for MaxAge<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MaxAge").finish_non_exhaustive()
    }
}

/// Names a user.
#[derive(Debug, Clone, Copy)]
pub struct UserOfApp<'a> {
    /// The configured name of the issuer.
    pub issuer: &'a str,
    /// The id of the app.
    pub app: &'a str,
    /// The id of the user.
    pub user: &'a str,
}

/// A profile and its age.
#[derive(Debug, Clone)]
pub struct KnownProfile {
    /// The profile itself.
    pub profile: Arc<Profile>,
    /// When it was asked for: it may be as old as that.
    pub asked: Instant,
    /// Whether it is older than the setting allows, because a fetch failed.
    pub stale: bool,
}

/// The profiles of all issuers.
#[derive(Debug)]
pub struct Profiles {
    /// By the issuer's place in the configuration; `None`: the issuer has no API.
    sources: Vec<Option<Arc<ProfileSource>>>,
    by_name: HashMap<String, IssuerIndex>,
    cache: Arc<ProfileCache>,
    fetches: Arc<Fetches>,
    fetcher: Fetcher,
    ttl: Duration,
    not_found_ttl: Duration,
    stale_on_error: Duration,
    metrics: Arc<Metrics>,
    writes: WritesUnderWay,
}

impl Profiles {
    /// The profiles of these issuers, each with its API. The fetcher is to be run for as long as
    /// the profiles are used.
    pub fn build(
        settings: &Settings,
        issuers: &[Arc<Issuer>],
        apis: &[Option<IssuerApi>],
        metrics: &Arc<Metrics>,
    ) -> (Arc<Self>, ProfileFetcher) {
        let source = |(issuer, api): (&Arc<Issuer>, &Option<IssuerApi>)| {
            Some(Arc::new(ProfileSource { api: api.clone()?, apps: issuer.apps().to_vec() }))
        };
        let cache = Arc::new(ProfileCache::new(settings.cache_bytes));
        let (fetches, task) = fetcher::fetches(settings, &cache, metrics);
        let names = issuers.iter().enumerate();
        let profiles = Arc::new(Self {
            sources: issuers.iter().zip(apis).map(source).collect(),
            by_name: names
                .map(|(index, issuer)| (issuer.name().to_owned(), IssuerIndex::new(index)))
                .collect(),
            cache,
            fetches,
            fetcher: Fetcher::new(settings),
            ttl: settings.ttl.get(),
            not_found_ttl: settings.not_found_ttl.get(),
            stale_on_error: settings.stale_on_error.get(),
            metrics: metrics.clone(),
            writes: WritesUnderWay::default(),
        });
        (profiles, task)
    }

    /// The profile of the identity's user, at most as old as the setting says, or as the caller
    /// wishes if that is less. Waits until `deadline` at the longest.
    ///
    /// # Errors
    ///
    /// [`ProfileError`], if there is no such profile or it could not be fetched in time.
    pub async fn get(
        &self,
        who: &IdentityFacts,
        younger: Option<MaxAge<'_>>,
        deadline: Instant,
    ) -> Result<KnownProfile, ProfileError> {
        let app = who.app_id.as_deref().unwrap_or_default();
        let whose = UserOfApp { issuer: &who.issuer, app, user: &who.user_id };
        self.look_up(whose, younger, deadline).await
    }

    /// The same as [`get`](Self::get), for a user by id.
    ///
    /// # Errors
    ///
    /// [`ProfileError`], if there is no such profile or it could not be fetched in time.
    pub async fn look_up(
        &self,
        whose: UserOfApp<'_>,
        younger: Option<MaxAge<'_>>,
        deadline: Instant,
    ) -> Result<KnownProfile, ProfileError> {
        let result = self.find(whose, younger, deadline).await;
        self.metrics.profile_looked_up(match &result {
            Ok((label, _)) => *label,
            Err(ProfileError::Unsupported) => ProfileResult::Unsupported,
            Err(ProfileError::NotFound) => ProfileResult::NotFound,
            Err(
                ProfileError::Unavailable(_) | ProfileError::Missed(_) | ProfileError::TooOften(_),
            ) => ProfileResult::Unavailable,
        });
        result.map(|(_, known)| known)
    }

    /// The profile of the user of a verified token, read with the token itself: of a SuperTokens
    /// session, or of a Rownd app without key and secret. It is fetched each time and not cached,
    /// because it may hold less than a backend may see.
    ///
    /// # Errors
    ///
    /// [`ProfileError`], if the issuer cannot do that or gives no usable answer.
    pub async fn of_token(
        &self,
        who: &Identity,
        token: &Secret,
        timeout: Duration,
    ) -> Result<KnownProfile, ProfileError> {
        let index = self.by_name.get(who.issuer.as_ref());
        let source = index.and_then(|index| index.of(&self.sources)?.as_ref());
        let asked = Instant::now();
        let api = source.and_then(|source| source.api.own_profiles.as_ref());
        let user = OwnUser { app: who.app_id.as_deref(), id: &who.user_id };
        let fetch = api.and_then(|api| api.own_user(user, token, timeout));
        match fetch.ok_or(ProfileError::Unsupported)?.await {
            Ok(profile) => Ok(KnownProfile { profile: Arc::new(profile), asked, stale: false }),
            Err(ApiError::NotFound) => Err(ProfileError::NotFound),
            Err(error) => Err(ProfileError::Unavailable(error)),
        }
    }

    async fn find(
        &self,
        whose: UserOfApp<'_>,
        younger: Option<MaxAge<'_>>,
        deadline: Instant,
    ) -> Result<(ProfileResult, KnownProfile), ProfileError> {
        let (source, key) = self.key(whose).ok_or(ProfileError::Unsupported)?;
        let known = self.cache.get(&key);
        let by_setting = |entry: &CachedProfile| {
            let ttl = match entry.answer {
                FoundProfile::Found(_) => self.ttl,
                FoundProfile::NotFound => self.not_found_ttl,
            };
            entry.asked.elapsed() < ttl
        };
        let wanted =
            |entry: &CachedProfile| younger.is_none_or(|y| entry.asked.elapsed() < y.max_age);
        let young = |entry: &CachedProfile| by_setting(entry) && wanted(entry);
        let fresh = |profile: &Arc<Profile>, asked| KnownProfile {
            profile: profile.clone(),
            asked,
            stale: false,
        };
        if let Some(entry) = known.as_ref().filter(|entry| young(entry)) {
            return match &entry.answer {
                FoundProfile::Found(profile) => {
                    Ok((ProfileResult::Cached, fresh(profile, entry.asked)))
                }
                FoundProfile::NotFound => Err(ProfileError::NotFound),
            };
        }
        if let Some(younger) = younger
            && known.as_ref().is_some_and(by_setting)
        {
            // Without that wish, the cached profile would do.
            (younger.may_fetch)().map_err(ProfileError::TooOften)?;
        }
        let fetch = self.fetcher.fetch(source.clone(), key.clone());
        let fetched = self.fetches.join(key, fetch, deadline).await;
        match fetched
            .map_err(ProfileError::Missed)
            .and_then(|answer| answer.map_err(ProfileError::Unavailable))
        {
            Ok(CachedProfile { answer: FoundProfile::Found(profile), asked }) => {
                Ok((ProfileResult::Fetched, fresh(&profile, asked)))
            }
            Ok(CachedProfile { answer: FoundProfile::NotFound, .. }) => Err(ProfileError::NotFound),
            Err(error) => self.stale(known).ok_or(error),
        }
    }

    /// A cached profile that is too old, if the operator prefers that to none.
    fn stale(&self, known: Option<CachedProfile>) -> Option<(ProfileResult, KnownProfile)> {
        let entry = known?;
        let usable = entry.asked.elapsed() < self.ttl.saturating_add(self.stale_on_error);
        match &entry.answer {
            FoundProfile::Found(profile) if usable && !self.stale_on_error.is_zero() => {
                let known =
                    KnownProfile { profile: profile.clone(), asked: entry.asked, stale: true };
                Some((ProfileResult::Stale, known))
            }
            FoundProfile::Found(_) | FoundProfile::NotFound => None,
        }
    }

    /// Removes the profiles of a user, at every issuer and app, or all profiles. The number of
    /// profiles that were removed.
    pub fn invalidate(&self, user: Option<&str>) -> usize {
        let meant = |key: &ProfileKey| user.is_none_or(|user| user == key.user);
        // First the fetches: one that ends from now on brings an answer from before, which the
        // cache must not keep.
        self.fetches.forget(&meant);
        let forgotten = self.cache.forget(meant);
        self.metrics.profile_cache_size(self.cache.bytes());
        forgotten
    }

    /// Removes the profiles of one user at an issuer, of whom something has changed there. A fetch
    /// under way may bring an answer from before the change, so it is not kept either.
    pub fn forget_user(&self, issuer: &str, user: &str) {
        let Some(index) = self.by_name.get(issuer).copied() else { return };
        let Some(source) = index.of(&self.sources).and_then(Option::as_ref) else { return };
        self.fetches.forget(&|key: &ProfileKey| key.issuer == index && key.user == user);
        for app in source.apps.iter().filter_map(|slot| slot.id()) {
            let (app, user) = (app.to_owned(), user.to_owned());
            self.cache.remove(&ProfileKey { issuer: index, app, user });
        }
        self.metrics.profile_cache_size(self.cache.bytes());
    }

    /// Removes the profiles at an issuer that name this group, of which something has changed there.
    /// Fetches under way may bring an answer from before the change, so none of them is kept.
    pub fn forget_group(&self, issuer: &str, group: &str) {
        let Some(index) = self.by_name.get(issuer).copied() else { return };
        self.fetches.forget(&|key: &ProfileKey| key.issuer == index);
        let names = |profile: &Profile| profile.groups.iter().any(|known| known.id == group);
        self.cache.forget_where(|key, entry| {
            let FoundProfile::Found(profile) = &entry.answer else { return false };
            key.issuer == index && names(profile)
        });
        self.metrics.profile_cache_size(self.cache.bytes());
    }

    fn key(&self, whose: UserOfApp<'_>) -> Option<(&Arc<ProfileSource>, ProfileKey)> {
        let issuer = *self.by_name.get(whose.issuer)?;
        let source = issuer.of(&self.sources)?.as_ref()?;
        source.api_of(whose.app)?;
        let (app, user) = (whose.app.to_owned(), whose.user.to_owned());
        Some((source, ProfileKey { issuer, app, user }))
    }
}
