//! The client of the proxy: the other end of the connection on which the request came.
//!
//! In: bytes that a door did not decode, and the function that does. Out: the workload and the
//! address of the client, decoded when somebody asks for them and not before.

use std::{fmt, net::IpAddr};

use bytes::Bytes;

/// The client of the proxy, as the proxy describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Downstream {
    /// The workload, if the client showed a certificate.
    pub workload: Option<Workload>,
    /// The address: that of the connection, or what the proxy's settings for `X-Forwarded-For` make
    /// of the request. Behind a proxy that trusts that header too far, a client can choose it.
    pub address: Option<IpAddr>,
}

/// A workload, by the certificate that it showed to the proxy: the first URI in it, else the first
/// DNS name, else the subject. It is proved only if the proxy verifies client certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    principal: String,
}

/// The client of the proxy, not decoded yet. Most rules ask nothing of it.
#[derive(Clone)]
pub struct EncodedDownstream {
    encoded: Bytes,
    decode: fn(&Bytes) -> Downstream,
}

impl Workload {
    /// By the name that the proxy gives it; `None` if that is empty.
    #[must_use]
    pub fn new(principal: String) -> Option<Self> {
        (!principal.is_empty()).then_some(Self { principal })
    }

    /// The name by which the proxy knows it.
    #[must_use]
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// Its SPIFFE ID, if its name is one: `spiffe://`, a trust domain, and a path of names
    /// (<https://spiffe.io/docs/latest/spiffe-specs/spiffe-id/>, section 2).
    #[must_use]
    pub fn spiffe_id(&self) -> Option<&str> {
        let (trust_domain, path) = self.principal.strip_prefix("spiffe://")?.split_once('/')?;
        let domain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
        let name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        let segment = |text: &str| !matches!(text, "" | "." | "..") && text.bytes().all(name);
        let is_id = self.principal.len() <= MAX_SPIFFE_ID
            && !trust_domain.is_empty()
            && trust_domain.bytes().all(domain)
            && path.split('/').all(segment);
        is_id.then_some(&self.principal)
    }
}

/// Bytes of a SPIFFE ID (section 2.3).
const MAX_SPIFFE_ID: usize = 2048;

impl EncodedDownstream {
    /// Encoded by a door that knows how to decode it.
    #[must_use]
    pub const fn new(encoded: Bytes, decode: fn(&Bytes) -> Downstream) -> Self {
        Self { encoded, decode }
    }

    /// Nothing is known of the client.
    #[must_use]
    pub fn unknown() -> Self {
        Self::new(Bytes::new(), |_| Downstream::default())
    }

    /// Decodes it, each time it is asked.
    #[must_use]
    pub fn decode(&self) -> Downstream {
        (self.decode)(&self.encoded)
    }
}

impl fmt::Debug for EncodedDownstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncodedDownstream(<{} bytes>)", self.encoded.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Workload;

    #[test]
    fn only_a_well_formed_spiffe_id_is_one() {
        for (principal, is_id) in [
            ("spiffe://cluster.local/ns/shop/sa/web", true),
            ("spiffe://a_b-c.1/A.b", true),
            ("spiffe://cluster.local", false),
            ("spiffe://cluster.local/", false),
            ("spiffe:///ns/shop", false),
            ("spiffe://Cluster.local/ns", false),
            ("spiffe://cluster.local:80/ns", false),
            ("spiffe://user@cluster.local/ns", false),
            ("spiffe://cluster.local/ns//sa", false),
            ("spiffe://cluster.local/ns/../sa", false),
            ("spiffe://cluster.local/ns/./sa", false),
            ("spiffe://cluster.local/ns?x", false),
            ("spiffe://cluster.local/ns%2fsa", false),
            ("SPIFFE://cluster.local/ns", false),
            ("CN=spiffe://cluster.local/ns", false),
            ("web.shop.svc", false),
        ] {
            let workload = Workload::new(principal.to_owned()).unwrap();
            assert_eq!(workload.spiffe_id(), is_id.then_some(principal), "{principal}");
            assert_eq!(workload.principal(), principal);
        }
        let long = format!("spiffe://a/{}", "b".repeat(2048));
        assert_eq!(Workload::new(long).unwrap().spiffe_id(), None);
        assert_eq!(Workload::new(String::new()), None);
    }
}
