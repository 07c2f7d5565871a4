//! A plain HTTP/1.1 client for the ops pages, and a reader of the metrics.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::patiently;

/// A page as it came.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Asks for a page on a connection of its own.
pub(crate) async fn request(address: SocketAddr, method: &str, path: &str) -> Page {
    patiently(path, async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let body = text.split_once("\r\n\r\n").unwrap().1.to_owned();
        Page { status, body }
    })
    .await
}

/// GETs a page.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Page {
    request(address, "GET", path).await
}

/// The sum of the series of a name whose labels hold all of these.
pub(crate) fn metric(exposition: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let wanted: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
    let mut found = false;
    let mut sum = 0.0;
    for line in exposition.lines().filter(|line| !line.starts_with('#')) {
        let Some((series, value)) = line.rsplit_once(' ') else {
            continue;
        };
        let own = series.split('{').next() == Some(name);
        if own && wanted.iter().all(|label| series.contains(label)) {
            found = true;
            sum += value.parse::<f64>().unwrap();
        }
    }
    assert!(found, "no series {name}{wanted:?} in\n{exposition}");
    sum
}

/// The names and labels of all series.
pub(crate) fn series(exposition: &str) -> Vec<String> {
    let lines = exposition.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series.to_owned()).collect()
}
