//! The check of the settings about requests to an issuer: where its metadata may lead, and the
//! credential of the fetches of its keys.

use super::{
    words::{IssuerKind, ROWND},
    written::WrittenIssuer,
};
use crate::config::{allowed_origin::AllowedOrigin, findings::Findings};

/// The most origins of one issuer.
const MAX_ORIGINS: usize = 32;
/// The most headers of a fetch.
const MAX_HEADERS: usize = 8;
/// Headers that the client or the connection sets (RFC 9110 section 7.6.1), and those that ask for
/// another answer than the whole document.
const RESERVED: [&str; 21] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "forwarded",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "max-forwards",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

impl WrittenIssuer {
    /// Checks them; the origins are returned as they are compared.
    pub(super) fn outbound(&self, at: &str, found: &mut Findings) -> Vec<AllowedOrigin> {
        self.tls.check(&format!("{at}/tls"), found);
        let origins = self.check_origins(&format!("{at}/allowed_origins"), found);
        self.check_key_credential(!origins.is_empty(), &format!("{at}/keys"), found);
        origins
    }

    fn check_origins(&self, at: &str, found: &mut Findings) -> Vec<AllowedOrigin> {
        let mut origins: Vec<AllowedOrigin> = Vec::new();
        if self.kind != IssuerKind::Oidc && !self.allowed_origins.is_empty() && !self.may_learn() {
            let message = "has no effect for an issuer that has no metadata to lead anywhere; \
                           leave it out";
            found.add(at, message);
            return origins;
        }
        if self.allowed_origins.len() > MAX_ORIGINS {
            found.add(at, format!("has more than {MAX_ORIGINS} origins; write those in use"));
        }
        for (index, written) in self.allowed_origins.iter().enumerate() {
            let at = format!("{at}/{index}");
            match AllowedOrigin::parse(written, self.allow_insecure_http) {
                Err(message) => found.add(at, message),
                Ok(origin) if origins.contains(&origin) => {
                    found.add(at, "is there twice; leave one out");
                }
                Ok(origin) => origins.push(origin),
            }
        }
        origins
    }

    /// Whether the keys of its kind are found by metadata.
    fn may_learn(&self) -> bool {
        match self.kind {
            IssuerKind::Rownd | IssuerKind::Supertokens | IssuerKind::Oidc => self.keys.fetch,
            IssuerKind::Firebase | IssuerKind::Static => false,
        }
    }

    fn check_key_credential(&self, has_origins: bool, at: &str, found: &mut Findings) {
        let keys = &self.keys;
        const NO_PATH: &str = "is not an absolute path; write one, such as /run/secrets/token";
        let is_relative = |path: &std::path::Path| !path.is_absolute();
        if keys.bearer_file.as_deref().is_some_and(is_relative) {
            found.add(format!("{at}/bearer_file"), NO_PATH);
        }
        let mut names = Vec::new();
        for (index, header) in keys.headers.iter().enumerate() {
            let at = format!("{at}/headers/{index}");
            let name = header.name.to_ascii_lowercase();
            if let Err(problem) = self.check_header_name(&name) {
                found.add(format!("{at}/name"), problem);
            } else if names.contains(&name) {
                found.add(format!("{at}/name"), "is there twice; leave one out");
            }
            names.push(name);
            if is_relative(&header.file) {
                found.add(format!("{at}/file"), NO_PATH);
            }
        }
        let setting = match (&keys.bearer_file, keys.headers.as_slice()) {
            (None, []) => return,
            (Some(_), _) => "bearer_file",
            (None, _) => "headers",
        };
        if keys.headers.len() > MAX_HEADERS {
            found.add(format!("{at}/headers"), format!("has more than {MAX_HEADERS} headers"));
        }
        let writes_a_place = self.jwks_url.is_some()
            || self.base_url.as_deref().is_some_and(|base| base != ROWND)
            || self.kind == IssuerKind::Oidc
            || has_origins;
        if let Some(preset) = self.preset.filter(|preset| preset.has_public_keys()) {
            found.add(
                format!("{at}/{setting}"),
                format!(
                    "would be shown to `{}`, whose keys are public and need no credential; leave \
                     it out",
                    preset.as_str()
                ),
            );
        } else if !keys.fetch {
            found.add(
                format!("{at}/{setting}"),
                "has no effect: no key is fetched (`keys.fetch: false`, or kind `static`); leave \
                 it out",
            );
        } else if !writes_a_place {
            found.add(
                format!("{at}/{setting}"),
                "would never be sent: it goes to written origins alone; write `jwks_url`",
            );
        }
    }

    fn check_header_name(&self, name: &str) -> Result<(), String> {
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(
                "is no name of a header; write letters, digits and `-`: x-api-key".to_owned()
            );
        }
        if name == "authorization" && self.keys.bearer_file.is_some() {
            return Err("is set by `keys.bearer_file` already; leave one of the two out".to_owned());
        }
        if RESERVED.contains(&name) || name.starts_with("proxy-") {
            return Err("is set by the client or the connection alone; leave it out".to_owned());
        }
        Ok(())
    }
}
