//! A web address of the configuration: `https://`, or `http://` where that is allowed.
//!
//! In: the text of a setting. Out: the text and its parsed URL, or what to write instead.

use serde::{Serialize, Serializer};
use url::{Host, Url};

use super::shown::without_secrets;

/// An address that has been checked: the text as it was written, and the URL that it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress {
    written: String,
    url: Box<Url>,
}

impl WebAddress {
    /// Parses the address of one document, which may have a query.
    pub(crate) fn document(written: &str, allow_http: bool) -> Result<Self, String> {
        // The text may hold a password, so no message repeats it.
        let Self { url, .. } = Self::parse(written)?;
        match url.scheme() {
            "https" => {}
            "http" if allow_http || is_loopback(&url) => {}
            "http" => {
                return Err("plain http; write https://, or set `allow_insecure_http: true` for \
                            this issuer"
                    .to_owned());
            }
            other => return Err(format!("the scheme `{other}` is not supported; write https://")),
        }
        if url.port() == Some(0) {
            return Err(
                "has port 0, where nothing listens; write another, or leave it out".to_owned()
            );
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err("has a user, a password or a fragment; leave it out".to_owned());
        }
        Ok(Self { written: written.to_owned(), url })
    }

    /// Parses an address that was checked before with another text in its path.
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        let url = Url::parse(written).map_err(|_| "not a URL; write https://...".to_owned())?;
        Ok(Self { written: written.to_owned(), url: Box::new(url) })
    }

    /// Parses a base address: documents are below it, so it has no query. Slashes at its end do not
    /// count.
    pub(super) fn base(written: &str, allow_http: bool) -> Result<Self, String> {
        let address = Self::document(written.trim_end_matches('/'), allow_http)?;
        match address.url.query() {
            None => Ok(address),
            Some(_) => Err("a base URL has no query; leave it out".to_owned()),
        }
    }

    /// Takes a base address as it is, if it is a web address at all.
    pub(super) fn unchecked_base(written: &str) -> Option<Self> {
        let written = written.trim_end_matches('/');
        let url = Url::parse(written).ok().filter(Url::has_host)?;
        Some(Self { written: written.to_owned(), url: Box::new(url) })
    }

    /// The text, without slashes at the end of a base address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The parsed URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL of the document at this path below the base address. The path begins with `/`.
    #[must_use]
    pub fn below(&self, path: &str) -> Url {
        let mut url = Url::clone(&self.url);
        let base = self.url.path().trim_end_matches('/');
        url.set_path(&format!("{base}{path}"));
        url.set_query(None);
        url
    }
}

impl Serialize for WebAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&without_secrets(&self.written))
    }
}

/// The host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::WebAddress;

    #[test]
    fn a_document_below_a_base_address_keeps_the_path_of_the_base() {
        for (base, expected) in [
            ("https://a.test", "https://a.test/jwt/jwks.json"),
            ("https://a.test///", "https://a.test/jwt/jwks.json"),
            ("https://a.test:8443/auth/", "https://a.test:8443/auth/jwt/jwks.json"),
            ("http://127.0.0.1:8787/a%2Fb", "http://127.0.0.1:8787/a%2Fb/jwt/jwks.json"),
        ] {
            let base = WebAddress::base(base, false).unwrap();
            assert_eq!(base.below("/jwt/jwks.json").as_str(), expected);
        }
    }
}
