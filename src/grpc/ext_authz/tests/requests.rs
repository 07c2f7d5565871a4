//! Envoy's message to a request context: what the pruned decoder reads is what the full one
//! reads, and what is absent is a denial.

use std::collections::HashMap;

use bytes::Bytes;
use envoy_types::pb::{
    envoy::{
        config::core::v3::{
            Address, HeaderMap, HeaderValue, Metadata, SocketAddress, address,
            socket_address::PortSpecifier,
        },
        service::auth::v3::{
            AttributeContext, CheckRequest,
            attribute_context::{HttpRequest, Peer, Request, TlsSession},
        },
    },
    google::protobuf::{Any, ListValue, Struct, Timestamp, Value, value::Kind},
};
use proptest::prelude::*;
use prost::Message as _;

use super::{check, http};
use crate::{
    grpc::{ext_authz::request::context, pb},
    model::{DenyReason, Downstream, NamedRoute, RequestContext, Workload},
};

/// The request context that the door makes of a message on the wire.
fn read(check: &CheckRequest) -> Result<RequestContext, DenyReason> {
    context(pb::CheckRequest::decode(check.encode_to_vec().as_slice()).unwrap())
}

fn header(key: &str, value: &str, raw: &[u8]) -> HeaderValue {
    HeaderValue { key: key.to_owned(), value: value.to_owned(), raw_value: raw.to_vec() }
}

fn lines(context: &RequestContext) -> Vec<(String, Vec<u8>)> {
    let lines = context.headers.iter();
    let lines =
        lines.map(|(name, value)| (String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    let mut lines: Vec<(String, Vec<u8>)> = lines.collect();
    lines.sort();
    lines
}

#[test]
fn what_is_absent_is_a_denial() {
    let without_http =
        AttributeContext { request: Some(Request::default()), ..AttributeContext::default() };
    for (name, check) in [
        ("an empty message", CheckRequest::default()),
        (
            "no request, as the network filter asks",
            CheckRequest { attributes: Some(AttributeContext::default()) },
        ),
        ("no HTTP", CheckRequest { attributes: Some(without_http) }),
        ("HTTP without any field", check(HttpRequest::default())),
    ] {
        assert_eq!(read(&check).map(|_| ()), Err(DenyReason::RequestMissing), "{name}");
    }
    let id = "1".to_owned();
    let empty = read(&check(HttpRequest { id, ..HttpRequest::default() })).unwrap();
    assert!(empty.method.is_empty() && empty.host.is_empty() && empty.target.is_empty());
    assert!(empty.headers.is_empty() && empty.named_route.is_none());
    assert_eq!(empty.downstream(), Downstream::default());
}

/// A check by a client with this address and this name in its certificate.
fn from_client(address: &str, principal: &str) -> CheckRequest {
    let socket = SocketAddress {
        address: address.to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(41782)),
        ..SocketAddress::default()
    };
    let mut check = check(http());
    check.attributes.as_mut().unwrap().source = Some(Peer {
        address: Some(Address { address: Some(address::Address::SocketAddress(socket)) }),
        principal: principal.to_owned(),
        ..Peer::default()
    });
    check
}

#[test]
fn the_client_of_the_proxy_is_known_by_its_address_and_its_certificate() {
    let id = "spiffe://cluster.local/ns/shop/sa/web";
    for (address, principal, expected_address, spiffe_id) in [
        ("192.0.2.1", id, Some("192.0.2.1"), Some(id)),
        ("2001:db8::1", "CN=web", Some("2001:db8::1"), None),
        ("/run/client.sock", "", None, None),
        ("192.0.2.1:80", id, None, Some(id)),
    ] {
        let client = read(&from_client(address, principal)).unwrap().downstream();
        let expected_address = expected_address.map(|address| address.parse().unwrap());
        assert_eq!(client.address, expected_address, "{address}");
        let workload = client.workload.as_ref();
        assert_eq!(workload.map(Workload::principal).unwrap_or_default(), principal);
        assert_eq!(workload.and_then(Workload::spiffe_id), spiffe_id, "{principal}");
    }
}

#[test]
fn a_client_that_cannot_be_decoded_is_unknown_and_the_check_goes_on() {
    let field = |number: u8, content: &[u8]| {
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
    };
    let request = field(4, &field(2, &field(2, b"GET")));
    for source in [b"\xff\xff".as_slice(), &field(4, b"\xff"), &field(1, b"\x09")] {
        let message = field(1, &[field(1, source), request.clone()].concat());
        let context = context(pb::CheckRequest::decode(message.as_slice()).unwrap()).unwrap();
        assert_eq!(context.downstream(), Downstream::default(), "{}", source.escape_ascii());
    }
}

#[test]
fn the_raw_headers_are_kept_apart_and_the_map_is_joined() {
    let raw = HttpRequest {
        header_map: Some(HeaderMap {
            headers: vec![
                header("cookie", "", b"a=1"),
                header("cookie", "", b"b=2"),
                header("x-bytes", "", b"\xff\x00"),
                header("x-text", "as text", b""),
                header("X-Upper", "", b"x"),
                header("x-empty", "", b""),
            ],
        }),
        ..http()
    };
    let context = read(&check(raw)).unwrap();
    assert!(!context.headers.joined());
    let named = |name| context.headers.all(name).map(|value| value.to_vec()).collect::<Vec<_>>();
    assert_eq!(named("cookie"), [b"a=1", b"b=2"]);
    assert_eq!(named("x-bytes"), [b"\xff\x00"]);
    assert_eq!(named("x-text"), [b"as text"]);
    assert_eq!(named("x-upper"), [b"x"]);
    assert_eq!(named("x-empty"), [b""]);

    let map = HashMap::from([
        ("cookie".to_owned(), "a=1,b=2".to_owned()),
        ("X-Upper".to_owned(), "x".to_owned()),
    ]);
    let context = read(&check(HttpRequest { headers: map, ..http() })).unwrap();
    assert!(context.headers.joined());
    assert_eq!(
        lines(&context),
        [("cookie".to_owned(), b"a=1,b=2".to_vec()), ("x-upper".to_owned(), b"x".to_vec())]
    );
}

#[test]
fn a_header_in_the_map_alone_is_not_missed_beside_the_raw_ones() {
    let both = HttpRequest {
        headers: HashMap::from([
            ("accept".to_owned(), "a".to_owned()),
            ("authorization".to_owned(), "Bearer x".to_owned()),
        ]),
        header_map: Some(HeaderMap {
            headers: vec![header("accept", "", b"a"), header("cookie", "", b"c")],
        }),
        ..http()
    };
    let context = read(&check(both)).unwrap();
    assert!(context.headers.joined(), "a comma may part two lines");
    let names: Vec<String> = lines(&context).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["accept", "authorization", "cookie"]);
}

