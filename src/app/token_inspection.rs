//! How a configuration judges one token, without a network or with one: for `token inspect`.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use super::{BuildError, foundation::Foundation, online};
use crate::{
    config::Config,
    verify::{Inspection, KeyStatus, KeyStoreId, KeysAsked},
};

/// The findings about a token, and the keys that were used.
#[derive(Debug)]
pub struct InspectedToken {
    /// The findings.
    pub inspection: Inspection,
    /// Whether the issuers were asked for their keys.
    pub asked: KeysAsked,
    /// Of each issuer, in the order of the configuration.
    pub keys: Vec<InspectedKeys>,
}

/// The keys of an issuer that a token was held against.
#[derive(Debug)]
pub struct InspectedKeys {
    /// Its keys.
    pub status: KeyStatus,
    /// How old the keys of its snapshot are, where they are used; or why they are not.
    pub snapshot: Result<Option<Duration>, String>,
}

/// Judges a token as of `at`, by the keys of the configuration and those on the disk.
///
/// # Errors
///
/// Fails where the configuration cannot be built. A token that is refused is no error.
pub fn inspect_token(
    config: &Config,
    token: &[u8],
    at: SystemTime,
) -> Result<InspectedToken, BuildError> {
    let parts = Foundation::build(config)?.verifier;
    let parts = parts.with_snapshots(config.key_snapshots.as_ref(), &config.issuers);
    let restored: HashMap<KeyStoreId, Result<Option<Duration>, String>> =
        parts.refreshers.iter().map(|task| (task.store_id(), task.restore_once())).collect();
    let asked = KeysAsked::No;
    let inspection = parts.verifier.inspect(token, at, asked);
    let found = parts.verifier.issuers().iter().zip(&inspection.issuers);
    let keys = found.map(|(issuer, finding)| {
        let snapshot =
            finding.store.or_else(|| issuer.first_store()).and_then(|s| restored.get(&s));
        let snapshot = snapshot.cloned().unwrap_or(Ok(None));
        InspectedKeys { status: issuer.key_status(), snapshot }
    });
    let keys = keys.collect();
    Ok(InspectedToken { inspection, asked, keys })
}

/// Judges a token as of `at` like [`inspect_token`], after every issuer was asked for its keys, and
/// Rownd for the ids of its apps. Snapshots on the disk are neither read nor written.
///
/// # Errors
///
/// Fails where the configuration cannot be built. An issuer that does not answer is no error.
pub async fn inspect_token_online(
    config: &Config,
    token: &[u8],
    at: SystemTime,
) -> Result<InspectedToken, BuildError> {
    let verifier = online::ask(config).await?.verifier;
    let keys = verifier.issuers().iter();
    let keys = keys.map(|issuer| InspectedKeys { status: issuer.key_status(), snapshot: Ok(None) });
    let keys = keys.collect();
    let asked = KeysAsked::Yes;
    Ok(InspectedToken { inspection: verifier.inspect(token, at, asked), asked, keys })
}
