//! A check to ask, and the answer to read.
//!
//! In: the request that Envoy would ask about. Out: a `CheckRequest`; and an [`Answer`]
//! that was held against what every answer owes: an outer code, no token in it, and one
//! reason in every place that names one.

use bytes::Bytes;
use envoy_types::pb::{
    envoy::{
        config::core::v3::{HeaderValueOption, Metadata, header_value_option::HeaderAppendAction},
        service::auth::v3::{
            CheckResponse, DeniedHttpResponse, OkHttpResponse, check_response::HttpResponse,
        },
    },
    google::protobuf::{self, value::Kind},
};
use prost::Message as _;
use rownd_authz::{
    grpc::pb::{
        AttributeContext, CheckRequest,
        attribute_context::{
            ContextExtensionsEntry, HttpRequest, Request, http_request::HeadersEntry,
        },
        envoy::config::core::v3::{HeaderMap, HeaderValue},
    },
    model::DenyReason,
    response::{Statuses, statuses},
};
use serde_json::Value;

/// The names of every identity header.
pub(crate) const IDENTITY: [&str; 12] = [
    "x-rownd-user-id",
    "x-rownd-auth-level",
    "x-rownd-verified",
    "x-rownd-anonymous",
    "x-rownd-app-id",
    "x-rownd-app-variant",
    "x-rownd-issuer",
    "x-rownd-session-id",
    "x-rownd-roles",
    "x-rownd-groups",
    "x-rownd-tenant",
    "x-rownd-scopes",
];

/// A map of protobuf's untyped values.
fn fields<'a>(fields: impl IntoIterator<Item = (&'a str, Kind)>) -> protobuf::Struct {
    let value = |kind| protobuf::Value { kind: Some(kind) };
    let fields = fields.into_iter().map(|(name, kind)| (name.to_owned(), value(kind)));
    protobuf::Struct { fields: fields.collect() }
}

/// A request to ask about.
#[derive(Clone)]
pub(crate) struct Ask {
    method: Bytes,
    host: Bytes,
    scheme: Bytes,
    path: Bytes,
    id: Bytes,
    headers: Vec<(Bytes, Bytes)>,
    joined: bool,
    extensions: Vec<(String, String)>,
    annotations: Vec<(String, String)>,
}

impl Ask {
    /// A GET of this path, with raw headers.
    pub(crate) fn get(path: impl Into<Vec<u8>>) -> Self {
        Self {
            method: Bytes::from_static(b"GET"),
            host: Bytes::from_static(b"api.example.com"),
            scheme: Bytes::from_static(b"http"),
            path: Bytes::from(path.into()),
            id: Bytes::from_static(b"1234567890"),
            headers: Vec::new(),
            joined: false,
            extensions: Vec::new(),
            annotations: Vec::new(),
        }
    }

    /// A GET with this token.
    pub(crate) fn with_token(token: impl AsRef<[u8]>) -> Self {
        Self::get("/").bearer(token)
    }

    /// Another method.
    pub(crate) fn method(mut self, method: &str) -> Self {
        self.method = Bytes::from(method.to_owned());
        self
    }

    /// Another host.
    pub(crate) fn host(mut self, host: impl Into<Vec<u8>>) -> Self {
        self.host = Bytes::from(host.into());
        self
    }

    /// Makes it a request that came over TLS.
    pub(crate) fn https(mut self) -> Self {
        self.scheme = Bytes::from_static(b"https");
        self
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = Bytes::copy_from_slice(value.as_ref());
        self.headers.push((Bytes::from(name.to_owned()), value));
        self
    }

    /// `Authorization: Bearer TOKEN`.
    pub(crate) fn bearer(self, token: impl AsRef<[u8]>) -> Self {
        self.header("authorization", [b"Bearer ", token.as_ref()].concat())
    }

    /// Makes it a request of a GraphQL or gRPC caller.
    pub(crate) fn content_type(self, kind: &str) -> Self {
        self.header("content-type", kind)
    }

    /// The joined map in place of raw headers: duplicates are one line, parted by commas.
    pub(crate) fn joined(mut self) -> Self {
        self.joined = true;
        self
    }

    /// A setting of the proxy's route.
    pub(crate) fn extension(mut self, name: &str, value: &str) -> Self {
        self.extensions.push((name.to_owned(), value.to_owned()));
        self
    }

