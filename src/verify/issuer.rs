//! One issuer: its keys, its algorithms, its apps, and the rules for its tokens.
//!
//! In: its settings, then a token whose `iss` is its own. Out: the facts of the token with the time
//! in which they hold, or a denial; and the task that keeps its keys fresh.

use std::sync::Arc;

use super::{
    app_slot::AppSlot,
    claims::{asked::AskedClaims, lifetime::Lifetime, read::AcceptedApp},
    claims_cache::CachedToken,
    fetch_budget::ClaimedIssueTime,
    identity::Identity,
    jwks::{FittingKeys, GoodSignature, KeyRules, KeySet},
    key_cache::KeyStore,
    key_refresher::{FetchedIssuer, KeyRefresher},
    key_source::KeySource,
    key_state::KeyStatus,
    key_turns::SignedPart,
    kinds::{self, kind::Kind},
    rules::Rules,
    token::Token,
    unix_time::Timing,
};
use crate::{
    config::{App as AppSettings, Finding, Issuer as IssuerSettings, SigningAlgorithm},
    health::{Latch, Readiness},
    metrics::{IssuerLabel, Metrics},
    model::{Denial, DenyReason, IdentityFacts, IssuerIndex, Step, StepRecorder},
    upstream::Client,
};

/// The issuers that a new verifier may take over.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start<'a> {
    /// None: the process starts, and readiness waits for each issuer.
    First(&'a Readiness),
    /// The issuers of the configuration before. Readiness waits only if it does already: a new
    /// issuer must not take a process that serves out of service.
    Again {
        /// The issuers of the configuration before.
        before: &'a [Arc<Issuer>],
        /// The readiness of the process.
        readiness: &'a Readiness,
    },
}

impl<'a> Start<'a> {
    fn named(self, name: &str) -> Option<&'a Arc<Issuer>> {
        match self {
            Self::First(_) => None,
            Self::Again { before, .. } => before.iter().find(|issuer| *issuer.name == *name),
        }
    }

    /// The former issuer that this one replaces: it has the same `iss`, or else the same name.
    fn predecessor(self, name: &str, iss: &str) -> Option<&'a Arc<Issuer>> {
        match self {
            Self::First(_) => None,
            Self::Again { before, .. } => Issuer::predecessor(before, name, iss),
        }
    }

    /// The former issuer that has exactly these settings.
    pub(super) fn same(self, settings: &IssuerSettings) -> Option<Arc<Issuer>> {
        self.named(&settings.name).filter(|before| before.settings == *settings).cloned()
    }

    fn latch(self, settings: &IssuerSettings, what: &str) -> Option<Latch> {
        let (readiness, waits) = match self {
            Self::First(readiness) => (readiness, true),
            Self::Again { readiness, .. } => (readiness, !readiness.is_ready()),
        };
        (waits && settings.required)
            .then(|| readiness.latch(&format!("issuer {}: {what}", settings.name)))
    }
}

/// An issuer whose tokens are trusted.
#[derive(Debug)]
pub struct Issuer {
    settings: IssuerSettings,
    /// The index of its series.
    pub(super) label: IssuerLabel,
    name: Arc<str>,
    pub(super) iss: String,
    kind: &'static Kind,
    rules: Rules,
    algorithms: Vec<SigningAlgorithm>,
    apps: Vec<Arc<AppSlot>>,
    pub(super) leeway: u64,
    pub(super) allow_missing_exp: bool,
    pub(super) keys: Arc<KeyStore>,
}