#[test]
fn the_route_is_the_operators_to_name() {
    let named = |extensions: &[(&str, &str)]| {
        let mut check = check(HttpRequest {
            headers: HashMap::from([("route".to_owned(), "from-the-client".to_owned())]),
            ..http()
        });
        check.attributes.as_mut().unwrap().context_extensions =
            extensions.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        read(&check).unwrap().named_route
    };
    assert_eq!(named(&[]), None);
    assert_eq!(named(&[("other", "x"), ("Route", "y")]), None);
    let id = |id: &'static str| Some(NamedRoute::Id(id.into()));
    assert_eq!(named(&[("other", "x"), ("route", "admin")]), id("admin"));
    assert_eq!(named(&[("route", "")]), id(""));
}

#[test]
fn text_that_is_no_utf8_is_judged_and_not_undecodable() {
    let field = |number: u8, content: &[u8]| {
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
    };
    let http = [field(2, b"GET"), field(4, b"/\xff\xfe"), field(5, b"a\xffb")].concat();
    let message = field(1, &field(4, &field(2, &http)));
    assert!(CheckRequest::decode(message.as_slice()).is_err(), "the full decoder refuses it");
    let context = context(pb::CheckRequest::decode(message.as_slice()).unwrap()).unwrap();
    assert_eq!(
        (context.target.as_ref(), context.host.as_ref()),
        (b"/\xff\xfe".as_slice(), b"a\xffb".as_slice())
    );
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{0,12}", "[a-z-]{1,10}"]
}

