//! Every series is there from the start, at zero, and nothing that is recorded makes a new one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    CacheName, CheckApi, CheckOutcome, ConnectionResult, FetchResult, IssuerLabel, Labels, Metrics,
    SnapshotResult, checks::BUCKETS,
};

fn metrics() -> Arc<Metrics> {
    Metrics::build(&Labels {
        omitted_headers: Vec::new(),
        reasons: vec![
            (CheckOutcome::Allow, "authenticated"),
            (CheckOutcome::Deny, "token_expired"),
            (CheckOutcome::Unavailable, "internal"),
        ],
        key_refusals: vec!["secret", "use", "weak_rsa"],
        verifications: vec!["cached", "verified", "token_expired"],
        issuers: vec!["one".to_owned(), "two".to_owned()],
        rpcs: vec!["Verify", "Exchange", "BuildAuthorizationUrl", "GetUser"],
    })
    .unwrap()
}

/// Series and value of the exposition, comments left out.
fn series(metrics: &Metrics) -> BTreeMap<String, f64> {
    let text = metrics.render();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

fn named(metrics: &Metrics, name: &str) -> Vec<String> {
    let prefix = format!("rownd_authz_{name}");
    let names = series(metrics).into_keys();
    names.filter(|series| series.split('{').next() == Some(prefix.as_str())).collect()
}

#[test]
fn every_series_is_there_from_the_start_at_zero() {
    let metrics = metrics();
    let all = series(&metrics);
    for (name, count) in [
        ("checks_total", 2 * 3),
        ("check_duration_seconds_bucket", 2 * 3 * (BUCKETS.len() + 1)),
        ("check_duration_seconds_sum", 2 * 3),
        ("check_duration_seconds_count", 2 * 3),
        ("in_flight", 2),
        ("rpcs_total", 5 * 17),
        ("rpc_duration_seconds_count", 5),
        ("callers_refused_total", 5 * 3),
        ("verifications_total", 3 * 3),
        ("key_fetches_total", 2 * 7),
        ("keys", 2),
        ("key_snapshots_total", 10),
        ("cache_lookups_total", 4),
        ("cache_insertions_total", 2),
        ("cache_evictions_total", 2),
        ("cache_bytes", 2),
        ("keys_refused", 2 * 3),
        ("keys_stale", 2),
        ("key_fetch_last_success_timestamp_seconds", 2),
        ("denial_logs_dropped_total", 3),
        ("log_lines_lost", 1),
        ("connections", 1),
        ("connections_total", 6),
        ("calls_refused_total", 3 * 4),
        ("configuration_warnings", 1),
        ("dev_mode", 1),
        ("build_info", 1),
    ] {
        assert_eq!(named(&metrics, name).len(), count, "{name}");
    }
    for (name, value) in &all {
        let expected = if name.starts_with("rownd_authz_build_info") { 1.0 } else { 0.0 };
        assert_eq!(*value, expected, "{name}");
        assert!(name.starts_with("rownd_authz_"), "{name}");
    }
}

#[test]
fn a_histogram_resolves_ten_microseconds_to_a_second() {
    let metrics = metrics();
    assert_eq!((BUCKETS.first(), BUCKETS.last()), (Some(&0.000_01), Some(&1.0)));
    assert!(BUCKETS.windows(2).all(|pair| pair[1] > pair[0] && pair[1] <= pair[0] * 2.51));
    for micros in [5, 15, 900_000, 5_000_000] {
        metrics.check_started(CheckApi::ExtAuthz);
        metrics.check_ended(CheckApi::ExtAuthz, 0, Duration::from_micros(micros));
    }
    let all = series(&metrics);
    let bucket = |le: &str| {
        all[&format!(
            "rownd_authz_check_duration_seconds_bucket{{api=\"ext_authz\",outcome=\"allow\",le=\"{le}\"}}"
        )]
    };
    assert_eq!(["0.00001", "0.000025", "1", "+Inf"].map(bucket), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn each_record_moves_its_own_series_and_makes_none() {
    let metrics = metrics();
    let before = series(&metrics);
    metrics.check_started(CheckApi::ExtAuthz);
    metrics.check_ended(CheckApi::ExtAuthz, 1, Duration::from_millis(1));
    metrics.check_started(CheckApi::ExtAuthz);
    metrics.verified(Some(IssuerLabel(1)), 2);
    metrics.verified(None, 0);
    metrics.keys_fetched(IssuerLabel(0), FetchResult::Timeout);
    metrics.cache_looked_up(CacheName::Claims, true);
    metrics.cache_looked_up(CacheName::Refusals, false);
    metrics.cache_inserted(CacheName::Refusals);
    metrics.cache_evicted(CacheName::Claims);
    metrics.cache_size(CacheName::Claims, 7);
    metrics.key_snapshot(IssuerLabel(0), SnapshotResult::Written);
    metrics.keys_in_use(IssuerLabel(0), 3, true);
    metrics.keys_refused(IssuerLabel(0), &[2, 0, 0]);
    metrics.keys_came(IssuerLabel(0), 1_800_000_000.0);
    metrics.denial_log_dropped(2);
    metrics.log_lines_lost(9);
    metrics.connection(ConnectionResult::NoPreface);
    (0..2).for_each(|_| metrics.connection_opened());
    metrics.connection_closed();
    metrics.dev_mode();
    metrics.configuration_warnings(2);
    metrics.upkeep();
    let after = series(&metrics);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    let moved: Vec<(&str, f64)> = after
        .iter()
        .filter(|(name, value)| before[*name] != **value && !name.contains("check_duration"))
        .map(|(name, value)| (name.trim_start_matches("rownd_authz_"), *value))
        .collect();
    assert_eq!(
        moved,
        [
            ("cache_bytes{cache=\"claims\"}", 7.0),
            ("cache_evictions_total{cache=\"claims\"}", 1.0),
            ("cache_insertions_total{cache=\"refusals\"}", 1.0),
            ("cache_lookups_total{cache=\"claims\",result=\"hit\"}", 1.0),
            ("cache_lookups_total{cache=\"refusals\",result=\"miss\"}", 1.0),
            ("checks_total{api=\"ext_authz\",outcome=\"deny\",reason=\"token_expired\"}", 1.0),
            ("configuration_warnings", 2.0),
            ("connections_total{listener=\"grpc\",result=\"no_preface\"}", 1.0),
            ("connections{listener=\"grpc\"}", 1.0),
            ("denial_logs_dropped_total{reason=\"internal\"}", 1.0),
            ("dev_mode", 1.0),
            ("in_flight{api=\"ext_authz\"}", 1.0),
            ("key_fetch_last_success_timestamp_seconds{issuer=\"one\"}", 1_800_000_000.0),
            ("key_fetches_total{issuer=\"one\",result=\"timeout\"}", 1.0),
            ("key_snapshots_total{issuer=\"one\",result=\"written\"}", 1.0),
            ("keys_refused{issuer=\"one\",reason=\"secret\"}", 2.0),
            ("keys_stale{issuer=\"one\"}", 1.0),
            ("keys{issuer=\"one\"}", 3.0),
            ("log_lines_lost", 9.0),
            ("verifications_total{issuer=\"two\",result=\"token_expired\"}", 1.0),
            ("verifications_total{issuer=\"unknown\",result=\"cached\"}", 1.0),
        ]
    );
    let count = "rownd_authz_check_duration_seconds_count{api=\"ext_authz\",outcome=\"deny\"}";
    assert_eq!(after[count], 1.0);
}

#[test]
fn an_index_that_is_none_is_not_recorded() {
    let metrics = metrics();
    let before = series(&metrics);
    metrics.verified(Some(IssuerLabel(9)), 0);
    metrics.verified(None, 99);
    metrics.keys_fetched(IssuerLabel(9), FetchResult::Ok);
    metrics.key_snapshot(IssuerLabel(9), SnapshotResult::Written);
    metrics.keys_in_use(IssuerLabel(9), 1, true);
    metrics.keys_refused(IssuerLabel(9), &[1, 1, 1]);
    metrics.keys_refused(IssuerLabel(0), &[0, 0, 0, 1]);
    metrics.keys_came(IssuerLabel(9), 1.0);
    metrics.denial_log_dropped(99);
    assert_eq!(before, series(&metrics));
}

#[test]
fn every_metric_has_a_help_text_and_a_type() {
    let text = metrics().render();
    for name in series(&metrics()).into_keys() {
        let name = name.split('{').next().unwrap();
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
        assert!(text.contains(&format!("# HELP {base} ")), "{base}");
        assert!(text.contains(&format!("# TYPE {base} ")), "{base}");
    }
}

#[test]
fn two_builds_do_not_share_their_series() {
    let (one, other) = (metrics(), metrics());
    one.check_started(CheckApi::ExtAuthz);
    assert_eq!(series(&one)["rownd_authz_in_flight{api=\"ext_authz\"}"], 1.0);
    assert_eq!(series(&other)["rownd_authz_in_flight{api=\"ext_authz\"}"], 0.0);
}
