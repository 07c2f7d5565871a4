//! The listeners `http` and `public_http`: documents that other programs may read, in groups that are switched on one
//! by one. They change no state and hold no secret. Before them, and before the other paths that the
//! listener may serve, the host of a request is checked.
//!
//! In: a request. Out: the document at its path, by the configuration in force; 404 for any other
//! path. To add a group: its word in `config::HttpGroup`, an arm in `document`.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::{
    authz::{Authorizer, Snapshot},
    config::HttpGroup,
    digest::{hex, sha256},
    model::PublicDocument,
};

/// Other paths that the listener serves, beside its documents.
pub trait OtherPaths: Send + Sync {
    /// Whether this path is one of them.
    fn serve(&self, path: &str) -> bool;

    /// Answers a request for one of them, whose host is known.
    fn answer(&self, request: Request) -> BoxFuture<'static, Response>;
}

/// The parts that the documents are made from. Cheap to clone.
#[derive(Clone)]
pub struct PublicState {
    authorizer: Arc<Authorizer>,
    groups: Arc<[HttpGroup]>,
    /// In lower case; none: every host is served.
    hosts: Arc<[String]>,
    others: Vec<Arc<dyn OtherPaths>>,
}

impl std::fmt::Debug for PublicState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicState").field("groups", &self.groups).finish_non_exhaustive()
    }
}

impl PublicState {
    /// The documents of these groups, under these names of the listener.
    #[must_use]
    pub fn new(groups: Arc<[HttpGroup]>, hosts: &[String], authorizer: Arc<Authorizer>) -> Self {
        let hosts = hosts.iter().map(|host| host.to_ascii_lowercase());
        Self { authorizer, groups, hosts: hosts.collect(), others: Vec::new() }
    }

    /// The same, with these paths too.
    #[must_use]
    pub fn with(self, others: Vec<Arc<dyn OtherPaths>>) -> Self {
        Self { others, ..self }
    }

    /// The document at this path.
    fn find(&self, path: &str) -> Option<PublicDocument> {
        let snapshot = self.authorizer.snapshot();
        self.groups.iter().find_map(|group| document(*group, &snapshot, path).cloned())
    }
}

/// The document of a group at this path.
fn document<'a>(group: HttpGroup, now: &'a Snapshot, path: &str) -> Option<&'a PublicDocument> {
    match group {
        HttpGroup::PassportKeys => now.passports()?.published().find(path),
        // Their paths are among the others.
        HttpGroup::Rpc | HttpGroup::TokenValidator | HttpGroup::Webhooks => None,
        HttpGroup::ResourceMetadata => now.resource_metadata().filter(|found| found.path == path),
    }
}

/// The documents.
pub fn router(public: PublicState) -> Router {
    Router::new().fallback(serve).with_state(public)
}

async fn serve(State(public): State<PublicState>, request: Request) -> Response {
    if let Err(refused) = check_host(&public.hosts, &request) {
        return refused;
    }
    let path = request.uri().path();
    if let Some(others) = public.others.iter().find(|others| others.serve(path)) {
        return others.answer(request).await;
    }
    let Some(document) = public.find(request.uri().path()) else {
        return plain(StatusCode::NOT_FOUND, "not found\n");
    };
    let is_head = match *request.method() {
        Method::GET => false,
        Method::HEAD => true,
        _ => {
            let refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            return ([(header::ALLOW, "GET, HEAD")], refused).into_response();
        }
    };
    answer(document, is_head, request.headers())
}

/// The request is for this listener (RFC 9110 section 7.4). A client that was led here by another
/// name, as by a DNS answer that changed, gets nothing.
#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn check_host(hosts: &[String], request: &Request) -> Result<(), Response> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let (first, second) = (named.next(), named.next());
    if second.is_some() {
        // RFC 9112 section 3.2.
        return Err(plain(StatusCode::BAD_REQUEST, "more than one Host\n"));
    }
    if hosts.is_empty() {
        return Ok(());
    }
    // A target in absolute form counts, and `Host` does not then (RFC 9112 section 3.2.2).
    let authority = request
        .uri()
        .authority()
        .cloned()
        .or_else(|| first.and_then(|host| Authority::try_from(host.as_bytes()).ok()));
    let is_ours = authority.is_some_and(|authority| {
        let host = authority.host().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        hosts.iter().any(|known| known == host)
    });
    if is_ours {
        Ok(())
    } else {
        Err(plain(StatusCode::MISDIRECTED_REQUEST, "this host is not served here\n"))
    }
}

fn answer(document: PublicDocument, is_head: bool, asked: &HeaderMap) -> Response {
    let PublicDocument { path: _, content_type, body, max_age } = document;
    let mut digest = hex(&sha256(&body));
    digest.truncate(32);
    let tag = format!("\"{digest}\"");
    let known = is_known(&tag, asked);
    let status = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let length = body.len();
    let mut response = Response::new(if known || is_head { Body::empty() } else { body.into() });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(value)) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, tag);
    set(header::CACHE_CONTROL, format!("public, max-age={}", max_age.as_secs()));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned());
    // Clients that run in a browser read them too, from pages of any site.
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned());
    if !known {
        set(header::CONTENT_TYPE, content_type.to_owned());
        // HEAD is told the length of the document too (RFC 9110 section 9.3.2).
        set(header::CONTENT_LENGTH, length.to_string());
    }
    response
}

/// The reader has this version already (RFC 9110 section 13.1.2).
fn is_known(tag: &str, asked: &HeaderMap) -> bool {
    let lists = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], text).into_response()
}
