//! The section `credentials`: where a credential is looked for.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{findings::Findings, section::Section};

/// The token sources, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Credentials(pub Vec<TokenSource>);

/// One place to look for a credential: exactly one of a header, a cookie and a query parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// A header name. `authorization` takes `Bearer TOKEN`, any other the bare token.
    Header(String),
    /// A cookie name. Methods that change state then need a same-origin proof.
    Cookie(String),
    /// A query parameter. Addresses end up in logs and histories, so a header is better.
    Query(String),
}

impl Default for Credentials {
    fn default() -> Self {
        Self(vec![TokenSource::Header("authorization".to_owned())])
    }
}

impl Section for Credentials {
    type Checked = Self;

    fn check(self, at: &str, found: &mut Findings) -> Self {
        if self.0.is_empty() {
            found.add(at, "has no token source; write [{header: authorization}]");
        }
        let mut seen = HashSet::new();
        for (index, source) in self.0.iter().enumerate() {
            let at = format!("{at}/{index}");
            let (place, name) = match source {
                TokenSource::Header(name) => ("header", name.to_ascii_lowercase()),
                TokenSource::Cookie(name) => ("cookie", name.clone()),
                TokenSource::Query(name) => ("query", name.clone()),
            };
            let reserved = place == "header" && (name == "cookie" || is_reserved(&name));
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() || reserved {
                found.add(
                    at.clone(),
                    format!("`{name}` cannot be the name of a {place} here; write another name"),
                );
            }
            if !seen.insert((place, name)) {
                found.add(at, "is there twice; leave one out");
            }
        }
        self
    }
}

/// Whether a proxy or a server may take the header for one of the reserved prefix `x-rownd-`, which
/// is removed from requests.
fn is_reserved(name: &str) -> bool {
    let dashed = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(dashed).collect::<String>().starts_with("x-rownd-")
}
