//! The verifier: all issuers, both caches, and the steps from a raw token to an identity.
//!
//! In: the settings of the issuers; then a token, the time and a deadline. Out: an identity or a
//! denial, and the background tasks that keep the keys fresh.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    claims::{asked::AskedClaims, lifetime::Lifetime},
    claims_cache::{self, CachedToken, ClaimsCache},
    identity::Identity,
    issuer::{Issuer, Start},
    key_refresher::KeyRefresher,
    key_snapshot::KeySnapshot,
    outcome_label::{CACHED, CacheName, VERIFIED, denied},
    refusal_cache::{RefusalCache, RefusedToken},
    revocation::RevocationList,
    token::{self, Token},
    unix_time::{Timing, unix_seconds},
};
use crate::{
    config::{Issuer as IssuerSettings, KeySnapshots},
    health::Readiness,
    metrics::Metrics,
    model::{ClaimNames, Denial, DenyReason, IdentityFacts, IssuerIndex, Step, StepRecorder},
    upstream::Client,
};

/// Everything that is needed to verify one token.
#[derive(Debug)]
pub struct Verifier {
    pub(super) issuers: Vec<Arc<Issuer>>,
    by_iss: HashMap<String, IssuerIndex>,
    max_token_bytes: usize,
    asked: AskedClaims,
    pub(super) cache: ClaimsCache,
    refusals: RefusalCache,
    pub(super) revocations: Arc<dyn RevocationList>,
    pub(super) metrics: Arc<Metrics>,
}

/// A verifier and the background tasks that keep its keys fresh.
#[derive(Debug)]
pub struct VerifierParts {
    /// The verifier.
    pub verifier: Verifier,
    /// One task for each issuer whose keys no task keeps fresh yet. It has to run for as long as
    /// this verifier, or one that follows it and still has the issuer, is used.
    pub refreshers: Vec<KeyRefresher>,
}

/// The limits of verification.
#[derive(Debug, Clone, Copy)]
pub struct VerifierLimits {
    /// The longest token that is parsed, in bytes.
    pub max_token_bytes: usize,
    /// The memory for verified claims, in bytes; 0 is no cache.
    pub claims_cache_bytes: u64,
    /// The memory for tokens that were refused, in bytes; 0 is no cache.
    pub refusal_cache_bytes: u64,
}

impl VerifierParts {
    /// Keeps the key sets on disk where the settings say so. Must be called before any task runs.
    #[must_use]
    pub fn with_snapshots(
        self,
        settings: Option<&KeySnapshots>,
        issuers: &[IssuerSettings],
    ) -> Self {
        let Some(settings) = settings else { return self };
        for (issuer, written) in self.verifier.issuers.iter().zip(issuers) {
            let source = written.key_snapshot_source();
            let snapshot = KeySnapshot::new(settings, issuer.name(), &issuer.iss, source);
            // It is set already only if this was called before, with the same settings.
            let _ = issuer.keys.snapshot.set(snapshot);
        }
        self
    }

    /// Keeps these claims on each identity; without this call, none. Must be called before any
    /// token is verified.
    #[must_use]
    pub fn with_asked_claims(mut self, names: &ClaimNames) -> Self {
        self.verifier.asked = AskedClaims::build(names);
        self
    }
}

impl Verifier {
    /// A verifier for these settings. Nothing is fetched here.
    ///
    /// # Errors
    ///
    /// Which issuer cannot be built, and why.
    pub fn build(
        settings: &[IssuerSettings],
        limits: VerifierLimits,
        revocations: Arc<dyn RevocationList>,
        upstream: &Client,
        metrics: &Arc<Metrics>,
        readiness: &Readiness,
    ) -> Result<VerifierParts, String> {
        Self::assemble(settings, limits, revocations, upstream, metrics, Start::First(readiness))
    }

