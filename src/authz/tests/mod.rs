//! The steps of a check: each way through them ends in a verdict with its reason and is counted
//! once, and no failure on the way is an allow.

mod callers;
mod checks;
mod explain;
mod forms;
#[cfg(feature = "dev")]
mod identities;
mod inject;
mod outputs;
mod permit_steps;
mod protection;
mod shadows;
mod too_large;
mod unknown_lists;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Authorizer, Edition, Snapshot, Verdict, recorders};
use crate::{
    authz::CheckApi,
    config,
    health::Readiness,
    issuer_api,
    metrics::{Labels, Metrics},
    model::{AllowReason, DenyReason, Headers, RequestContext},
    policy::Policy,
    profile::Profiles,
    upstream::Client,
    verify::{self, KeyRefresher, MemoryRevocations, Verifier, VerifierLimits},
};

type Lines<'a> = &'a [(&'a str, &'a str)];

/// An authorizer and what belongs to it.
struct Rig {
    authorizer: Arc<Authorizer>,
    metrics: Arc<Metrics>,
    #[cfg_attr(not(feature = "dev"), expect(dead_code, reason = "run where there is an emulator"))]
    refreshers: Vec<KeyRefresher>,
}

/// From a configuration. Nothing is fetched before the refreshers run.
fn rig(yaml: &str) -> Rig {
    let (snapshot, metrics, refreshers) = compiled(yaml);
    let authorizer = Authorizer::new(snapshot, recorders(&metrics, 1));
    Rig { authorizer, metrics, refreshers }
}

/// A configuration alone.
fn snapshot(yaml: &str) -> Snapshot {
    compiled(yaml).0
}

fn compiled(yaml: &str) -> (Snapshot, Arc<Metrics>, Vec<KeyRefresher>) {
    // The client makes no request here, but cannot be built without a provider of TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let environment = BTreeMap::from([("ROWND_APP_ID".to_owned(), "app_test".to_owned())]);
    let config = config::parse("test.yaml", yaml, &environment).unwrap_or_else(|e| panic!("{e}"));
    let mut labels = Labels::of_issuers(config.issuers.iter().map(|issuer| issuer.name.clone()));
    super::add_labels(&mut labels);
    verify::add_labels(&mut labels);
    let metrics = Metrics::build(&labels).unwrap();
    let limits = VerifierLimits {
        max_token_bytes: config.check.max_token_bytes,
        claims_cache_bytes: 1 << 20,
        refusal_cache_bytes: 1 << 16,
    };
    let client = Client::build(&config::Network::default(), &[], Duration::from_secs(1)).unwrap();
    let revocations = MemoryRevocations::new(&config.revocation, &metrics);
    let parts =
        Verifier::build(&config.issuers, limits, revocations, &client, &metrics, &Readiness::new())
            .unwrap();
    let rownd = issuer_api::build(&config.issuers, &client, &metrics);
    let issuers = parts.verifier.issuers();
    let (profiles, _fetcher) = Profiles::build(&config.profiles, issuers, &rownd, &metrics);
    let edition = Edition { epoch: 1, hash: "test".into() };
    let exchange = issuer_api::Exchange::build(&config, &[], &issuer_api::refreshes().0);
    let policy = Policy::build(&config);
    metrics.rules_configured(policy.ids());
    let snapshot =
        Snapshot::build(&config, policy, Arc::new(parts.verifier), profiles, exchange, edition);
    (snapshot, metrics, parts.refreshers)
}

fn request(method: &str, path: &str, lines: Lines<'_>) -> RequestContext {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let entries = lines.iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
    RequestContext {
        method: bytes(method),
        headers: Headers::new(entries, false),
        proxy_request_id: "proxy-id".into(),
        ..RequestContext::for_test(path)
    }
}

/// A deadline that no check reaches unless it waits.
fn soon() -> Instant {
    Instant::now() + Duration::from_millis(500)
}

impl Rig {
    async fn check(&self, request: &RequestContext) -> Verdict {
        self.authorizer.begin(CheckApi::ExtAuthz).check(request, soon()).await
    }

    async fn judge(&self, method: &str, path: &str, lines: Lines<'_>) -> Judged {
        judged(&self.check(&request(method, path, lines)).await)
    }

    /// The value of a series in the metrics.
    fn metric(&self, series: &str) -> f64 {
        let text = self.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        // Most series are made by their first event.
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// How many checks ended so.
    fn ended(&self, outcome: &str, reason: &str) -> f64 {
        self.metric(&format!(
            "rownd_authz_checks_total{{api=\"ext_authz\",outcome=\"{outcome}\",reason=\"{reason}\"}}"
        ))
    }

    fn in_flight(&self) -> f64 {
        self.metric("rownd_authz_in_flight{api=\"ext_authz\"}")
    }
}

type Judged = Result<AllowReason, DenyReason>;

fn judged(verdict: &Verdict) -> Judged {
    match verdict {
        Verdict::Allow(allowance) => Ok(allowance.reason()),
        Verdict::Deny { denial, .. } => Err(denial.reason()),
    }
}
