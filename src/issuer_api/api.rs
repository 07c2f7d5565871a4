//! One API of one issuer: reads that are tried again within a budget, writes that are sent once,
//! a kind of request that fails again and again left alone for a while; each request counted and
//! timed.
//!
//! In: an endpoint, a path, headers, a body. Out: an answer of status 200 to 299, or why not.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::Method;
use serde_json::{Map, Value};
use tower::retry::budget::{Budget as _, TpsBudget};
use url::Url;

use super::{
    Error, Rejection,
    breaker::{Breaker, Breakers, Cause, End, Lane, Pass, Pause},
};
use crate::{
    metrics::{ApiEndpoint, ApiResult, Metrics},
    upstream::{Answer, Client as Upstream, Error as UpstreamError, Origin, Request},
};

/// The most bytes of an answer.
const MAX_BYTES: usize = 1 << 20;
/// Retries of one host: a tenth of its requests in the last ten seconds, and one a second.
const BUDGET: (Duration, u32, f32) = (Duration::from_secs(10), 1, 0.1);
/// A wait that the host asks for is taken within a request up to this; a longer one ends it.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// Tries after the first, and the waits before them.
const RETRIES: usize = 2;
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// The longest word of an error that is passed on.
const MAX_CODE: usize = 64;

/// What all APIs of one host share.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) breakers: Breakers,
    budget: TpsBudget,
}

/// The hosts that are known, by origin.
#[derive(Debug, Default)]
pub(super) struct Hosts(HashMap<String, Arc<Host>>);

impl Hosts {
    pub(super) fn of(&mut self, base_url: &str) -> Option<Arc<Host>> {
        let origin = Url::parse(base_url).ok()?.origin().ascii_serialization();
        let host = self.0.entry(origin).or_insert_with(|| {
            let (window, least, share) = BUDGET;
            let budget = TpsBudget::new(window, least, share);
            Arc::new(Host { breakers: Breakers::default(), budget })
        });
        Some(host.clone())
    }
}

/// One request. There is no `Debug`: secrets would be in it.
pub(super) struct Call<'a> {
    pub(super) endpoint: ApiEndpoint,
    pub(super) lane: Lane<'a>,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) origin: Origin,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: Option<(&'static str, Vec<u8>)>,
    pub(super) timeout: Duration,
}

/// An API.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) index: usize,
    pub(super) upstream: Upstream,
    pub(super) base_url: String,
    pub(super) host: Arc<Host>,
    pub(super) metrics: Arc<Metrics>,
}

