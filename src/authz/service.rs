//! The parts of one configuration that the service for backends uses. None of them decides checks.

use std::{sync::Arc, time::Duration};

use super::callers::Callers;
use crate::{
    config::{Config, RowndAuth},
    issuer_api::{Exchange, IssuerApi},
    model::IssuerIndex,
    policy::rights::RightsBook,
    profile::Profiles,
    verify::Verifier,
};

/// The parts of one configuration that the service for backends uses.
#[derive(Debug)]
pub struct BackendService {
    verifier: Arc<Verifier>,
    profiles: Arc<Profiles>,
    rights: Arc<RightsBook>,
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
        rights: Arc<RightsBook>,
        exchange: Exchange,
    ) -> Self {
        Self {
            verifier,
            profiles,
            rights,
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

    /// The profiles of users.
    #[must_use]
    pub const fn profiles(&self) -> &Arc<Profiles> {
        &self.profiles
    }

    /// The roles and permissions of users.
    pub(super) const fn rights(&self) -> &Arc<RightsBook> {
        &self.rights
    }

    /// The exchange of credentials for tokens.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The API of an issuer; `None`: issuers of its kind have none.
    #[must_use]
    pub fn api(&self, issuer: IssuerIndex) -> Option<&IssuerApi> {
        self.exchange.api_of(issuer)
    }

    /// The callers that may call the service.
    #[must_use]
    pub const fn callers(&self) -> &Callers {
        &self.callers
    }

    /// How its calls are carried out.
    #[must_use]
    pub const fn settings(&self) -> &RowndAuth {
        &self.settings
    }

    /// The time after which a caller is told to try again, unless a better one is known.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        self.retry_after
    }
}
