//! The question: a gRPC frame with a `CheckRequest` in the shape Envoy 1.40
//! sends for a browser's API call (25 headers, addresses, times, both empty
//! metadata contexts). Comes in: a token, and the form of the headers. Goes out:
//! the frame that carries the token.

use bytes::{BufMut as _, Bytes, BytesMut};
use envoy_types::pb::{
    envoy::{
        config::core::v3::{
            Address, HeaderMap, HeaderValue, Metadata, SocketAddress, address,
            socket_address::PortSpecifier,
        },
        service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Peer, Request},
        },
    },
    google::protobuf::Timestamp,
};
use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint},
};

use crate::Result;

const METHOD: &str = "GET";
const HOST: &str = "api.example.com";
const PATH: &str = "/v1/projects/42/items?limit=50&cursor=bmV4dDoxMjMwMDAw";
const HEADERS: [(&str, &str); 24] = [
    (":authority", HOST),
    (":method", METHOD),
    (":path", PATH),
    (":scheme", "http"),
    ("accept", "application/json, text/plain, */*"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,fr;q=0.8"),
    ("cache-control", "no-cache"),
    (
        "cookie",
        "_ga=GA1.2.1111111111.1700000000; theme=light; ab_test=23; csrftoken=Q2xpZW50U2lkZVRva2Vu",
    ),
    ("origin", "https://app.example.com"),
    ("pragma", "no-cache"),
    ("referer", "https://app.example.com/dashboard/projects/42?tab=overview"),
    ("sec-ch-ua", r#""Chromium";v="140", "Not A(Brand";v="8""#),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-site"),
    ("traceparent", "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    ("x-client-version", "web-1.12.0"),
    ("x-forwarded-proto", "http"),
    ("x-request-id", "6f1d2c3b-4a59-4e68-8f7a-0b1c2d3e4f50"),
    ("x-requested-with", "XMLHttpRequest"),
];

/// The two forms in which Envoy sends the headers of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderForm {
    /// A map, in which Envoy joins the values of a repeated name with ",".
    Joined,
    /// A list (`encode_raw_headers: true`), in order of arrival.
    Raw,
}

/// The frame without its token. All tokens are of one length, so no length
/// prefix in it depends on which one is put in.
pub(crate) struct Template {
    before: Bytes,
    after: Bytes,
    token: usize,
}

impl Template {
    pub(crate) fn new(token: usize) -> Result<Self> {
        Self::of(HeaderForm::Joined, token)
    }

    pub(crate) fn of(form: HeaderForm, token: usize) -> Result<Self> {
        // No header above holds this byte; the token stands where it stands.
        let placeholder = "\u{1}".repeat(token);
        let message = check_request(form, &placeholder);
        let mut frame = BytesMut::with_capacity(message.len() + 5);
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.len())?);
        frame.extend_from_slice(&message);
        let frame = frame.freeze();
        let start = frame
            .windows(token)
            .position(|window| window == placeholder.as_bytes())
            .ok_or("no token in the template")?;
        Ok(Self { before: frame.slice(..start), after: frame.slice(start + token..), token })
    }

    pub(crate) fn frame(&self, token: &[u8]) -> Bytes {
        debug_assert_eq!(token.len(), self.token, "the length prefixes are for another length");
        let mut frame = BytesMut::with_capacity(self.length());
        frame.extend_from_slice(&self.before);
        frame.extend_from_slice(token);
        frame.extend_from_slice(&self.after);
        frame.freeze()
    }

    pub(crate) fn length(&self) -> usize {
        self.before.len() + self.token + self.after.len()
    }
}

/// The encoded message. The headers stand in the same order each time, so that two runs count the
/// same work: a map of prost would be encoded in a random order.
fn check_request(form: HeaderForm, token: &str) -> Vec<u8> {
    let authorization = format!("Bearer {token}");
    let all = HEADERS.into_iter().chain([("authorization", authorization.as_str())]);
    let http = HttpRequest {
        id: "12345678901234567890".to_owned(),
        method: METHOD.to_owned(),
        path: PATH.to_owned(),
        host: HOST.to_owned(),
        scheme: "http".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        ..HttpRequest::default()
    };
    let mut http = http.encode_to_vec();
    match form {
        HeaderForm::Joined => {
            for (name, value) in all {
                let entry = [field(1, name.as_bytes()), field(2, value.as_bytes())].concat();
                http.extend(field(3, &entry));
            }
        }
        HeaderForm::Raw => {
            let header = |(name, value): (&str, &str)| HeaderValue {
                key: name.to_owned(),
                raw_value: value.as_bytes().to_vec(),
                ..HeaderValue::default()
            };
            let headers = HeaderMap { headers: all.map(header).collect() };
            http.extend(field(13, &headers.encode_to_vec()));
        }
    }
    let time = Timestamp { seconds: 1_790_000_000, nanos: 123_456_000 };
    let mut request = Request { time: Some(time), http: None }.encode_to_vec();
    request.extend(field(2, &http));
    let attributes = AttributeContext {
        source: Some(peer(41782)),
        destination: Some(peer(10000)),
        metadata_context: Some(Metadata::default()),
        route_metadata_context: Some(Metadata::default()),
        ..AttributeContext::default()
    };
    let mut attributes = attributes.encode_to_vec();
    attributes.extend(field(4, &request));
    field(1, &attributes)
}

/// A field of a message: its number, its length and its bytes.
fn field(number: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    encode_key(number, WireType::LengthDelimited, &mut out);
    encode_varint(content.len() as u64, &mut out);
    out.extend_from_slice(content);
    out
}

fn peer(port: u32) -> Peer {
    let address = SocketAddress {
        address: "127.0.0.1".to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(port)),
        ..SocketAddress::default()
    };
    Peer {
        address: Some(Address { address: Some(address::Address::SocketAddress(address)) }),
        ..Peer::default()
    }
}
