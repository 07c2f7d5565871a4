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
    results: Lazy<ByLabel<Counter>>,
    duration: Lazy<Histogram>,
}

/// The series of one issuer: those of an endpoint are made when it is first asked, because an issuer
/// has few of them, or when the issuer is known, where an alert counts them.
pub(super) struct IssuerApiSeries(ByLabel<OneEndpoint>);

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
            let (of_results, of_duration) = (issuer.to_owned(), issuer.to_owned());
            let results = labels.api_results.clone();
            OneEndpoint {
                results: Lazy::new(move || {
                    ByLabel::new(&results, |result| {
                        counter!("rownd_authz_rownd_requests_total",
                            "issuer" => of_results.clone(), "endpoint" => endpoint, "result" => result)
                    })
                }),
                duration: Lazy::new(
                    move || histogram!(DURATION, "issuer" => of_duration.clone(), "endpoint" => endpoint),
                ),
            }
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
        let Some(series) = series else { return };
        let results = series.results.get(&self.recorder);
        if let Some(counter) = results.and_then(|results| results.get(result)) {
            counter.increment(1);
        }
        let duration = took.and_then(|took| Some((series.duration.get(&self.recorder)?, took)));
        if let Some((duration, took)) = duration {
            duration.record(took.as_secs_f64());
        }
    }

    /// An alert counts the requests to this endpoint of the issuer of this label, so that their series
    /// are there, at zero, before the first one.
    pub fn issuer_api_counted(&self, issuer: IssuerLabel, endpoint: impl Label) {
        let series = self.issuers.at(issuer).and_then(|issuer| issuer.api.0.get(endpoint));
        let _made = series.map(|series| series.results.get(&self.recorder));
    }
}
