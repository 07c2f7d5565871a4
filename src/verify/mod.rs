//! Is the token genuine, alive and meant for us? From a raw token to an [`Identity`].
//!
//! In: a token, the time, a deadline. Out: the identity, or a reason. The order: length, shape
//! and header before any cryptography; the issuer by its exact `iss`; the issuer's own key by
//! `kid`; the signature; then the claims. Verified claims are cached under the SHA-256 of the
//! whole token; on a hit, time and key are judged again. What is definitive about a bad token is kept
//! for seconds, in [`refusals`].

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod about;
mod cache;
mod claims;
mod identity;
mod inspect;
mod issuer;
mod json;
mod jwks;
mod key_budget;
mod key_cache;
mod key_refresher;
mod key_snapshot;
mod key_source;
mod kinds;
mod refusals;
mod revocation;
mod rules;
mod self_test;
#[cfg(test)]
mod tests;
mod token;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    config::{Issuer as IssuerSettings, KeySnapshots},
    health::Readiness,
    metrics::{CacheName, Metrics},
    model::{ClaimNames, Denial, DenyReason, IdentityFacts, Step, StepRecorder},
    upstream::Client,
};
pub use about::About;
use cache::{ClaimsCache, Verified};
use claims::{asked::AskedClaims, lifetime::Lifetime};
pub use identity::Identity;
pub use inspect::{Answer, Finding, Inspection, Signature, TokenFacts};
use issuer::Start;
pub use issuer::{AppSlot, Issuer, problems};
pub use jwks::Refusal;
pub use key_cache::KeyStatus;
pub use key_refresher::KeyRefresher;
use key_snapshot::Snapshot;
use refusals::{Refusals, Refused};
pub use revocation::{RevocationCounts, Revocations, RevokeError, Subject};
pub use self_test::self_test;
use token::Token;

/// How a verification ended, for the metric: a hit, a fresh verification, or a denial.
const CACHED: &str = "cached";
const FRESH: &str = "verified";

/// The words for why a key is not used, in the order of the metric's index.
#[must_use]
pub fn key_refusal_labels() -> Vec<&'static str> {
    Refusal::ALL.iter().map(|reason| reason.code()).collect()
}

/// The result words of [`Verifier::verify`], in the order of the metric's index.
#[must_use]
pub fn result_labels() -> Vec<&'static str> {
    [CACHED, FRESH].into_iter().chain(DenyReason::ALL.iter().map(|reason| reason.code())).collect()
}

const fn refusal_label(reason: DenyReason) -> usize {
    2 + reason as usize
}

/// Everything that is needed to verify one token.
#[derive(Debug)]
pub struct Verifier {
    issuers: Vec<Arc<Issuer>>,
    by_iss: HashMap<String, usize>,
    max_token_bytes: usize,
    asked: AskedClaims,
    cache: ClaimsCache,
    refusals: Refusals,
    revocations: Arc<Revocations>,
    metrics: Arc<Metrics>,
}

/// A verifier and the background tasks that keep its keys fresh.
#[derive(Debug)]
pub struct Parts {
    /// The verifier.
    pub verifier: Verifier,
    /// One task for each issuer whose keys are not kept yet, to be run for as long as the
    /// verifier, or one that follows it and still has the issuer, is used.
    pub refreshers: Vec<KeyRefresher>,
}

/// The limits of verification.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest token that is parsed.
    pub max_token_bytes: usize,
    /// Memory for verified claims.
    pub claims_cache_bytes: u64,
    /// Memory for tokens that were refused.
    pub refusal_cache_bytes: u64,
}

impl Parts {
    /// Keeps the key sets on disk where the settings say so. To be called before any task runs.
    #[must_use]
    pub fn with_snapshots(
        self,
        settings: Option<&KeySnapshots>,
        issuers: &[IssuerSettings],
    ) -> Self {
        let Some(settings) = settings else { return self };
        for (issuer, written) in self.verifier.issuers.iter().zip(issuers) {
            let source = written.key_snapshot_source();
            let snapshot = Snapshot::new(settings, issuer.name(), &issuer.iss, source);
            // Set already only where this was called before, with the same settings.
            let _ = issuer.keys.snapshot.set(snapshot);
        }
        self
    }
}

