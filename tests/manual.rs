//! The docs are compared with the program: links lead somewhere, targets and settings
//! exist, every metric is documented, and Envoy takes the configuration that the
//! pages recommend.
//!
//! A fenced block of YAML says in its first line what it is: `# rownd-authz`, a whole
//! configuration; `# envoy`, filters and clusters; `# envoy route`, one route.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use rownd_authz::{config, metrics::Metrics};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

struct Page {
    path: PathBuf,
    text: String,
}

/// All Markdown files of the root and of `docs/`.
fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    for directory in [root(), root().join("docs")] {
        for entry in fs::read_dir(directory).expect("a directory of papers") {
            let path = entry.expect("a directory entry").path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).expect("a readable page");
                pages.push(Page { path, text });
            }
        }
    }
    assert!(pages.len() > 5, "found only {} pages", pages.len());
    pages
}

/// The text outside of fenced blocks.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The fenced blocks of YAML whose first line is `mark`.
fn blocks<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix("yaml\n"))
        .filter(|block| block.lines().next() == Some(mark))
        .collect()
}

/// A line that ends a block has nothing behind its mark, or the block goes on.
#[test]
fn every_block_ends() {
    for Page { path, text } in pages() {
        let mut begun: Option<usize> = None;
        for (index, line) in text.lines().enumerate() {
            let Some(rest) = line.strip_prefix("```") else { continue };
            begun = match begun {
                Some(_) => {
                    let place = format!("{}:{}", path.display(), index + 1);
                    assert!(rest.trim().is_empty(), "{place}: a block ends with ```{rest}");
                    None
                }
                None => Some(index + 1),
            };
        }
        assert_eq!(begun, None, "{}: a block has no end", path.display());
    }
}

/// The anchors of a page: its headings, in lower case, spaces as dashes.
fn anchors(text: &str) -> BTreeSet<String> {
    let slug = |heading: &str| {
        heading
            .trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    };
    prose(text).lines().filter(|line| line.starts_with('#')).map(slug).collect()
}

fn link_problem(page: &Page, target: &str) -> Option<String> {
    if target.contains("://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() { page.path.clone() } else { page.path.parent()?.join(file) };
    if !path.exists() {
        return Some(format!("{}: no {target}", page.path.display()));
    }
    let found = anchor.is_empty() || anchors(&fs::read_to_string(&path).ok()?).contains(anchor);
    (!found).then(|| format!("{}: no heading for {target}", page.path.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    let mut problems = Vec::new();
    for page in pages() {
        for rest in prose(&page.text).split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            links += 1;
            problems.extend(link_problem(&page, target));
        }
    }
    assert!(links > 20, "found only {links} links");
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_target_that_is_named_exists() {
    let makefile = fs::read_to_string(root().join("Makefile")).expect("a Makefile");
    let mut named = BTreeMap::new();
    for page in pages() {
        let shell = page.text.split("```").skip(1).step_by(2);
        let lines = shell.flat_map(|block| block.split("\nmake ").skip(1));
        let text = prose(&page.text);
        for rest in lines.chain(text.split("`make ").skip(1)) {
            let target: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            named.insert(target, page.path.clone());
        }
    }
    assert!(named.contains_key("demo"), "{named:?}");
    for (target, page) in named {
        let rule = format!("\n{target}:");
        assert!(makefile.contains(&rule), "{}: no `make {target}`", page.display());
    }
}

/// Each section of RFC 8725 chapter 3 has a row, and each row names tests that exist.
#[test]
fn every_section_of_rfc_8725_names_its_tests() {
    let page = fs::read_to_string(root().join("docs/testing.md")).expect("the page");
    let mut code = String::new();
    for directory in ["src", "tests"] {
        sources(root().join(directory), &mut code);
    }
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| 3."))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let sections: Vec<&str> = rows.iter().map(|row| row[1]).collect();
    let expected: Vec<String> = (1..=12).map(|section| format!("3.{section}")).collect();
    assert_eq!(sections, expected);
    for row in rows {
        let tests: Vec<&str> = row[3].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "{}", row[1]);
        for test in tests {
            assert!(code.contains(&format!("fn {test}(")), "{}: no test {test}", row[1]);
        }
    }
}

/// An app, which every configuration needs.
fn environment() -> BTreeMap<String, String> {
    BTreeMap::from([("ROWND_APP_ID".to_owned(), "app_manual".to_owned())])
}

#[test]
fn every_configuration_loads() {
    let environment = environment();
    let schema = jsonschema::validator_for(&config::json_schema()).expect("a schema");
    let mut seen = 0;
    for page in pages() {
        for block in blocks(&page.text, "# rownd-authz") {
            seen += 1;
            if let Err(problems) = config::parse("block", block, &environment) {
                panic!("{}:\n{block}\n{problems}", page.path.display());
            }
            let value: serde_json::Value = serde_saphyr::from_str(block).expect("YAML");
            let refused: Vec<String> =
                schema.iter_errors(&value).map(|it| it.to_string()).collect();
            assert!(refused.is_empty(), "{}:\n{block}\n{refused:?}", page.path.display());
        }
    }
    assert!(seen >= 2, "found only {seen} configurations");
}

/// The text of every source and test file below a directory.
fn sources(directory: PathBuf, text: &mut String) {
    for entry in fs::read_dir(directory).expect("a directory of sources") {
        let path = entry.expect("a directory entry").path();
        if path.is_dir() {
            sources(path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).expect("a readable source"));
        }
    }
}

#[test]
fn every_rule_of_the_key_store_names_a_test() {
    let page = fs::read_to_string(root().join("docs/key-store.md")).expect("the page");
    let mut tests = String::new();
    for directory in ["src", "tests/it"] {
        sources(root().join(directory), &mut tests);
    }
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains("_")) {
        let Some(names) = row.trim_end_matches('|').rsplit('|').next() else { continue };
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test holds: {row}");
        for name in names {
            assert!(tests.contains(&format!("fn {name}()")), "there is no test {name}");
        }
        rows += 1;
    }
    assert!(rows > 30, "found only {rows} rows");
}

