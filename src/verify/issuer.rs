//! One issuer: its keys, its algorithms, its apps, and the rules for its tokens.
//!
//! In: a token whose `iss` is its own. Out: the facts of the token with the time in which they hold,
//! or a denial.

use std::sync::Arc;

use super::{
    app_slot::AppSlot,
    claims::{asked::AskedClaims, lifetime::Lifetime, read::AcceptedApp},
    claims_cache::{CachedToken, Fingerprint},
    fetch_budget::ClaimedIssueTime,
    fetch_lanes::FetchLanes,
    identity::Identity,
    jwks::GoodSignature,
    key_ring::{KeyRing, KeyStoreId, RingIndex},
    key_state::KeyStatus,
    kinds::kind::Kind,
    rules::Rules,
    signature::{check_by_turns, record_no_key},
    tenant_status::{self, TenantsStatus},
    token::Token,
    unix_time::Timing,
};
use crate::{
    config::{App as AppSettings, Issuer as IssuerSettings, SigningAlgorithm},
    metrics::IssuerLabel,
    model::{AppOfKey, Denial, DenyReason, IdentityFacts, Step, StepRecorder},
};

/// An issuer whose tokens are trusted.
#[derive(Debug)]
pub struct Issuer {
    pub(super) settings: IssuerSettings,
    /// The index of its series.
    pub(super) label: IssuerLabel,
    pub(super) name: Arc<str>,
    pub(super) kind: &'static Kind,
    pub(super) rules: Rules,
    pub(super) algorithms: Vec<SigningAlgorithm>,
    pub(super) apps: Vec<Arc<AppSlot>>,
    pub(super) leeway: u64,
    pub(super) allow_missing_exp: bool,
    /// The name of the issuer whose keys it uses; `None`: its keys are its own.
    pub(super) leader: Option<Arc<str>>,
    /// Each `iss` of its tokens, with its keys: one, or one for each tenant.
    pub(super) rings: Vec<KeyRing>,
    /// The fetches of all tenants, where there are tenants and the keys are its own.
    pub(super) lanes: Option<Arc<FetchLanes>>,
}

/// How far a token is what an issuer's settings ask for, before anything of it is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is of another kind.
    OtherKind,
    /// It is of the kind, for another audience.
    OtherAudience,
    /// It is of the kind and for the audience.
    Fits,
}

impl Issuer {
    /// The app and variant that were asked for by the key of this app.
    pub(super) fn learned_for(&self, app: &AppSettings) -> Option<AppOfKey> {
        let key = app.key()?;
        let known = self.apps.iter().find(|slot| slot.key() == Some(key))?;
        known.app_of_key().cloned()
    }

    /// Whether its keys in place are those of another.
    pub(super) fn has_keys_in_place_of(&self, other: &Self) -> bool {
        self.settings.key_origin.in_place() == other.settings.key_origin.in_place()
    }

    /// The ring of this `iss`.
    pub(super) fn ring_of(&self, iss: &str) -> Option<&KeyRing> {
        self.rings.iter().find(|ring| ring.iss == iss)
    }

    /// Whether its keys are kept in the stores of the other.
    pub(super) fn has_stores_of(&self, other: &Self) -> bool {
        self.rings.len() == other.rings.len()
            && self.rings.iter().zip(&other.rings).all(|(a, b)| Arc::ptr_eq(&a.keys, &b.keys))
    }

    /// How far this token is what the settings ask for. The claims are not verified.
    pub(super) fn fit(&self, token: &Token<'_>) -> Fit {
        match self.facts(token) {
            Err(DenyReason::TokenKindRefused) => Fit::OtherKind,
            Err(DenyReason::AudienceMismatch) => Fit::OtherAudience,
            Ok(_) | Err(_) => Fit::Fits,
        }
    }

    /// The settings it was built from.
    #[must_use]
    pub const fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    /// The index of its series.
    #[must_use]
    pub const fn label(&self) -> IssuerLabel {
        self.label
    }

    /// The configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configured name, shared.
    pub(super) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// The row of its kind.
    pub(super) const fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The facts that a token states. Nothing of it is verified.
    pub(super) fn claimed_facts(&self, token: &Token<'_>) -> Option<IdentityFacts> {
        self.facts(token).ok()
    }

    /// The claims that the claim map names and the token does not have.
    pub(super) fn absent_claims(&self, token: &Token<'_>) -> Vec<(&'static str, String)> {
        self.rules.absent_claims(token)
    }

    /// The denial with the name of this issuer.
    pub(super) fn attribute(&self, denial: Denial) -> Denial {
        denial.judged_by(&self.name)
    }

    /// A denial for this reason, with the name of this issuer.
    pub(super) fn denial(&self, reason: DenyReason) -> Denial {
        self.attribute(reason.into())
    }

    /// Its apps.
    #[must_use]
    pub fn apps(&self) -> &[Arc<AppSlot>] {
        &self.apps
    }

    /// Its entries for the app of this id: each may have a key of its own.
    pub fn apps_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a AppSlot> {
        self.apps.iter().map(Arc::as_ref).filter(move |slot| slot.id() == Some(id))
    }

    /// The state of its keys, for `/status`.
    #[must_use]
    pub fn key_status(&self) -> KeyStatus {
        match self.rings.as_slice() {
            [ring] if !self.has_tenants() => ring.keys.status(),
            rings => tenant_status::keys_of_all(rings),
        }
    }

