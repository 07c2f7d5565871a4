//! All settings by which denials are told, from several sections.

use std::sync::Arc;

use crate::{
    config::sections::{Config, TokenSource, Unavailable},
    model::DenialForm,
};

/// How denials are told, whichever rule they are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialSettings {
    /// The realm of challenges.
    pub realm: String,
    /// The seconds of `Retry-After`, where the denial knows no better.
    pub retry_after: u64,
    /// A fault that holds for everybody is told as a failure of the check.
    pub error_response: bool,
    /// A 403 names the rule and the requirement.
    pub explain: bool,
    /// The URL of the metadata of the protected resource (RFC 9728), for challenges.
    pub resource_metadata: Option<String>,
    /// The form where the rule has none of its own.
    pub form: Arc<DenialForm>,
    /// Parameters of the query that hold credentials: no page is told their values.
    pub secret_parameters: Vec<String>,
}

impl Config {
    /// How denials are told, whichever rule they are of.
    #[must_use]
    pub fn denial_settings(&self) -> DenialSettings {
        let parameter = |source: &TokenSource| match source {
            TokenSource::Query(name) => Some(name.clone()),
            TokenSource::Header(_)
            | TokenSource::Cookie { .. }
            | TokenSource::WebsocketProtocol(_) => None,
        };
        let resource = self.protected_resource.as_ref();
        DenialSettings {
            realm: self.check.realm.clone(),
            retry_after: self.check.retry_after.get().as_secs().max(1),
            error_response: self.check.unavailable == Unavailable::ErrorResponse,
            explain: self.check.explain_denials,
            resource_metadata: resource.map(|resource| resource.metadata_url().into()),
            form: self.denial.form().clone(),
            secret_parameters: self.credentials.0.iter().filter_map(parameter).collect(),
        }
    }
}
