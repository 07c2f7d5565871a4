//! The client itself: sends a request once, and reads its answer up to a size.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::{
    Client as Http, Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};

use super::{
    address::{self, Guard, Reach},
    caching::{fresh_for, retry_after},
    call::{Connection, Request, UrlOrigin},
    coding::Coding,
    error::UpstreamError,
};

/// The most bytes of a body that comes with an error status.
const MAX_ERROR_BYTES: usize = 16 * 1024;
/// For how long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// An answer of any status. `Debug` shows none of it: tokens are in it.
#[derive(Clone)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; of an error at most 16 KiB, and nothing where it has more.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

/// A good answer to a GET.
#[derive(Debug, Clone)]
pub struct Document {
    /// The body, unpacked where it came as gzip.
    pub body: Vec<u8>,
    /// `max-age` of `Cache-Control` less the `Age` it came with; `no-store` and `no-cache` count as
    /// zero (RFC 9111 sections 4.2.3 and 5.2.2).
    pub max_age: Option<Duration>,
}

/// The outbound HTTP client. Cheap to clone; connections are shared.
#[derive(Debug, Clone)]
pub struct Client {
    /// For URLs that the operator wrote.
    operator: Http,
    /// The same, but each request has a connection of its own.
    single: Http,
    /// For URLs that a document named.
    document: Http,
}

impl std::fmt::Debug for HttpAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpAnswer").finish_non_exhaustive()
    }
}

impl HttpAnswer {
    /// A header that is there once and is text.
    #[must_use]
    pub fn header(&self, name: &'static str) -> Option<&str> {
        let mut lines = self.headers.get_all(name).iter();
        let line = lines.next()?;
        if lines.next().is_some() { None } else { line.to_str().ok() }
    }

    /// The error that the status is, with the time to wait if the answer says one.
    #[must_use]
    pub fn error(&self) -> UpstreamError {
        status_error(self.status, &self.headers)
    }
}

impl Client {
    /// A client with this time limit for connecting.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Network`], if TLS cannot be set up.
    pub fn build(connect_timeout: Duration) -> Result<Self, UpstreamError> {
        let client = |reach, idle| {
            Http::builder()
                .redirect(Policy::none())
                // The room that knows what a request does decides whether it is sent again.
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .connect_timeout(connect_timeout)
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(idle)
                .user_agent(concat!("rownd-authz/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Guard(reach)))
                .build()
                .map_err(|error| UpstreamError::Network(root_cause(&error)))
        };
        Ok(Self {
            operator: client(Reach::Private, usize::MAX)?,
            single: client(Reach::Private, 0)?,
            document: client(Reach::Public, 0)?,
        })
    }

    /// Sends the request once and reads its answer, which is a document if its status is 200.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`], also for every other status.
    pub async fn fetch(&self, request: Request<'_>) -> Result<Document, UpstreamError> {
        let limit = request.spec.max_answer_bytes;
        let response = self.send(request).await?;
        if response.status() != StatusCode::OK {
            return Err(status_error(response.status().as_u16(), response.headers()));
        }
        let max_age = fresh_for(response.headers());
        Ok(Document { body: read_body(response, limit).await?, max_age })
    }

    /// Sends the request once and reads its answer, whatever status it has.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`], if there is no answer, or a good one is too large.
    pub async fn call(&self, request: Request<'_>) -> Result<HttpAnswer, UpstreamError> {
        let limit = request.spec.max_answer_bytes;
        let response = self.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = if status.is_success() {
            read_body(response, limit).await?
        } else {
            // The status says enough where the rest cannot be read.
            read_body(response, MAX_ERROR_BYTES).await.unwrap_or_default()
        };
        Ok(HttpAnswer { status: status.as_u16(), body, headers })
    }

    async fn send(&self, request: Request<'_>) -> Result<Response, UpstreamError> {
        let Request { spec, url, origin, headers, body, timeout } = request;
        address::check_literal(url, origin)?;
        let http = match (origin, spec.connection) {
            (UrlOrigin::Operator, Connection::Shared) => &self.operator,
            (UrlOrigin::Operator, Connection::New) => &self.single,
            // Each of its requests has a connection of its own.
            (UrlOrigin::Document, Connection::Shared | Connection::New) => &self.document,
        };
        let mut sent = http.request(Method::from(spec.method), url.clone()).timeout(timeout);
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| UpstreamError::Refused("a header value is not sendable"))?;
            value.set_sensitive(true);
            sent = sent.header(HeaderName::from_static(name), value);
        }
        if let Some(content_type) = spec.body.content_type() {
            sent = sent.header(CONTENT_TYPE, content_type).body(body);
        }
        sent.send().await.map_err(|error| convert(&error))
    }
}

/// The body, unpacked. Neither form of it may be longer than the limit.
async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, UpstreamError> {
    let coding = Coding::of(response.headers())?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| convert(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(UpstreamError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    coding.unpack(body, limit)
}

fn status_error(status: u16, headers: &HeaderMap) -> UpstreamError {
    let wait = match status {
        429 | 503 => retry_after(headers, SystemTime::now()),
        _ => None,
    };
    wait.map_or(UpstreamError::Status(status), |wait| UpstreamError::RetryLater(status, wait))
}

fn convert(error: &reqwest::Error) -> UpstreamError {
    if error.is_timeout() {
        UpstreamError::Timeout
    } else if error.is_builder() {
        // A fault of this program or of its caller: it says nothing about the host.
        UpstreamError::Refused("the request cannot be built")
    } else {
        UpstreamError::Network(root_cause(error))
    }
}

/// The innermost message: the outer ones repeat the URL.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
