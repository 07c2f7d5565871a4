//! Requests to the APIs of issuers (Rownd's, SuperTokens', OpenID providers'), by issuer, endpoint
//! and result.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::{
    Labels, Metrics,
    issuer_label::IssuerLabel,
    label::{ByLabel, Label},
    lazy::Lazy,
};

/// The name of the histogram, for its buckets.
pub(super) const DURATION: &str = "rownd_authz_rownd_request_duration_seconds";
/// Its upper bounds: 5 milliseconds to 10 seconds.
pub(super) const BUCKETS: [f64; 11] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The series of one endpoint of one issuer.
struct OneEndpoint {
    results: ByLabel<Counter>,
    duration: Histogram,
}

/// The series of one issuer: those of an endpoint are made when it is first asked, because an issuer
/// has few of them.
pub(super) struct IssuerApiSeries(ByLabel<Lazy<OneEndpoint>>);

impl IssuerApiSeries {
    pub(super) fn describe() {
        describe_counter!(
            "rownd_authz_rownd_requests_total",
            "Requests to an issuer's API, by issuer, endpoint and result."
        );
        describe_histogram!(DURATION, Unit::Seconds, "Time of a request to an issuer's API.");
    }

    pub(super) fn register(issuer: &str, labels: &Labels) -> Self {
        Self(ByLabel::new(&labels.api_endpoints, |endpoint| {
            let (issuer, results) = (issuer.to_owned(), labels.api_results.clone());
            Lazy::new(move || OneEndpoint {
                results: ByLabel::new(&results, |result| {
                    counter!("rownd_authz_rownd_requests_total",
                        "issuer" => issuer.clone(), "endpoint" => endpoint, "result" => result)
                }),
                duration: histogram!(DURATION,
                    "issuer" => issuer.clone(), "endpoint" => endpoint),
            })
        }))
    }
}

impl Metrics {
    /// A request to the API of the issuer of this label, to this endpoint
    /// ([`Labels::api_endpoints`]), ended with this result ([`Labels::api_results`]) after this time;
    /// `None`: no request was made.
    pub fn issuer_api_asked(
        &self,
        issuer: IssuerLabel,
        endpoint: impl Label,
        result: impl Label,
        took: Option<Duration>,
    ) {
        let series = self.issuers.at(issuer).and_then(|issuer| issuer.api.0.get(endpoint));
        let Some(series) = series.and_then(|series| series.get(&self.recorder)) else { return };
        if let Some(counter) = series.results.get(result) {
            counter.increment(1);
        }
        if let Some(took) = took {
            series.duration.record(took.as_secs_f64());
        }
    }
}
