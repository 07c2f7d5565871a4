//! Each release of Envoy that is supported: what it makes of our answers, and what the
//! configurations that we ship do on it.
//!
//! In: the facts of `facts`, which are those of the newest release, and the files of
//! `deploy/envoy/`. Out: the table of `docs/compatibility.md`, which has to be the one that
//! is committed; `make compatibility` writes it.

use std::{fmt::Write as _, fs, path::PathBuf};

use super::{
    facts::{Judged, judge},
    heavy::shared,
    shipped,
    stack::{config, stack},
};
use crate::support::{
    envoy::{Envoy, Release},
    product::Product,
    raw::Raw,
    rownd::USER,
};

/// The lines around the table.
const BEGIN: &str = "<!-- begin: written by `make compatibility` -->\n";
const END: &str = "<!-- end -->\n";

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md")
}

/// A difference in the words of the table: no dumps, nothing that changes from run to run.
fn told(fact: &Judged) -> String {
    if fact.differences.is_empty() {
        return "yes".to_owned();
    }
    let shorten = |each: &String| {
        let each = each.split(" does not hold").next().unwrap_or_default();
        let each =
            each.strip_prefix("check: ").map_or(each.to_owned(), |what| format!("not: {what}"));
        let each = each.strip_prefix("log: ").map_or(each.clone(), |what| format!("not: {what}"));
        each.replace('|', "\\|").replace(['<', '>'], "")
    };
    fact.differences.iter().map(shorten).collect::<Vec<_>>().join("; ")
}

fn table(releases: &[(Release, Vec<Judged>)]) -> String {
    let names: Vec<_> = releases.iter().map(|(release, _)| release.name()).collect();
    let mut text = String::new();
    let mut area = "";
    for (row, newest) in releases.last().expect("a release").1.iter().enumerate() {
        if newest.area != area {
            area = newest.area;
            let _ = write!(text, "\n### {area}\n\n| | {} |\n", names.join(" | "));
            let _ = writeln!(text, "|---|{}", "---|".repeat(names.len()));
        }
        let cells: Vec<_> = releases
            .iter()
            .map(|(_, facts)| {
                assert_eq!(facts[row].name, newest.name);
                told(&facts[row])
            })
            .collect();
        let _ = writeln!(text, "| {} | {} |", newest.name.replace('|', "\\|"), cells.join(" | "));
    }
    text
}

#[tokio::test]
async fn the_page_says_what_each_release_does_with_an_answer() {
    let _shared = shared().await;
    let mut releases = Vec::new();
    for release in Release::ALL {
        releases.push((release, judge(release).await));
    }
    let table = table(&releases);
    let committed = fs::read_to_string(page()).expect("docs/compatibility.md");
    let (head, rest) = committed.split_once(BEGIN).expect("the line before the table");
    let (_, tail) = rest.split_once(END).expect("the line after the table");
    let fresh = format!("{head}{BEGIN}{table}\n{END}{tail}");
    if std::env::var_os("ROWND_AUTHZ_TEST_WRITE").is_some() {
        fs::write(page(), fresh).expect("docs/compatibility.md");
    } else {
        assert!(committed == fresh, "docs/compatibility.md is stale: make compatibility\n{table}");
    }
}

#[tokio::test]
async fn what_we_ship_protects_on_each_release() {
    let _shared = shared().await;
    let stack = stack().await;
    let directory = tempfile::tempdir().expect("a directory");
    for release in Release::ALL {
        let socket = directory.path().join(release.name());
        let beside = Product::start_unix(config(&stack.issuer), &socket).await;
        let (service, tcp) = (stack.echo.address(), stack.product.endpoint());
        for (name, listener, authz) in [
            ("demo.yaml", "demo", &tcp),
            ("sidecar-uds.yaml", "sidecar", &beside.endpoint()),
            ("gateway.yaml", "gateway", &tcp),
        ] {
            println!("{name} on Envoy {}", release.name());
            let bootstrap = shipped::between(name, authz, service);
            let envoy = Envoy::of_release(release, &bootstrap).await;
            shipped::denies_and_allows(envoy.gate(listener)).await;
            if name == "gateway.yaml" {
                names_its_rules(&envoy).await;
            }
        }
    }
}

/// The routes of gateway.yaml that name a rule are judged by it, whatever their path is.
async fn names_its_rules(envoy: &Envoy) {
    let stack = stack().await;
    let to = envoy.gate("gateway");
    let bearer = |level: &str| stack.issuer.token(level).sign();
    for (name, request, status) in [
        ("a guest", Raw::get("/back-office").bearer(&bearer("guest")), 403),
        ("a verified user", Raw::get("/back-office").bearer(&bearer("verified")), 200),
        ("nobody", Raw::get("/back-office"), 401),
        ("nobody, where all is open", Raw::get("/assets/logo"), 200),
    ] {
        let answer = request.send(to).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
    }
    let forged = Raw::get("/assets/logo").header("x-rownd-user-id", USER);
    assert!(forged.send(to).await.echo().all("x-rownd-user-id").is_empty());
}
