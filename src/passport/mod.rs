//! Passports: short-lived signed tokens by which the service behind knows the caller, so that it
//! need not trust a bare header.
//!
//! In: the section `passport` of the settings. Out: the private keys that sign, and the documents by
//! which services find the public ones.

mod key;
mod published;

use std::borrow::Cow;

use crate::{
    config::{Config, Finding, Passport as Settings},
    model::Warning,
};
use key::PrivateKey;
pub use published::PublishedKeys;

/// Signs passports, by the keys of one configuration.
#[derive(Debug)]
pub struct Passports {
    /// The first signs.
    keys: Vec<PrivateKey>,
    published: PublishedKeys,
}

impl Passports {
    /// From the settings; `None` where no passports are configured.
    ///
    /// # Errors
    ///
    /// A key that cannot be used, with the reason. The text of a key is in no message.
    pub fn build(config: &Config) -> Result<Option<Self>, String> {
        let Some(settings) = &config.passport else { return Ok(None) };
        let keys = keys(settings).map_err(|found| {
            let texts = found.into_iter().map(|Finding { pointer, message }| {
                format!("{}: {message}", pointer.trim_start_matches('/'))
            });
            texts.collect::<Vec<_>>().join("; ")
        })?;
        let published = PublishedKeys::build(&settings.issuer, &keys);
        Ok(Some(Self { keys, published }))
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

/// The problems of the keys, each with its setting.
#[must_use]
pub fn problems(config: &Config) -> Vec<Finding> {
    config.passport.as_ref().and_then(|settings| keys(settings).err()).unwrap_or_default()
}

/// The warnings about keys that others can read.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let keys = config.passport.iter().flat_map(|settings| &settings.keys);
    let open = keys.filter(|key| key.readable_by_all).map(|key| Warning {
        code: "passport_key_readable",
        text: Cow::Owned(format!(
            "every user of this machine can read {}, and with it sign passports; chmod o-r it, or \
             in Kubernetes write defaultMode: 0440 for the secret's volume",
            key.file.display()
        )),
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

#[cfg(test)]
mod tests;
