//! The documents by which services find the public keys: the key set (RFC 7517 section 5), and the
//! metadata of OpenID Connect Discovery that name it.

use std::time::Duration;

use serde_json::json;

use super::key::PrivateKey;
use crate::{config::WebAddress, model::PublicDocument};

/// The paths below the issuer.
const KEY_SET: &str = "/.well-known/jwks.json";
const DISCOVERY: &str = "/.well-known/openid-configuration";
/// How long services may keep the documents: the next key has to be published for longer before it
/// signs.
const MAX_AGE: Duration = Duration::from_secs(300);

/// The documents, made once for each configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKeys([PublicDocument; 2]);

impl PublishedKeys {
    pub(super) fn build(issuer: &WebAddress, keys: &[PrivateKey]) -> Self {
        let url = issuer.below(KEY_SET);
        let set = json!({ "keys": keys.iter().map(PrivateKey::jwk).collect::<Vec<_>>() });
        let mut algorithms: Vec<&str> = keys.iter().map(PrivateKey::algorithm).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        // There is no endpoint to sign in at, as with the issuer of Kubernetes' service accounts.
        let discovery = json!({
            "issuer": issuer.as_str(),
            "jwks_uri": url.as_str(),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": algorithms,
        });
        let document = |path: &str, content_type, body: &serde_json::Value| PublicDocument {
            path: issuer.below(path).path().to_owned(),
            content_type,
            body: body.to_string().into(),
            max_age: MAX_AGE,
        };
        Self([
            document(KEY_SET, "application/jwk-set+json", &set),
            document(DISCOVERY, "application/json", &discovery),
        ])
    }

    /// The document at this path of a URL, if there is one.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&PublicDocument> {
        self.0.iter().find(|document| document.path == path)
    }
}
