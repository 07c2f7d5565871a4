//! The verifier: all issuers, both caches, and the steps from a raw token to an identity.
//!
//! In: the settings of the issuers; then a token, the time and a deadline. Out: an identity or a
//! denial, and the background tasks that keep the keys fresh.

use std::{collections::HashSet, sync::Arc, time::SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    choice::{ChosenIssuer, IssuersByIss},
    claims::{asked::AskedClaims, lifetime::Lifetime},
    claims_cache::{self, CachedToken, ClaimsCache},
    identity::Identity,
    issuer::Issuer,
    issuer_build::{IssuerBuilder, Start},
    key_refresher::KeyRefresher,
    key_ring::{KeyRing, KeyStoreId, store_ids},
    key_snapshot::KeySnapshot,
    missing_key::MissingKey,
    outcome_label::{CACHED, CacheName, VERIFIED, denied},
    refusal_cache::{RefusalCache, RefusedToken},
    revocation::RevocationList,
    tenant_status, token,
    unix_time::{Timing, unix_seconds},
};
use crate::{
    config::{Issuer as IssuerSettings, KeySnapshots},
    health::Readiness,
    metrics::Metrics,
    model::{
        ClaimNames, Denial, DenyReason, EventRecorder, IdentityFacts, NoEvents, Step, StepRecorder,
    },
    upstream::Client,
};

/// Everything that is needed to verify one token.
#[derive(Debug)]
pub struct Verifier {
    pub(super) issuers: IssuersByIss,
    pub(super) max_token_bytes: usize,
    asked: AskedClaims,
    pub(super) cache: ClaimsCache,
    refusals: RefusalCache,
    pub(super) revocations: Arc<dyn RevocationList>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) events: Arc<dyn EventRecorder>,
}

