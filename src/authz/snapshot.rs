//! One configuration, compiled: the part that judges checks, and the part for the service for
//! backends.

use std::{sync::Arc, time::Duration};

use super::{
    passport_step::PassportStep, permit_step::PermitStep, pipeline::CheckPipeline,
    service::BackendService,
};
use crate::{
    config::Config, hooks::ExchangeHook, issuer_api::Exchange, model::PublicDocument,
    passport::Passports, policy::Policy, profile::Profiles, verify::Verifier,
};

/// Which configuration it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Its number since the start, from 1.
    pub epoch: u64,
    /// A fingerprint of it, without its secrets.
    pub hash: Arc<str>,
}

/// One configuration, compiled. A check uses one snapshot from end to end, its door included.
#[derive(Debug)]
pub struct Snapshot {
    edition: Edition,
    pipeline: CheckPipeline,
    service: Arc<BackendService>,
    passports: Option<Arc<Passports>>,
    exchange_hook: Option<Arc<ExchangeHook>>,
    resource_metadata: Option<PublicDocument>,
}

impl Snapshot {
    /// From a configuration that holds together, its policy, and a verifier that keeps the claims
    /// that the policy asks for.
    #[must_use]
    pub fn build(
        config: &Config,
        policy: Policy,
        verifier: Arc<Verifier>,
        profiles: Arc<Profiles>,
        exchange: Exchange,
        edition: Edition,
    ) -> Self {
        let rights = policy.rights().clone();
        let service =
            BackendService::build(config, verifier.clone(), profiles.clone(), rights, exchange);
        Self {
            edition,
            pipeline: CheckPipeline::build(config, policy, verifier, profiles),
            service: Arc::new(service),
            passports: None,
            exchange_hook: None,
            resource_metadata: config.resource_metadata(),
        }
    }

    /// With these steps between a permit and the headers, in order.
    #[must_use]
    pub fn with_permit_steps(mut self, steps: Vec<Arc<dyn PermitStep>>) -> Self {
        self.pipeline.permit_steps = steps;
        self
    }

    /// With these passports, where some are configured: a step after the permit hands them over, and
    /// a client's own values of their headers are removed.
    #[must_use]
    pub fn with_passports(mut self, passports: Option<Arc<Passports>>) -> Self {
        if let Some(passports) = &passports {
            self.pipeline.permit_steps.push(Arc::new(PassportStep::new(passports.clone())));
            self.pipeline.strip(passports.headers());
        }
        self.passports = passports;
        self
    }

    /// With this hook, where one is configured: it is asked before `Exchange` hands out tokens.
    #[must_use]
    pub fn with_exchange_hook(mut self, hook: Option<Arc<ExchangeHook>>) -> Self {
        self.exchange_hook = hook;
        self
    }

    /// The hook that is asked before `Exchange` hands out tokens, where one is configured.
    #[must_use]
    pub const fn exchange_hook(&self) -> Option<&Arc<ExchangeHook>> {
        self.exchange_hook.as_ref()
    }

    /// The passports, where some are configured.
    #[must_use]
    pub const fn passports(&self) -> Option<&Arc<Passports>> {
        self.passports.as_ref()
    }

    /// The metadata of the service behind, where some are configured.
    #[must_use]
    pub const fn resource_metadata(&self) -> Option<&PublicDocument> {
        self.resource_metadata.as_ref()
    }

    /// Which configuration it is.
    #[must_use]
    pub const fn edition(&self) -> &Edition {
        &self.edition
    }

    /// The part that judges checks.
    pub(super) const fn pipeline(&self) -> &CheckPipeline {
        &self.pipeline
    }

    /// The part that the service for backends uses.
    #[must_use]
    pub const fn service(&self) -> &Arc<BackendService> {
        &self.service
    }

    /// How long a check or a call by this configuration may last.
    #[must_use]
    pub fn longest_answer(&self) -> Duration {
        let check = self.pipeline.settings().timeout.get();
        check.max(self.service.settings().timeout.get())
    }

    /// The issuers and their keys, which both use.
    #[must_use]
    pub fn verifier(&self) -> &Arc<Verifier> {
        self.service.verifier()
    }
}
