//! Every warning about a configuration, in one list: for the log, `config check`, `/status` and the
//! metric. Each room reports its own.

use std::sync::Arc;

use tokio::sync::watch;

use super::listen;
use crate::{
    authz::{self, Authorizer},
    config::Config,
    http::ops::Warnings,
    model::Warning,
    passport, policy, upstream, verify,
};

/// The warnings that the text of a configuration and the files of its authorities show, on every
/// machine.
#[must_use]
pub fn warnings_anywhere(config: &Config) -> Vec<Warning> {
    let mut found = without_files(config);
    found.extend(upstream::authority_warnings(config));
    found
}

fn without_files(config: &Config) -> Vec<Warning> {
    let mut found = config.warnings.clone();
    found.extend(listen::warnings(config));
    found.extend(authz::warnings(config));
    found.extend(upstream::proxy_warning(config));
    found.extend(verify::warnings(config));
    found.extend(passport::warnings(config));
    found.extend(policy::warnings(config));
    found
}

/// The warnings about a configuration on this machine.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let mut found = warnings_anywhere(config);
    found.extend(listen::host_warnings(config));
    found
}

/// The warnings that apply now: to the configuration in force, and those that its checks have
/// shown.
pub(super) fn current(
    config: watch::Receiver<Arc<Config>>,
    authorizer: Arc<Authorizer>,
    network: upstream::Network,
) -> Warnings {
    Warnings::new(move || {
        let mut found = without_files(&config.borrow());
        // Their files need not be read again.
        found.extend(network.warnings());
        found.extend(listen::host_warnings(&config.borrow()));
        found.extend(authorizer.warnings());
        found
    })
}

/// Logs the warnings about a configuration that is put in force. Those of this machine were logged
/// where it was found out.
pub(super) fn log(config: &Config) {
    for warning in warnings_anywhere(config) {
        tracing::warn!(code = warning.code, "{warning}");
    }
}
