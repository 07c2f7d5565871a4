//! Every warning about a configuration, in one list: for the log, `config check`, `/status` and the
//! metric. Each room reports its own.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{listen, public};
use crate::{
    authz::{self, Authorizer},
    config::Config,
    http::ops::Warnings,
    model::Warning,
    passport, policy, upstream, verify,
};

/// The warnings that the text of a configuration and the files of its authorities show, on every
/// machine, in the order of the file.
#[must_use]
pub fn warnings_anywhere(config: &Config) -> Vec<Warning> {
    config.places.in_order(everywhere(config))
}

fn everywhere(config: &Config) -> Vec<Warning> {
    let mut found = without_files(config);
    found.extend(upstream::authority_warnings(config));
    found
}

fn without_files(config: &Config) -> Vec<Warning> {
    let mut found = config.warnings.clone();
    found.extend(listen::warnings(config));
    found.extend(public::warnings(config));
    found.extend(authz::warnings(config));
    found.extend(upstream::proxy_warning(config));
    found.extend(verify::warnings(config));
    found.extend(passport::warnings(config));
    found.extend(policy::warnings(config));
    found
}

/// The warnings about a configuration on this machine, in the order of the file.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let mut found = everywhere(config);
    found.extend(listen::host_warnings(config));
    config.places.in_order(found)
}

/// The warnings that apply now: to the configuration in force, and those that its checks have
/// shown.
pub(super) fn current(
    config: watch::Receiver<Arc<Config>>,
    authorizer: Arc<Authorizer>,
    network: upstream::Network,
) -> Warnings {
    let known = Mutex::new(None);
    Warnings::new(move || {
        let config = config.borrow().clone();
        let mut found = of_text(&config, &known);
        // Their files need not be read again.
        found.extend(network.warnings());
        found.extend(listen::host_warnings(&config));
        found.extend(authorizer.warnings());
        config.places.in_order(found)
    })
}

/// A configuration and the warnings about its text.
type Known = Option<(Arc<Config>, Vec<Warning>)>;

/// The warnings about the text of a configuration. Each configuration is judged once: a scrape must
/// not cost as much as a start.
fn of_text(config: &Arc<Config>, known: &Mutex<Known>) -> Vec<Warning> {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let same = known.as_ref().filter(|(judged, _)| Arc::ptr_eq(judged, config));
    if let Some((_, found)) = same {
        return found.clone();
    }
    let found = without_files(config);
    *known = Some((config.clone(), found.clone()));
    found
}

/// Logs the warnings about a configuration that is put in force, as `config check` tells them.
pub(super) fn log(config: &Config) {
    for warning in warnings(config) {
        tracing::warn!(code = warning.code, "{warning}");
    }
}
