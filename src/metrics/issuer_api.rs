//! Requests to the APIs of issuers (Rownd's, SuperTokens', OpenID providers'), by issuer, endpoint
//! and result.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};
use strum::{IntoStaticStr, VariantArray};

use super::{Metrics, issuer_label::IssuerLabel, label::ByLabel};

/// The name of the histogram, for its buckets.
pub(super) const DURATION: &str = "rownd_authz_rownd_request_duration_seconds";
/// Its upper bounds: 5 milliseconds to 10 seconds.
pub(super) const BUCKETS: [f64; 11] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// An endpoint of an issuer's API, by its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ApiEndpoint {
    /// The app that a key belongs to.
    AppConfig,
    /// A user's profile, by the app's key and secret.
    User,
    /// The profile of a token's own user, by that token.
    OwnUser,
    /// Rownd tokens for the token of another issuer.
    TokenExchange,
    /// Rownd tokens for a refresh token.
    TokenRefresh,
    /// An instant user.
    Instant,
    /// A SuperTokens session for a Rownd token.
    #[strum(serialize = "supertokens_migrate")]
    Migrate,
    /// A SuperTokens session for a guest.
    #[strum(serialize = "supertokens_guest")]
    Guest,
    /// The user of a SuperTokens session.
    #[strum(serialize = "supertokens_user")]
    SessionUser,
    /// An OpenID provider's metadata.
    #[strum(serialize = "oidc_discovery")]
    Discovery,
    /// An OpenID provider's token endpoint.
    #[strum(serialize = "oidc_token")]
    CodeToken,
}

/// How a request to an issuer's API ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ApiResult {
    /// A usable response came.
    Ok,
    /// The resource does not exist.
    NotFound,
    /// The app key or secret was refused.
    Refused,
    /// The request was understood and rejected, for example for a token that has been used.
    Rejected,
    /// The issuer asked for fewer requests.
    Limited,
    /// No connection, or it broke.
    Network,
    /// The proxy does not lead to the issuer.
    Proxy,
    /// It took longer than allowed.
    Timeout,
    /// Another HTTP status.
    Status,
    /// The response is too large or has another shape.
    Invalid,
    /// No request was made: requests of this kind failed too often just now, or the issuer has
    /// asked for fewer.
    Paused,
}

/// The series of one endpoint of one issuer.
struct OneEndpoint {
    results: ByLabel<ApiResult, Counter>,
    duration: Histogram,
}

/// The series of one issuer.
pub(super) struct IssuerApiSeries(ByLabel<ApiEndpoint, OneEndpoint>);

impl IssuerApiSeries {
    pub(super) fn describe() {
        describe_counter!(
            "rownd_authz_rownd_requests_total",
            "Requests to an issuer's API, by issuer, endpoint and result."
        );
        describe_histogram!(DURATION, Unit::Seconds, "Time of a request to an issuer's API.");
    }

    pub(super) fn register(issuer: &str) -> Self {
        let counter = |endpoint: &'static str, result: &'static str| {
            counter!("rownd_authz_rownd_requests_total",
                "issuer" => issuer.to_owned(), "endpoint" => endpoint, "result" => result)
        };
        Self(ByLabel::new(|endpoint| OneEndpoint {
            results: ByLabel::new(|result| counter(endpoint, result)),
            duration: histogram!(DURATION,
                "issuer" => issuer.to_owned(), "endpoint" => endpoint),
        }))
    }
}

impl Metrics {
    /// A request to the API of the issuer of this label ended after this time; `None`: no request
    /// was made.
    pub fn issuer_api_asked(
        &self,
        issuer: IssuerLabel,
        endpoint: ApiEndpoint,
        result: ApiResult,
        took: Option<Duration>,
    ) {
        let series = self.issuers.at(issuer).and_then(|issuer| issuer.api.0.get(endpoint));
        let Some(series) = series else { return };
        if let Some(counter) = series.results.get(result) {
            counter.increment(1);
        }
        if let Some(took) = took {
            series.duration.record(took.as_secs_f64());
        }
    }
}
