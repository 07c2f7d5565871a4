//! Where an issuer's keys come from, and how they are kept.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tenant_place::put_tenant;
use crate::config::{
    file, findings::Findings, header_file::HeaderFile, span::Span, web_address::WebAddress,
};

/// The most bytes of a key set in place.
const MAX_KEY_SET_BYTES: usize = 1 << 20;

/// How an issuer's keys are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Whether keys are fetched at all. With `false`, `key_set` has all keys, and nothing is ever
    /// asked of the issuer.
    pub fetch: bool,
    /// How often the key set is fetched where the answer has no `Cache-Control: max-age`; a
    /// `max-age` counts as at least 30 s and at most 1 h.
    #[schemars(extend("x-duration-range" = ["1s", "1h"]))]
    pub refresh_interval: Span,
    /// An unknown key causes at most one extra fetch in this time.
    #[schemars(extend("x-duration-range" = ["100ms", "10m"]))]
    pub cooldown: Span,
    /// How long the last good keys are used while the issuer cannot be reached.
    #[schemars(extend("x-duration-range" = ["0s", "30days"]))]
    pub max_stale: Span,
    /// The longest time that one fetch may take.
    #[schemars(extend("x-duration-range" = ["100ms", "30s"]))]
    pub fetch_timeout: Span,
    /// A file with a bearer token, such as that of a Kubernetes service account. Each fetch of the
    /// key set, and of the metadata that lead to it, reads it again and sends it, to origins that
    /// are written (`jwks_url`, `base_url`, `issuer`) or listed in `allowed_origins`, and to no
    /// others. Without the file no such fetch is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_file: Option<PathBuf>,
    /// More headers of these fetches, at most 8, by the same rules: the value is that of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub headers: Vec<KeyFetchHeader>,
}

/// A header of the fetches of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyFetchHeader {
    /// The name of the header.
    pub name: String,
    /// The file with its value, which is a secret and never shown.
    pub file: PathBuf,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            fetch: true,
            refresh_interval: Span::from_secs(600),
            cooldown: Span::from_secs(10),
            max_stale: Span::from_secs(86_400),
            fetch_timeout: Span::from_secs(5),
            bearer_file: None,
            headers: Vec::new(),
        }
    }
}

impl Keys {
    /// The headers of each fetch, with the files that hold their values.
    #[must_use]
    pub fn header_files(&self) -> Vec<HeaderFile> {
        let bearer = self.bearer_file.iter().map(|file| HeaderFile {
            setting: "keys.bearer_file",
            name: "authorization".to_owned(),
            file: file.clone(),
            scheme: "Bearer ",
        });
        let others = self.headers.iter().map(|header| HeaderFile {
            setting: "keys.headers",
            name: header.name.to_ascii_lowercase(),
            file: header.file.clone(),
            scheme: "",
        });
        bearer.chain(others).collect()
    }
}

/// Where an issuer's keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// From `key_set` alone: a JWKS or public keys in PEM. Nothing is ever asked of the issuer.
    InPlace(String),
    /// From the network.
    Fetched {
        /// Where the key set is.
        place: KeyPlace,
        /// Where it is looked for when the first place fails.
        fallback: Option<WebAddress>,
        /// The keys of `key_set`: used until a fetch succeeds, and when the fetched keys have
        /// become too old.
        in_place: Option<String>,
    },
}

/// Where a key set is fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// From `jwks_url`.
    Configured(WebAddress),
    /// From where the kind has it below this base URL, or as its metadata there say.
    BaseUrl(WebAddress),
    /// From the one place that the kind has for all its issuers.
    OfKind,
}

impl KeyOrigin {
    /// The keys in place, where there are any.
    #[must_use]
    pub fn in_place(&self) -> Option<&str> {
        match self {
            Self::InPlace(keys) => Some(keys),
            Self::Fetched { in_place, .. } => in_place.as_deref(),
        }
    }

    /// The origin of the keys of one tenant.
    pub(super) fn of_tenant(&self, tenant: &str) -> Result<Self, String> {
        let Self::Fetched { place, fallback, in_place } = self else { return Ok(self.clone()) };
        let place = match place {
            KeyPlace::Configured(address) => KeyPlace::Configured(of_tenant(address, tenant)?),
            KeyPlace::BaseUrl(address) => KeyPlace::BaseUrl(of_tenant(address, tenant)?),
            KeyPlace::OfKind => KeyPlace::OfKind,
        };
        let fallback = fallback.as_ref().map(|copy| of_tenant(copy, tenant)).transpose()?;
        Ok(Self::Fetched { place, fallback, in_place: in_place.clone() })
    }

    /// Whether keys are fetched.
    #[must_use]
    pub const fn is_fetched(&self) -> bool {
        match self {
            Self::InPlace(_) => false,
            Self::Fetched { .. } => true,
        }
    }
}

/// The address with this tenant in its place.
pub(super) fn of_tenant(address: &WebAddress, tenant: &str) -> Result<WebAddress, String> {
    WebAddress::parse(&put_tenant(address.as_str(), tenant))
}

/// Reads the key set in place, if the text names a file (`file:/path`). `verify` finds out whether
/// the keys can be used.
pub(super) fn read_in_place(text: &mut String, at: &str, found: &mut Findings) -> Option<String> {
    if let Some(path) = text.strip_prefix("file:") {
        *text = found.keep(at, file::read_text(path))?;
    }
    if let Some(message) = not_in_place(text) {
        found.add(at, message);
        return None;
    }
    if text.trim().is_empty() {
        found.add(at, "is empty; write file:/path, a JWKS or public keys in PEM");
        return None;
    }
    if text.len() > MAX_KEY_SET_BYTES {
        found.add(at, "is larger than 1 MiB; write the keys that are in use only");
        return None;
    }
    Some(text.clone())
}

/// The message about a place of keys that is written as if it were the keys.
fn not_in_place(text: &str) -> Option<String> {
    let text = text.trim();
    if text.lines().count() != 1 {
        return None;
    }
    if text.starts_with("https://") || text.starts_with("http://") {
        return Some("is a URL; write it as `jwks_url`, with kind: oidc".to_owned());
    }
    let is_path = ["/", "./", "../"].iter().any(|lead| text.starts_with(lead));
    is_path.then(|| format!("is the path of a file; write file:{text}"))
}