fn map() -> impl Strategy<Value = HashMap<String, String>> {
    prop::collection::hash_map(text(), text(), 0..5)
}

fn metadata() -> impl Strategy<Value = Metadata> {
    (map(), any::<f64>(), any::<bool>()).prop_map(|(texts, number, flag)| {
        let value = |kind| Value { kind: Some(kind) };
        let texts = texts.into_iter().map(|(key, text)| (key, value(Kind::StringValue(text))));
        let mut fields: HashMap<String, Value> = texts.collect();
        let list = ListValue {
            values: vec![value(Kind::BoolValue(flag)), value(Kind::NumberValue(number))],
        };
        fields.insert("list".to_owned(), value(Kind::ListValue(list)));
        let any = Any { type_url: "type.test/x".to_owned(), value: vec![1, 2, 3] };
        Metadata {
            filter_metadata: HashMap::from([("envoy.test".to_owned(), Struct { fields })]),
            typed_filter_metadata: HashMap::from([("envoy.test".to_owned(), any)]),
        }
    })
}

fn peer() -> impl Strategy<Value = Peer> {
    let parts = (text(), any::<u16>(), map(), text(), text());
    parts.prop_map(|(host, port, labels, principal, certificate)| Peer {
        address: Some(Address {
            address: Some(address::Address::SocketAddress(SocketAddress {
                address: host,
                port_specifier: Some(PortSpecifier::PortValue(port.into())),
                ..SocketAddress::default()
            })),
        }),
        service: "service".to_owned(),
        labels,
        principal,
        certificate,
    })
}

fn http_request() -> impl Strategy<Value = HttpRequest> {
    let raw = (text(), text(), prop::collection::vec(any::<u8>(), 0..12));
    let raw = raw.prop_map(|(key, value, bytes)| header(&key, &value, &bytes));
    let raw = prop::option::of(
        prop::collection::vec(raw, 0..4).prop_map(|headers| HeaderMap { headers }),
    );
    let texts = (text(), text(), text(), text(), text(), text(), text(), text());
    let body = (any::<i64>(), prop::collection::vec(any::<u8>(), 0..30));
    (texts, map(), raw, body).prop_map(|(texts, headers, header_map, (size, raw_body))| {
        let (id, method, path, host, scheme, query, fragment, body) = texts;
        HttpRequest {
            id,
            method,
            headers,
            header_map,
            path,
            host,
            scheme,
            query,
            fragment,
            size,
            protocol: "HTTP/2".to_owned(),
            body,
            raw_body,
        }
    })
}

