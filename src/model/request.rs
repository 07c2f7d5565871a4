//! The facts of one check, independent of the door that it came through.
//!
//! In: the fields that a door decoded. Out: the request context. The parts that most rules do not
//! ask for (the query, the client of the proxy) are read when they are asked for, not before.

use bytes::Bytes;

use super::{Downstream, EncodedDownstream, Headers, Query};

/// The protocol of the caller, which decides the form of a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerProtocol {
    /// An HTTP request that is no gRPC call.
    Http,
    /// A gRPC call: the content type is `application/grpc`.
    Grpc,
    /// A gRPC-Web call that the proxy did not convert: the content type is `application/grpc-web`.
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

/// The request that a check is about. Everything in it was sent by the client or by the proxy, and
/// nothing of it is proved.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The method, as it was sent.
    pub method: Bytes,
    /// The host and port, as they were sent.
    pub host: Bytes,
    /// `http` or `https`, as the proxy says.
    pub scheme: Bytes,
    /// The path and query, as they were sent and not normalised.
    pub target: Bytes,
    /// The headers.
    pub headers: Headers,
    /// The proxy's id of the request, used if the request brings none.
    pub proxy_request_id: Bytes,
    /// The route that the operator's proxy configuration names, if it names one.
    pub named_route: Option<NamedRoute>,
    /// The client of the proxy.
    pub downstream: EncodedDownstream,
}

/// A route that the operator's proxy configuration names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedRoute {
    /// The route with this id.
    Id(Bytes),
    /// Something that cannot be read, or two names that differ: no route is meant by that.
    Unclear,
}

impl RequestContext {
    /// The query of the request.
    #[must_use]
    pub fn query(&self) -> Query<'_> {
        Query::of(&self.target)
    }

    /// The client of the proxy, as the proxy describes it. Decoded each time it is asked for.
    #[must_use]
    pub fn downstream(&self) -> Downstream {
        self.downstream.decode()
    }

    /// A GET of this path and query at `a.com`, for tests.
    #[cfg(test)]
    pub(crate) fn for_test(target: &str) -> Self {
        Self {
            method: "GET".into(),
            host: "a.com".into(),
            scheme: Bytes::new(),
            target: Bytes::copy_from_slice(target.as_bytes()),
            headers: Headers::default(),
            proxy_request_id: Bytes::new(),
            named_route: None,
            downstream: EncodedDownstream::unknown(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CallerProtocol;

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
}
