//! The layer law of `ARCHITECTURE.md`, checked: reads every file below `src/` and
//! `crates/*/src/`, fails with all broken rules at once. Test modules inside `src/` are held to the same
//! arrows as the code they test.
//!
//! `law` judges one file and does no I/O, `paths` and `lexer` read Rust for it; here
//! the disk is read, and every rule is shown a source that must break it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use self::law::{EMULATOR, LAYERS, MAX_CODE_LINES, Rule, Violation};

mod circles;
mod law;
mod lexer;
mod packages;
mod paths;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All `.rs` files below `directory`, in a stable order.
fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).expect("a readable source directory") {
            let path = entry.expect("a directory entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Path below the directory, with forward slashes, and text of each source file.
fn sources(src: &Path) -> Vec<(String, String)> {
    let files = rust_files(src);
    assert!(!files.is_empty(), "found no sources below {}", src.display());
    let read = |path: PathBuf| {
        let below = path.strip_prefix(src).expect("a path below src");
        let file = below.to_str().expect("a UTF-8 path").replace('\\', "/");
        (file, fs::read_to_string(&path).expect("readable source"))
    };
    files.into_iter().map(read).collect()
}

/// Name and sources of each package: the product and those below `crates/`.
fn packages_of_the_tree() -> Vec<(String, Vec<(String, String)>)> {
    let mut found = vec![("rownd-authz".to_owned(), sources(&root().join("src")))];
    for entry in fs::read_dir(root().join("crates")).expect("a directory of packages") {
        let entry = entry.expect("a directory entry");
        let name = entry.file_name().into_string().expect("a UTF-8 name");
        found.push((name, sources(&entry.path().join("src"))));
    }
    found
}

fn report(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn every_source_file_keeps_the_law() {
    let sources = sources(&root().join("src"));
    let judged = sources.iter().flat_map(|(file, source)| law::judge(file, source));
    let violations: Vec<Violation> = judged.collect();
    assert!(violations.is_empty(), "\n{}\n", report(&violations));
}

#[test]
fn every_file_of_the_emulator_keeps_the_law() {
    let sources = sources(&root().join("crates/rownd-emulator/src"));
    let judged = sources.iter().flat_map(|(file, source)| law::judge_in(EMULATOR, file, source));
    let violations: Vec<Violation> = judged.collect();
    assert!(violations.is_empty(), "crates/rownd-emulator:\n{}\n", report(&violations));
}

#[test]
fn every_file_of_every_package_keeps_the_form() {
    for (package, sources) in packages_of_the_tree() {
        let judged = sources.iter().flat_map(|(file, source)| law::form("", file, source));
        let violations: Vec<Violation> = judged.collect();
        assert!(violations.is_empty(), "{package}:\n{}\n", report(&violations));
    }
}

#[test]
fn every_test_and_bench_says_what_it_is_for() {
    let mut files = rust_files(&root().join("tests"));
    files.extend(rust_files(&root().join("benches")));
    files.extend(rust_files(&root().join("crates")));
    files.push(root().join("build.rs"));
    let silent: Vec<PathBuf> = files
        .into_iter()
        .filter(|path| !fs::read_to_string(path).is_ok_and(|text| text.starts_with("//!")))
        .collect();
    assert!(silent.is_empty(), "without a `//!` head: {silent:#?}");
}

#[test]
fn no_two_files_need_each_other() {
    let mut found = Vec::new();
    for (package, sources) in packages_of_the_tree() {
        let circles = circles::find(&sources);
        found.extend(circles.iter().map(|circle| format!("{package}: {circle}")));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// Files with their text, some of which need each other or seem to.
struct CircleCase {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    circle: &'static [&'static str],
}

#[rustfmt::skip] // one case a line
const CIRCLES: &[CircleCase] = &[
    CircleCase { name: "two files", files: &[("a/b.rs", "use super::c::C;"), ("a/c.rs", "use crate::a::b;")], circle: &["a/b.rs", "a/c.rs"] },
    CircleCase { name: "three files", files: &[("a/b.rs", "use super::c;"), ("a/c.rs", "use super::{d::{D, E}};"), ("a/d.rs", "fn f() { super::b::f() }")], circle: &["a/b.rs", "a/c.rs", "a/d.rs"] },
    CircleCase { name: "through a name that the room hands on", files: &[("a/mod.rs", "mod b; mod c; pub use b::B;"), ("a/b.rs", "use super::c::C;"), ("a/c.rs", "use super::B;")], circle: &["a/b.rs", "a/c.rs"] },
    CircleCase { name: "through an imported module", files: &[("a/b.rs", "use super::c; fn f() { c::d::f() }"), ("a/c/mod.rs", ""), ("a/c/d.rs", "use crate::a::b;")], circle: &["a/b.rs", "a/c/d.rs"] },
    CircleCase { name: "through a name given to it", files: &[("a/b.rs", "use super::c as d; fn f() { d::f() }"), ("a/c.rs", "use super::b;")], circle: &["a/b.rs", "a/c.rs"] },
    CircleCase { name: "in a test inside the file", files: &[("a/b.rs", "mod tests { use super::super::c; }"), ("a/c.rs", "use super::b;")], circle: &["a/b.rs", "a/c.rs"] },
    CircleCase { name: "one way", files: &[("a/b.rs", "use super::c::C;"), ("a/c.rs", "use super::d::D;"), ("a/d.rs", "use std::fmt;")], circle: &[] },
    CircleCase { name: "a room and its file", files: &[("a/mod.rs", "mod b; use b::B; struct A;"), ("a/b.rs", "use super::A;")], circle: &[] },
    CircleCase { name: "a test inside the file", files: &[("a/b.rs", "mod tests { use super::*; use super::B; }")], circle: &[] },
    CircleCase { name: "names alike", files: &[("a/b.rs", "use c::C; fn f(c: c::D) { c.b::<u8>() }"), ("a/c.rs", "use super::b;")], circle: &[] },
    CircleCase { name: "in a comment", files: &[("a/b.rs", "/// See [`super::c::C`].\nstruct B;"), ("a/c.rs", "use super::b;")], circle: &[] },
];

#[test]
fn a_circle_is_found_and_nothing_else() {
    for CircleCase { name, files, circle: expected } in CIRCLES {
        let sources: Vec<(String, String)> =
            files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
        let found = circles::find(&sources);
        let files: BTreeSet<&str> =
            found.iter().flat_map(|circle| circle.files.iter().map(String::as_str)).collect();
        assert_eq!(files, expected.iter().copied().collect(), "{name}: {found:?}");
    }
}

/// The picture in ARCHITECTURE.md: lines such as ` 6  grpc  http   the doors` inside
/// the first fenced block after the heading "Layers".
#[test]
fn the_picture_shows_the_layers_that_are_checked() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, after) = text.split_once("## Layers").expect("a heading `Layers`");
    let block = after.split("```").nth(1).expect("a fenced picture");

    for (layer, rooms) in LAYERS {
        let number = layer.to_string();
        let line = block
            .lines()
            .find(|line| line.split_whitespace().next() == Some(number.as_str()))
            .unwrap_or_else(|| panic!("layer {layer} is not in the picture"));
        let drawn: BTreeSet<&str> =
            line.split("  ").map(str::trim).filter(|word| all_rooms().contains(word)).collect();
        assert_eq!(drawn, rooms.iter().copied().collect(), "layer {layer}");
    }
}

fn all_rooms() -> BTreeSet<&'static str> {
    LAYERS.iter().flat_map(|(_, rooms)| rooms.iter().copied()).collect()
}

/// Each rule, and a source that breaks it: (name, file, source, rule broken).
#[rustfmt::skip] // one case a line
const BAD: &[(&str, &str, &str, Rule)] = &[
    ("upward", "config.rs", "use crate::authz::Authorizer;", Rule::Arrow),
    ("upward inline", "verify/token.rs", "fn f() { crate::authz::f() }", Rule::Arrow),
    ("sideways", "extract/cookie.rs", "use crate::upstream;", Rule::Arrow),
    ("sideways at the bottom", "metrics.rs", "use crate::model::DenyReason;", Rule::Arrow),
    ("in a group", "grpc.rs", "use crate::{model::Verdict, app::Bound};", Rule::Arrow),
    ("in a nested group", "issuer_api.rs", "use {std::fmt, crate::{config::{A, B}, verify}};", Rule::Arrow),
    ("over several lines", "authz.rs", "use crate::{\n    model,\n    http,\n};", Rule::Arrow),
    ("through super", "upstream.rs", "use super::grpc::Door;", Rule::Arrow),
    ("through a group of super", "health.rs", "use super::{config, model};", Rule::Arrow),
    ("through self and super", "health.rs", "use self::super::config;", Rule::Arrow),
    ("in a test module", "policy.rs", "#[cfg(test)] mod tests { use crate::authz; }", Rule::Arrow),
    ("in a file of tests", "policy/tests.rs", "use crate::profile::Profiles;", Rule::Arrow),
    ("in a macro", "model.rs", "macro_rules! m { () => { $crate::config::X } }", Rule::Arrow),
    ("in a type", "model/trace.rs", "type T = Vec<crate::metrics::Label>;", Rule::Arrow),
    ("after a test module", "policy.rs", "mod tests {} use super::authz;", Rule::Arrow),
    ("the emulator's types", "issuer_api/user.rs", "use rownd_emulator::Level;", Rule::CrateFence),
    ("main past cli", "main.rs", "fn main() { rownd_authz::app::run() }", Rule::Arrow),
    ("a room without a layer", "utils.rs", "fn f() {}", Rule::UnknownRoom),
    ("no room", "authz.rs", "use crate::Error;", Rule::UnknownRoom),
    ("glob", "app.rs", "use crate::*;", Rule::RootGlob),
    ("glob in a group", "app.rs", "use crate::{*};", Rule::RootGlob),
    ("alias", "app.rs", "use crate as all;", Rule::RootGlob),
    ("alias in a group", "app.rs", "use crate::{self as all};", Rule::RootGlob),
    ("super super", "verify/issuer/kind.rs", "use super::super::token;", Rule::SuperSuper),
    ("super super in a group", "verify/a.rs", "use super::{super::b};", Rule::SuperSuper),
    ("envoy", "authz.rs", "use envoy_types::pb::X;", Rule::CrateFence),
    ("a proof out of nothing", "authz/check.rs", "impl policy::ConfirmedByProfile for () {}", Rule::NameFence),
    ("a proof in another file of the room", "profile/cache.rs", "impl ConfirmedByProfile for () {}", Rule::NameFence),
    ("envoy in another door", "grpc/rownd_auth.rs", "type A = envoy_types::B;", Rule::CrateFence),
    ("reqwest", "verify/jwks.rs", "fn f(_: reqwest::Url) {}", Rule::CrateFence),
    ("reqwest renamed", "issuer_api.rs", "use reqwest as web;", Rule::CrateFence),
    ("reqwest absolute", "issuer_api.rs", "use ::reqwest::Client;", Rule::CrateFence),
    ("reqwest by extern", "issuer_api.rs", "extern crate reqwest;", Rule::CrateFence),
    ("reqwest in a group", "issuer_api.rs", "use {reqwest::Client, std::fmt};", Rule::CrateFence),
    ("jsonwebtoken", "authz.rs", "use jsonwebtoken::decode;", Rule::CrateFence),
    ("a name alike", "verifier.rs", "use jsonwebtoken::decode;", Rule::CrateFence),
    ("raw metrics", "grpc.rs", "fn f() -> ::metrics::Counter {}", Rule::CrateFence),
    ("a runtime in a pure room", "policy.rs", "use tokio::sync::Mutex;", Rule::PureRoom),
    ("the wire in a pure room", "model/facts.rs", "use tonic::Status;", Rule::PureRoom),
    ("another room's file", "authz.rs", "#[path = \"http/ops.rs\"] mod x;", Rule::FarModule),
];

#[test]
fn each_rule_is_broken_by_its_bad_source() {
    for (name, file, source, rule) in BAD {
        let source = format!("//! Head.\n{source}\n");
        let broken: BTreeSet<Rule> = law::judge(file, &source).iter().map(|v| v.rule).collect();
        assert!(broken.contains(rule), "{name}: {rule:?} not seen in {file}: {broken:?}");
    }
}

#[test]
fn the_layers_of_the_emulator_are_held() {
    for (file, source) in [
        ("data/users.rs", "use crate::routes::Controls;"),
        ("state/mod.rs", "use crate::mint::Minter;"),
        ("keys/rsa.rs", "use crate::seed::Seed;"),
        ("main.rs", "fn main() { rownd_emulator::bind() }"),
    ] {
        let source = format!("//! Head.\n{source}\n");
        let broken = law::judge_in(EMULATOR, file, &source);
        assert!(!broken.is_empty(), "{file}: {source}");
    }
}

#[test]
fn a_violation_names_its_file_line_and_arrow() {
    let source = "//! Head.\n\n/* two\nlines */ const A: &str = \"\n\";\nuse crate::cli;\n";
    let violations = law::judge("authz/inject.rs", source);
    assert_eq!(
        report(&violations),
        "src/authz/inject.rs:6: Arrow: `authz` (layer 6) points upward to `cli` (layer 9)"
    );
}

/// Sources that look like a breach and are none: (name, file, source).
#[rustfmt::skip] // one case a line
const GOOD: &[(&str, &str, &str)] = &[
    ("downward", "authz.rs", "use crate::{config, extract::Extractor, verify, model};"),
    ("the same room", "verify/issuer.rs", "use crate::verify::token; use super::jwks;"),
    ("super in a test module", "model.rs", "mod tests { use super::*; }"),
    ("super in a file of tests", "model/tests.rs", "use super::*; use super::Identity;"),
    ("super two modules down", "policy.rs", "mod a { mod b { use super::authz; } }"),
    ("visibility", "model.rs", "pub(crate) struct A; pub(super) struct B; pub(in crate::model) struct C;"),
    ("in a comment", "model.rs", "// use crate::app;\n/* crate::app /* crate::cli */ reqwest:: */"),
    ("in a doc comment", "model.rs", "/// See [`crate::authz::Authorizer`].\nstruct A;"),
    ("in a string", "model.rs", r#"const A: &str = "crate::app \" reqwest::get";"#),
    ("in a raw string", "model.rs", "const A: &str = r##\"\"# crate::app\"##;"),
    ("in bytes", "model.rs", r#"const A: &[u8] = b"crate::app"; const B: u8 = b'"';"#),
    ("a quote as a character", "model.rs", r#"const A: char = '"'; const B: char = '\''; // crate::app "#),
    ("a lifetime", "model.rs", "struct A<'a>(&'a str); // crate::app"),
    ("a raw name", "model.rs", "use crate::model::r#type;"),
    ("a method of that name", "model.rs", "fn f(a: A) { a.reqwest::<u8>(); }"),
    ("a path that ends so", "authz.rs", "use crate::upstream::reqwest;"),
    ("the emulator in a test", "verify/tests/key_source.rs", "use rownd_emulator::Fault;"),
    ("crate at its place", "upstream/client.rs", "use reqwest::Client;"),
    ("envoy in its door", "grpc/ext_authz_reply.rs", "use envoy_types::pb;"),
    ("envoy in its folder", "grpc/ext_authz/reply.rs", "use envoy_types::pb;"),
    ("own metrics", "grpc.rs", "use crate::metrics; fn f() { metrics::check(); }"),
    ("raw metrics at home", "metrics.rs", "fn f() { ::metrics::counter!(\"a\"); }"),
    ("an associated item", "grpc.rs", "fn f() { Vec::<u8>::metrics(); }"),
    ("cli knows app", "cli/serve.rs", "use crate::app::Bound;"),
    ("main knows cli", "main.rs", "fn main() { rownd_authz::cli::main() }"),
    ("a file of tests beside", "authz/inject.rs", "#[path = \"inject_tests.rs\"] mod tests;"),
    ("the root declares", "lib.rs", "pub mod app; pub use crate::app::Bound;"),
];

#[test]
fn what_only_looks_like_a_breach_is_none() {
    for (name, file, source) in GOOD {
        let source = format!("//! Head.\n{source}\n");
        let violations = law::judge(file, &source);
        assert!(violations.is_empty(), "{name}: {}", report(&violations));
    }
}

#[test]
fn a_file_opens_with_its_purpose() {
    let rules = |source: &str| -> Vec<Rule> {
        law::judge("model.rs", source).iter().map(|v| v.rule).collect()
    };
    assert_eq!(rules("//! What it is for.\n"), []);
    assert_eq!(rules("use std::fmt;\n"), [Rule::Header]);
    assert_eq!(rules("// A plain comment.\n//! Too late.\n"), [Rule::Header]);
    assert_eq!(rules(""), [Rule::Header]);
}

#[test]
fn only_code_counts_towards_the_length() {
    let rules = |lines: usize| -> Vec<Rule> {
        let code = "const A: u8 = 0; // a remark\n// a comment\n\n/*\n*/\n".repeat(lines);
        let source = format!("//! Head.\n{code}");
        law::judge("model.rs", &source).iter().map(|v| v.rule).collect()
    };
    assert_eq!(rules(MAX_CODE_LINES), []);
    assert_eq!(rules(MAX_CODE_LINES + 1), [Rule::TooLong]);
}
