//! The behaviour of the real Envoy for each answer of an authorizer, proved row by row.
//!
//! The product is built on these facts; several stand in no documentation, or stand
//! there differently. In: scripted answers. Out: what reached the client and the
//! service behind, and which counter moved. When another Envoy changes a fact, the
//! test fails with the name of the row.

mod answers;
mod arrival;
mod bench;
mod decision;
mod denial;
mod mutation;

use serde_json::Value;

use self::bench::Bench;
use crate::support::{
    envoy::Release,
    raw::Raw,
    scripted::{Script, Seen},
};

/// One row: asked like this and answered like that, Envoy does what is expected.
struct Fact {
    name: &'static str,
    gate: &'static str,
    script: Script,
    ask: Ask,
    expect: Vec<Expect>,
}

/// The client's request. The host is that of the row.
enum Ask {
    /// HTTP/1.1.
    Http(Raw),
    /// HTTP/2 with this content type and these headers.
    Grpc(&'static str, &'static [(&'static str, &'static str)]),
}

/// One thing that must hold.
enum Expect {
    /// HTTP status for the client.
    Status(u16),
    /// The request reached the service behind.
    Reached,
    /// It did not.
    Stopped,
    /// The values of a header, as the service behind saw them.
    Upstream(&'static str, &'static [&'static str]),
    /// Path and query, as the service behind saw them.
    Path(&'static str),
    /// The values of a header of the answer.
    Answer(&'static str, &'static [&'static str]),
    /// The body of the answer.
    Body(&'static str),
    /// Exactly these counters of the filter moved.
    Counted(&'static [&'static str]),
    /// `grpc-status` and `grpc-message`.
    Grpc(&'static str, &'static str),
    /// Something about the check as it arrived.
    Check(&'static str, fn(&Seen) -> bool),
    /// Something about the access log line.
    Log(&'static str, fn(&Value) -> bool),
}

/// A row that asks by a plain `GET /`.
fn fact(
    name: &'static str,
    gate: &'static str,
    script: impl Into<Script>,
    expect: impl IntoIterator<Item = Expect>,
) -> Fact {
    Fact {
        name,
        gate,
        script: script.into(),
        ask: Ask::Http(Raw::get("/")),
        expect: expect.into_iter().collect(),
    }
}

impl Fact {
    /// Asks by another request.
    fn ask(mut self, request: Raw) -> Self {
        self.ask = Ask::Http(request);
        self
    }

    /// Asks as a gRPC client does.
    fn grpc(
        mut self,
        content_type: &'static str,
        headers: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.ask = Ask::Grpc(content_type, headers);
        self
    }
}

/// One fact on one release of Envoy.
#[derive(Debug)]
pub(super) struct Judged {
    /// The name of the fact.
    pub(super) area: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    gate: &'static str,
    /// The differences on this release; empty if the fact holds.
    pub(super) differences: Vec<String>,
}

/// Every fact on a release.
pub(super) async fn judge(release: Release) -> Vec<Judged> {
    let bench = Bench::start(release).await;
    let areas = [
        ("Who decides", decision::facts()),
        ("A denial", denial::facts()),
        ("A denial of a gRPC caller", denial::grpc_facts()),
        ("What arrives", arrival::facts()),
        ("What arrives", arrival::shape_facts()),
        ("What arrives", arrival::metadata_facts()),
        ("What an allow changes", mutation::facts()),
        ("Limits", mutation::limit_facts()),
    ];
    let facts =
        areas.into_iter().flat_map(|(area, facts)| facts.into_iter().map(move |f| (area, f)));
    let mut judged = Vec::new();
    for (index, (area, fact)) in facts.enumerate() {
        let outcome = bench.run(&fact, &format!("row-{index}.test")).await;
        let differences = fact.expect.iter().filter_map(|expect| outcome.contradicts(expect));
        let differences = differences.collect();
        judged.push(Judged { area, name: fact.name, gate: fact.gate, differences });
    }
    judged
}

#[tokio::test]
async fn every_fact_about_envoy_that_the_product_is_built_on_holds() {
    let mut problems = Vec::new();
    for Judged { name, gate, differences, .. } in judge(Release::default()).await {
        problems.extend(differences.into_iter().map(|each| format!("[{name} @ {gate}] {each}")));
    }
    assert!(problems.is_empty(), "{} facts changed:\n{}", problems.len(), problems.join("\n"));
}