impl Issuer {
    /// An issuer, and the task for its keys where no task keeps them fresh yet.
    ///
    /// # Errors
    ///
    /// The setting that is missing or cannot be used.
    pub(super) fn build(
        settings: &IssuerSettings,
        upstream: &Client,
        metrics: &Arc<Metrics>,
        start: Start<'_>,
    ) -> Result<(Self, Option<KeyRefresher>), String> {
        let name: Arc<str> = settings.name.as_str().into();
        let label = metrics.issuer(&name).ok_or_else(|| {
            format!("issuer {name}: too many names of issuers since the start; restart")
        })?;
        let iss = settings.iss.clone();
        let algorithms: Vec<SigningAlgorithm> = settings.algorithms.clone();
        let known = start.predecessor(&name, &iss);
        let before = known.filter(|before| settings.has_keys_of(&before.settings));
        let apps = settings.apps().iter().enumerate().map(|(index, app)| {
            let what = format!("the app id of apps[{index}], asked of Rownd by its key");
            let slot = AppSlot::build(app, || start.latch(settings, &what));
            if let Some(id) = before.and_then(|before| before.id_learned_for(app)) {
                slot.learn(id);
            }
            Arc::new(slot)
        });
        let apps = apps.collect();
        let (keys, refresher) = match before {
            Some(before) if settings.keeps_keys_as(&before.settings) => (before.keys.clone(), None),
            _ => {
                let keys = Arc::new(new_store(settings, known)?);
                let ready = keys.any_usable();
                let source = KeySource::build(settings, upstream);
                if source.is_some() {
                    before.inspect(|before| keys.adopt(&before.keys));
                }
                keys.report(metrics, label);
                let refresher = source.map(|source| {
                    KeyRefresher::new(
                        FetchedIssuer { name: name.clone(), label },
                        keys.clone(),
                        Box::new(source),
                        metrics.clone(),
                        if ready { None } else { start.latch(settings, "its first key set") },
                    )
                });
                (keys, refresher)
            }
        };
        let issuer = Self {
            settings: settings.clone(),
            label,
            name,
            iss,
            kind: kinds::row(settings.kind()),
            rules: Rules::build(settings),
            algorithms,
            apps,
            leeway: settings.leeway.get().as_secs(),
            allow_missing_exp: settings.allows_missing_exp(),
            keys,
        };
        Ok((issuer, refresher))
    }