/// The table of docs/policy.md has each condition of the schema, with an example that names it.
#[test]
fn every_condition_has_a_row_in_the_page_of_policies() {
    let page = fs::read_to_string(root().join("docs/policy.md")).expect("the page");
    let schema = config::json_schema();
    let conditions = schema["$defs"]["Requirement"]["properties"].as_object().expect("conditions");
    let missing: Vec<&String> =
        conditions.keys().filter(|name| !page.contains(&format!("\n| `{name}: "))).collect();
    assert!(conditions.len() > 20 && missing.is_empty(), "no row for {missing:?}");
}

/// The metric names of a page: `rownd_authz_...` or `process_...` in the first cell of a table's row.
fn documented(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .filter(|name| is_metric(name))
        .collect()
}

fn is_metric(name: &str) -> bool {
    ["rownd_authz_", "process_"].iter().any(|prefix| name.starts_with(prefix))
}

#[test]
fn every_metric_is_documented() {
    // Many series are made by their first event, so the names are taken from the source.
    let mut source = String::new();
    sources(root().join("src/metrics"), &mut source);
    let is_plain = |c: char| c.is_ascii_lowercase() || c == '_';
    let exposed: BTreeSet<String> = source
        .split('"')
        .filter(|word| is_metric(word) && word.chars().all(is_plain) && !word.ends_with('_'))
        .map(str::to_owned)
        .collect();
    let labels = rownd_authz::app::labels(["rownd".to_owned()]);
    let exposition = Metrics::build(&labels).expect("metrics").render();
    for name in exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = name.split(' ').next().unwrap_or_default();
        assert!(exposed.contains(name), "{name} is not found in the source");
    }
    let page = fs::read_to_string(root().join("docs/metrics.md")).expect("docs/metrics.md");
    assert_eq!(documented(&page), exposed);
}

