//! Requests to the APIs of issuers (Rownd's, SuperTokens', OpenID providers'), by issuer, endpoint
//! and result.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::{IssuerLabel, Metrics};

/// The name of the histogram, for its buckets.
pub(super) const DURATION: &str = "rownd_authz_rownd_request_duration_seconds";
/// Its upper bounds: 5 milliseconds to 10 seconds.
pub(super) const BUCKETS: [f64; 11] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What an issuer's API is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Endpoint {
    /// The app that a key belongs to.
    AppConfig,
    /// A user's profile.
    User,
    /// The profile of a token's own user.
    OwnUser,
    /// Rownd tokens for somebody else's token.
    TokenExchange,
    /// Rownd tokens for a refresh token.
    TokenRefresh,
    /// An instant user.
    Instant,
    /// A SuperTokens session for a Rownd token.
    Migrate,
    /// A SuperTokens session for a guest.
    Guest,
    /// The user of a SuperTokens session.
    SessionUser,
    /// An OpenID provider's metadata.
    Discovery,
    /// An OpenID provider's token endpoint.
    CodeToken,
}

impl Endpoint {
    const ALL: [Self; 11] = [
        Self::AppConfig,
        Self::User,
        Self::OwnUser,
        Self::TokenExchange,
        Self::TokenRefresh,
        Self::Instant,
        Self::Migrate,
        Self::Guest,
        Self::SessionUser,
        Self::Discovery,
        Self::CodeToken,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::AppConfig => "app_config",
            Self::User => "user",
            Self::OwnUser => "own_user",
            Self::TokenExchange => "token_exchange",
            Self::TokenRefresh => "token_refresh",
            Self::Instant => "instant",
            Self::Migrate => "supertokens_migrate",
            Self::Guest => "supertokens_guest",
            Self::SessionUser => "supertokens_user",
            Self::Discovery => "oidc_discovery",
            Self::CodeToken => "oidc_token",
        }
    }
}

/// How a request to an issuer's API ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum RowndResult {
    /// A usable answer came.
    Ok,
    /// There is no such thing.
    NotFound,
    /// The app key or secret was refused.
    Refused,
    /// What was asked was judged and turned down: a token that has been used, for example.
    Rejected,
    /// Rownd asked for fewer requests.
    Limited,
    /// No connection, or it broke.
    Network,
    /// It took longer than allowed.
    Timeout,
    /// Another HTTP status.
    Status,
    /// The answer is too large or has another shape.
    Invalid,
    /// Not asked: requests of this kind failed too often just now, or are to be fewer.
    Paused,
}

impl RowndResult {
    const ALL: [Self; 10] = [
        Self::Ok,
        Self::NotFound,
        Self::Refused,
        Self::Rejected,
        Self::Limited,
        Self::Network,
        Self::Timeout,
        Self::Status,
        Self::Invalid,
        Self::Paused,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Limited => "limited",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::Status => "status",
            Self::Invalid => "invalid",
            Self::Paused => "paused",
        }
    }
}

/// One endpoint of one issuer.
pub(super) struct Calls {
    results: Vec<Counter>,
    duration: Histogram,
}

pub(super) fn describe() {
    describe_counter!(
        "rownd_authz_rownd_requests_total",
        "Requests to an issuer's API, by issuer, endpoint and result."
    );
    describe_histogram!(DURATION, Unit::Seconds, "Time of a request to an issuer's API.");
}

/// The handles of one issuer, by endpoint.
pub(super) fn calls(issuer: &str) -> Vec<Calls> {
    let calls = |endpoint: &Endpoint| Calls {
        results: RowndResult::ALL
            .iter()
            .map(|result| {
                counter!("rownd_authz_rownd_requests_total", "issuer" => issuer.to_owned(),
                    "endpoint" => endpoint.as_str(), "result" => result.as_str())
            })
            .collect(),
        duration: histogram!(DURATION, "issuer" => issuer.to_owned(),
            "endpoint" => endpoint.as_str()),
    };
    Endpoint::ALL.iter().map(calls).collect()
}

impl Metrics {
    /// A request to the Rownd API of this issuer ended; without a time, it was not made.
    pub fn rownd_asked(
        &self,
        issuer: IssuerLabel,
        endpoint: Endpoint,
        result: RowndResult,
        took: Option<Duration>,
    ) {
        let calls = self.issuer_at(issuer).and_then(|issuer| issuer.rownd.get(endpoint as usize));
        let Some(calls) = calls else { return };
        if let Some(counter) = calls.results.get(result as usize) {
            counter.increment(1);
        }
        if let Some(took) = took {
            calls.duration.record(took.as_secs_f64());
        }
    }
}
