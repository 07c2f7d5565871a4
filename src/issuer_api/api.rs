//! One API of one issuer: sends requests as the table of operations says, counts and times each,
//! and leaves a kind of request out for a while that fails again and again.
//!
//! In: an operation, a target, headers and a body. Out: what was read of an answer with a status
//! from 200 to 299, or why there is none.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};
use tower::retry::budget::{Budget as _, TpsBudget};
use url::Url;

use super::{
    app_watch::AppWatch,
    breaker::{Breaker, BreakerKey, Breakers, End, Pass, Pause, PauseCause},
    error::{ApiError, ApiResult},
    error_form::ErrorForm,
    operation::Operation,
    rejection::Rejection,
};
use crate::{
    config::Secret,
    metrics::{IssuerLabel, Metrics},
    upstream::{
        Client as Upstream, HttpAnswer, Repeat, Request, UpstreamError, UrlOrigin,
        discovery::DiscoveredUrl,
    },
};

/// Repeated requests to one host: a tenth of its requests in the last ten seconds, and one a second.
const BUDGET: (Duration, u32, f32) = (Duration::from_secs(10), 1, 0.1);
/// The longest wait that a host may ask for before the request is sent again. A longer one ends the
/// call, because its caller would not wait for it.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// How often a request is sent again at most, and the shortest and the longest wait before that.
const REPEATS: usize = 2;
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The parts that all APIs of one host share.
#[derive(Debug)]
pub(super) struct Host {
    breakers: Breakers,
    budget: TpsBudget,
}

/// The hosts of a configuration, by origin.
#[derive(Debug, Default)]
pub(super) struct Hosts(HashMap<String, Arc<Host>>);

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'a> {
    /// A path below the API's base URL.
    Path(&'a str),
    /// A URL that the issuer's metadata name.
    Learned(&'a DiscoveredUrl),
}

/// One request. There is no `Debug`: secrets would be in it.
pub(super) struct ApiCall<'a> {
    pub(super) operation: Operation,
    /// The configured app that the request is made for. Nothing that a client sends may stand
    /// here: each app has a breaker of its own.
    pub(super) app: Option<&'a str>,
    pub(super) target: Target<'a>,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: Bytes,
    pub(super) timeout: Duration,
}

/// The API of one issuer.
#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) label: IssuerLabel,
    pub(super) upstream: Upstream,
    pub(super) base_url: Url,
    pub(super) host: Arc<Host>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) apps: AppWatch,
}

impl Hosts {
    pub(super) fn of(&mut self, base_url: &Url) -> Arc<Host> {
        let origin = base_url.origin().ascii_serialization();
        let host = self.0.entry(origin).or_insert_with(|| {
            let (window, least, share) = BUDGET;
            let budget = TpsBudget::new(window, least, share);
            Arc::new(Host { breakers: Breakers::default(), budget })
        });
        host.clone()
    }
}

impl Api {
    /// Makes the call: sends its request once, or again where its operation may be repeated. All
    /// requests of one call are one call to the breaker.
    pub(super) async fn call<T>(
        &self,
        call: ApiCall<'_>,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let url = self.url_of(call.target)?;
        let send = || self.send(&call, &url, &read);
        let spec = call.operation.spec();
        if spec.repeat == Repeat::ByCaller {
            // The caller has a pace of its own, and must not be told that nothing was sent.
            return send().await;
        }
        let key = BreakerKey { operation: call.operation, app: call.app };
        let breaker = self.host.breakers.of(key);
        if spec.repeat == Repeat::WithinBudget {
            self.host.budget.deposit();
        }
        let mut pass = self.admit(call.operation, &breaker)?;
        let mut waits = waits(spec.repeat);
        loop {
            let answer = send().await;
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
                Some(_) | None => return Err(error),
            }
        }
    }

    fn url_of(&self, target: Target<'_>) -> Result<Url, ApiError> {
        let path = match target {
            Target::Learned(found) => return Ok(found.url.clone()),
            Target::Path(path) => path,
        };
        let base = self.base_url.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{path}"));
        url.map_err(|_| UpstreamError::Refused("the base URL is not usable").into())
    }

    fn admit<'a>(&self, operation: Operation, breaker: &'a Breaker) -> Result<Pass<'a>, ApiError> {
        breaker.admit().map_err(|pause| {
            let result = ApiResult::Paused;
            self.metrics.issuer_api_asked(self.label, operation.endpoint(), result, None);
            ApiError::Paused(pause)
        })
    }

    /// Sends one request, counts it and times it.
    async fn send<T>(
        &self,
        call: &ApiCall<'_>,
        url: &Url,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let began = Instant::now();
        let request = Request {
            spec: call.operation.spec(),
            url,
            origin: match call.target {
                Target::Path(_) => UrlOrigin::Operator,
                Target::Learned(found) => found.origin,
            },
            headers: call.headers,
            body: call.body.clone(),
            timeout: call.timeout,
        };
        let answer = self.upstream.call(request).await.map_err(ApiError::from);
        let answer = answer.and_then(|answer| match answer.status {
            200..=299 => read(&answer),
            _ => Err(status_error(call.operation.errors(), &answer)),
        });
        let result = answer.as_ref().map_or_else(ApiError::metric_result, |_| ApiResult::Ok);
        let endpoint = call.operation.endpoint();
        self.metrics.issuer_api_asked(self.label, endpoint, result, Some(began.elapsed()));
        answer
    }
}