    /// Of those, the one that an issuer of this name and `iss` replaces.
    pub(super) fn predecessor<'a>(
        before: &'a [Arc<Self>],
        name: &str,
        iss: &str,
    ) -> Option<&'a Arc<Self>> {
        let same_iss = before.iter().find(|issuer| issuer.iss == iss);
        same_iss.or_else(|| before.iter().find(|issuer| *issuer.name == *name))
    }

    /// The id that was asked for by the key of this app.
    fn id_learned_for(&self, app: &AppSettings) -> Option<String> {
        let key = app.key()?;
        let known = self.apps.iter().find(|slot| slot.key() == Some(key))?;
        known.id().map(str::to_owned)
    }

    /// Whether its keys in place are those of another.
    pub(super) fn has_keys_in_place_of(&self, other: &Self) -> bool {
        self.settings.key_origin.in_place() == other.settings.key_origin.in_place()
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

    /// The app that a token names. Nothing of it is verified.
    pub(super) fn claimed_app(&self, token: &Token<'_>) -> Option<String> {
        self.facts(token).ok()?.app_id
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

    /// The state of its keys, for `/status`.
    #[must_use]
    pub fn key_status(&self) -> KeyStatus {
        self.keys.status()
    }

    /// Some tokens of this issuer could be verified now.
    pub(super) fn can_decide(&self) -> bool {
        let app_known = || self.apps.iter().any(|app| app.id().is_some());
        self.keys.any_usable() && (!self.kind.needs_app || app_known())
    }

    /// SigningAlgorithm, key, signature, then claims. The caller has matched `iss`.
    pub(super) async fn verify(
        &self,
        token: &Token<'_>,
        index: IssuerIndex,
        timing: Timing,
        asked: &AskedClaims,
        record: &mut impl StepRecorder,
    ) -> Result<CachedToken, Denial> {
        let Timing { now, deadline } = timing;
        let algorithm = self.algorithm(token)?;
        let issued = ClaimedIssueTime::new(token.claims.iat, now, self.leeway);
        let found = self.keys.find(token.kid.as_deref(), algorithm, issued, deadline).await;
        let keys = found.inspect_err(|denial| self.record_no_key(token, denial, record))?;
        let proof = match &keys {
            FittingKeys::Several(keys) => {
                let of = SignedPart::of(token, algorithm);
                self.keys.turns.find_signer(keys, of, deadline, |key| self.keys.holds(key)).await?
            }
            FittingKeys::One(_) | FittingKeys::TooMany => first_signer(&keys, token, algorithm),
        };
        let proof = self.judge_signature(token, proof, record)?;
        let key = proof.key().clone();
        let (mut facts, lifetime) = self.claims(token, now, record)?;
        facts.claims = asked.of(&token.claims);
        let identity = Arc::new(Identity::new(facts, proof));
        Ok(CachedToken { identity, lifetime, issuer: index, key })
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

    /// Records that no key for this token is known now.
    pub(super) fn record_no_key(
        &self,
        token: &Token<'_>,
        denial: &Denial,
        record: &mut impl StepRecorder,
    ) {
        if denial.reason() == DenyReason::KidMissing {
            // Keys are known, too many of them.
            return;
        }
        record.detail(|| Step::KeyAbsent {
            key: token.kid.as_deref().map(Into::into),
            // Where nothing is fetched, there are no other keys to wait for.
            others_known: !self.keys.fetches || self.keys.any_usable(),
        });
    }

    /// The proof that the signature is one of these keys', all tried at once.
    pub(super) fn check_signature(
        &self,
        token: &Token<'_>,
        algorithm: SigningAlgorithm,
        keys: &FittingKeys,
        record: &mut impl StepRecorder,
    ) -> Result<GoodSignature, DenyReason> {
        self.judge_signature(token, first_signer(keys, token, algorithm), record)
    }

    /// The proof that a key of the issuer made the signature, or the denial where none did.
    fn judge_signature(
        &self,
        token: &Token<'_>,
        proof: Option<GoodSignature>,
        record: &mut impl StepRecorder,
    ) -> Result<GoodSignature, DenyReason> {
        record.detail(|| {
            let signer = proof.as_ref().and_then(|proof| proof.key().kid());
            Step::SignatureChecked {
                key: signer.or(token.kid.as_deref()).map(Into::into),
                good: proof.is_some(),
            }
        });
        if let Some(proof) = proof {
            return Ok(proof);
        }
        // The issuer may have replaced a key under its old name.
        self.keys.suspect_replacement();
        Err(DenyReason::SignatureInvalid)
    }

    /// The facts that the token states of its user, and the time in which it holds.
    pub(super) fn claims(
        &self,
        token: &Token<'_>,
        now: u64,
        record: &mut impl StepRecorder,
    ) -> Result<(IdentityFacts, Lifetime), Denial> {
        let judged = self.judge_claims(token, now);
        record.detail(|| {
            let reason = |denial: &Denial| denial.reason();
            Step::ClaimsJudged(judged.as_ref().map(|_| ()).map_err(reason))
        });
        judged
    }

    fn judge_claims(
        &self,
        token: &Token<'_>,
        now: u64,
    ) -> Result<(IdentityFacts, Lifetime), Denial> {
        if token.claims.exp.is_none() && !self.allow_missing_exp {
            return Err(DenyReason::ClaimsInvalid.into());
        }
        let lifetime = Lifetime::of(&token.claims);
        lifetime.check(now, self.leeway)?;
        let facts = self.facts(token).map_err(|reason| {
            // An app id that is still being asked for is our own fault, or the issuer's.
            if reason == DenyReason::AppUnknown {
                Denial::for_everybody(reason)
            } else {
                reason.into()
            }
        })?;
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

/// A store with the keys in place, unless a command made the issuer before forget those.
fn new_store(settings: &IssuerSettings, known: Option<&Arc<Issuer>>) -> Result<KeyStore, String> {
    let in_place = in_place(settings)
        .map_err(|error| format!("issuer {}: key_set: {error}", settings.name))?;
    let keys = KeyStore::new(settings, key_rules(settings), in_place);
    if let Some(known) = known {
        keys.replace_store(
            &known.keys,
            settings.key_origin.in_place() == known.settings.key_origin.in_place(),
        );
    }
    Ok(keys)
}

/// The problems of issuers' settings that only the reader of keys finds.
#[must_use]
pub fn problems(issuers: &[IssuerSettings]) -> Vec<Finding> {
    let problem = |settings: &IssuerSettings| {
        let message = in_place(settings).err()?;
        Some(Finding { pointer: format!("{}/key_set", settings.pointer()), message })
    };
    issuers.iter().filter_map(problem).collect()
}

/// The keys of `key_set`, where the settings have one.
fn in_place(settings: &IssuerSettings) -> Result<Option<KeySet>, String> {
    let text = settings.key_origin.in_place();
    text.map(|text| KeySet::in_place(text, key_rules(settings))).transpose()
}

/// The keys of an issuer with these settings that are used.
const fn key_rules(settings: &IssuerSettings) -> KeyRules<'_> {
    KeyRules {
        algorithms: settings.algorithms.as_slice(),
        kid_optional: kinds::row(settings.kind()).kid_optional,
    }
}

/// The proof of the first of these keys that made the token's signature.
fn first_signer(
    keys: &FittingKeys,
    token: &Token<'_>,
    algorithm: SigningAlgorithm,
) -> Option<GoodSignature> {
    let of = SignedPart::of(token, algorithm);
    match keys {
        FittingKeys::One(key) => of.check(key),
        FittingKeys::Several(keys) => keys.iter().find_map(|key| of.check(key)),
        FittingKeys::TooMany => None,
    }
}