impl Parts {
    /// Keeps these claims on each identity; without this call, none. To be called before any
    /// token is verified.
    #[must_use]
    pub fn with_asked_claims(mut self, names: &ClaimNames) -> Self {
        self.verifier.asked = AskedClaims::build(names);
        self
    }
}

impl Verifier {
    /// From the configuration. Nothing is fetched here.
    pub fn build(
        settings: &[IssuerSettings],
        limits: Limits,
        revocations: Arc<Revocations>,
        upstream: &Client,
        metrics: &Arc<Metrics>,
        readiness: &Readiness,
    ) -> Result<Parts, String> {
        Self::assemble(settings, limits, revocations, upstream, metrics, Start::First(readiness))
    }

    /// As [`build`](Self::build), for a configuration that follows this one's. An issuer that did
    /// not change goes on as it is; where only the keys' origin did not, its keys go on. The cache
    /// of claims begins anew: what is in it was judged by the settings of before.
    pub fn rebuild(
        &self,
        settings: &[IssuerSettings],
        limits: Limits,
        upstream: &Client,
        readiness: &Readiness,
    ) -> Result<Parts, String> {
        let start = Start::Again { before: &self.issuers, readiness };
        let revocations = self.revocations.clone();
        Self::assemble(settings, limits, revocations, upstream, &self.metrics, start)
    }

    fn assemble(
        settings: &[IssuerSettings],
        limits: Limits,
        revocations: Arc<Revocations>,
        upstream: &Client,
        metrics: &Arc<Metrics>,
        start: Start<'_>,
    ) -> Result<Parts, String> {
        let mut verifier = Self {
            issuers: Vec::new(),
            by_iss: HashMap::new(),
            max_token_bytes: limits.max_token_bytes,
            asked: AskedClaims::default(),
            cache: ClaimsCache::new(limits.claims_cache_bytes, metrics),
            refusals: Refusals::new(limits.refusal_cache_bytes, metrics),
            revocations,
            metrics: metrics.clone(),
        };
        let mut refreshers = Vec::new();
        for (index, settings) in settings.iter().enumerate() {
            let issuer = match start.same(settings) {
                Some(issuer) => issuer,
                None => {
                    let (issuer, refresher) = Issuer::build(settings, upstream, metrics, start)?;
                    refreshers.extend(refresher);
                    Arc::new(issuer)
                }
            };
            verifier.by_iss.insert(issuer.iss.clone(), index);
            verifier.issuers.push(issuer);
        }
        Ok(Parts { verifier, refreshers })
    }

    /// To be called when this one is in force: keys that were forgotten by command while it was
    /// being made are not used by it either.
    pub fn forget_as(&self, before: &Self) {
        for issuer in &self.issuers {
            let known = Issuer::predecessor(&before.issuers, issuer.name(), &issuer.iss);
            if let Some(old) = known
                && !Arc::ptr_eq(&old.keys, &issuer.keys)
                && issuer.keys.outlives(&old.keys)
            {
                // Keys that were put in place since are not those that were meant.
                self.forget_keys_of(issuer, issuer.has_keys_in_place_of(old));
            }
        }
    }

    /// Ends when the keys of every issuer have been asked for at least once.
    pub async fn settled(&self) {
        for issuer in self.issuers.iter().filter(|issuer| issuer.settings().key_origin.is_fetched())
        {
            issuer.keys.tried().await;
        }
    }

