//! The wire-neutral facts of one check.

use bytes::Bytes;

/// The protocol the caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerProtocol {
    /// Plain HTTP.
    Http,
    /// gRPC (`application/grpc`).
    Grpc,
    /// gRPC-Web that reached us unconverted (`application/grpc-web`).
    GrpcWeb,
}

impl CallerProtocol {
    /// From the request's content type.
    #[must_use]
    pub fn of(content_type: &[u8]) -> Self {
        let kind = content_type.split(|&b| b == b';').next().unwrap_or_default().trim_ascii();
        let is = |name: &[u8]| {
            kind.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
                && kind.get(name.len()).is_none_or(|&next| next == b'+' || next == b'-')
        };
        if is(b"application/grpc-web") {
            Self::GrpcWeb
        } else if kind.get(..16).is_some_and(|head| head.eq_ignore_ascii_case(b"application/grpc"))
            && kind.get(16).is_none_or(|&next| next == b'+')
        {
            Self::Grpc
        } else {
            Self::Http
        }
    }
}

/// Request headers: lower-case names in order of arrival. A name may stand several times.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    entries: Vec<(Bytes, Bytes)>,
    joined: bool,
}

impl Headers {
    /// From entries. `joined` says that duplicates were already joined with ",".
    #[must_use]
    pub const fn new(entries: Vec<(Bytes, Bytes)>, joined: bool) -> Self {
        Self { entries, joined }
    }

    /// Duplicates were joined with "," by the proxy, so a comma may part two lines.
    #[must_use]
    pub const fn joined(&self) -> bool {
        self.joined
    }

    /// All values of a lower-case name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> + 'a {
        self.entries
            .iter()
            .filter(move |(key, _)| key.as_ref() == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// The value of a name that stands exactly once.
    #[must_use]
    pub fn single<'a>(&'a self, name: &'a str) -> Option<&'a Bytes> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }

    /// Every entry.
    pub fn iter(&self) -> impl Iterator<Item = &(Bytes, Bytes)> {
        self.entries.iter()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// One question, whichever door it came through.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// Method, as sent.
    pub method: Bytes,
    /// Host and port, as sent.
    pub host: Bytes,
    /// `http` or `https`, as the proxy knows it.
    pub scheme: Bytes,
    /// Path and query, as sent and not normalised.
    pub path: Bytes,
    /// The headers.
    pub headers: Headers,
    /// The proxy's own id of the request, used where the request brings none.
    pub proxy_request_id: Bytes,
    /// The route named by the operator's proxy configuration, if any.
    pub named_route: Option<NamedRoute>,
}

/// What the operator's proxy configuration says about the route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedRoute {
    /// It is the one with this id.
    Id(Bytes),
    /// Something that cannot be read, or two names that differ. It is no route at all.
    Unclear,
}

#[cfg(test)]
mod tests {
    use super::{CallerProtocol, Headers};
    use bytes::Bytes;

    #[test]
    fn the_content_type_tells_the_protocol() {
        for (content_type, expected) in [
            ("application/grpc", CallerProtocol::Grpc),
            ("Application/gRPC+proto; charset=utf-8", CallerProtocol::Grpc),
            ("application/grpc-web", CallerProtocol::GrpcWeb),
            ("application/grpc-web+proto", CallerProtocol::GrpcWeb),
            ("application/grpc-web-text", CallerProtocol::GrpcWeb),
            ("application/grpcfoo", CallerProtocol::Http),
            ("application/grpc-webby", CallerProtocol::Http),
            ("application/json", CallerProtocol::Http),
            ("", CallerProtocol::Http),
        ] {
            assert_eq!(CallerProtocol::of(content_type.as_bytes()), expected, "{content_type}");
        }
    }

    #[test]
    fn single_refuses_a_repeated_name() {
        let entry = |k: &'static str, v: &'static str| (Bytes::from(k), Bytes::from(v));
        let headers = Headers::new(vec![entry("a", "1"), entry("b", "2"), entry("a", "3")], false);
        assert!(headers.single("a").is_none());
        assert_eq!(headers.single("b").map(Bytes::as_ref), Some(b"2".as_ref()));
        assert_eq!(headers.all("a").count(), 2);
    }
}
