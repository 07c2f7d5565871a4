//! Addresses of an issuer that stand in the place of each other: that of its metadata where its name or
//! its keys belong, or one that was copied with a blank.

use super::{app::WrittenApp, written::WrittenIssuer};
use crate::config::findings::Findings;

/// The part of an address below which metadata are (RFC 8615).
const WELL_KNOWN: &str = "/.well-known/";
/// The ends of the addresses of metadata (OpenID Connect Discovery section 4, RFC 8414 section 3).
const METADATA: [&str; 2] = ["openid-configuration", "oauth-authorization-server"];

impl WrittenIssuer {
    /// Adds the problems of addresses that can only be a mistake.
    pub(super) fn check_mixed_up(&self, at: &str, found: &mut Findings) {
        for (name, written) in [("issuer", &self.issuer), ("base_url", &self.base_url)] {
            let Some(text) = written else { continue };
            let at = format!("{at}/{name}");
            if text.trim() != text {
                found.add(at, "begins or ends with a blank; leave it out");
            } else if let Some((issuer, _)) = text.split_once(WELL_KNOWN) {
                let instead = match name {
                    "issuer" => format!(
                        "the `iss` of its tokens, which stands there as `issuer`, often {issuer}"
                    ),
                    _ => format!("the address before that: {issuer}"),
                };
                found.add(at, format!("is the address of its metadata; write {instead}"));
            }
        }
        let is_metadata = |text: &str| {
            METADATA.iter().any(|end| text.trim_end_matches('/').ends_with(end))
                && text.contains(WELL_KNOWN)
        };
        for (name, written) in
            [("jwks_url", &self.jwks_url), ("jwks_fallback_url", &self.jwks_fallback_url)]
        {
            if written.as_deref().is_some_and(is_metadata) {
                found.add(
                    format!("{at}/{name}"),
                    "is the address of its metadata, and not of its keys; leave it out, or write the \
                     `jwks_uri` that stands there",
                );
            }
        }
    }

    /// Adds the problems of entries that stand there twice.
    pub(super) fn check_repeated_apps(&self, at: &str, found: &mut Findings) {
        for (index, app) in self.apps.iter().enumerate() {
            let mut before = self.apps.iter().take(index);
            // Several keys of one app may stand there, and an app with and without its key.
            let one_key = |known: &WrittenApp| app.key.is_some() && known.key == app.key;
            if before.any(|known| known == app || one_key(known) && known.variants != app.variants)
            {
                found.add(
                    format!("{at}/apps/{index}"),
                    "is there twice; write one entry, with all of its `variants`",
                );
            }
        }
    }
}
