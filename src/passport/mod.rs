//! Passports: short-lived signed tokens by which the service behind knows the caller, so that it
//! need not trust a bare header.
//!
//! In: the section `passport` of the settings; then a permit. Out: the documents by which services
//! find the public keys; then the header with a signed token.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod cache;
mod claims;
mod key;
mod labels;
mod mint;
mod own;
mod published;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

use crate::{
    config::{Config, Finding, Passport as Settings, PassportSubject, RulePassport, Span},
    log_throttle::LogThrottle,
    metrics::{LabelValues, Labels, Metrics},
    model::{Profile, Warning},
    policy::rights::{Rights, RightsBook},
    verify::Identity,
};
use cache::PassportCache;
use claims::FixedClaims;
use key::PrivateKey;
use labels::PassportResult;
pub use published::PublishedKeys;

/// The same failure is logged this often at most.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.passport_results = LabelValues::of::<PassportResult>();
}

/// Signs passports, by the keys of one configuration.
#[derive(Debug)]
pub struct Passports {
    /// The first signs.
    keys: Vec<PrivateKey>,
    published: PublishedKeys,
    fixed: FixedClaims,
    header: Arc<str>,
    ttl: Span,
    max_bytes: usize,
    rights: Arc<RightsBook>,
    cache: PassportCache,
    metrics: Arc<Metrics>,
    throttle: LogThrottle,
}

impl Passports {
    /// From the settings; `None` where no passports are configured.
    ///
    /// # Errors
    ///
    /// A key that cannot be used, with the reason. The text of a key is in no message.
    pub fn build(
        config: &Config,
        rights: &Arc<RightsBook>,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Self>, String> {
        let Some(settings) = &config.passport else { return Ok(None) };
        let keys = keys(settings).map_err(|found| {
            let texts = found.into_iter().map(|Finding { pointer, message }| {
                format!("{}: {message}", pointer.trim_start_matches('/'))
            });
            texts.collect::<Vec<_>>().join("; ")
        })?;
        let published = PublishedKeys::build(&settings.issuer, &keys);
        Ok(Some(Self {
            keys,
            published,
            fixed: FixedClaims {
                issuer: settings.issuer.as_str().to_owned(),
                trust_domain: settings.trust_domain.clone(),
                qualified_subject: settings.subject == PassportSubject::IssuerAndUserId,
            },
            header: settings.header.as_str().into(),
            ttl: settings.ttl,
            max_bytes: settings.max_bytes,
            rights: rights.clone(),
            cache: PassportCache::new(settings.cache_bytes),
            metrics: metrics.clone(),
            throttle: LogThrottle::once_per(LOG_EVERY),
        }))
    }

    /// The headers that only this service may set: whatever a client sends in them is removed.
    #[must_use]
    pub fn headers(&self) -> [&str; 2] {
        [&self.header, mint::TXN_TOKEN]
    }

    /// The roles and permissions of a user, if the passport states them. Without `roles` and
    /// `role_sources`, the roles are those of the token.
    fn rights_of(
        &self,
        passport: &RulePassport,
        identity: &Identity,
        profile: Option<&Profile>,
    ) -> Rights {
        if !passport.states_rights() {
            return Rights::default();
        }
        let rights = self.rights.rights(identity, profile);
        if self.rights.is_configured() {
            return rights;
        }
        let roles = (!identity.roles.is_empty()).then(|| identity.roles.clone());
        Rights { roles, ..rights }
    }

    /// The documents by which services find the keys.
    #[must_use]
    pub const fn published(&self) -> &PublishedKeys {
        &self.published
    }

    /// The name of the key that signs, if services could not find it before: it was not among the
    /// published keys of `before`. They deny its passports until they ask for the keys again.
    #[must_use]
    pub fn signs_by_a_new_key(&self, before: &Self) -> Option<&str> {
        let signer = self.keys.first()?;
        let known = before.keys.iter().any(|key| key.kid() == signer.kid());
        (!known).then(|| signer.kid())
    }
}

/// The claims of callers' tokens that passports state, so that identities have to keep them.
pub fn asked_claims(config: &Config) -> BTreeSet<String> {
    let rules = config.routes.iter().filter_map(|route| route.passport.as_deref());
    let mut asked: BTreeSet<String> =
        rules.flat_map(RulePassport::token_claims).map(str::to_owned).collect();
    if config.passport.is_some() {
        asked.insert(claims::ACT.to_owned());
    }
    asked
}

/// The problems of the keys, each with its setting.
#[must_use]
pub fn problems(config: &Config) -> Vec<Finding> {
    config.passport.as_ref().and_then(|settings| keys(settings).err()).unwrap_or_default()
}

/// The warnings about keys that others can read.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let keys = config.passport.iter().flat_map(|settings| settings.keys.iter().enumerate());
    let open = keys.filter(|(_, key)| key.readable_by_all).map(|(index, key)| {
        Warning::of(
            "passport_key_readable",
            format!("/passport/keys/{index}/file"),
            format!(
                "every user of this machine can read {}, and with it sign passports; chmod o-r it, \
                 or in Kubernetes write defaultMode: 0440 for the secret's volume",
                key.file.display()
            ),
        )
    });
    open.collect()
}

fn keys(settings: &Settings) -> Result<Vec<PrivateKey>, Vec<Finding>> {
    let mut keys: Vec<PrivateKey> = Vec::new();
    let mut found = Vec::new();
    for (index, settings) in settings.keys.iter().enumerate() {
        let mut add = |name: &str, message: String| {
            found.push(Finding { pointer: format!("/passport/keys/{index}/{name}"), message });
        };
        match PrivateKey::read(settings) {
            Err(message) => add("file", message),
            Ok(key) => {
                if keys.iter().any(|before| before.same_public(&key)) {
                    add("file", "holds the same key as another file; leave one out".to_owned());
                } else if keys.iter().any(|before| before.kid() == key.kid()) {
                    add("kid", format!("another key is named `{}`; write another name", key.kid()));
                }
                keys.push(key);
            }
        }
    }
    if found.is_empty() { Ok(keys) } else { Err(found) }
}