/// The body of a request as JSON.
pub(super) fn json(body: &impl Serialize) -> Result<Bytes, ApiError> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|_| ApiError::BodyNotWritable)
}

/// An answer that is JSON of this shape.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(
    answer: &HttpAnswer,
) -> Result<T, ApiError> {
    serde_json::from_slice(&answer.body).map_err(|_| ApiError::Shape)
}

/// An answer that says that the request was done, where nothing of it is used: it has no body, or it is
/// a JSON object that tells of no error. Any other body, such as the page of a server in between, does
/// not say whether the request has come to the issuer.
///
/// # Errors
///
/// The answer is another one.
pub(super) fn done(answer: &HttpAnswer) -> Result<(), ApiError> {
    if says_done(&answer.body) { Ok(()) } else { Err(ApiError::Shape) }
}

fn says_done(body: &[u8]) -> bool {
    let tells_of_error = |body: &Map<String, Value>| {
        let is_told = |name: &str| body.get(name).is_some_and(|told| !told.is_null());
        let status = body.get("statusCode").and_then(Value::as_u64);
        is_told("error") || is_told("errors") || status.is_some_and(|status| status >= 400)
    };
    body.trim_ascii().is_empty()
        || serde_json::from_slice(body).is_ok_and(|body| !tells_of_error(&body))
}

/// The waits before a request is sent again; none where it may be sent once only.
fn waits(repeat: Repeat) -> impl Iterator<Item = Duration> {
    let times = match repeat {
        Repeat::WithinBudget => REPEATS,
        Repeat::Never | Repeat::ByCaller => 0,
    };
    ExponentialBuilder::default()
        .with_min_delay(WAITS.0)
        .with_max_delay(WAITS.1)
        .with_max_times(times)
        .with_jitter()
        .build()
}

/// How a request ended, to the breaker.
fn end_of<T>(answer: &Result<T, ApiError>) -> End {
    let Some(error) = answer.as_ref().err().filter(|error| error.is_transient()) else {
        return End::Good;
    };
    let limited = matches!(error, ApiError::Limited(_));
    let cause = if limited { PauseCause::Limit } else { PauseCause::Failures };
    match error.retry_after() {
        Some(wait) if wait > MAX_WAIT => End::Asked(Pause { wait, cause }),
        Some(_) | None => End::Failed(cause),
    }
}

/// The error that an answer with this status is, whatever was asked for. A refusal counts only in the
/// form of the API that was asked.
fn status_error(form: ErrorForm, answer: &HttpAnswer) -> ApiError {
    let body: Map<String, Value> = serde_json::from_slice(&answer.body).unwrap_or_default();
    let is_own = || form.is_of(answer.status, &answer.body, answer.header("www-authenticate"));
    // SuperTokens' plugin says so where another try will not help.
    let is_final = || {
        form == ErrorForm::Plugin
            && is_own()
            && body.get("retryable").and_then(Value::as_bool) == Some(false)
    };
    match answer.status {
        408 | 429 => answer.error().into(),
        300..=399 => ApiError::Redirected(answer.status),
        500..=599 if !is_final() => answer.error().into(),
        status if !is_own() => ApiError::NotOfIssuer(status),
        status => ApiError::Rejected(Rejection::of_body(status, &body)),
    }
}

/// The value of `authorization` that carries this token.
pub(super) fn bearer(token: &Secret) -> Secret {
    Secret::new(&format!("Bearer {}", token.expose()))
}

#[cfg(test)]
mod tests {
    use super::says_done;

    #[test]
    fn an_answer_without_a_use_says_nothing_or_is_an_object() {
        for (body, done) in [
            ("", true),
            (" \r\n", true),
            ("{}", true),
            (r#"{"success":true}"#, true),
            (r#"{"error":null,"statusCode":200}"#, true),
            (r#"{"error":"E_NOT_FOUND"}"#, false),
            (r#"{"errors":[]}"#, false),
            (r#"{"statusCode":404,"messages":["no such user"]}"#, false),
            (r#"{"keys": [<<<"#, false),
            ("<!doctype html><title>Sign in</title>", false),
            ("OK", false),
            ("[]", false),
            ("\"done\"", false),
            ("null", false),
        ] {
            assert_eq!(says_done(body.as_bytes()), done, "{body}");
        }
    }
}
