//! An issuer's description of itself (OpenID Connect Discovery 1.0, RFC 8414): the one reader of
//! it, for everything that an issuer can be asked.
//!
//! In: the body of a metadata document, the `iss` that it must name, and the URL that was asked.
//! Out: the addresses in it, each with the [`UrlOrigin`] that says where it may lead; or an error.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{call::UrlOrigin, text::json_text};

/// The path of the document below the base URL of an OpenID provider (OpenID Connect Discovery
/// section 4).
pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";

/// Why a metadata document is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// It is not a JSON object with an `issuer`, or it has a member twice.
    #[error("the metadata is not usable: no JSON object with an `issuer`")]
    NotReadable,
    /// There is none: the answer has this HTTP status.
    #[error("the metadata is not there (HTTP {0}): compare issuers[].issuer and base_url")]
    NotThere(u16),
    /// It is text in another encoding.
    #[error("the metadata is not in UTF-8, as JSON has to be (UTF-16 or UTF-32)")]
    NotUtf8,
    /// Its `issuer` is another (OpenID Connect Discovery section 4.3).
    #[error("the metadata names another issuer: compare issuers[].issuer and base_url")]
    OtherIssuer,
    /// The address is not in it.
    #[error("the metadata has no `{0}`")]
    Missing(&'static str),
    /// The address is no absolute URL.
    #[error("the metadata's `{0}` is no URL")]
    NoUrl(&'static str),
    /// The address is one of another host, in plain text.
    #[error("the metadata's `{0}` is on another host and does not begin with https://")]
    PlainText(&'static str),
}

/// A metadata document of the expected issuer.
#[derive(Debug, Clone, Deserialize)]
pub struct IssuerMetadata {
    issuer: String,
    jwks_uri: Option<Value>,
    authorization_endpoint: Option<Value>,
    token_endpoint: Option<Value>,
    userinfo_endpoint: Option<Value>,
    introspection_endpoint: Option<Value>,
    revocation_endpoint: Option<Value>,
    end_session_endpoint: Option<Value>,
    #[serde(skip)]
    asked: Option<Url>,
}

/// An address out of a metadata document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredUrl {
    /// The address.
    pub url: Url,
    /// [`UrlOrigin::Operator`] on the host that was asked, as the operator configured that one; on any
    /// other host [`UrlOrigin::Document`].
    pub origin: UrlOrigin,
}

impl IssuerMetadata {
    /// Reads a document that was fetched from `asked`.
    ///
    /// # Errors
    ///
    /// [`MetadataError::NotReadable`], [`MetadataError::NotUtf8`], or
    /// [`MetadataError::OtherIssuer`] if it is not that of `issuer`, byte for byte.
    pub fn parse(body: &[u8], issuer: &str, asked: &Url) -> Result<Self, MetadataError> {
        let text = json_text(body).map_err(|_| MetadataError::NotUtf8)?;
        let mut metadata: Self =
            serde_json::from_slice(text).map_err(|_| MetadataError::NotReadable)?;
        if metadata.issuer != issuer {
            return Err(MetadataError::OtherIssuer);
        }
        metadata.asked = Some(asked.clone());
        Ok(metadata)
    }

    /// The address of the key set (`jwks_uri`). An address in plain text is refused by the client
    /// when it is asked.
    ///
    /// # Errors
    ///
    /// The document has no such address, or it is no URL: [`MetadataError::Missing`],
    /// [`MetadataError::NoUrl`].
    pub fn key_set(&self) -> Result<DiscoveredUrl, MetadataError> {
        self.address("jwks_uri", self.jwks_uri.as_ref())
    }

    /// The address that a browser is sent to for a sign-in.
    ///
    /// # Errors
    ///
    /// The errors of [`key_set`](Self::key_set), and [`MetadataError::PlainText`].
    pub fn authorization_endpoint(&self) -> Result<DiscoveredUrl, MetadataError> {
        let name = "authorization_endpoint";
        encrypted(name, self.address(name, self.authorization_endpoint.as_ref())?)
    }

    /// The address that gives tokens.
    ///
    /// # Errors
    ///
    /// The errors of [`key_set`](Self::key_set), and [`MetadataError::PlainText`].
    pub fn token_endpoint(&self) -> Result<DiscoveredUrl, MetadataError> {
        let name = "token_endpoint";
        encrypted(name, self.address(name, self.token_endpoint.as_ref())?)
    }

    /// The address that tells the claims about the user of an access token.
    ///
    /// # Errors
    ///
    /// The errors of [`token_endpoint`](Self::token_endpoint).
    pub fn userinfo_endpoint(&self) -> Result<DiscoveredUrl, MetadataError> {
        let name = "userinfo_endpoint";
        encrypted(name, self.address(name, self.userinfo_endpoint.as_ref())?)
    }

    /// The address that tells whether a token is active (RFC 7662).
    ///
    /// # Errors
    ///
    /// The errors of [`token_endpoint`](Self::token_endpoint).
    pub fn introspection_endpoint(&self) -> Result<DiscoveredUrl, MetadataError> {
        let name = "introspection_endpoint";
        encrypted(name, self.address(name, self.introspection_endpoint.as_ref())?)
    }

    /// The address that revokes a token (RFC 7009).
    ///
    /// # Errors
    ///
    /// The errors of [`token_endpoint`](Self::token_endpoint).
    pub fn revocation_endpoint(&self) -> Result<DiscoveredUrl, MetadataError> {
        let name = "revocation_endpoint";
        encrypted(name, self.address(name, self.revocation_endpoint.as_ref())?)
    }

    /// The address that a browser is sent to for the end of its session.
    ///
    /// # Errors
    ///
    /// The errors of [`token_endpoint`](Self::token_endpoint).
    pub fn end_session_endpoint(&self) -> Result<DiscoveredUrl, MetadataError> {
        let name = "end_session_endpoint";
        encrypted(name, self.address(name, self.end_session_endpoint.as_ref())?)
    }

    fn address(
        &self,
        name: &'static str,
        value: Option<&Value>,
    ) -> Result<DiscoveredUrl, MetadataError> {
        let text = value.ok_or(MetadataError::Missing(name))?;
        let text = text.as_str().ok_or(MetadataError::NoUrl(name))?;
        let url = Url::parse(text).map_err(|_| MetadataError::NoUrl(name))?;
        let same = self.asked.as_ref().is_some_and(|asked| asked.origin() == url.origin());
        Ok(DiscoveredUrl {
            url,
            origin: if same { UrlOrigin::Operator } else { UrlOrigin::Document },
        })
    }
}

/// The operator may have configured plain text; a document alone cannot.
fn encrypted(name: &'static str, found: DiscoveredUrl) -> Result<DiscoveredUrl, MetadataError> {
    if found.url.scheme() == "https" || found.origin == UrlOrigin::Operator {
        Ok(found)
    } else {
        Err(MetadataError::PlainText(name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use url::Url;

    use super::{IssuerMetadata, MetadataError, UrlOrigin};

    const ISS: &str = "http://id.test";

    fn parse(document: &Value) -> Result<IssuerMetadata, MetadataError> {
        let asked = Url::parse("http://id.test/.well-known/openid-configuration").unwrap();
        IssuerMetadata::parse(document.to_string().as_bytes(), ISS, &asked)
    }

    #[test]
    fn a_document_of_another_issuer_or_of_another_form_is_refused() {
        for (document, error) in [
            (json!({ "issuer": "http://id.test/" }), MetadataError::OtherIssuer),
            (json!({ "issuer": 1 }), MetadataError::NotReadable),
            (json!({}), MetadataError::NotReadable),
            (json!([]), MetadataError::NotReadable),
        ] {
            assert_eq!(parse(&document).unwrap_err(), error, "{document}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_left_out_and_another_encoding_is_told() {
        let asked = Url::parse("http://id.test/.well-known/openid-configuration").unwrap();
        let document = json!({ "issuer": ISS }).to_string();
        let read = |body: &[u8]| IssuerMetadata::parse(body, ISS, &asked).map(|_| ());
        assert_eq!(read(format!("\u{feff}{document}").as_bytes()), Ok(()));
        let wide: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&wide), Err(MetadataError::NotUtf8));
        assert_eq!(read(&[&[0xff, 0xfe], &wide[..]].concat()), Err(MetadataError::NotUtf8));
    }

    #[test]
    fn an_address_may_lead_where_the_operator_sent_us_or_to_https() {
        for (url, origin, is_endpoint) in [
            ("http://id.test/keys", Some(UrlOrigin::Operator), true),
            ("https://id.test/keys", Some(UrlOrigin::Document), true),
            ("https://other.test/keys", Some(UrlOrigin::Document), true),
            ("http://other.test/keys", Some(UrlOrigin::Document), false),
            ("keys", None, false),
        ] {
            let document = json!({ "issuer": ISS, "jwks_uri": url, "token_endpoint": url,
                "authorization_endpoint": url });
            let metadata = parse(&document).unwrap();
            assert_eq!(metadata.key_set().ok().map(|found| found.origin), origin, "{url}");
            assert_eq!(metadata.token_endpoint().is_ok(), is_endpoint, "{url}");
            assert_eq!(metadata.authorization_endpoint().is_ok(), is_endpoint, "{url}");
        }
    }

    #[test]
    fn one_address_that_is_no_text_does_not_spoil_the_others() {
        let document = json!({ "issuer": ISS, "jwks_uri": "https://a.test", "token_endpoint": 1 });
        let metadata = parse(&document).unwrap();
        assert!(metadata.key_set().is_ok());
        assert_eq!(metadata.token_endpoint(), Err(MetadataError::NoUrl("token_endpoint")));
        let missing = MetadataError::Missing("authorization_endpoint");
        assert_eq!(metadata.authorization_endpoint(), Err(missing));
    }
}
