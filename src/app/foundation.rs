//! The parts that every use of a configuration begins with: the service, `config check --online` and
//! `token inspect`.

use std::{sync::Arc, time::Duration};

use super::{BuildError, compile, labels::labels};
use crate::{
    config::Config,
    health::Readiness,
    metrics::Metrics,
    upstream,
    verify::{self, MemoryRevocations, Verifier},
};

/// Connecting to an upstream takes at most this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The parts that depend on nothing but the configuration. Nothing is fetched yet.
#[derive(Debug)]
pub(super) struct Foundation {
    pub(super) metrics: Arc<Metrics>,
    pub(super) readiness: Readiness,
    pub(super) upstream: upstream::Client,
    pub(super) verifier: verify::VerifierParts,
    pub(super) revocations: Arc<MemoryRevocations>,
}

impl Foundation {
    pub(super) fn build(config: &Config) -> Result<Self, BuildError> {
        // A second call in one process finds it installed already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        verify::self_test().map_err(|error| BuildError::Part(error.to_string()))?;
        let names = config.issuers.iter().map(|issuer| issuer.name.clone());
        let mut labels = labels(names);
        let sinks = config.events.sinks.iter();
        labels.event_sinks = sinks.map(|sink| sink.name.clone()).collect();
        let metrics =
            Metrics::build(&labels).map_err(|error| BuildError::Part(error.to_string()))?;
        let upstream = upstream::Client::of_config(config, CONNECT_TIMEOUT)
            .map_err(|problems| BuildError::Part(problems.join("; ")))?;
        let readiness = Readiness::new();
        let revocations = match &config.shared {
            None => MemoryRevocations::new(&config.revocation, &metrics),
            Some(_) => MemoryRevocations::replicated(&config.revocation, &metrics),
        };
        let (limits, list) = (compile::limits(config), revocations.clone());
        let verifier =
            Verifier::build(&config.issuers, limits, list, &upstream, &metrics, &readiness)
                .map_err(BuildError::Part)?;
        Ok(Self { metrics, readiness, upstream, verifier, revocations })
    }
}
