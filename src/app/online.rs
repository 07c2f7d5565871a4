//! A question to every issuer of a configuration, asked once: for `config check --online` and
//! `token inspect --online`.

use futures_util::future::join_all;
use tokio::time::timeout;

use super::{BuildError, foundation::Foundation};
use crate::{
    blocking::BlockingRunner,
    config::Config,
    issuer_api,
    verify::{KeyStatus, Verifier},
};

/// The answers of one issuer.
#[derive(Debug)]
pub struct IssuerFindings {
    /// Its configured name.
    pub name: String,
    /// The tenant, where the issuer has tenants: each has findings of its own.
    pub tenant: Option<String>,
    /// The `iss` of its tokens.
    pub iss: String,
    /// Its keys.
    pub keys: KeyStatus,
    /// The id of each app, configured or asked for by its key; or why there is none.
    pub apps: Vec<Result<String, String>>,
}

impl IssuerFindings {
    /// It has keys, and each of its apps an id: its tokens can be verified.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.keys.usable > 0
            && self.keys.last_error.is_none()
            && self.apps.iter().all(Result::is_ok)
    }
}

/// Asks all issuers at the same time for their keys, and Rownd for the ids of its apps.
///
/// # Errors
///
/// Fails where the configuration cannot be built. An issuer that does not answer is no error: its
/// findings say so.
pub async fn ask_issuers(config: &Config) -> Result<Vec<IssuerFindings>, BuildError> {
    let AskedIssuers { verifier, apps } = ask(config).await?;
    let findings = verifier.issuers().iter().zip(apps).flat_map(|(issuer, apps)| {
        let each = issuer.each_key_status().into_iter().map(|(tenant, iss, keys)| IssuerFindings {
            name: issuer.name().to_owned(),
            tenant: tenant.map(str::to_owned),
            iss: iss.to_owned(),
            keys,
            apps: apps.clone(),
        });
        each.collect::<Vec<_>>()
    });
    Ok(findings.collect())
}

/// The issuers after they were asked.
pub(super) struct AskedIssuers {
    /// With the keys that they answered, and the app ids.
    pub(super) verifier: Verifier,
    /// The ids of the apps of each issuer, or why there is none.
    apps: Vec<Vec<Result<String, String>>>,
}

/// Asks all issuers at the same time for their keys, and Rownd for the ids of its apps.
///
/// # Errors
///
/// Fails where the configuration cannot be built. An issuer that does not answer is no error.
pub(super) async fn ask(config: &Config) -> Result<AskedIssuers, BuildError> {
    let Foundation { verifier: parts, upstream, metrics, .. } = Foundation::build(config)?;
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
    let apps = verifier.issuers().iter().zip(&apis).map(async |(issuer, api)| {
        let client = api.as_ref().and_then(|api| api.app_ids.as_ref());
        let patience = issuer.settings().keys.fetch_timeout.get();
        let ask = issuer.apps().iter().map(async |app| match (app.id(), app.key(), client) {
            (Some(id), ..) => Ok(id.to_owned()),
            (None, Some(key), Some(client)) => {
                match timeout(patience * 2, client.app_of_key(key, patience)).await {
                    Ok(Ok(found)) => {
                        let id = found.id.clone();
                        app.learn(found);
                        Ok(id)
                    }
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_elapsed) => Err("no answer in time".to_owned()),
                }
            }
            (None, ..) => Err("it has no key to ask by".to_owned()),
        });
        join_all(ask).await
    });
    let apps = join_all(apps).await;
    Ok(AskedIssuers { verifier, apps })
}
