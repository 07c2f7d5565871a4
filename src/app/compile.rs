//! From a configuration and its verifier to the snapshot that checks use, and the work that has
//! to be done in the background for it.

use std::sync::Arc;

use crate::{
    authz::{Edition, Snapshot},
    config::{Config, KeySnapshots},
    digest,
    health::Parts,
    hooks::ExchangeHook,
    issuer_api::{self, AppWatch},
    metrics::Metrics,
    model::EventRecorder,
    passport::{self, Passports},
    policy::Policy,
    profile::{ProfileFetcher, Profiles},
    upstream,
    verify::{Issuer, KeyRefresher, VerifierLimits, VerifierParts},
};

/// The background work of a snapshot, for as long as it is used.
#[derive(Debug)]
pub(super) struct BackgroundWork {
    pub(super) refreshers: Vec<KeyRefresher>,
    /// The issuers, each with the client of its API.
    pub(super) issuers: Vec<(Arc<Issuer>, Option<issuer_api::IssuerApi>)>,
    /// Where the app ids of the issuers are kept over a restart, if anywhere.
    pub(super) key_snapshots: Option<KeySnapshots>,
    /// `None`: the profiles of the configuration before are kept, with their task.
    pub(super) fetcher: Option<ProfileFetcher>,
}

/// The parts that all configurations of a process share.
#[derive(Debug, Clone, Copy)]
pub(super) struct SharedParts<'a> {
    pub(super) upstream: &'a upstream::Client,
    pub(super) metrics: &'a Arc<Metrics>,
    pub(super) refreshes: &'a AllRefreshes,
    pub(super) events: &'a Arc<dyn EventRecorder>,
    pub(super) parts: &'a Parts,
}

impl<'a> SharedParts<'a> {
    /// From these parts; `told` are the places where events and faults are told.
    pub(super) const fn new(
        upstream: &'a upstream::Client,
        metrics: &'a Arc<Metrics>,
        refreshes: &'a AllRefreshes,
        told: (&'a Arc<dyn EventRecorder>, &'a Parts),
    ) -> Self {
        let (events, parts) = told;
        Self { upstream, metrics, refreshes, events, parts }
    }
}

/// The refreshes of tokens: of this process, and of all replicas where they share their state.
#[derive(Debug, Clone)]
pub(super) struct AllRefreshes {
    pub(super) own: Arc<issuer_api::Refreshes>,
    pub(super) shared: Option<Arc<issuer_api::SharedRefreshes>>,
}

/// Compiles. Nothing is in force yet, and no work has begun.
///
/// # Errors
///
/// Fails where a room cannot be built from its section, with the reason.
pub(super) fn compile(
    config: &Config,
    epoch: u64,
    parts: VerifierParts,
    profiles: Option<Arc<Profiles>>,
    shared: SharedParts<'_>,
) -> Result<(Snapshot, BackgroundWork), String> {
    let SharedParts { upstream, metrics, refreshes, events, parts: in_background } = shared;
    let policy = Policy::build(config);
    metrics.rules_configured(policy.ids());
    let VerifierParts { verifier, refreshers } = parts
        .with_events(events.clone())
        .with_snapshots(config.key_snapshots.as_ref(), &config.issuers)
        .with_asked_claims(&policy.asked_claims().and(passport::asked_claims(config)));
    let verifier = Arc::new(verifier);
    let watch = |place: usize| watch_of(verifier.issuers().get(place));
    let apis = issuer_api::build_watched(&config.issuers, upstream, metrics, watch);
    let (profiles, fetcher) = match profiles {
        Some(profiles) => (profiles, None),
        None => {
            let issuers = verifier.issuers();
            let (profiles, fetcher) = Profiles::build(&config.profiles, issuers, &apis, metrics);
            (profiles, Some(fetcher))
        }
    };
    let exchange = issuer_api::Exchange::build(config, &apis, &refreshes.own)
        .with_shared(refreshes.shared.clone());
    let issuers = verifier.issuers().iter().cloned().zip(apis).collect();
    let edition = Edition { epoch, hash: hash(config).into() };
    let passports = Passports::build(config, policy.rights(), metrics)?.map(Arc::new);
    let hook = config.hooks.before_exchange.as_ref();
    let hook = hook.map(|settings| {
        Arc::new(ExchangeHook::build(settings, upstream, metrics).reporting_to(in_background))
    });
    let snapshot = Snapshot::build(config, policy, verifier, profiles, exchange, edition)
        .with_passports(passports)
        .with_exchange_hook(hook);
    let key_snapshots = config.key_snapshots.clone();
    Ok((snapshot, BackgroundWork { refreshers, issuers, key_snapshots, fetcher }))
}

/// Notes at its apps which of them an issuer refuses, and logs each change.
fn watch_of(issuer: Option<&Arc<Issuer>>) -> AppWatch {
    let Some(issuer) = issuer.cloned() else { return AppWatch::default() };
    AppWatch::new(move |app, refused| {
        for slot in issuer.apps_of(app) {
            let before = slot.refusal().is_some();
            slot.note_refusal(refused.map(ToString::to_string));
            let issuer = issuer.name();
            match refused {
                Some(error) if !before => {
                    tracing::error!(issuer, app, %error, "the issuer refuses the key or the secret of an app");
                }
                None if before => {
                    tracing::info!(
                        issuer,
                        app,
                        "the issuer takes the key and the secret of an app again"
                    );
                }
                Some(_) | None => {}
            }
        }
    })
}

pub(super) const fn limits(config: &Config) -> VerifierLimits {
    VerifierLimits {
        max_token_bytes: config.check.max_token_bytes,
        claims_cache_bytes: config.check.claims_cache_bytes,
        refusal_cache_bytes: config.check.refusal_cache_bytes,
    }
}

/// A short fingerprint of the effective configuration. Secrets are redacted in it.
fn hash(config: &Config) -> String {
    let text = serde_json::to_vec(config).unwrap_or_default();
    let mut digest = digest::hex(&digest::sha256(&text));
    digest.truncate(16);
    digest
}
