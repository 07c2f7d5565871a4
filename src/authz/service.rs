//! What the service for backends uses of one configuration. Nothing of it decides checks.

use std::{sync::Arc, time::Duration};

use super::callers::Callers;
use crate::{
    config::{Config, RowndAuth},
    issuer_api::Exchange,
    profile::Profiles,
    verify::Verifier,
};

/// What the service for backends uses of one configuration.
#[derive(Debug)]
pub struct BackendService {
    verifier: Arc<Verifier>,
    profiles: Arc<Profiles>,
    exchange: Exchange,
    callers: Callers,
    settings: RowndAuth,
    retry_after: Duration,
}

impl BackendService {
    pub(super) fn build(
        config: &Config,
        verifier: Arc<Verifier>,
        profiles: Arc<Profiles>,
        exchange: Exchange,
    ) -> Self {
        Self {
            verifier,
            profiles,
            exchange,
            callers: Callers::build(&config.rownd_auth),
            settings: config.rownd_auth.clone(),
            retry_after: config.check.retry_after.get(),
        }
    }

    /// The issuers and their keys.
    #[must_use]
    pub const fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    /// What is known of users beyond their tokens.
    #[must_use]
    pub const fn profiles(&self) -> &Arc<Profiles> {
        &self.profiles
    }

    /// What can be traded for tokens.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Who may call the service.
    #[must_use]
    pub const fn callers(&self) -> &Callers {
        &self.callers
    }

    /// How its calls are carried out.
    #[must_use]
    pub const fn settings(&self) -> &RowndAuth {
        &self.settings
    }

    /// After what time a caller is told to come again where nobody knows better.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }
}
