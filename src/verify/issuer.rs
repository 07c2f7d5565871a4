//! One issuer: whose tokens they are, which keys and algorithms it has, which rules hold.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonwebtoken::Algorithm;
use tokio::time::Instant;

use super::{
    cache::Verified,
    claims::{self, Lifetime, Rules},
    jwks::{KeySet, algorithm_name},
    key_cache::{KeyStatus, KeyStore},
    key_refresher::KeyRefresher,
    key_source::KeySource,
    token::Token,
};
use crate::{
    config::{App as AppSettings, Issuer as Settings, IssuerKind, Secret, SigningAlgorithm},
    health::{Latch, Readiness},
    metrics::Metrics,
    model::{Denial, DenyReason, Identity},
    upstream::Client,
};

/// An issuer whose tokens are trusted.
#[derive(Debug)]
pub struct Issuer {
    name: Arc<str>,
    pub(super) iss: String,
    kind: IssuerKind,
    rules: Rules,
    algorithms: Vec<Algorithm>,
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
        let known = settings.id.as_ref().is_some_and(|known| id.set(known.clone()).is_ok());
        Self {
            id,
            key: settings.key.clone(),
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

    /// The app key by which an unknown id can be asked for.
    #[must_use]
    pub const fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
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
    pub(super) fn build(
        index: usize,
        settings: &Settings,
        upstream: &Client,
        metrics: &Arc<Metrics>,
        readiness: &Readiness,
    ) -> Result<(Self, Option<KeyRefresher>), String> {
        let name: Arc<str> = settings.name.as_str().into();
        let iss = settings.issuer.clone().ok_or_else(|| format!("issuer {name} has no `iss`"))?;
        let algorithms: Vec<Algorithm> = settings.algorithms.iter().map(algorithm).collect();
        let latch = |what: &str| {
            settings.required.then(|| readiness.latch(&format!("issuer {name}: {what}")))
        };
        let apps = settings.apps.iter().enumerate().map(|(index, app)| {
            let wait = || latch(&format!("the app id of apps[{index}], asked of Rownd by its key"));
            Arc::new(AppSlot::build(app, wait))
        });
        let apps = apps.collect();
        let in_place = settings.key_set.as_deref().map(|text| {
            KeySet::in_place(text, &algorithms)
                .map_err(|error| format!("issuer {name}: key_set: {error}"))
        });
        let in_place = in_place.transpose()?;
        let ready = in_place.is_some();
        let keys = Arc::new(KeyStore::new(&settings.keys, algorithms.clone(), in_place));
        metrics.keys_in_use(index, keys.count_usable(), false);
        let refresher = if settings.keys.fetch {
            let source = KeySource::build(settings, &iss, upstream)?;
            Some(KeyRefresher::new(
                (name.clone(), index),
                keys.clone(),
                Box::new(source),
                metrics.clone(),
                if ready { None } else { latch("its first key set") },
            ))
        } else {
            None
        };
        let issuer = Self {
            name,
            iss,
            kind: settings.kind,
            rules: Rules::build(settings),
            algorithms,
            apps,
            leeway: settings.leeway.get().as_secs(),
            allow_missing_exp: settings.allow_missing_exp,
            keys,
        };
        Ok((issuer, refresher))
    }

    /// The configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
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
        self.keys.any_usable() && (self.kind != IssuerKind::Rownd || app_known())
    }

    /// Key, signature, then claims. The caller has matched `iss`.
    pub(super) async fn verify(
        &self,
        token: &Token<'_>,
        index: usize,
        now: u64,
        deadline: Instant,
    ) -> Result<Verified, Denial> {
        // The issuer says which algorithms there are; the token only repeats one of them.
        let algorithm = self
            .algorithms
            .iter()
            .find(|known| algorithm_name(**known) == token.alg)
            .ok_or(DenyReason::AlgorithmRefused)?;
        let key = self.keys.find(token.kid.as_deref(), *algorithm, deadline).await?;
        if !key.verifies(token.signed, token.signature) {
            // The issuer may have replaced a key under its old name.
            self.keys.suspect();
            return Err(DenyReason::SignatureInvalid.into());
        }
        if token.claims.exp.is_none() && !self.allow_missing_exp {
            return Err(DenyReason::ClaimsInvalid.into());
        }
        let lifetime = Lifetime::of(&token.claims);
        lifetime.check(now, self.leeway)?;
        let identity = Arc::new(self.identity(token).map_err(|reason| match reason {
            DenyReason::AppUnknown => Denial::for_everybody(reason),
            reason => reason.into(),
        })?);
        Ok(Verified { identity, lifetime, issuer: index, key })
    }

    fn identity(&self, token: &Token<'_>) -> Result<Identity, DenyReason> {
        let apps: Vec<claims::App<'_>> = self
            .apps
            .iter()
            .map(|app| claims::App { id: app.id(), variants: &app.variants })
            .collect();
        self.rules.identity(token, &self.name, &apps)
    }
}

const fn algorithm(configured: &SigningAlgorithm) -> Algorithm {
    match configured {
        SigningAlgorithm::EdDSA => Algorithm::EdDSA,
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::RS256 => Algorithm::RS256,
    }
}
