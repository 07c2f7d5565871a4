//! The section `protected_resource`: the published metadata of the service behind (RFC 9728), by which
//! clients find out where to get a token.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::{Config, Credentials, TokenSource, denial::page_url};
use crate::{
    config::{findings::Findings, section::Section},
    model::PublicDocument,
};

/// The path of the metadata, before that of the resource (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// How long a client may keep the metadata.
const MAX_AGE: Duration = Duration::from_secs(300);
/// The address in messages.
const EXAMPLE: &str = "https://api.example.com";

/// The metadata of the service behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenProtectedResource {
    /// The identifier of the service: the URL that clients call it by, `https://`, without query and
    /// fragment. A path is part of it: `https://api.example.com/orders`.
    resource: String,
    /// The identifiers (`issuer`) of the servers that give out tokens for it.
    #[schemars(length(min = 1, max = 32))]
    authorization_servers: Vec<String>,
    /// The scopes that clients may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    scopes_supported: Vec<String>,
    /// The name of the service, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    resource_name: Option<String>,
    /// A page for developers who want to use the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<String>,
    /// A page on how a client may use its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_policy_uri: Option<String>,
    /// A page with its terms of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resource_tos_uri: Option<String>,
}

/// The metadata of the service behind, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedResource {
    written: WrittenProtectedResource,
    resource: Box<Url>,
}

impl ProtectedResource {
    /// The path of the metadata: that of the resource stands behind the well-known part
    /// (RFC 9728 section 3.1).
    fn metadata_path(&self) -> String {
        match self.resource.path() {
            "/" => WELL_KNOWN.to_owned(),
            path => format!("{WELL_KNOWN}{path}"),
        }
    }

    /// The URL of the metadata, at the host of the resource.
    #[must_use]
    pub fn metadata_url(&self) -> Url {
        let mut url = Url::clone(&self.resource);
        url.set_path(&self.metadata_path());
        url
    }

    /// The metadata (RFC 9728 section 2), for a service whose tokens are found in these places.
    fn document(&self, credentials: &Credentials) -> PublicDocument {
        let mut metadata = serde_json::to_value(&self.written).unwrap_or_default();
        // Those of RFC 6750 section 2 alone have a name.
        let method = |source: &TokenSource| match source {
            TokenSource::Header(name) => (name == "authorization").then_some("header"),
            TokenSource::Query(name) => (name == "access_token").then_some("query"),
            TokenSource::Cookie { .. } | TokenSource::WebsocketProtocol(_) => None,
        };
        let methods: Vec<&str> = credentials.0.iter().filter_map(method).collect();
        // A list without entries has to be left out (RFC 9728 section 3.2).
        if let (Some(map), false) = (metadata.as_object_mut(), methods.is_empty()) {
            map.insert("bearer_methods_supported".to_owned(), methods.into());
        }
        PublicDocument {
            path: self.metadata_path(),
            content_type: "application/json",
            body: metadata.to_string().into(),
            max_age: MAX_AGE,
        }
    }
}

impl Config {
    /// The metadata of the service behind, where they are configured.
    #[must_use]
    pub fn resource_metadata(&self) -> Option<PublicDocument> {
        let resource = self.protected_resource.as_ref()?;
        Some(resource.document(&self.credentials))
    }
}

/// Printed as it is written in the file.
impl Serialize for ProtectedResource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl Section for WrittenProtectedResource {
    type Checked = Option<ProtectedResource>;

    fn check(self, at: &str, found: &mut Findings) -> Option<ProtectedResource> {
        let resource = found.keep(format!("{at}/resource"), own_identifier(&self.resource));
        for (index, server) in self.authorization_servers.iter().enumerate() {
            let checked = identifier(server, "https://id.example.com");
            found.keep(format!("{at}/authorization_servers/{index}"), checked);
        }
        for (index, scope) in self.scopes_supported.iter().enumerate() {
            let good = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\');
            if scope.is_empty() || !scope.bytes().all(good) {
                let message = "is not a scope; write visible ASCII without blanks, `\"` and `\\`, \
                               such as orders:read";
                found.add(format!("{at}/scopes_supported/{index}"), message);
            }
        }
        for (name, page) in [
            ("resource_documentation", &self.resource_documentation),
            ("resource_policy_uri", &self.resource_policy_uri),
            ("resource_tos_uri", &self.resource_tos_uri),
        ] {
            if let Some(page) = page {
                found.keep(format!("{at}/{name}"), page_url(page, "https://www.example.com/api"));
            }
        }
        Some(ProtectedResource { resource: Box::new(resource?), written: self })
    }
}

/// The identifier of the service. Clients compare it text by text with that of the document, whose address
/// is made of the URL (RFC 9728 section 3.3).
fn own_identifier(text: &str) -> Result<Url, String> {
    let url = identifier(text, EXAMPLE)?;
    if url.as_str() == text || url.as_str().strip_suffix('/') == Some(text) {
        return Ok(url);
    }
    Err(format!("clients read it as another URL, and compare both text by text; write {url}"))
}

/// An identifier: a URL without a query.
fn identifier(text: &str, example: &str) -> Result<Url, String> {
    let url = page_url(text, example)?;
    match url.query() {
        None => Ok(url),
        Some(_) => Err("has a query, which an identifier has not; leave it out".to_owned()),
    }
}
