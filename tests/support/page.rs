//! The pages of the ops listener, and a reader of the metrics.

use std::net::SocketAddr;

use super::http;
pub(crate) use super::http::Answer as Page;

/// The page that lists every metric.
const METRICS: &str = include_str!("../../docs/metrics.md");

/// Requests a page by any method.
pub(crate) async fn request(address: SocketAddr, method: &str, path: &str) -> Page {
    http::request(address, &format!("{method} {path}"), "", "").await
}

/// GETs a page.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Page {
    request(address, "GET", path).await
}

/// The sum of the series of a name whose labels hold all of these; 0 where no event has made one yet.
pub(crate) fn metric(exposition: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let named = format!("\n| `{}` |", name.trim_end_matches("_count").trim_end_matches("_sum"));
    assert!(METRICS.contains(&named), "{name} is no metric of docs/metrics.md");
    let wanted: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
    let mut sum = 0.0;
    for line in exposition.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let own = series.split('{').next() == Some(name);
        if own && wanted.iter().all(|label| series.contains(label)) {
            sum += value.parse::<f64>().unwrap();
        }
    }
    sum
}

/// The names and labels of all series.
pub(crate) fn series(exposition: &str) -> Vec<String> {
    let lines = exposition.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()).collect()
}
