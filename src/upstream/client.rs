//! The client itself: sends a request once, and reads its answer up to a size.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use url::Origin;

use super::{
    address::{self, Standing},
    caching::{fresh_for, retry_after},
    call::{Request, UrlOrigin},
    coding::Coding,
    error::{PROXY_REFUSES_US, UpstreamError, convert, no_connection_to_proxy},
    network::Network,
    proxies::{ProxiedScheme, Way},
};
use crate::config::{AllowedOrigin, Config, Issuer, Network as Settings, PostTarget};

/// The most bytes of a body that comes with an error status.
const MAX_ERROR_BYTES: usize = 16 * 1024;
/// A body of which nothing counts is read for so long.
const UNUSED_BODY_TIME: Duration = Duration::from_millis(500);

/// An answer of any status. `Debug` shows none of it: tokens are in it.
#[derive(Clone)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; of an error at most 16 KiB, and nothing where it has more.
    pub body: Bytes,
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
    network: Network,
    /// The authorities of its servers: those of this file, or those of all.
    ca_file: Option<PathBuf>,
    /// Origins that documents may lead to as if the operator had written them.
    allowed: Arc<[Origin]>,
    /// The names of hosts that the operator wrote or allowed.
    hosts: Arc<[String]>,
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
    /// A client for the servers of these issuers. `connect_timeout` is the longest time until a
    /// connection is there, by TLS where it has that.
    ///
    /// # Errors
    ///
    /// Every problem of a `ca_file` or a proxy.
    pub fn build(
        settings: &Settings,
        issuers: &[Issuer],
        connect_timeout: Duration,
    ) -> Result<Self, Vec<String>> {
        Network::build(settings, issuers, &[], connect_timeout).map(Self::over)
    }

    /// A client for all servers of a configuration: those of issuers, and the others that get
    /// requests.
    ///
    /// # Errors
    ///
    /// Every problem of a `ca_file` or a proxy.
    pub fn of_config(config: &Config, connect_timeout: Duration) -> Result<Self, Vec<String>> {
        let (network, others) = (&config.network, config.other_servers());
        Network::build(network, &config.issuers, &others, connect_timeout).map(Self::over)
    }

    fn over(network: Network) -> Self {
        Self { network, ca_file: None, allowed: Arc::new([]), hosts: Arc::new([]) }
    }

    /// The client for a server that gets signed requests.
    #[must_use]
    pub fn for_target(&self, target: &PostTarget) -> Self {
        Self { ca_file: target.tls.ca_file.clone(), ..Self::over(self.network.clone()) }
    }

    /// The client for the servers of one issuer, by its settings.
    #[must_use]
    pub fn for_issuer(&self, issuer: &Issuer) -> Self {
        let written = issuer.written_urls();
        let allowed = issuer.allowed_origins.iter();
        let urls = written.iter().chain(issuer.fallback_url());
        let urls = urls.chain(allowed.clone().map(AllowedOrigin::url));
        Self {
            network: self.network.clone(),
            ca_file: issuer.tls.ca_file.clone(),
            hosts: urls.filter_map(|url| url.domain().map(str::to_owned)).collect(),
            allowed: allowed.map(AllowedOrigin::origin).collect(),
        }
    }

    /// How servers are reached, which a reload changes.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
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

    /// Sends the request once and reads its answer, whatever status it has. Where the most bytes of an
    /// answer are 0, its status and headers are all that counts.
    ///
    /// # Errors
    ///
    /// [`UpstreamError`], if there is no answer, or a good one is too large.
    pub async fn call(&self, request: Request<'_>) -> Result<HttpAnswer, UpstreamError> {
        let limit = request.spec.max_answer_bytes;
        let response = self.send(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = if limit == 0 {
            // Read as far as it is there, so that the connection can be used again.
            let _ =
                tokio::time::timeout(UNUSED_BODY_TIME, read_body(response, MAX_ERROR_BYTES)).await;
            Vec::new()
        } else if status.is_success() {
            read_body(response, limit).await?
        } else {
            // The status says enough where the rest cannot be read.
            read_body(response, MAX_ERROR_BYTES).await.unwrap_or_default()
        };
        Ok(HttpAnswer { status: status.as_u16(), body: body.into(), headers })
    }

    async fn send(&self, request: Request<'_>) -> Result<Response, UpstreamError> {
        let Request { spec, url, origin, headers, body, timeout } = request;
        let standing = match origin {
            UrlOrigin::Operator => Standing::Written,
            UrlOrigin::Document if self.allowed.contains(&url.origin()) => Standing::Allowed,
            UrlOrigin::Document => Standing::Learned,
        };
        address::check_literal(url, standing)?;
        let state = self.network.state();
        let way = state.proxies.way(url, standing, &self.hosts)?;
        let gone = UpstreamError::Refused("the server is no longer configured");
        let connections = state.connections.get(&self.ca_file).ok_or(gone.clone())?;
        if url.scheme() == "https"
            && let Some(reason) = &connections.trust.missing
        {
            return Err(UpstreamError::NoAuthorities(reason.clone()));
        }
        let http = connections.choose(way, standing, spec.connection).ok_or(gone)?;
        let mut sent = http.request(Method::from(spec.method), url.clone()).timeout(timeout);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| UpstreamError::Refused("a header name is not sendable"))?;
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| UpstreamError::Refused("a header value is not sendable"))?;
            value.set_sensitive(true);
            sent = sent.header(name, value);
        }
        if let Some(content_type) = spec.body.content_type() {
            sent = sent.header(CONTENT_TYPE, content_type).body(body);
        }
        let through_proxy = way != Way::Direct;
        let answer = sent.send().await.map_err(|error| match way {
            // By http the only connection is that to the proxy.
            Way::Through(ProxiedScheme::Http) if error.is_connect() && !error.is_timeout() => {
                no_connection_to_proxy(&error)
            }
            Way::Direct | Way::Through(ProxiedScheme::Http | ProxiedScheme::Https) => {
                convert(&error, through_proxy)
            }
        })?;
        // By http the proxy answers in the host's place.
        if way == Way::Through(ProxiedScheme::Http)
            && answer.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        {
            return Err(UpstreamError::Proxy(PROXY_REFUSES_US.into()));
        }
        Ok(answer)
    }
}

/// The body, unpacked. Neither form of it may be longer than the limit.
async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, UpstreamError> {
    let coding = Coding::of(response.headers())?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| convert(&error, false))? {
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
