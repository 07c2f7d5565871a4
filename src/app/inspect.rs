//! What a configuration makes of one token, without a network: for `token inspect`.

use std::time::{Duration, SystemTime};

use super::{BuildError, online};
use crate::{
    config::Config,
    verify::{Inspection, KeyStatus},
};

/// An inspection, and the keys it was made with.
#[derive(Debug)]
pub struct Inspected {
    /// What was found out.
    pub inspection: Inspection,
    /// Of each issuer, in the order of the configuration.
    pub keys: Vec<KeysAtHand>,
}

/// The keys of an issuer that need no network.
#[derive(Debug)]
pub struct KeysAtHand {
    /// Its keys.
    pub status: KeyStatus,
    /// How old those of its snapshot are, where they are used; or why they are not.
    pub snapshot: Result<Option<Duration>, String>,
}

/// Judges a token as of `at`, by the keys in place and those on the disk.
pub fn inspect(config: &Config, token: &[u8], at: SystemTime) -> Result<Inspected, BuildError> {
    let (parts, ..) = online::parts(config)?;
    let parts = parts.with_snapshots(config.key_snapshots.as_ref(), &config.issuers);
    let keys = parts.verifier.issuers().iter().map(|issuer| {
        let own = parts.refreshers.iter().find(|task| task.issuer() == issuer.name());
        let snapshot = own.map_or(Ok(None), |task| task.restore_once());
        KeysAtHand { status: issuer.key_status(), snapshot }
    });
    let keys = keys.collect();
    Ok(Inspected { inspection: parts.verifier.inspect(token, at), keys })
}