/// The unit of systemd: sound by its own tool where there is one, and with more time to stop than a drain
/// takes.
#[test]
fn the_unit_of_systemd_is_sound() {
    let file = root().join("deploy/systemd/rownd-authz.service");
    let unit = fs::read_to_string(file).expect("the unit");
    let value = |name: &str| {
        let lines = unit.lines().filter_map(|line| line.split_once('='));
        let found: Vec<&str> = lines.filter(|(key, _)| *key == name).map(|line| line.1).collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0]
    };
    let times = config::parse("empty", "{}", &environment()).expect("the defaults").shutdown;
    let drain = times.drain_delay.get() + times.grace.get();
    assert!(value("TimeoutStopSec").parse::<u64>().expect("seconds") > drain.as_secs() + 1);
    assert!(value("ExecStart").ends_with(" serve"));
    assert_eq!(value("ExecReload"), "/bin/kill -HUP $MAINPID");
    // The tool wants to see the program, and the test has it elsewhere.
    let place = tempfile::tempdir().expect("a directory");
    let copy = place.path().join("rownd-authz.service");
    let program = value("ExecStart").split(' ').next().unwrap_or_default();
    fs::write(&copy, unit.replace(program, "/bin/true")).expect("a copy");
    for arguments in
        [&["verify", "--man=no"][..], &["security", "--offline=true", "--threshold=20"]]
    {
        let tool =
            std::process::Command::new("systemd-analyze").args(arguments).arg(&copy).output();
        match tool {
            Ok(done) => {
                let said = String::from_utf8_lossy(&done.stderr).into_owned();
                assert!(done.status.success() && said.is_empty(), "{arguments:?}: {said}");
            }
            Err(missing) => println!("systemd-analyze was not asked: {missing}"),
        }
    }
}

/// Needs the real Envoy, as everything under this name.
mod e2e {
    use std::{path::Path, process::Command};

    use serde_json::{Value, json};

    use super::{blocks, pages, root};

    fn yaml(block: &str) -> Value {
        serde_saphyr::from_str(block).unwrap_or_else(|error| panic!("{block}\n{error}"))
    }

    fn cluster(name: &str) -> Value {
        json!({ "name": name, "type": "STATIC", "load_assignment": { "cluster_name": name } })
    }

    /// A whole Envoy around a block's filters, clusters and route.
    fn bootstrap(filters: &[Value], clusters: &[Value], route: Option<&Value>) -> Value {
        let kind = |path: &str| format!("type.googleapis.com/envoy.extensions.filters.{path}");
        let router = json!({
            "name": "envoy.filters.http.router",
            "typed_config": { "@type": kind("http.router.v3.Router") },
        });
        let direct = json!({ "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
        let filters: Vec<&Value> = filters.iter().chain([&router]).collect();
        let own = ["service", "rownd_authz_http"].map(cluster);
        let clusters: Vec<&Value> = clusters.iter().chain(&own).collect();
        let manager = json!({
            "@type": kind("network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "manual",
            "http_filters": filters,
            "route_config": { "virtual_hosts": [{
                "name": "all", "domains": ["*"], "routes": [route.unwrap_or(&direct)],
            }] },
        });
        json!({ "static_resources": {
            "clusters": clusters,
            "listeners": [{
                "name": "manual",
                "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
                "filter_chains": [{ "filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": manager,
                }] }],
            }],
        } })
    }

    fn assert_valid(page: &Path, block: &str, bootstrap: &Value) {
        let envoy = root().join(".tools/envoy/envoy");
        let output = Command::new(envoy)
            .args(["--mode", "validate", "--log-level", "error", "--config-yaml"])
            .arg(bootstrap.to_string())
            .output()
            .expect("Envoy runs: make tools");
        assert!(
            output.status.success(),
            "{}:\n{block}\n{}",
            page.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn list(block: &Value, key: &str) -> Vec<Value> {
        block[key].as_array().cloned().unwrap_or_default()
    }

    #[test]
    fn envoy_takes_what_the_pages_recommend() {
        let mut seen = 0;
        for page in pages() {
            for block in blocks(&page.text, "# envoy") {
                seen += 1;
                let parts = yaml(block);
                let (filters, clusters) = (list(&parts, "http_filters"), list(&parts, "clusters"));
                assert!(!filters.is_empty() && !clusters.is_empty(), "{block}");
                assert_valid(&page.path, block, &bootstrap(&filters, &clusters, None));
            }
            for block in blocks(&page.text, "# envoy route") {
                seen += 1;
                assert_valid(&page.path, block, &bootstrap(&[], &[], Some(&yaml(block))));
            }
        }
        assert!(seen >= 3, "found only {seen} blocks");
    }
}