    /// A verifier for a configuration that follows that of this one. An issuer that did not change
    /// goes over as it is; where only the place of its keys did not change, its keys go over. The
    /// cache of claims begins empty, because its entries were judged by the former settings.
    ///
    /// # Errors
    ///
    /// Which issuer cannot be built, and why.
    pub fn rebuild(
        &self,
        settings: &[IssuerSettings],
        limits: VerifierLimits,
        upstream: &Client,
        readiness: &Readiness,
    ) -> Result<VerifierParts, String> {
        let start = Start::Again { before: &self.issuers, readiness };
        let revocations = self.revocations.clone();
        Self::assemble(settings, limits, revocations, upstream, &self.metrics, start)
    }

    fn assemble(
        settings: &[IssuerSettings],
        limits: VerifierLimits,
        revocations: Arc<dyn RevocationList>,
        upstream: &Client,
        metrics: &Arc<Metrics>,
        start: Start<'_>,
    ) -> Result<VerifierParts, String> {
        let mut verifier = Self {
            issuers: Vec::new(),
            by_iss: HashMap::new(),
            max_token_bytes: limits.max_token_bytes,
            asked: AskedClaims::default(),
            cache: ClaimsCache::new(limits.claims_cache_bytes, metrics),
            refusals: RefusalCache::new(limits.refusal_cache_bytes, metrics),
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
            verifier.by_iss.insert(issuer.iss.clone(), IssuerIndex::new(index));
            verifier.issuers.push(issuer);
        }
        Ok(VerifierParts { verifier, refreshers })
    }

    /// Waits until the keys of every issuer have been fetched, or a fetch of them has failed, at
    /// least once.
    pub async fn settled(&self) {
        let fetched = |issuer: &&Arc<Issuer>| issuer.settings().key_origin.is_fetched();
        for issuer in self.issuers.iter().filter(fetched) {
            issuer.keys.first_fetch_ended().await;
        }
    }

