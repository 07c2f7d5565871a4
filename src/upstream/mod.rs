//! The one outbound HTTP client: timeouts, body caps, no redirects, guarded addresses.
//!
//! In: a request and who wrote its URL. Out: status, headers and body, or a typed error. Redirects
//! are never followed, proxies are never taken from the environment, compressed bodies are
//! not asked for, and link-local (cloud metadata) addresses are refused when connecting, so
//! that DNS cannot lead there either.

mod address;
pub mod discovery;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::Method;
use reqwest::{
    Client as Http, Response, StatusCode,
    header::{AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
    redirect::Policy,
};
use url::Url;

use address::{Guard, Reach};

/// Who wrote a URL decides where it may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The operator, in the configuration: private addresses are fine.
    Operator,
    /// A document that was fetched: public addresses and https only.
    Document,
}

/// Why a request failed. Holds no URL, no secret and nothing of the answer's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// No connection, or it broke.
    Network(String),
    /// Longer than allowed.
    Timeout,
    /// An HTTP status other than 200.
    Status(u16),
    /// As [`Self::Status`], 429 or 503, and it says when to come again (RFC 9110 section 10.2.3).
    RetryLater(u16, Duration),
    /// More than the allowed bytes.
    TooLarge,
    /// The address is refused.
    Refused(&'static str),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(reason) => write!(f, "no connection: {reason}"),
            Self::Timeout => f.write_str("timed out"),
            Self::Status(status) | Self::RetryLater(status, _) => {
                write!(f, "HTTP status {status}")
            }
            Self::TooLarge => f.write_str("the answer is too large"),
            Self::Refused(reason) => write!(f, "the address is refused: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

/// The most bytes of a body that comes with an error status.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// A request of any method. `Debug` shows none of it: secrets are in it.
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: &'a Url,
    /// Who wrote the URL.
    pub origin: Origin,
    /// Headers. None of their values is ever shown.
    pub headers: &'a [(&'static str, &'a str)],
    /// The body, and what it is.
    pub body: Option<(&'static str, Vec<u8>)>,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

/// An answer of any status. `Debug` shows none of it: tokens are in it.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; of an error at most 16 KiB, and nothing where it has more.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

impl Answer {
    /// A header that is there once and is text.
    #[must_use]
    pub fn header(&self, name: &'static str) -> Option<&str> {
        let mut lines = self.headers.get_all(name).iter();
        let line = lines.next()?;
        if lines.next().is_some() { None } else { line.to_str().ok() }
    }

    /// What the status is an error of, and when to come again.
    #[must_use]
    pub fn error(&self) -> Error {
        status_error(self.status, &self.headers)
    }
}

/// A good answer to a GET.
#[derive(Debug, Clone)]
pub struct Document {
    /// The body.
    pub body: Vec<u8>,
    /// `max-age` of `Cache-Control` less the `Age` it came with; `no-store` and `no-cache` count as
    /// zero (RFC 9111 sections 4.2.3 and 5.2.2).
    pub max_age: Option<Duration>,
}

/// The client. Cheap to clone; connections are shared.
#[derive(Debug, Clone)]
pub struct Client {
    operator: Http,
    /// As `operator`, but each request has a connection of its own.
    single: Http,
    document: Http,
}

impl Client {
    /// With this limit for connecting.
    pub fn build(connect_timeout: Duration) -> Result<Self, Error> {
        let client = |reach, idle| {
            Http::builder()
                .redirect(Policy::none())
                // What is sent again is decided where it is known what it does.
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
                .connect_timeout(connect_timeout)
                .pool_idle_timeout(Duration::from_secs(60))
                .pool_max_idle_per_host(idle)
                .user_agent(concat!("rownd-authz/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(Guard(reach)))
                .build()
                .map_err(|error| Error::Network(root_cause(&error)))
        };
        Ok(Self {
            operator: client(Reach::Private, usize::MAX)?,
            single: client(Reach::Private, 0)?,
            document: client(Reach::Public, 0)?,
        })
    }

    /// The same, but no request uses a connection that another one left open. For what is asked
    /// so seldom that the server, or a firewall between, may have dropped such a connection: the
    /// request would be lost with it.
    #[must_use]
    pub fn without_reuse(&self) -> Self {
        Self { operator: self.single.clone(), ..self.clone() }
    }

    /// GETs a document of at most `limit` bytes within `timeout`. Only status 200 is good.
    pub async fn get(
        &self,
        url: &Url,
        origin: Origin,
        headers: &[(&'static str, &str)],
        limit: usize,
        timeout: Duration,
    ) -> Result<Document, Error> {
        let request = Request { method: Method::GET, url, origin, headers, body: None };
        let response = self.send(request, timeout).await?;
        if response.status() != StatusCode::OK {
            return Err(status_error(response.status().as_u16(), response.headers()));
        }
        let max_age = fresh_for(response.headers());
        Ok(Document { body: read(response, limit).await?, max_age })
    }

    /// Sends any request once and reads at most `limit` bytes of a good answer. Every status is an
    /// answer.
    pub async fn call(
        &self,
        request: Request<'_>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Answer, Error> {
        let response = self.send(request, timeout).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = if status.is_success() {
            read(response, limit).await?
        } else {
            // The status says enough where the rest cannot be had.
            read(response, MAX_ERROR_BYTES).await.unwrap_or_default()
        };
        Ok(Answer { status: status.as_u16(), body, headers })
    }

    async fn send(&self, request: Request<'_>, timeout: Duration) -> Result<Response, Error> {
        let Request { method, url, origin, headers, body } = request;
        address::check_literal(url, origin)?;
        let http = match origin {
            Origin::Operator => &self.operator,
            Origin::Document => &self.document,
        };
        let mut sent = http.request(method, url.clone()).timeout(timeout);
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| Error::Refused("a header value is not sendable"))?;
            value.set_sensitive(true);
            sent = sent.header(HeaderName::from_static(name), value);
        }
        if let Some((kind, body)) = body {
            sent = sent.header(CONTENT_TYPE, kind).body(body);
        }
        sent.send().await.map_err(|error| convert(&error))
    }
}

async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| convert(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn status_error(status: u16, headers: &HeaderMap) -> Error {
    let wait = match status {
        429 | 503 => retry_after(headers, SystemTime::now()),
        _ => None,
    };
    wait.map_or(Error::Status(status), |wait| Error::RetryLater(status, wait))
}

fn convert(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        Error::Timeout
    } else if error.is_builder() {
        // Our own fault, or the caller's: it says nothing about the host.
        Error::Refused("the request cannot be built")
    } else {
        Error::Network(root_cause(error))
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

/// Seconds or a date (RFC 9110 section 10.2.3). What is neither says nothing.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        // A date that has passed asks for no wait.
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(now).unwrap_or_default())
        }
    }
}

/// For how long an answer is fresh. What a cache on the way has kept it for is over already.
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let age = headers.get(AGE).and_then(|age| seconds(age.to_str().ok()?.trim()));
    max_age(headers).map(|most| most.saturating_sub(age.unwrap_or_default()))
}

/// Whole seconds; more than can be counted is much (RFC 9111 section 1.2.2).
fn seconds(text: &str) -> Option<Duration> {
    const MUCH: u64 = 1 << 31;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(text.parse().unwrap_or(MUCH)))
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let mut age = None;
    for line in headers.get_all(CACHE_CONTROL) {
        for directive in line.to_str().ok()?.split(',').map(str::trim) {
            if directive.eq_ignore_ascii_case("no-store")
                || directive.eq_ignore_ascii_case("no-cache")
            {
                return Some(Duration::ZERO);
            }
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            if name.eq_ignore_ascii_case("max-age") {
                age = seconds(value.trim_matches('"'));
            }
        }
    }
    age
}