/// A verifier and the background tasks that keep its keys fresh.
#[derive(Debug)]
pub struct VerifierParts {
    /// The verifier.
    pub verifier: Verifier,
    /// One task for each store of keys that no task keeps fresh yet. It has to run for as long as
    /// this verifier, or one that follows it and still has the store, is used.
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
        let leaders = self.verifier.issuers().iter().zip(issuers);
        for (issuer, written) in leaders.filter(|(issuer, _)| issuer.leader.is_none()) {
            for ring in &issuer.rings {
                let tenant = ring.tenant.as_deref();
                let source = written.key_snapshot_source(tenant);
                let snapshot = KeySnapshot::new(settings, issuer.name(), &ring.iss, &source);
                let snapshot = match tenant {
                    Some(tenant) => snapshot.of_tenant(tenant),
                    None => snapshot,
                };
                // It is set already only if this was called before, with the same settings.
                let _ = ring.keys.snapshot.set(snapshot);
            }
        }
        self
    }

    /// Tells of each revocation; without this call, nobody is told.
    #[must_use]
    pub fn with_events(mut self, events: Arc<dyn EventRecorder>) -> Self {
        self.verifier.events = events;
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
        let start = Start::Again { before: self.issuers(), readiness };
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
        let (issuers, refreshers) = (Vec::new(), Vec::new());
        let mut built = IssuerBuilder { settings, upstream, metrics, start, issuers, refreshers };
        settings.iter().try_for_each(|settings| built.add(settings))?;
        let IssuerBuilder { issuers, refreshers, .. } = built;
        let verifier = Self {
            issuers: IssuersByIss::new(issuers),
            max_token_bytes: limits.max_token_bytes,
            asked: AskedClaims::default(),
            cache: ClaimsCache::new(limits.claims_cache_bytes, metrics),
            refusals: RefusalCache::new(limits.refusal_cache_bytes, metrics),
            revocations,
            metrics: metrics.clone(),
            events: Arc::new(NoEvents),
        };
        Ok(VerifierParts { verifier, refreshers })
    }

    /// Waits until the keys of every issuer have been fetched, or a fetch of them has failed, at
    /// least once.
    pub async fn settled(&self) {
        let fetched = |issuer: &&Arc<Issuer>| issuer.settings().key_origin.is_fetched();
        for ring in self.issuers().iter().filter(fetched).flat_map(|issuer| &issuer.rings) {
            ring.keys.first_fetch_ended().await;
        }
    }

    /// The stores of keys that it uses. The task of any other store is not needed.
    #[must_use]
    pub fn key_stores(&self) -> HashSet<KeyStoreId> {
        store_ids(self.issuers().iter().flat_map(|issuer| &issuer.rings))
    }

    /// The issuers, in the order of the configuration.
    #[must_use]
    pub fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers.issuers
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
            self.issuers.ring_at(hit.ring).is_some_and(|(_, ring)| ring.keys.holds(&hit.key))
        };
        if let Some(hit) = self.cache.get(&fingerprint, holds)
            && let Some((issuer, ring)) = self.issuers.ring_at(hit.ring)
        {
            record.detail(|| Step::IssuerChosen(issuer.shared_name()));
            record.detail(|| Step::ClaimsCached);
            let judged = hit
                .lifetime
                .check(seconds, issuer.leeway)
                .and_then(|()| self.check_not_revoked(ring, &hit.identity, seconds));
            self.metrics.verified(Some(issuer.label), judged.map_or_else(denied, |()| CACHED));
            return judged.map(|()| hit.identity).map_err(|reason| issuer.denial(reason));
        }
        if let Some(refused) = self.refused_before(&fingerprint, seconds) {
            record.detail(|| Step::RefusalCached(refused.reason));
            let issuer = self.issuers.ring_at(refused.ring).map(|(issuer, _)| issuer);
            self.metrics.verified(issuer.map(|issuer| issuer.label), denied(refused.reason));
            return Err(match issuer {
                Some(issuer) => issuer.denial(refused.reason),
                None => refused.reason.into(),
            });
        }
        let timing = Timing { now: seconds, deadline };
        // In a box: a check whose claims are cached would carry its size, some KiB, to its end.
        let uncached = Box::pin(self.verify_uncached(token, fingerprint, timing, record));
        let (issuer, result) = uncached.await;
        let label = result.as_ref().map_or_else(|denial| denied(denial.reason()), |_| VERIFIED);
        if result.is_ok() {
            record.verified_anew();
        }
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
        let (mut scratch, mut scratch_again) = (Vec::new(), Vec::new());
        let mut token = match token::parse(raw, &mut scratch) {
            Ok(token) => token,
            Err(reason) => return (None, Err(reason.into())),
        };
        let ChosenIssuer { index, issuer, ring, ambiguous } = match self.issuers.choose(&token) {
            Ok(chosen) => chosen,
            Err(reason) => return (None, Err(reason.into())),
        };
        record.detail(|| Step::IssuerChosen(issuer.shared_name()));
        if ambiguous {
            return (Some(issuer), Err(DenyReason::TokenKindAmbiguous.into()));
        }
        if let Some(missing) = MissingKey::of(&token, issuer, ring, timing.now) {
            drop(token);
            drop(scratch);
            missing.wait(ring, timing.deadline).await;
            token = match token::parse(raw, &mut scratch_again) {
                Ok(token) => token,
                Err(reason) => return (Some(issuer), Err(reason.into())),
            };
        }
        // The version is read before the keys are: if they change meanwhile, the refusal that is
        // cached under the old version is void.
        let keys = ring.keys.version();
        let subject = (&token, fingerprint);
        let result = issuer.verify(subject, (index, ring), timing, &self.asked, record).await;
        if let Err(denial) = &result {
            let lifetime = Lifetime::of(&token.claims);
            let refused = RefusedToken::new(denial.reason(), index, keys, lifetime);
            self.refusals.insert(fingerprint, refused);
        }
        let result = result.map_err(|denial| self.limit_fault(denial)).and_then(|verified| {
            let identity = verified.identity.clone();
            self.cache.insert(fingerprint, verified);
            let judged = self.check_not_revoked(ring, &identity, timing.now);
            judged.map(|()| identity).map_err(Denial::from)
        });
        (Some(issuer), result)
    }

    /// The token is not longer than the limit.
    pub(super) fn check_length(&self, token: &[u8]) -> Result<(), DenyReason> {
        if token.len() > self.max_token_bytes { Err(DenyReason::TokenTooLarge) } else { Ok(()) }
    }

    /// The cached refusal of the token, if nothing that decides about it has changed.
    fn refused_before(
        &self,
        fingerprint: &claims_cache::Fingerprint,
        now: u64,
    ) -> Option<RefusedToken> {
        let refused = self.refusals.get(fingerprint, |refused| {
            self.issuers.ring_at(refused.ring).is_some_and(|(issuer, ring)| {
                ring.keys.any_usable() && refused.holds(ring.keys.version(), now, issuer.leeway)
            })
        })?;
        if refused.reason == DenyReason::SignatureInvalid {
            // The first time did so too: the issuer may have replaced the key.
            self.issuers.ring_at(refused.ring)?.1.keys.suspect_replacement();
        }
        Some(refused)
    }

    /// Writes the size of both caches to the metrics.
    pub fn measure_caches(&self) {
        self.metrics.cache_size(CacheName::Claims, self.cache.bytes());
        self.metrics.cache_size(CacheName::Refusals, self.refusals.bytes());
    }

    /// Writes the gauges of issuers whose keys no task reports under their name: of those with
    /// tenants, and of those whose keys another issuer has too, whose task reports them; and of the
    /// app keys of all.
    pub fn measure_keys(&self) {
        for issuer in self.issuers() {
            let refused = issuer.apps().iter().filter(|app| app.is_refused()).count();
            self.metrics.app_keys_refused(issuer.label, refused);
            if issuer.has_tenants() {
                tenant_status::report(&issuer.rings, &self.metrics, issuer.label);
            } else if issuer.leader.is_some() {
                issuer.rings.iter().for_each(|ring| ring.keys.report(&self.metrics, issuer.label));
            }
        }
    }

    /// The token is not revoked. Asked on every use: the cache holds claims, no verdicts.
    fn check_not_revoked(
        &self,
        ring: &KeyRing,
        facts: &IdentityFacts,
        now: u64,
    ) -> Result<(), DenyReason> {
        if !self.revocations.is_known() {
            Err(DenyReason::RevocationsUnavailable)
        } else if self.revocations.hits(&ring.iss, facts, now) {
            Err(DenyReason::Revoked)
        } else {
            Ok(())
        }
    }

    /// A fault holds for everybody only while no issuer can verify any token: a client chooses
    /// which issuer and which app its token names.
    fn limit_fault(&self, denial: Denial) -> Denial {
        let one_works = || self.issuers().iter().any(|issuer| issuer.can_decide());
        if denial.is_for_everybody() && one_works() { denial.reason().into() } else { denial }
    }
}
