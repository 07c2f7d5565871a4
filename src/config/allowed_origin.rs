//! An origin (RFC 6454) that documents may lead to: scheme, host and port, each exactly.

use serde::{Serialize, Serializer};
use url::{Origin, Url};

use super::web_address::WebAddress;

/// One entry of `allowed_origins`, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin(Box<Url>);

impl AllowedOrigin {
    /// Parses an entry of the list.
    pub(super) fn parse(text: &str, allow_http: bool) -> Result<Self, String> {
        const CURE: &str = "write scheme, host and port: https://10.0.0.1:6443";
        if text.contains('*') {
            return Err(format!(
                "a `*` is not known here, because a credential may go there; {CURE}"
            ));
        }
        let address = WebAddress::document(text, allow_http)?;
        let rest = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
        if rest.contains(['/', '?', '\\']) {
            return Err(format!("has more than scheme, host and port; {CURE}"));
        }
        Ok(Self(Box::new(address.url().clone())))
    }

    /// Its URL, with an empty path.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The origin.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.0.origin()
    }
}

impl Serialize for AllowedOrigin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.origin().ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use super::AllowedOrigin;

    #[test]
    fn an_allowed_origin_is_scheme_host_and_port_and_no_more() {
        for (text, http, expected) in [
            ("https://kubernetes.default.svc", false, Ok("https://kubernetes.default.svc")),
            ("https://API.test:443", false, Ok("https://api.test")),
            ("https://10.0.0.1:6443", false, Ok("https://10.0.0.1:6443")),
            ("https://[FD00::1]:6443", false, Ok("https://[fd00::1]:6443")),
            ("http://127.0.0.1:8080", false, Ok("http://127.0.0.1:8080")),
            ("http://idp.test", true, Ok("http://idp.test")),
            ("http://idp.test", false, Err("plain http")),
            ("https://*.test", false, Err("`*`")),
            ("*", false, Err("`*`")),
            ("idp.test", false, Err("not a URL")),
            ("idp.test:443", false, Err("scheme")),
            ("https://idp.test/", false, Err("more than")),
            ("https://idp.test/keys", false, Err("more than")),
            ("https://idp.test?x", false, Err("more than")),
            ("https://u:p@idp.test", false, Err("a user")),
            ("https://idp.test#x", false, Err("fragment")),
            ("ftp://idp.test", false, Err("scheme")),
            ("", false, Err("not a URL")),
        ] {
            let found = AllowedOrigin::parse(text, http);
            match expected {
                Ok(origin) => {
                    let found = found.unwrap_or_else(|error| panic!("{text}: {error}"));
                    assert_eq!(found.origin().ascii_serialization(), origin, "{text}");
                }
                Err(said) => {
                    let error = found.expect_err(text);
                    assert!(error.contains(said), "{text}: {error}");
                }
            }
        }
    }
}