    /// An annotation of the HTTPRoute, as Envoy Gateway hands it on.
    pub(crate) fn annotation(mut self, name: &str, value: &str) -> Self {
        self.annotations.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The message.
    pub(crate) fn message(&self) -> CheckRequest {
        let (headers, header_map) = if self.joined {
            (self.joined_headers(), None)
        } else {
            (Vec::new(), Some(HeaderMap { headers: self.raw_headers() }))
        };
        let http = HttpRequest {
            scheme: self.scheme.clone(),
            id: self.id.clone(),
            method: self.method.clone(),
            headers,
            path: self.path.clone(),
            host: self.host.clone(),
            header_map,
        };
        let extension = |(key, value): &(String, String)| ContextExtensionsEntry {
            key: Bytes::from(key.clone()),
            value: Bytes::from(value.clone()),
        };
        CheckRequest {
            attributes: Some(AttributeContext {
                source: Bytes::new(),
                request: Some(Request { http: Some(http) }),
                context_extensions: self.extensions.iter().map(extension).collect(),
                route_metadata_context: self.route_metadata(),
            }),
        }
    }

    /// `envoy-gateway: {resources: [{kind: HTTPRoute, annotations: {...}}]}`.
    fn route_metadata(&self) -> Bytes {
        if self.annotations.is_empty() {
            return Bytes::new();
        }
        let text = |text: &str| Kind::StringValue(text.to_owned());
        let annotations = fields(self.annotations.iter().map(|(name, id)| (&**name, text(id))));
        let route = [("kind", text("HTTPRoute")), ("annotations", Kind::StructValue(annotations))];
        let route = protobuf::Value { kind: Some(Kind::StructValue(fields(route))) };
        let resources = Kind::ListValue(protobuf::ListValue { values: vec![route] });
        let metadata = Metadata {
            filter_metadata: [("envoy-gateway".to_owned(), fields([("resources", resources)]))]
                .into(),
            ..Metadata::default()
        };
        metadata.encode_to_vec().into()
    }

    fn pseudo(&self) -> [(Bytes, Bytes); 4] {
        [
            (Bytes::from_static(b":method"), self.method.clone()),
            (Bytes::from_static(b":path"), self.path.clone()),
            (Bytes::from_static(b":authority"), self.host.clone()),
            (Bytes::from_static(b":scheme"), self.scheme.clone()),
        ]
    }

    fn raw_headers(&self) -> Vec<HeaderValue> {
        let all = self.pseudo().into_iter().chain(self.headers.clone());
        all.map(|(key, raw_value)| HeaderValue { key, raw_value, value: Bytes::new() }).collect()
    }

    fn joined_headers(&self) -> Vec<HeadersEntry> {
        let mut joined: Vec<HeadersEntry> = Vec::new();
        for (key, value) in self.pseudo().into_iter().chain(self.headers.clone()) {
            match joined.iter_mut().find(|entry| entry.key == key) {
                Some(entry) => entry.value = [&entry.value[..], b",", &value].concat().into(),
                None => joined.push(HeadersEntry { key, value }),
            }
        }
        joined
    }
}

/// An answer that owes nothing.
#[derive(Debug, Clone)]
pub(crate) struct Answer(pub(crate) CheckResponse);

impl Answer {
    /// Holds the answer against what every answer owes.
    pub(crate) fn sound(response: CheckResponse) -> Self {
        let answer = Self(response);
        let code = answer.0.status.as_ref().expect("an outer status").code;
        match answer.0.http_response.as_ref().expect("an inner answer") {
            HttpResponse::OkResponse(_) => {
                assert_eq!((code, answer.fact("outcome")), (0, "allow"), "{answer:?}");
                assert_clean_mutations(&answer);
            }
            HttpResponse::DeniedResponse(_) | HttpResponse::ErrorResponse(_) => {
                assert!([7, 16].contains(&code), "{answer:?}");
                assert_sound_denial(&answer);
            }
        }
        let mut others = answer.clone();
        if let Some(HttpResponse::OkResponse(ok)) = &mut others.0.http_response {
            ok.headers.retain(|option| !is_passport(&option.header.as_ref().unwrap().key));
        }
        let text = format!("{others:?}");
        assert!(!text.contains("eyJ"), "a token in the answer: {text}");
        answer
    }

    /// It lets the request through.
    pub(crate) fn is_allowed(&self) -> bool {
        self.0.status.as_ref().is_some_and(|status| status.code == 0)
    }

    /// The outer code.
    pub(crate) fn code(&self) -> i32 {
        self.0.status.as_ref().unwrap().code
    }

    /// The value of the metadata under a name; empty if there is none.
    pub(crate) fn fact(&self, name: &str) -> &str {
        let fields = self.0.dynamic_metadata.as_ref().map(|data| &data.fields);
        match fields.and_then(|fields| fields.get(name)).and_then(|value| value.kind.as_ref()) {
            Some(Kind::StringValue(text)) => text,
            _ => "",
        }
    }

    /// The texts of a list of the metadata; `None` if there is none of this name.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        let value = self.0.dynamic_metadata.as_ref()?.fields.get(name)?;
        let Some(Kind::ListValue(list)) = &value.kind else {
            panic!("{name} is no list: {self:?}")
        };
        let texts = list.values.iter().map(|item| match &item.kind {
            Some(Kind::StringValue(text)) => text.as_str(),
            other => panic!("{name} holds {other:?}"),
        });
        Some(texts.collect())
    }

    /// The reason in the metadata.
    pub(crate) fn reason(&self) -> &str {
        self.fact("reason")
    }

    /// The denial.
    pub(crate) fn denial(&self) -> &DeniedHttpResponse {
        match self.0.http_response.as_ref() {
            Some(HttpResponse::DeniedResponse(denied) | HttpResponse::ErrorResponse(denied)) => {
                denied
            }
            _ => panic!("not denied: {self:?}"),
        }
    }

