//! SuperTokens' core: its own API, which knows the users and their sessions.
//!
//! In: `core` of a `supertokens` issuer. Out: its address and the key to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{
    findings::Findings, secret::Secret, shown::without_query_of, web_address::WebAddress,
};

/// SuperTokens' core, by which accounts are administered. Never give its key to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenCore {
    /// The base URL of the core, with its base path if it has one: `https://core.internal:3567`.
    /// https, or http on a loopback host.
    #[serde(serialize_with = "without_query_of")]
    pub base_url: String,
    /// The API key of the core, or `file:/path`. Default: none is sent, for a core without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
}

/// SuperTokens' core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupertokensCore {
    /// The base URL.
    pub base_url: WebAddress,
    /// The API key, where the core has one.
    pub api_key: Option<Secret>,
}

impl WrittenCore {
    /// Checks it.
    pub(super) fn check(
        &mut self,
        allow_http: bool,
        at: &str,
        found: &mut Findings,
    ) -> Option<SupertokensCore> {
        let key = self.api_key.as_mut().map_or(Ok(()), Secret::resolve);
        let key = found.keep(format!("{at}/api_key"), key);
        let base_url = WebAddress::base(&self.base_url, allow_http);
        let base_url = found.keep(format!("{at}/base_url"), base_url)?;
        key.map(|()| SupertokensCore { base_url, api_key: self.api_key.clone() })
    }
}