    /// The issuers, in the order of the configuration.
    #[must_use]
    pub fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers
    }

    /// The list of revocations.
    #[must_use]
    pub fn revocations(&self) -> &Arc<dyn RevocationList> {
        &self.revocations
    }

    /// Verifies a token at this time. Waits for keys until `deadline` at the longest.
    ///
    /// # Errors
    ///
    /// A denial, with the issuer's name where the token's `iss` is that of an issuer.
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
        if let Err(reason) = self.check_length(token) {
            self.metrics.verified(None, denied(reason));
            return Err(reason.into());
        }
        let seconds = unix_seconds(now);
        let fingerprint = claims_cache::fingerprint(token);
        let holds = |hit: &CachedToken| {
            self.issuer_at(hit.issuer).is_some_and(|issuer| issuer.keys.holds(&hit.key))
        };
        if let Some(hit) = self.cache.get(&fingerprint, holds)
            && let Some(issuer) = self.issuer_at(hit.issuer)
        {
            record.detail(|| Step::IssuerChosen(issuer.shared_name()));
            record.detail(|| Step::ClaimsCached);
            let judged = hit
                .lifetime
                .check(seconds, issuer.leeway)
                .and_then(|()| self.check_not_revoked(issuer, &hit.identity, seconds));
            self.metrics.verified(Some(issuer.label), judged.map_or_else(denied, |()| CACHED));
            return judged.map(|()| hit.identity).map_err(|reason| issuer.denial(reason));
        }
        if let Some(refused) = self.refused_before(&fingerprint, seconds) {
            record.detail(|| Step::RefusalCached(refused.reason));
            let issuer = self.issuer_at(refused.issuer);
            self.metrics.verified(issuer.map(|issuer| issuer.label), denied(refused.reason));
            return Err(match issuer {
                Some(issuer) => issuer.denial(refused.reason),
                None => refused.reason.into(),
            });
        }
        let timing = Timing { now: seconds, deadline };
        let (issuer, result) = self.verify_uncached(token, fingerprint, timing, record).await;
        let label = result.as_ref().map_or_else(|denial| denied(denial.reason()), |_| VERIFIED);
        self.metrics.verified(issuer.map(|issuer| issuer.label), label);
        match issuer {
            Some(issuer) => result.map_err(|denial| issuer.attribute(denial)),
            None => result,
        }
    }

    async fn verify_uncached(
        &self,
        raw: &Bytes,
        fingerprint: claims_cache::Fingerprint,
        timing: Timing,
        record: &mut impl StepRecorder,
    ) -> (Option<&Issuer>, Result<Arc<Identity>, Denial>) {
        let mut scratch = Vec::new();
        let token = match token::parse(raw, &mut scratch) {
            Ok(token) => token,
            Err(reason) => return (None, Err(reason.into())),
        };
        let (index, issuer) = match self.issuer_of(&token) {
            Ok(found) => found,
            Err(reason) => return (None, Err(reason.into())),
        };
        record.detail(|| Step::IssuerChosen(issuer.shared_name()));
        // The version is read before the keys are: if they change meanwhile, the refusal that is
        // cached under the old version is void.
        let keys = issuer.keys.version();
        let result = issuer.verify(&token, index, timing, &self.asked, record).await;
        if let Err(denial) = &result {
            let lifetime = Lifetime::of(&token.claims);
            let refused = RefusedToken::new(denial.reason(), index, keys, lifetime);
            self.refusals.insert(fingerprint, refused);
        }
        let result = result.map_err(|denial| self.limit_fault(denial)).and_then(|verified| {
            let identity = verified.identity.clone();
            self.cache.insert(fingerprint, verified);
            let judged = self.check_not_revoked(issuer, &identity, timing.now);
            judged.map(|()| identity).map_err(Denial::from)
        });
        (Some(issuer), result)
    }

    fn issuer_at(&self, index: IssuerIndex) -> Option<&Arc<Issuer>> {
        index.of(&self.issuers)
    }

    /// The token is not longer than the limit.
    pub(super) fn check_length(&self, token: &[u8]) -> Result<(), DenyReason> {
        if token.len() > self.max_token_bytes { Err(DenyReason::TokenTooLarge) } else { Ok(()) }
    }

    /// The issuer that the token's `iss` names, byte for byte, and its index.
    pub(super) fn issuer_of(
        &self,
        token: &Token<'_>,
    ) -> Result<(IssuerIndex, &Issuer), DenyReason> {
        let index = self.by_iss.get(token.claims.iss.as_ref()).copied();
        let found = index.and_then(|index| Some((index, &**self.issuer_at(index)?)));
        found.ok_or(DenyReason::IssuerUntrusted)
    }

    /// The cached refusal of the token, if nothing that decides about it has changed.
    fn refused_before(
        &self,
        fingerprint: &claims_cache::Fingerprint,
        now: u64,
    ) -> Option<RefusedToken> {
        let issuer = |refused: &RefusedToken| self.issuer_at(refused.issuer);
        let refused = self.refusals.get(fingerprint, |refused| {
            issuer(refused).is_some_and(|issuer| {
                issuer.keys.any_usable() && refused.holds(issuer.keys.version(), now, issuer.leeway)
            })
        })?;
        if refused.reason == DenyReason::SignatureInvalid {
            // The first time did so too: the issuer may have replaced the key.
            issuer(&refused)?.keys.suspect_replacement();
        }
        Some(refused)
    }

    /// Writes the size of both caches to the metrics.
    pub fn measure_caches(&self) {
        self.metrics.cache_size(CacheName::Claims, self.cache.bytes());
        self.metrics.cache_size(CacheName::Refusals, self.refusals.bytes());
    }

    /// The token is not revoked. Asked on every use: the cache holds claims, no verdicts.
    fn check_not_revoked(
        &self,
        issuer: &Issuer,
        facts: &IdentityFacts,
        now: u64,
    ) -> Result<(), DenyReason> {
        if self.revocations.hits(&issuer.iss, facts, now) {
            Err(DenyReason::Revoked)
        } else {
            Ok(())
        }
    }

    /// A fault holds for everybody only while no issuer can verify any token: a client chooses
    /// which issuer and which app its token names.
    fn limit_fault(&self, denial: Denial) -> Denial {
        let one_works = || self.issuers.iter().any(|issuer| issuer.can_decide());
        if denial.is_for_everybody() && one_works() { denial.reason().into() } else { denial }
    }
}