prop_compose! {
    /// Fully populated, as no single Envoy sends it, and with parts missing.
    fn any_check()(
        source in prop::option::of(peer()),
        destination in prop::option::of(peer()),
        http in prop::option::weighted(0.9, http_request()),
        time in prop::option::of((any::<i64>(), 0..1_000_000_000_i32)),
        context_extensions in map(),
        metadata_context in prop::option::of(metadata()),
        route_metadata_context in prop::option::of(metadata()),
        sni in prop::option::of(text()),
        with_request in prop::bool::weighted(0.9),
    ) -> CheckRequest {
        let time = time.map(|(seconds, nanos)| Timestamp { seconds, nanos });
        CheckRequest {
            attributes: Some(AttributeContext {
                source,
                destination,
                request: with_request.then_some(Request { time, http }),
                context_extensions,
                metadata_context,
                route_metadata_context,
                tls_session: sni.map(|sni| TlsSession { sni }),
            }),
        }
    }
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn sorted(pairs: impl Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Pairs {
    let mut pairs: Pairs = pairs.collect();
    pairs.sort();
    pairs
}

fn pairs(map: &HashMap<String, String>) -> Pairs {
    sorted(map.iter().map(|(key, value)| (key.clone().into_bytes(), value.clone().into_bytes())))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_pruned_decoder_reads_what_the_full_one_reads(check in any_check()) {
        let wire = check.encode_to_vec();
        let pruned = pb::CheckRequest::decode(wire.as_slice()).unwrap().attributes.unwrap();
        let full = check.attributes.unwrap();
        let extensions = pruned.context_extensions.iter().map(|entry| (entry.key.to_vec(), entry.value.to_vec()));
        prop_assert_eq!(sorted(extensions), pairs(&full.context_extensions));
        let source = full.source.map(|full| full.encode_to_vec());
        prop_assert_eq!(Peer::decode(pruned.source).unwrap(), Peer::decode(source.unwrap_or_default().as_slice()).unwrap());
        let metadata = full.route_metadata_context.map(|full| full.encode_to_vec());
        let read = Metadata::decode(pruned.route_metadata_context).unwrap();
        prop_assert_eq!(read, Metadata::decode(metadata.unwrap_or_default().as_slice()).unwrap());
        prop_assert_eq!(pruned.request.is_some(), full.request.is_some());
        let (Some(pruned), Some(full)) = (pruned.request, full.request) else { return Ok(()) };
        prop_assert_eq!(pruned.http.is_some(), full.http.is_some());
        let (Some(pruned), Some(full)) = (pruned.http, full.http) else { return Ok(()) };
        prop_assert_eq!(&pruned.id, full.id.as_bytes());
        prop_assert_eq!(&pruned.method, full.method.as_bytes());
        prop_assert_eq!(&pruned.path, full.path.as_bytes());
        prop_assert_eq!(&pruned.host, full.host.as_bytes());
        prop_assert_eq!(&pruned.scheme, full.scheme.as_bytes());
        let headers = pruned.headers.iter().map(|entry| (entry.key.to_vec(), entry.value.to_vec()));
        prop_assert_eq!(sorted(headers), pairs(&full.headers));
        prop_assert_eq!(pruned.header_map.is_some(), full.header_map.is_some());
        let (Some(pruned), Some(full)) = (pruned.header_map, full.header_map) else { return Ok(()) };
        prop_assert_eq!(pruned.headers.len(), full.headers.len());
        for (pruned, full) in pruned.headers.iter().zip(&full.headers) {
            prop_assert_eq!(&pruned.key, full.key.as_bytes());
            prop_assert_eq!(&pruned.value, full.value.as_bytes());
            prop_assert_eq!(&pruned.raw_value, &full.raw_value);
        }
    }

    #[test]
    fn a_request_context_holds_every_header_that_arrived(check in any_check()) {
        let found = read(&check);
        let http = check.attributes.unwrap().request.and_then(|request| request.http);
        let Some(http) = http else {
            prop_assert_eq!(found.map(|_| ()), Err(DenyReason::RequestMissing));
            return Ok(());
        };
        let context = match found {
            Ok(context) => context,
            Err(reason) => {
                // One of which no part is read says as much as none.
                let texts = [&http.id, &http.method, &http.path, &http.host, &http.scheme];
                prop_assert!(texts.iter().all(|text| text.is_empty()));
                prop_assert!(http.headers.is_empty() && http.header_map.is_none());
                prop_assert_eq!(reason, DenyReason::RequestMissing);
                return Ok(());
            }
        };
        prop_assert_eq!(context.headers.joined(), !http.headers.is_empty());
        let has = |name: &str, value: &[u8]| {
            context.headers.all(&name.to_ascii_lowercase()).any(|known| known.as_ref() == value)
        };
        for (name, value) in &http.headers {
            prop_assert!(has(name, value.as_bytes()), "{name}");
        }
        let raw = http.header_map.unwrap_or_default().headers;
        for header in &raw {
            let value = if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value };
            prop_assert!(has(&header.key, value), "{}", header.key);
        }
        prop_assert!(context.headers.len() <= raw.len() + http.headers.len());
        let lower = |(name, _): &(Bytes, Bytes)| !name.iter().any(u8::is_ascii_uppercase);
        prop_assert!(context.headers.iter().all(lower));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        check in any_check(),
        at in any::<prop::sample::Index>(),
        to: u8,
    ) {
        let mut damaged = check.encode_to_vec();
        if !damaged.is_empty() {
            let at = at.index(damaged.len());
            damaged[at] = to;
        }
        for wire in [bytes, damaged] {
            if let Ok(decoded) = pb::CheckRequest::decode(wire.as_slice()) {
                let _ = context(decoded);
            }
        }
    }
}
