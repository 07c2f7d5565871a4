//! One issuer: whose tokens they are, which keys and algorithms it has, which rules hold.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::time::Instant;

use super::{
    cache::Verified,
    claims::{asked::AskedClaims, lifetime::Lifetime, read::App},
    identity::Identity,
    jwks::{GoodSignature, Key, KeySet, algorithm_name},
    key_budget::Issued,
    key_cache::{KeyStatus, KeyStore},
    key_refresher::KeyRefresher,
    key_source::KeySource,
    kinds::{self, kind::Kind},
    rules::Rules,
    token::Token,
};
use crate::{
    config::{App as AppSettings, Finding, Issuer as Settings, Secret, SigningAlgorithm},
    health::{Latch, Readiness},
    metrics::Metrics,
    model::{Denial, DenyReason, IdentityFacts, Step, StepRecorder},
    upstream::Client,
};

/// Whether there is something to go on with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start<'a> {
    /// Nothing: readiness waits.
    First(&'a Readiness),
    /// The issuers of the configuration before. Readiness waits only if it does already: what is
    /// new must not take a process that serves out of service.
    Again {
        /// Those issuers.
        before: &'a [Arc<Issuer>],
        /// The readiness of the process.
        readiness: &'a Readiness,
    },
}

impl<'a> Start<'a> {
    fn of_name(self, name: &str) -> Option<&'a Arc<Issuer>> {
        match self {
            Self::First(_) => None,
            Self::Again { before, .. } => before.iter().find(|issuer| *issuer.name == *name),
        }
    }

    /// The issuer whose place this one takes: it has the same `iss`, else at least the name.
    fn predecessor(self, name: &str, iss: &str) -> Option<&'a Arc<Issuer>> {
        match self {
            Self::First(_) => None,
            Self::Again { before, .. } => Issuer::predecessor(before, name, iss),
        }
    }

    /// The issuer that has these very settings already.
    pub(super) fn same(self, settings: &Settings) -> Option<Arc<Issuer>> {
        self.of_name(&settings.name).filter(|before| before.settings == *settings).cloned()
    }

    fn latch(self, settings: &Settings, what: &str) -> Option<Latch> {
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
    settings: Settings,
    /// The index of its series.
    pub(super) label: usize,
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

/// One app of an issuer: its id is configured, or becomes known later.
#[derive(Debug)]
pub struct AppSlot {
    id: OnceLock<String>,
    key: Option<Secret>,
    secret: Option<Secret>,
    variants: Vec<String>,
    latch: Mutex<Option<Latch>>,
}

impl AppSlot {
    fn build(settings: &AppSettings, latch: impl FnOnce() -> Option<Latch>) -> Self {
        let id = OnceLock::new();
        let known = settings.id().is_some_and(|known| id.set(known.to_owned()).is_ok());
        Self {
            id,
            key: settings.key().cloned(),
            secret: settings.secret.clone(),
            variants: settings.variants.clone(),
            latch: Mutex::new(if known { None } else { latch() }),
        }
    }

    /// The id, once known.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.get().map(String::as_str)
    }

    fn view(&self) -> App<'_> {
        App { id: self.id(), variants: &self.variants }
    }

    /// The app key by which an unknown id can be asked for.
    #[must_use]
    pub const fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// Tokens that were made through this variant are taken.
    pub(super) fn takes(&self, variant: &str) -> bool {
        self.variants.is_empty() || self.variants.iter().any(|known| known == variant)
    }

    /// The app secret that goes with the key where users are read.
    #[must_use]
    pub const fn secret(&self) -> Option<&Secret> {
        self.secret.as_ref()
    }

    /// The id is known from now on; a second call changes nothing.
    pub fn learn(&self, id: String) {
        let _ = self.id.set(id);
        self.latch.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Issuer {
    /// The refresher is that of new keys only.
    pub(super) fn build(
        settings: &Settings,
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
            if let Some(id) = before.and_then(|before| before.id_learned_by(app)) {
                slot.learn(id);
            }
            Arc::new(slot)
        });
        let apps = apps.collect();
        let (keys, refresher) = match before {
            Some(before) if settings.keeps_keys_as(&before.settings) => (before.keys.clone(), None),
            _ => {
                let keys = Arc::new(new_store(settings, &algorithms, known)?);
                let ready = keys.any_usable();
                let source = KeySource::build(settings, upstream);
                if source.is_some() {
                    before.inspect(|before| keys.adopt(&before.keys));
                }
                keys.report(metrics, label);
                let refresher = source.map(|source| {
                    KeyRefresher::new(
                        (name.clone(), label),
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

    /// Of those, the one whose place an issuer of this name and `iss` takes.
    pub(super) fn predecessor<'a>(
        before: &'a [Arc<Self>],
        name: &str,
        iss: &str,
    ) -> Option<&'a Arc<Self>> {
        let same_iss = before.iter().find(|issuer| issuer.iss == iss);
        same_iss.or_else(|| before.iter().find(|issuer| *issuer.name == *name))
    }

    /// The id that was learned by the key of this app.
    fn id_learned_by(&self, app: &AppSettings) -> Option<String> {
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
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The index of its series.
    #[must_use]
    pub const fn label(&self) -> usize {
        self.label
    }

    /// The configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As [`name`](Self::name), to be kept.
    pub(super) fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }

    /// The row of its kind.
    pub(super) const fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The app that a token names, whatever else it is. Nothing of it is verified.
    pub(super) fn app_of(&self, token: &Token<'_>) -> Option<String> {
        self.facts(token).ok()?.app_id
    }

    /// A no of this issuer's, in its name.
    pub(super) fn named(&self, denial: Denial) -> Denial {
        denial.judged_by(&self.name)
    }

    /// As [`named`](Self::named), from the reason alone.
    pub(super) fn denies(&self, reason: DenyReason) -> Denial {
        self.named(reason.into())
    }

    /// Its apps.
    #[must_use]
    pub fn apps(&self) -> &[Arc<AppSlot>] {
        &self.apps
    }

    /// How its keys are.
    #[must_use]
    pub fn key_status(&self) -> KeyStatus {
        self.keys.status()
    }

    /// There are tokens of this issuer that could be judged now.
    pub(super) fn can_decide(&self) -> bool {
        let app_known = || self.apps.iter().any(|app| app.id().is_some());
        self.keys.any_usable() && (!self.kind.needs_app || app_known())
    }

    /// SigningAlgorithm, key, signature, then claims. The caller has matched `iss`.
    pub(super) async fn verify(
        &self,
        token: &Token<'_>,
        (index, now, deadline): (usize, u64, Instant),
        asked: &AskedClaims,
        record: &mut impl StepRecorder,
    ) -> Result<Verified, Denial> {
        let algorithm = self.algorithm(token)?;
        let issued = Issued::new(token.claims.iat, now, self.leeway);
        let found = self.keys.find(token.kid.as_deref(), algorithm, issued, deadline).await;
        let key = found.inspect_err(|_| self.record_no_key(token, record))?;
        let proof = self.signed(token, &key, record)?;
        let (mut facts, lifetime) = self.claims(token, now, record)?;
        facts.claims = asked.of(&token.claims);
        let identity = Arc::new(Identity::new(facts, proof));
        Ok(Verified { identity, lifetime, issuer: index, key })
    }

    /// The issuer says which algorithms there are; the token only repeats one of them.
    pub(super) fn algorithm(&self, token: &Token<'_>) -> Result<SigningAlgorithm, DenyReason> {
        let known = self.algorithms.iter().find(|known| algorithm_name(**known) == token.alg);
        known.copied().ok_or(DenyReason::AlgorithmRefused)
    }

    /// Records that no key for this token is known now.
    pub(super) fn record_no_key(&self, token: &Token<'_>, record: &mut impl StepRecorder) {
        record.detail(|| Step::KeyAbsent {
            key: token.kid.as_deref().map(Into::into),
            // Where nothing is fetched, there are no other keys to wait for.
            others_known: !self.keys.fetches || self.keys.any_usable(),
        });
    }

    /// The proof that the signature is this key's.
    pub(super) fn signed(
        &self,
        token: &Token<'_>,
        key: &Key,
        record: &mut impl StepRecorder,
    ) -> Result<GoodSignature, DenyReason> {
        let proof = key.check(token.signed, token.signature);
        record.detail(|| Step::SignatureChecked {
            key: token.kid.as_deref().map(Into::into),
            good: proof.is_some(),
        });
        if let Some(proof) = proof {
            return Ok(proof);
        }
        // The issuer may have replaced a key under its old name.
        self.keys.suspect();
        Err(DenyReason::SignatureInvalid)
    }

    /// What the token states of its user, and how long it holds.
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
            [one] => self.rules.facts(token, &self.name, &[one.view()]),
            all => {
                let all: Vec<App<'_>> = all.iter().map(|app| app.view()).collect();
                self.rules.facts(token, &self.name, &all)
            }
        }
    }
}

/// A store with the keys in place, unless the issuer before was told to forget those.
fn new_store(
    settings: &Settings,
    algorithms: &[SigningAlgorithm],
    known: Option<&Arc<Issuer>>,
) -> Result<KeyStore, String> {
    let in_place = in_place(settings, algorithms)
        .map_err(|error| format!("issuer {}: key_set: {error}", settings.name))?;
    let keys = KeyStore::new(settings, algorithms.to_vec(), in_place);
    if let Some(known) = known {
        keys.follow(
            &known.keys,
            settings.key_origin.in_place() == known.settings.key_origin.in_place(),
        );
    }
    Ok(keys)
}

/// What is wrong with the settings of issuers beyond what their text shows.
#[must_use]
pub fn problems(issuers: &[Settings]) -> Vec<Finding> {
    let judge = |settings: &Settings| {
        let message = in_place(settings, &settings.algorithms).err()?;
        Some(Finding { pointer: format!("{}/key_set", settings.pointer()), message })
    };
    issuers.iter().filter_map(judge).collect()
}

/// The keys of `key_set`, where the settings have one.
fn in_place(
    settings: &Settings,
    algorithms: &[SigningAlgorithm],
) -> Result<Option<KeySet>, String> {
    let text = settings.key_origin.in_place();
    text.map(|text| KeySet::in_place(text, algorithms)).transpose()
}