    /// Whether it has tenants, each with an `iss` and keys of its own.
    #[must_use]
    pub const fn has_tenants(&self) -> bool {
        !self.settings.tenants.is_empty()
    }

    /// The tenants, for `/status`; `None` for an issuer without tenants.
    #[must_use]
    pub fn tenants_status(&self) -> Option<TenantsStatus> {
        self.has_tenants().then(|| tenant_status::tenants(&self.rings))
    }

    /// The store of its keys, or of those of its first tenant.
    #[must_use]
    pub fn first_store(&self) -> Option<KeyStoreId> {
        self.rings.first().map(|ring| KeyStoreId::of(&ring.keys))
    }

    /// The `iss` of its tokens and the state of the keys, of the issuer or of each tenant.
    #[must_use]
    pub fn each_key_status(&self) -> Vec<(Option<&str>, &str, KeyStatus)> {
        let rings = self.rings.iter();
        rings.map(|ring| (ring.tenant.as_deref(), ring.iss.as_str(), ring.keys.status())).collect()
    }

    fn any_usable(&self) -> bool {
        self.rings.iter().any(|ring| ring.keys.any_usable())
    }

    /// Some tokens of this issuer could be verified now.
    pub(super) fn can_decide(&self) -> bool {
        let app_known = || self.apps.iter().any(|app| app.id().is_some());
        self.any_usable() && (!self.kind.needs_app || app_known())
    }

    /// SigningAlgorithm, key, signature, then claims. The caller has matched `iss` with that of
    /// the ring at this place.
    pub(super) async fn verify(
        &self,
        (token, fingerprint): (&Token<'_>, Fingerprint),
        (index, ring): (RingIndex, &KeyRing),
        timing: Timing,
        asked: &AskedClaims,
        record: &mut impl StepRecorder,
    ) -> Result<CachedToken, Denial> {
        let proof = self.check_signature(token, ring, timing, record).await?;
        let key = proof.key().clone();
        let (mut facts, lifetime) = self.claims(token, ring, timing.now, record)?;
        facts.claims = asked.of(&token.claims);
        let identity = Arc::new(Identity::new(facts, fingerprint, proof));
        Ok(CachedToken { identity, lifetime, ring: index, key })
    }

    /// The algorithm, the key and the signature of a token of any kind.
    pub(super) async fn check_signature(
        &self,
        token: &Token<'_>,
        ring: &KeyRing,
        Timing { now, deadline }: Timing,
        record: &mut impl StepRecorder,
    ) -> Result<GoodSignature, Denial> {
        let algorithm = self.algorithm(token)?;
        let issued = ClaimedIssueTime::new(token.claims.iat, now, self.leeway);
        let found = ring.keys.find(token.kid.as_deref(), algorithm, issued, deadline).await;
        let keys = found.inspect_err(|denial| record_no_key(token, denial, ring, record))?;
        check_by_turns(token, algorithm, &keys, ring, deadline, record).await
    }

    /// The algorithm of the token, if it is one of the issuer's.
    pub(super) fn algorithm(&self, token: &Token<'_>) -> Result<SigningAlgorithm, DenyReason> {
        let names_it = |known: &&SigningAlgorithm| {
            // `EdDSA` is any of its curves, of which `Ed25519` is the supported one (RFC 9864).
            known.as_str() == token.alg
                || (**known == SigningAlgorithm::EdDSA
                    && token.alg == SigningAlgorithm::Ed25519.as_str())
        };
        self.algorithms.iter().find(names_it).copied().ok_or(DenyReason::AlgorithmRefused)
    }

    /// The facts that the token states of its user, and the time in which it holds.
    pub(super) fn claims(
        &self,
        token: &Token<'_>,
        ring: &KeyRing,
        now: u64,
        record: &mut impl StepRecorder,
    ) -> Result<(IdentityFacts, Lifetime), Denial> {
        let judged = self.judge_claims(token, ring, now);
        record.detail(|| {
            let reason = |denial: &Denial| denial.reason();
            Step::ClaimsJudged(judged.as_ref().map(|_| ()).map_err(reason))
        });
        judged
    }

    fn judge_claims(
        &self,
        token: &Token<'_>,
        ring: &KeyRing,
        now: u64,
    ) -> Result<(IdentityFacts, Lifetime), Denial> {
        if token.claims.exp.is_none() && !self.allow_missing_exp {
            return Err(DenyReason::ClaimsInvalid.into());
        }
        let lifetime = Lifetime::of(&token.claims);
        lifetime.check(now, self.leeway)?;
        let mut facts = self.facts(token).map_err(|reason| {
            // An app id that is still being asked for is our own fault, or the issuer's.
            if reason == DenyReason::AppUnknown {
                Denial::for_everybody(reason)
            } else {
                reason.into()
            }
        })?;
        if let Some(tenant) = ring.tenant.as_deref() {
            // The keys are those of this tenant, so no claim may state another one.
            if facts.tenant.as_deref().is_some_and(|stated| stated != tenant) {
                return Err(DenyReason::ClaimsInvalid.into());
            }
            facts.tenant = Some(tenant.to_owned());
        }
        Ok((facts, lifetime))
    }

    fn facts(&self, token: &Token<'_>) -> Result<IdentityFacts, DenyReason> {
        match self.apps.as_slice() {
            [one] => self.rules.facts(token, &self.name, &[one.accepted()]),
            all => {
                let all: Vec<AcceptedApp<'_>> = all.iter().map(|app| app.accepted()).collect();
                self.rules.facts(token, &self.name, &all)
            }
        }
    }
}
