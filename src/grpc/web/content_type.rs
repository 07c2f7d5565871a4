//! The protocol of a request, by its content type. Pages of other sites can send some types without
//! asking the browser first, and none of those is here.

use http::{HeaderMap, header};

/// The types that are served, as `Accept-Post` names them.
pub(super) const ACCEPTED: &str = "application/json, application/grpc-web, \
                                   application/grpc-web+proto, application/grpc-web-text, \
                                   application/grpc-web-text+proto";

/// The protocol of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// Connect: one message in JSON.
    Json,
    /// gRPC-Web, with its type as `tonic-web` knows it.
    GrpcWeb(&'static str),
}

/// The protocols and their types.
const TYPES: [(&str, Protocol); 5] = [
    ("application/json", Protocol::Json),
    ("application/grpc-web", Protocol::GrpcWeb("application/grpc-web")),
    ("application/grpc-web+proto", Protocol::GrpcWeb("application/grpc-web+proto")),
    ("application/grpc-web-text", Protocol::GrpcWeb("application/grpc-web-text")),
    ("application/grpc-web-text+proto", Protocol::GrpcWeb("application/grpc-web-text+proto")),
];

/// The protocol of a request with these headers; `None`: another type, or none, or several.
pub(super) fn protocol(headers: &HeaderMap) -> Option<Protocol> {
    let mut named = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(one), None) = (named.next(), named.next()) else { return None };
    let mut parts = one.to_str().ok()?.split(';').map(str::trim);
    let essence = parts.next()?;
    // JSON is UTF-8 (RFC 8259 section 8.1).
    if !parts.all(is_utf8) {
        return None;
    }
    TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(essence)).map(|(_, found)| *found)
}

fn is_utf8(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header};

    use super::{ACCEPTED, Protocol, TYPES, protocol};

    #[test]
    fn a_type_is_json_or_grpc_web_and_nothing_that_a_form_can_send() {
        let text = Protocol::GrpcWeb("application/grpc-web-text");
        for (named, expected) in [
            (&["application/json"][..], Some(Protocol::Json)),
            (&["Application/JSON; charset=UTF-8"], Some(Protocol::Json)),
            (&["application/json;charset=\"utf-8\""], Some(Protocol::Json)),
            (&["application/grpc-web"], Some(Protocol::GrpcWeb("application/grpc-web"))),
            (&["application/grpc-web-text"], Some(text)),
            (&["application/json; charset=latin1"], None),
            (&["application/json; boundary=x"], None),
            (&["application/json;"], None),
            (&["application/json, text/plain"], None),
            (&["application/json", "application/json"], None),
            (&["application/proto"], None),
            (&["application/connect+json"], None),
            (&["application/grpc"], None),
            (&["application/grpc-web+json"], None),
            (&["text/plain"], None),
            (&["application/x-www-form-urlencoded"], None),
            (&["multipart/form-data"], None),
            (&["application/jsonx"], None),
            (&[""], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for one in named {
                headers.append(header::CONTENT_TYPE, HeaderValue::from_str(one).unwrap());
            }
            assert_eq!(protocol(&headers), expected, "{named:?}");
        }
    }

    #[test]
    fn the_header_names_every_type() {
        let all: Vec<&str> = TYPES.iter().map(|(known, _)| *known).collect();
        assert_eq!(ACCEPTED.split(", ").collect::<Vec<_>>(), all);
    }
}