impl Api {
    /// A GET below the base URL, once. For tasks with a pace of their own.
    pub(super) async fn get_once<T>(
        &self,
        endpoint: ApiEndpoint,
        path: &str,
        headers: &[(&'static str, &str)],
        timeout: Duration,
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let lane = endpoint.into();
        let call = self.call((endpoint, lane), Method::GET, path, headers, None, timeout)?;
        self.send(call, |answer| read(&answer.body)).await
    }

    /// A GET below the base URL. It is a read, so it is tried again where that may help; all tries
    /// together are one call to the breaker.
    pub(super) async fn get<T>(
        &self,
        (endpoint, lane): (ApiEndpoint, Lane<'_>),
        path: &str,
        headers: &[(&'static str, &str)],
        timeout: Duration,
        read: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(WAITS.0)
            .with_max_delay(WAITS.1)
            .with_max_times(RETRIES)
            .with_jitter()
            .build();
        self.host.budget.deposit();
        let breaker = self.host.breakers.of(lane);
        let mut pass = self.admit(endpoint, &breaker)?;
        loop {
            let answer = self.get_once(endpoint, path, headers, timeout, &read).await;
            pass.note(end_of(&answer));
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let asked = error.retry_after();
            let wait = waits.next().filter(|_| error.is_transient());
            let wait = wait.map(|wait| asked.map_or(wait, |asked| asked.max(wait)));
            match wait.filter(|wait| *wait <= MAX_WAIT * 2) {
                Some(wait) if self.host.budget.withdraw() => tokio::time::sleep(wait).await,
                _ => return Err(error),
            }
        }
    }

    /// A request that may change something: sent once, whatever comes of it.
    pub(super) async fn send_once<T>(
        &self,
        call: Call<'_>,
        read: impl FnOnce(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let breaker = self.host.breakers.of(call.lane);
        let mut pass = self.admit(call.endpoint, &breaker)?;
        let answer = self.send(call, read).await;
        pass.note(end_of(&answer));
        answer
    }

    /// The same API over connections that nobody used before: what works once must not be lost
    /// with a connection that the server was about to close.
    pub(super) fn on_new_connections(&self) -> Self {
        Self { upstream: self.upstream.without_reuse(), ..self.clone() }
    }

    /// A request below the base URL.
    pub(super) fn call<'a>(
        &self,
        (endpoint, lane): (ApiEndpoint, Lane<'a>),
        method: Method,
        path: &str,
        headers: &'a [(&'static str, &'a str)],
        body: Option<(&'static str, Vec<u8>)>,
        timeout: Duration,
    ) -> Result<Call<'a>, Error> {
        let url = Url::parse(&format!("{}{path}", self.base_url))
            .map_err(|_| UpstreamError::Refused("the base URL is not usable"))?;
        let origin = Origin::Operator;
        Ok(Call { endpoint, lane, method, url, origin, headers, body, timeout })
    }

    fn admit<'a>(&self, endpoint: ApiEndpoint, breaker: &'a Breaker) -> Result<Pass<'a>, Error> {
        breaker.admit().map_err(|pause| {
            self.metrics.issuer_api_asked(self.index, endpoint, ApiResult::Paused, None);
            Error::Paused(pause)
        })
    }

    /// One request, counted and timed.
    async fn send<T>(
        &self,
        call: Call<'_>,
        read: impl FnOnce(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let Call { endpoint, method, url, origin, headers, body, timeout, .. } = call;
        let request = Request { method, url: &url, origin, headers, body };
        let answer = self.upstream.call(request, MAX_BYTES, timeout).await.map_err(Error::from);
        let answer = answer.and_then(|answer| match answer.status {
            200..=299 => read(&answer),
            _ => Err(refusal(&answer)),
        });
        let result = answer.as_ref().map_or_else(Error::label, |_| ApiResult::Ok);
        self.metrics.issuer_api_asked(self.index, endpoint, result, Some(began.elapsed()));
        answer
    }
}

/// How a request ended, to the breaker.
fn end_of<T>(answer: &Result<T, Error>) -> End {
    let Some(error) = answer.as_ref().err().filter(|error| error.is_transient()) else {
        return End::Good;
    };
    let cause = if matches!(error, Error::Limited(_)) { Cause::Limit } else { Cause::Failures };
    match error.retry_after() {
        Some(wait) if wait > MAX_WAIT => End::Asked(Pause { wait, cause }),
        _ => End::Failed(cause),
    }
}

/// What an error status means before anybody has looked at what was asked.
fn refusal(answer: &Answer) -> Error {
    let body: Map<String, Value> = serde_json::from_slice(&answer.body).unwrap_or_default();
    // SuperTokens' plugin says so where asking again will not help.
    let is_final = body.get("retryable").and_then(Value::as_bool) == Some(false);
    match answer.status {
        408 | 429 => answer.error().into(),
        500..=599 if !is_final => answer.error().into(),
        status => {
            let word = |name: &str| body.get(name).and_then(Value::as_str).and_then(code);
            // OAuth's `error` is a code (RFC 6749 section 5.2), Rownd's is the status in words.
            let code = word("code").or_else(|| word("reason")).or_else(|| word("error"));
            Error::Rejected(Rejection { status, code })
        }
    }
}

/// A code, if it is one: not a sentence, which could hold anything that was sent.
pub(super) fn code(word: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let good = !word.is_empty() && word.len() <= MAX_CODE && word.bytes().all(plain);
    good.then(|| word.to_owned())
}
