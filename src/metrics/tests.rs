//! The series that alerts count from zero are there from the start; the others are made by their first
//! event. The enums here stand for those of other rooms.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use strum::{IntoStaticStr, VariantArray};

use super::{
    EndLabel, IssuerLabel, Label as _, LabelValues, Labels, Metrics, checks::BUCKETS,
    label::ByLabel,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum Api {
    ExtAuthz,
    RowndAuth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum Outcome {
    Allow,
    Deny,
    Unavailable,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum Cache {
    Claims,
    Refusals,
}

/// The results of everything here that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
enum TestResult {
    Ok,
    Timeout,
    Written,
    #[strum(serialize = "another_word")]
    NoPreface,
}

fn metrics() -> Arc<Metrics> {
    let end = |outcome, reason| EndLabel { outcome, reason };
    let results = LabelValues::of::<TestResult>();
    let metrics = Metrics::build(&Labels {
        reasons: vec![
            end("allow", "authenticated"),
            end("deny", "token_expired"),
            end("unavailable", "internal"),
        ],
        key_refusals: vec!["secret", "use", "weak_rsa"],
        verifications: vec!["cached", "verified", "token_expired"],
        issuers: vec!["one".to_owned(), "two".to_owned()],
        rpcs: vec!["Verify", "Exchange", "BuildAuthorizationUrl", "GetUser"],
        check_apis: LabelValues::of::<Api>(),
        check_outcomes: LabelValues::of::<Outcome>(),
        rule_outcomes: LabelValues::default(),
        omitted_headers: results.clone(),
        call_kinds: results.clone(),
        call_refusals: results.clone(),
        caller_refusals: results.clone(),
        connection_results: results.clone(),
        commands: results.clone(),
        command_results: results.clone(),
        inbound_kinds: results.clone(),
        inbound_results: results.clone(),
        reload_subjects: results.clone(),
        reload_results: results.clone(),
        api_endpoints: results.clone(),
        api_results: results.clone(),
        key_fetches: results.clone(),
        key_snapshots: results.clone(),
        tenant_states: results.clone(),
        caches: LabelValues::of::<Cache>(),
        revocation_kinds: results.clone(),
        profile_results: results.clone(),
        passport_results: results.clone(),
        hook_results: results.clone(),
        shared_operations: results.clone(),
        shared_results: results.clone(),
        shared_refreshes: results.clone(),
        event_sinks: vec!["hook".to_owned()],
        parts: results.clone(),
        event_types: results,
    })
    .unwrap();
    metrics.check_api_opened(Api::ExtAuthz);
    metrics
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
fn a_series_that_an_alert_counts_is_there_from_the_start_at_zero_and_no_other() {
    let metrics = metrics();
    let all = series(&metrics);
    for (name, count) in [
        ("checks_total", 3),
        ("check_duration_seconds_bucket", 3 * (BUCKETS.len() + 1)),
        ("check_duration_seconds_sum", 3),
        ("check_duration_seconds_count", 3),
        ("in_flight", 1),
        ("rpcs_total", 0),
        ("rpc_duration_seconds_count", 0),
        ("callers_refused_total", 0),
        ("verifications_total", 0),
        ("key_fetches_total", 0),
        ("keys", 2),
        ("app_keys_refused", 2),
        ("tenants", 0),
        ("key_snapshots_total", 0),
        ("cache_lookups_total", 4),
        ("cache_insertions_total", 2),
        ("cache_evictions_total", 2),
        ("cache_bytes", 2),
        ("keys_refused", 0),
        ("keys_stale", 2),
        ("key_fetch_last_success_timestamp_seconds", 2),
        ("denial_logs_dropped_total", 0),
        ("log_lines_lost", 1),
        ("log_write_errors_total", 1),
        ("connections", 1),
        ("connections_total", 4),
        ("calls_refused_total", 4 * 4),
        ("control_commands_total", 0),
        ("reloads_total", 4 * 4),
        ("rownd_requests_total", 0),
        ("rownd_request_duration_seconds_count", 0),
        ("revocations", 4),
        ("profile_lookups_total", 4),
        ("configuration_warnings", 1),
        ("faults", 4),
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

/// An alert that takes the rate of a series misses its first event, if that makes the series.
#[test]
fn requests_that_an_alert_counts_are_there_before_the_first_one() {
    let metrics = metrics();
    metrics.issuer_api_counted(IssuerLabel(0), TestResult::Ok);
    assert_eq!(named(&metrics, "rownd_requests_total").len(), TestResult::ALL.len());
    assert!(
        series(&metrics)
            .iter()
            .all(|(name, value)| { *value == 0.0 || name.starts_with("rownd_authz_build_info") })
    );
    assert_eq!(named(&metrics, "rownd_request_duration_seconds_count").len(), 0);
}

#[test]
fn a_histogram_resolves_ten_microseconds_to_a_second() {
    let metrics = metrics();
    assert_eq!((BUCKETS.first(), BUCKETS.last()), (Some(&0.000_01), Some(&1.0)));
    assert!(BUCKETS.windows(2).all(|pair| pair[1] > pair[0] && pair[1] <= pair[0] * 2.51));
    for micros in [5, 15, 900_000, 5_000_000] {
        metrics.check_started(Api::ExtAuthz);
        metrics.check_ended(Api::ExtAuthz, 0, Duration::from_micros(micros));
    }
    let all = series(&metrics);
    let bucket = |le: &str| {
        all[&format!(
            "rownd_authz_check_duration_seconds_bucket{{api=\"ext_authz\",outcome=\"allow\",le=\"{le}\"}}"
        )]
    };
    assert_eq!(["0.00001", "0.000025", "1", "+Inf"].map(bucket), [1.0, 2.0, 3.0, 4.0]);
}

/// One record of each kind.
fn record_each(metrics: &Metrics) {
    metrics.check_started(Api::ExtAuthz);
    metrics.check_ended(Api::ExtAuthz, 1, Duration::from_millis(1));
    metrics.check_started(Api::ExtAuthz);
    metrics.verified(Some(IssuerLabel(1)), 2);
    metrics.verified(None, 0);
    metrics.keys_fetched(IssuerLabel(0), TestResult::Timeout);
    metrics.cache_looked_up(Cache::Claims, true);
    metrics.cache_looked_up(Cache::Refusals, false);
    metrics.cache_inserted(Cache::Refusals);
    metrics.cache_evicted(Cache::Claims);
    metrics.cache_size(Cache::Claims, 7);
    metrics.key_snapshot(IssuerLabel(0), TestResult::Written);
    metrics.keys_in_use(IssuerLabel(0), 3, true);
    metrics.keys_refused(IssuerLabel(0), &[2, 0, 0]);
    metrics.keys_came(IssuerLabel(0), 1_800_000_000.0);
    metrics.denial_log_dropped(2);
    metrics.log_lines_lost(9);
    metrics.log_lines_refused(4);
    metrics.app_keys_refused(IssuerLabel(1), 1);
    metrics.tenants(IssuerLabel(1), TestResult::Ok, 5);
    metrics.command_ended(TestResult::Ok, TestResult::Timeout);
    let took = Some(Duration::from_millis(1));
    metrics.issuer_api_asked(IssuerLabel(0), TestResult::Ok, TestResult::Timeout, took);
    metrics.rpc_ended(metrics.rpc(Some("Verify")), 0, Duration::from_millis(1));
    metrics.connection(TestResult::NoPreface);
    (0..2).for_each(|_| metrics.connection_opened());
    metrics.connection_closed();
    metrics.dev_mode();
    metrics.configuration_warnings(2);
    metrics.parts_at_fault([TestResult::Ok, TestResult::Timeout, TestResult::Ok].into_iter());
    metrics.upkeep();
}

#[test]
fn each_record_moves_its_own_series_and_makes_no_more_than_those_beside_it() {
    let metrics = metrics();
    let before = series(&metrics);
    record_each(&metrics);
    let after = series(&metrics);
    assert!(before.keys().all(|name| after.contains_key(name)), "none goes");
    let made = after.keys().filter(|name| !before.contains_key(*name));
    let made = made.filter(|name| !name.contains("_duration_"));
    // The other results of what was fetched, read and asked, and the other states of tenants.
    let beside = made.filter(|name| after[*name] == 0.0).count();
    assert_eq!(beside, 4 * 3);
    let was = |name: &String| before.get(name).copied().unwrap_or_default();
    let moved: Vec<(&str, f64)> = after
        .iter()
        .filter(|(name, value)| was(name) != **value && !name.contains("_duration_"))
        .map(|(name, value)| (name.trim_start_matches("rownd_authz_"), *value))
        .collect();
    assert_eq!(
        moved,
        [
            ("app_keys_refused{issuer=\"two\"}", 1.0),
            ("cache_bytes{cache=\"claims\"}", 7.0),
            ("cache_evictions_total{cache=\"claims\"}", 1.0),
            ("cache_insertions_total{cache=\"refusals\"}", 1.0),
            ("cache_lookups_total{cache=\"claims\",result=\"hit\"}", 1.0),
            ("cache_lookups_total{cache=\"refusals\",result=\"miss\"}", 1.0),
            ("checks_total{api=\"ext_authz\",outcome=\"deny\",reason=\"token_expired\"}", 1.0),
            ("configuration_warnings", 2.0),
            ("connections_total{listener=\"grpc\",result=\"another_word\"}", 1.0),
            ("connections{listener=\"grpc\"}", 1.0),
            ("control_commands_total{command=\"ok\",result=\"timeout\"}", 1.0),
            ("denial_logs_dropped_total{reason=\"internal\"}", 1.0),
            ("dev_mode", 1.0),
            ("faults{part=\"ok\"}", 2.0),
            ("faults{part=\"timeout\"}", 1.0),
            ("in_flight{api=\"ext_authz\"}", 1.0),
            ("key_fetch_last_success_timestamp_seconds{issuer=\"one\"}", 1_800_000_000.0),
            ("key_fetches_total{issuer=\"one\",result=\"timeout\"}", 1.0),
            ("key_snapshots_total{issuer=\"one\",result=\"written\"}", 1.0),
            ("keys_refused{issuer=\"one\",reason=\"secret\"}", 2.0),
            ("keys_stale{issuer=\"one\"}", 1.0),
            ("keys{issuer=\"one\"}", 3.0),
            ("log_lines_lost", 9.0),
            ("log_write_errors_total", 4.0),
            ("rownd_requests_total{issuer=\"one\",endpoint=\"ok\",result=\"timeout\"}", 1.0),
            ("rpcs_total{method=\"Verify\",code=\"OK\"}", 1.0),
            ("tenants{issuer=\"two\",state=\"ok\"}", 5.0),
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
    metrics.keys_fetched(IssuerLabel(9), TestResult::Ok);
    metrics.key_snapshot(IssuerLabel(9), TestResult::Written);
    metrics.keys_in_use(IssuerLabel(9), 1, true);
    metrics.keys_refused(IssuerLabel(9), &[1, 1, 1]);
    metrics.keys_refused(IssuerLabel(0), &[0, 0, 0, 1]);
    metrics.keys_came(IssuerLabel(9), 1.0);
    metrics.denial_log_dropped(99);
    assert_eq!(before, series(&metrics));
}

/// A reason for which a key was refused stays, at zero, when none is refused for it any more.
#[test]
fn a_reason_that_was_seen_goes_back_to_zero() {
    let metrics = metrics();
    metrics.keys_refused(IssuerLabel(0), &[0, 3, 0]);
    metrics.keys_refused(IssuerLabel(0), &[0, 0, 0]);
    let refused = named(&metrics, "keys_refused");
    assert_eq!(refused, ["rownd_authz_keys_refused{issuer=\"one\",reason=\"use\"}"]);
    assert_eq!(series(&metrics)[&refused[0]], 0.0);
}

/// Two scrapes of one state are the same text, whatever the order of the library's tables.
#[test]
fn a_scrape_is_in_order() {
    let (one, other) = (metrics(), metrics());
    for metrics in [&one, &other] {
        metrics.verified(Some(IssuerLabel(1)), 2);
        metrics.verified(Some(IssuerLabel(0)), 1);
        metrics.rpc_ended(metrics.rpc(Some("Verify")), 5, Duration::from_millis(1));
        metrics.rpc_ended(metrics.rpc(Some("Exchange")), 0, Duration::from_millis(1));
    }
    assert_eq!(one.render(), other.render());
    let text = one.render();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(names.is_sorted() && names.len() > 20, "{names:?}");
}

/// The numbers of this test's own process.
#[cfg(target_os = "linux")]
#[test]
fn the_process_is_measured() {
    let metrics = metrics();
    let at_the_start = series(&metrics);
    assert!(!at_the_start.keys().any(|name| name.starts_with("process_")));
    metrics.measure_process();
    let all = series(&metrics);
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    let page = procfs::page_size() as f64;
    assert!((now - 7200.0..=now + 2.0).contains(&all["process_start_time_seconds"]), "{all:?}");
    assert!(all["process_resident_memory_bytes"] >= 100.0 * page);
    assert!(all["process_virtual_memory_bytes"] >= all["process_resident_memory_bytes"]);
    assert!(all["process_open_fds"] >= 3.0 && all["process_max_fds"] >= all["process_open_fds"]);
    assert!(all["process_threads"] >= 1.0);
    assert!(all.contains_key("process_cpu_seconds_total"));
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
    one.check_started(Api::ExtAuthz);
    assert_eq!(series(&one)["rownd_authz_in_flight{api=\"ext_authz\"}"], 1.0);
    assert_eq!(series(&other)["rownd_authz_in_flight{api=\"ext_authz\"}"], 0.0);
}

#[test]
fn a_value_is_found_by_its_index_and_each_has_its_own_word() {
    let indexes: Vec<usize> = TestResult::ALL.iter().map(|value| value.index()).collect();
    assert_eq!(indexes, [0, 1, 2, 3]);
    let series = ByLabel::new(&LabelValues::of::<TestResult>(), |word| word);
    for value in TestResult::ALL {
        assert_eq!(series.get(*value), Some(&value.as_str()));
    }
}

#[test]
fn without_values_nothing_is_recorded_and_nothing_fails() {
    let metrics = Metrics::build(&Labels::of_issuers(["one".to_owned()])).unwrap();
    let before = series(&metrics);
    metrics.check_started(Api::RowndAuth);
    metrics.check_ended(Api::RowndAuth, 0, Duration::ZERO);
    metrics.connection(TestResult::Ok);
    metrics.keys_fetched(IssuerLabel(0), TestResult::Timeout);
    assert_eq!(before, series(&metrics));
}

#[test]
#[should_panic(expected = "no value of this label")]
fn a_value_of_another_enum_is_a_fault() {
    metrics().cache_looked_up(Api::ExtAuthz, true);
}