    /// The issuers, in the order of the configuration.
    #[must_use]
    pub fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers
    }

    /// Verifies a token at this time. Waits for keys until `deadline` at the longest.
    pub async fn verify(
        &self,
        token: &Bytes,
        now: SystemTime,
        deadline: Instant,
    ) -> Result<Arc<Identity>, Denial> {
        self.verify_recorded(token, now, deadline, &mut ()).await
    }

    /// Verifies a token as [`verify`](Self::verify) does, and records each step.
    ///
    /// # Errors
    ///
    /// The denial, if the token is not good or cannot be judged in time.
    pub async fn verify_recorded(
        &self,
        token: &Bytes,
        now: SystemTime,
        deadline: Instant,
        record: &mut impl StepRecorder,
    ) -> Result<Arc<Identity>, Denial> {
        if let Err(reason) = self.fits(token) {
            self.metrics.verified(None, refusal_label(reason));
            return Err(reason.into());
        }
        let seconds = unix_seconds(now);
        let fingerprint = cache::fingerprint(token);
        let holds = |hit: &Verified| {
            self.issuers.get(hit.issuer).is_some_and(|issuer| issuer.keys.holds(&hit.key))
        };
        if let Some(hit) = self.cache.get(&fingerprint, holds)
            && let Some(issuer) = self.issuers.get(hit.issuer)
        {
            record.detail(|| Step::IssuerChosen(issuer.shared_name()));
            record.detail(|| Step::ClaimsCached);
            let judged = hit
                .lifetime
                .check(seconds, issuer.leeway)
                .and_then(|()| self.still_good(issuer, &hit.identity, seconds));
            self.metrics.verified(Some(issuer.label), judged.map_or_else(refusal_label, |()| 0));
            return judged.map(|()| hit.identity).map_err(|reason| issuer.denies(reason));
        }
        if let Some(refused) = self.refused_before(&fingerprint, seconds) {
            record.detail(|| Step::RefusalCached(refused.reason));
            let issuer = self.issuers.get(refused.issuer);
            self.metrics.verified(issuer.map(|issuer| issuer.label), refusal_label(refused.reason));
            return Err(match issuer {
                Some(issuer) => issuer.denies(refused.reason),
                None => refused.reason.into(),
            });
        }
        let (issuer, result) =
            self.verify_fresh(token, fingerprint, (seconds, deadline), record).await;
        let label = result.as_ref().map_or_else(|denial| refusal_label(denial.reason()), |_| 1);
        self.metrics.verified(issuer.map(|issuer| issuer.label), label);
        match issuer {
            Some(issuer) => result.map_err(|denial| issuer.named(denial)),
            None => result,
        }
    }

    /// Ends all trust in the keys of this issuer, or of all, and has them fetched anew. Says how
    /// many issuers that were; until their keys come, no token of theirs can be verified.
    pub fn forget_keys(&self, issuer: Option<&str>) -> usize {
        let meant =
            self.issuers.iter().filter(|known| issuer.is_none_or(|name| known.name() == name));
        meant.map(|issuer| self.forget_keys_of(issuer, true)).count()
    }

    fn forget_keys_of(&self, issuer: &Issuer, in_place: bool) {
        tracing::warn!(issuer = issuer.name(), "the keys are forgotten, by command");
        if let Err(error) = issuer.keys.forget(in_place) {
            tracing::error!(
                issuer = issuer.name(),
                %error,
                "their snapshot could not be removed: remove it by hand before a restart"
            );
        }
        if !issuer.keys.fetches {
            // There is no task that would say so.
            issuer.keys.report(&self.metrics, issuer.label);
        }
    }

    async fn verify_fresh(
        &self,
        raw: &Bytes,
        fingerprint: cache::Fingerprint,
        (now, deadline): (u64, Instant),
        record: &mut impl StepRecorder,
    ) -> (Option<&Issuer>, Result<Arc<Identity>, Denial>) {
        let mut scratch = Vec::new();
        let token = match token::parse(raw, &mut scratch) {
            Ok(token) => token,
            Err(reason) => return (None, Err(reason.into())),
        };
        let (index, issuer) = match self.picked(&token) {
            Ok(picked) => picked,
            Err(reason) => return (None, Err(reason.into())),
        };
        record.detail(|| Step::IssuerChosen(issuer.shared_name()));
        // Read before the keys are: if they change meanwhile, what is kept dies with them.
        let keys = issuer.keys.version();
        let result = issuer.verify(&token, (index, now, deadline), &self.asked, record).await;
        if let Err(denial) = &result {
            let lifetime = Lifetime::of(&token.claims);
            let refused = Refused::new(denial.reason(), index, keys, lifetime);
            self.refusals.insert(fingerprint, refused);
        }
        let result = result.map_err(|denial| self.limit_fault(denial)).and_then(|verified| {
            let identity = verified.identity.clone();
            self.cache.insert(fingerprint, verified);
            self.still_good(issuer, &identity, now).map(|()| identity).map_err(Denial::from)
        });
        (Some(issuer), result)
    }

    /// Not longer than what is parsed.
    fn fits(&self, token: &[u8]) -> Result<(), DenyReason> {
        if token.len() > self.max_token_bytes { Err(DenyReason::TokenTooLarge) } else { Ok(()) }
    }

    /// The issuer that the token's `iss` names, byte for byte.
    fn picked(&self, token: &Token<'_>) -> Result<(usize, &Issuer), DenyReason> {
        let index = self.by_iss.get(token.claims.iss.as_ref()).copied();
        let picked = index.and_then(|index| Some((index, &**self.issuers.get(index)?)));
        picked.ok_or(DenyReason::IssuerUntrusted)
    }

    /// The token was refused a moment ago, and nothing that decides about it has changed.
    fn refused_before(&self, fingerprint: &cache::Fingerprint, now: u64) -> Option<Refused> {
        let issuer = |refused: &Refused| self.issuers.get(refused.issuer);
        let refused = self.refusals.get(fingerprint, |refused| {
            issuer(refused).is_some_and(|issuer| {
                issuer.keys.any_usable() && refused.holds(issuer.keys.version(), now, issuer.leeway)
            })
        })?;
        if refused.reason == DenyReason::SignatureInvalid {
            // As at the first time: the issuer may have replaced the key.
            issuer(&refused)?.keys.suspect();
        }
        Some(refused)
    }

    /// Notes how much the caches hold, for whoever reads the metrics next.
    pub fn measure_caches(&self) {
        self.metrics.cache_size(CacheName::Claims, self.cache.bytes());
        self.metrics.cache_size(CacheName::Refusals, self.refusals.bytes());
    }

    /// Not withdrawn before its time. Judged on every use: the cache holds claims, no verdicts.
    fn still_good(&self, issuer: &Issuer, who: &IdentityFacts, now: u64) -> Result<(), DenyReason> {
        if self.revocations.hits(&issuer.iss, who, now) { Err(DenyReason::Revoked) } else { Ok(()) }
    }

    /// Withdraws what a command names, at one issuer or at all. `keep` is how long from now on;
    /// without it, for as long as a token can live. Tells how many entries are new.
    pub fn revoke(
        &self,
        issuer: Option<&str>,
        subject: Subject<'_>,
        keep: Option<Duration>,
        now: SystemTime,
    ) -> Result<usize, RevokeError> {
        let issuers = self.named(issuer).ok_or(RevokeError::IssuerUnknown)?;
        self.revocations.revoke(&issuers, subject, keep, unix_seconds(now))
    }

    /// Takes a revocation back. Tells how many entries are gone.
    pub fn restore(
        &self,
        issuer: Option<&str>,
        subject: Subject<'_>,
    ) -> Result<usize, RevokeError> {
        let issuers = self.named(issuer).ok_or(RevokeError::IssuerUnknown)?;
        Ok(self.revocations.restore(&issuers, subject))
    }

    /// The list of revocations.
    #[must_use]
    pub const fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// The `iss` of the issuer of a name, or of all; and whether it takes tokens without an end.
    fn named(&self, name: Option<&str>) -> Option<Vec<(&str, bool)>> {
        let meant = |issuer: &&Arc<Issuer>| name.is_none_or(|name| name == issuer.name());
        let found = self.issuers.iter().filter(meant);
        let found: Vec<_> =
            found.map(|issuer| (issuer.iss.as_str(), issuer.allow_missing_exp)).collect();
        (!found.is_empty()).then_some(found)
    }

    /// A fault holds for everybody only while no issuer can vouch for anybody: which issuer and
    /// which app a token names is the client's choice.
    fn limit_fault(&self, denial: Denial) -> Denial {
        let one_works = || self.issuers.iter().any(|issuer| issuer.can_decide());
        if denial.is_for_everybody() && one_works() { denial.reason().into() } else { denial }
    }
}

/// Every claim of a token that was verified a moment ago; to be asked of no other.
#[must_use]
pub fn claims(verified: &Bytes) -> Option<serde_json::Map<String, serde_json::Value>> {
    token::all_claims(verified)
}

/// Whole seconds since 1970; a clock before that counts as 1970.
fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