    /// It is Envoy's error response, which a proxy may be told to let through.
    pub(crate) fn is_error_response(&self) -> bool {
        matches!(self.0.http_response, Some(HttpResponse::ErrorResponse(_)))
    }

    /// The HTTP status of the denial.
    pub(crate) fn http_status(&self) -> i32 {
        self.denial().status.as_ref().unwrap().code
    }

    /// A header of the denial.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.denial().headers, name)
    }

    /// The body of the denial as JSON.
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.denial().body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    fn ok(&self) -> &OkHttpResponse {
        match self.0.http_response.as_ref() {
            Some(HttpResponse::OkResponse(ok)) => ok,
            _ => panic!("not allowed: {self:?}"),
        }
    }

    /// A header that is set on the way to the service.
    pub(crate) fn set(&self, name: &str) -> Option<&str> {
        value_of(&self.ok().headers, name)
    }

    /// The names of the headers that are removed on the way to the service.
    pub(crate) fn removed(&self) -> &[String] {
        &self.ok().headers_to_remove
    }

    /// Allowed for this reason, or the test ends.
    pub(crate) fn assert_allowed(&self, what: &str, reason: &str) {
        assert!(self.is_allowed(), "{what}: {self:?}");
        assert_eq!(self.reason(), reason, "{what}");
    }

    /// Denied for this reason, or the test ends.
    pub(crate) fn assert_denied(&self, what: &str, reason: DenyReason) {
        assert!(!self.is_allowed(), "{what} was allowed: {self:?}");
        assert_eq!(self.reason(), reason.code(), "{what}");
        assert_eq!(self.http_status(), i32::from(statuses(reason).http), "{what}");
    }
}

fn value_of<'a>(headers: &'a [HeaderValueOption], name: &str) -> Option<&'a str> {
    let mut found = headers.iter().filter_map(|option| option.header.as_ref());
    found.find(|header| header.key == name).map(|header| header.value.as_str())
}

/// The headers that rules of the tests set.
const OUTPUTS: [&str; 3] = ["x-email", "x-city", "x-state"];

/// The header of a token that this service itself signs.
fn is_passport(name: &str) -> bool {
    name.starts_with("x-rownd-passport") || name == "txn-token"
}

/// Every identity header is set or removed and none is both; what is set replaces, in the
/// words of old and new releases of Envoy, and is visible ASCII.
fn assert_clean_mutations(answer: &Answer) {
    let ok = answer.ok();
    for option in &ok.headers {
        let header = option.header.as_ref().unwrap();
        #[expect(deprecated, reason = "released Envoys obey it")]
        let append = option.append.as_ref().map(|append| append.value);
        assert_eq!(append, Some(false), "{}", header.key);
        assert_eq!(option.append_action, HeaderAppendAction::OverwriteIfExistsOrAdd as i32);
        // The list of protocols is the only header of a client that is written again.
        let is_rewritten = header.key == "sec-websocket-protocol";
        let is_one_of = |names: &[&str]| names.contains(&header.key.as_str());
        let is_known = is_one_of(&IDENTITY) || is_one_of(&OUTPUTS) || is_passport(&header.key);
        assert!(is_rewritten || is_known, "{}", header.key);
        let is_clean = |byte: u8| byte.is_ascii_graphic() || (is_rewritten && byte == b' ');
        assert!(header.value.bytes().all(is_clean), "{header:?}");
        assert!(header.raw_value.is_empty() && !header.value.is_empty(), "{header:?}");
        assert!(!ok.headers_to_remove.contains(&header.key), "{} is in both lists", header.key);
    }
    for name in IDENTITY {
        let there = answer.set(name).is_some() || answer.removed().iter().any(|gone| gone == name);
        assert!(there, "{name} is neither set nor removed");
    }
}

fn assert_sound_denial(answer: &Answer) {
    let denied = answer.denial();
    assert!((400..600).contains(&answer.http_status()), "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    assert!(["deny", "unavailable"].contains(&answer.fact("outcome")), "{answer:?}");
    let known = DenyReason::ALL.iter().find(|reason| reason.code() == answer.reason());
    let Statuses { http, grpc } = statuses(*known.expect("a documented reason"));
    let http = i32::from(http);
    assert_eq!(answer.http_status(), http, "{answer:?}");
    match answer.header("content-type") {
        Some("application/json") => {
            let body = answer.body();
            assert_eq!(body["reason"], answer.reason(), "{answer:?}");
            assert!(body["message"].is_string() && body["request_id"].is_string(), "{answer:?}");
        }
        Some("text/plain") => {
            assert!(denied.body.starts_with(answer.reason()), "{answer:?}");
            assert_eq!(answer.header("grpc-status"), Some(grpc.to_string().as_str()));
        }
        other => panic!("content type {other:?}: {answer:?}"),
    }
    assert_eq!(answer.header("retry-after").is_some(), http == 503, "{answer:?}");
    assert_eq!(answer.header("www-authenticate").is_none(), [503].contains(&http) || grpc == 3);
}
