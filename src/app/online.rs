//! What the issuers of a configuration answer, asked once: for `config check --online`.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{BuildError, CONNECT_TIMEOUT, compile, labels};
use crate::{
    blocking::BlockingRunner,
    config::Config,
    health::Readiness,
    issuer_api,
    metrics::Metrics,
    upstream,
    verify::{self, KeyStatus, Revocations, Verifier},
};

/// What one issuer answered.
#[derive(Debug)]
pub struct IssuerFindings {
    /// Its configured name.
    pub name: String,
    /// The `iss` of its tokens.
    pub iss: String,
    /// Its keys.
    pub keys: KeyStatus,
    /// The id of each app, configured or asked for by its key; or why there is none.
    pub apps: Vec<Result<String, String>>,
}

impl IssuerFindings {
    /// Its tokens can be verified.
    #[must_use]
    pub fn good(&self) -> bool {
        self.keys.usable > 0
            && self.keys.last_error.is_none()
            && self.apps.iter().all(Result::is_ok)
    }
}

/// Asks every issuer for its keys and for what it is asked at a start, side by side.
pub async fn ask_issuers(config: &Config) -> Result<Vec<IssuerFindings>, BuildError> {
    let (parts, upstream, metrics) = parts(config)?;
    let verifier = parts.verifier;
    let apis = issuer_api::build(&config.issuers, &upstream, &metrics);
    let blocking = BlockingRunner::new();
    let tasks = parts.refreshers.into_iter().map(|task| task.run(blocking.clone()));
    tokio::select! {
        _ = join_all(tasks) => {
            // There is nothing to fetch: every key is in place.
        }
        () = verifier.settled() => {}
    }
    let findings = verifier.issuers().iter().zip(&apis).map(async |(issuer, api)| {
        let client = api.as_ref().and_then(|api| api.app_ids.as_ref());
        let patience = issuer.settings().keys.fetch_timeout.get();
        let ask = issuer.apps().iter().map(async |app| match (app.id(), app.key(), client) {
            (Some(id), ..) => Ok(id.to_owned()),
            (None, Some(key), Some(client)) => {
                match timeout(patience * 2, client.app_id(key, patience)).await {
                    Ok(asked) => asked.map_err(|error| error.to_string()),
                    Err(_elapsed) => Err("no answer in time".to_owned()),
                }
            }
            (None, ..) => Err("it has no key to ask by".to_owned()),
        });
        IssuerFindings {
            name: issuer.name().to_owned(),
            iss: issuer.settings().issuer.clone().unwrap_or_default(),
            keys: issuer.key_status(),
            apps: join_all(ask).await,
        }
    });
    Ok(join_all(findings).await)
}

/// A verifier as it is built at a start, with what it needs, for somebody who only asks.
pub(super) fn parts(
    config: &Config,
) -> Result<(verify::Parts, upstream::Client, Arc<Metrics>), BuildError> {
    let part = |error: String| BuildError::Part(error);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    verify::self_test().map_err(part)?;
    let metrics = Metrics::build(&labels(config)).map_err(|error| part(error.to_string()))?;
    let upstream =
        upstream::Client::build(CONNECT_TIMEOUT).map_err(|error| part(error.to_string()))?;
    let (limits, readiness) = (compile::limits(config), Readiness::new());
    let revocations = Revocations::new(&config.revocation, &metrics);
    let parts =
        Verifier::build(&config.issuers, limits, revocations, &upstream, &metrics, &readiness)
            .map_err(part)?;
    Ok((parts, upstream, metrics))
}
