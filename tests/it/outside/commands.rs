//! The command line of the real binary, and what it cannot do.

use std::{fs, process::Command};

use clap::CommandFactory as _;
use rownd_authz::cli::Cli;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Issuer, Key, Reply, TestApp,
    binary::{BINARY, run},
    config, config_with, eventually, until,
};

/// A configuration file of this text, each in a directory of its own.
fn file(files: &TempDir, text: &str) -> String {
    let directory = files.path().join(format!("{:x}", rand::random::<u64>()));
    fs::create_dir(&directory).unwrap();
    let path = directory.join("rownd-authz.yaml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Keys, what was refused of them, app ids, and what could not be had: as an operator asks before
/// a roll-out.
#[tokio::test]
async fn config_check_online_asks_every_issuer() {
    let (rownd, partner) = (Issuer::start(), Issuer::start());
    let key = Key::new("sig-1");
    let symmetric = json!({ "kty": "oct", "kid": "s", "k": "c2VjcmV0" });
    rownd.set("/hub/auth/keys", Reply::json(&json!({ "keys": [key.jwk(), symmetric] })));
    rownd.set("/hub/app-config", Reply::json(&json!({ "app": { "id": "app_asked" } })));
    let files = TempDir::new().unwrap();
    let yaml = |more: &str| {
        format!(
            "issuers:\n\
             - {{ name: main, kind: rownd, base_url: '{}', apps: [{{ key: key_x }}, {{ id: app_y }}] }}\n\
             {more}",
            rownd.url()
        )
    };
    let check = async |yaml: String| {
        let name = file(&files, &yaml);
        let command = move || run(&["config", "check", "--online", "--config", &name], &[]);
        let output = tokio::task::spawn_blocking(command).await.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, said) = check(yaml("")).await;
    assert_eq!(status, Some(0), "{said}");
    for part in ["main (", "1 usable", "EdDSA  sig-1", "refused: a private or symmetric key"] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    assert!(said.contains("apps[0]: app_asked") && said.contains("apps[1]: app_y"), "{said}");
    // An issuer without an answer, and a name that would draw on a terminal.
    rownd.publish(&[&Key::new("\u{1b}[31mred")]);
    partner.set("/jwks", Reply::status(503));
    let partner = format!(
        "- {{ name: partner, kind: oidc, issuer: 'https://id.test', audiences: [a], jwks_url: '{}/jwks' }}",
        partner.url()
    );
    let (status, said) = check(yaml(&partner)).await;
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("partner (https://id.test): 0 usable"), "{said}");
    assert!(said.contains("not fetched: ") && said.contains("503"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    // A set of which nothing can be used: each key's reason is said.
    let keys =
        json!([symmetric, { "kty": "RSA", "kid": "\u{1b}[31mred", "n": "AQAB", "e": "AQAB" }]);
    rownd.set("/hub/auth/keys", Reply::json(&json!({ "keys": keys })));
    let (status, said) = check(yaml("")).await;
    assert_eq!(status, Some(1), "{said}");
    for part in [
        "0 usable key(s)",
        "refused: a private or symmetric key (kid s)\n",
        "refused: not a key type this issuer signs with: none of its algorithms fits (kid %1B[31mred)\n",
        "not fetched: the document holds no usable key: ",
    ] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn config_check_says_every_problem_at_once() {
    let files = TempDir::new().unwrap();
    let good = file(&files, "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_x }] }]\n");
    let output = run(&["config", "check", "--config", &good], &[]);
    assert_eq!(output.status.code(), Some(0));
    let output = run(&["config", "check"], &[("ROWND_AUTHZ_CONFIG", &good)]);
    assert_eq!(output.status.code(), Some(0));
    let output = run(&["config", "check"], &[("ROWND_APP_KEY", "key_x")]);
    assert_eq!(output.status.code(), Some(0), "the app key is all it needs");

    let bad = "\
issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_x }] }]
check: { timeout: 1ms, max_token_byte: 9 }
routes:
  - { id: a, match: { path: { prefix: admin } }, auth: maybe }
listeners: { ops: { address: nowhere } }
";
    let output = run(&["config", "check", "--config", &file(&files, bad)], &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "check.timeout",
        "max_token_byte",
        "routes[0]",
        "prefix",
        "maybe",
        "listeners.ops.address",
        "nowhere",
    ] {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    for line in [2, 4, 5] {
        assert!(said.contains(&format!("rownd-authz.yaml:{line}")), "line {line} in\n{said}");
    }
    for command in [&["serve"][..], &["config", "print"]] {
        let name = file(&files, bad);
        let arguments = [command, &["--config", &name]].concat();
        assert_eq!(run(&arguments, &[]).status.code(), Some(2), "{command:?}");
    }
}

/// Every room reports its warnings; none of them makes the configuration a bad one.
#[test]
fn config_check_shows_every_warning_and_passes() {
    let files = TempDir::new().unwrap();
    let text = "\
issuers: [{ name: rownd, kind: rownd, apps: [{ key: key_x }, { id: app_y }] }]
listeners: { grpc: { address: '0.0.0.0:50051' } }
rownd_auth:
  allow_plaintext_secrets: true
  callers: [{ name: backend, allow: [verify], secret: 0123456789abcdef0123456789abcdef }]
";
    let name = file(&files, text);
    for more in [&[][..], &["--skip-host"]] {
        let output = run(&[&["config", "check", "--config", &name], more].concat(), &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        for code in ["(grpc_without_tls)", "(caller_unbounded)"] {
            assert_eq!(said.matches(code).count(), 1, "{code} in\n{said}");
        }
    }
}

/// Warnings stand beside problems, and each line is one that editors parse.
#[test]
fn config_check_says_warnings_and_problems_in_lines_of_one_form() {
    let files = TempDir::new().unwrap();
    let text = "\
issuers: [{ name: rownd, kind: rownd, apps: [{ id: shop }] }]
check: { timeout: 5 }
routes:
  - { id: a, match: { path: { prefix: /a } }, require: { issuer: rownd, claim: { name: x, gt: 5, lt: 3 } } }
  - { id: b, match: { path: { prefix: /a/b } } }
";
    let bad = file(&files, text);
    let good = file(&files, &text.replace("timeout: 5", "timeout: 5s"));
    let check = |name: &str, more: &[&str]| {
        let output = run(&[&["config", "check", "--config", name], more].concat(), &[]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let warnings = [
        ":1:48: warning: issuers[0].apps[0].id: ",
        ":4:62: warning: routes[0].require.claim: ",
        ":5:5: warning: routes[1]: ",
    ];
    let problem = [":2:10: error: check.timeout: ", "rownd-authz: 1 problem in the configuration"];
    let strict = ["rownd-authz: 3 warning(s), and --strict is set"];
    for (name, more, status, last) in
        [(&bad, &[][..], 2, &problem[..]), (&good, &[], 0, &[]), (&good, &["--strict"], 1, &strict)]
    {
        let expected = [&warnings, last].concat();
        let (code, said) = check(name, more);
        assert_eq!(code, Some(status), "{said}");
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{said}");
        for (line, part) in lines.iter().zip(expected) {
            let place = line.strip_prefix(name.as_str()).unwrap_or(line);
            let (place, settings) = place.split_once(": ").unwrap();
            let (wanted, rest) = part.split_once(": ").unwrap();
            assert!(settings.starts_with(rest), "{line}, not {part}");
            // The columns are those of the text above.
            assert_eq!(place.split(':').nth(1), wanted.split(':').nth(1), "{line}, not {part}");
        }
    }
    // `serve` says the same of a configuration that it refuses.
    let output = run(&["serve", "--config", &bad], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), check(&bad, &[]).1);
}

/// A reader that has gone away is no fault of the command, and no panic.
#[test]
fn a_closed_pipe_ends_no_command_with_a_panic() {
    let files = TempDir::new().unwrap();
    let good = file(&files, "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_x }] }]\n");
    let bad = file(&files, "chek: {}\n");
    for (arguments, status) in [
        (&["config", "print", "--config", &good][..], 0),
        (&["config", "print", "--early-strip", "--config", &good], 0),
        (&["config", "schema"], 0),
        (&["config", "check", "--config", &good], 0),
        (&["config", "check", "--config", &bad], 2),
        (&["config", "print", "--config", &bad], 2),
        (&["--help"], 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (errors, writer_of_errors) = std::io::pipe().unwrap();
        drop(errors);
        let mut command = Command::new(BINARY);
        command.env_clear().args(arguments).stdin(std::process::Stdio::null());
        let ended = command.stdout(writer).stderr(writer_of_errors).status().unwrap();
        assert_eq!(ended.code(), Some(status), "{arguments:?}");
    }
}

#[test]
fn bad_input_is_exit_status_two() {
    let files = TempDir::new().unwrap();
    for arguments in [
        &[][..],
        &["nonsense"],
        &["serve", "--nonsense"],
        &["config", "check", "--config", "/nowhere/at/all.yaml"],
        &["config", "check", "--config", &files.path().display().to_string()],
        &["serve", "--config", &file(&files, "issuers: [")],
        &["healthcheck", "--config", &file(&files, "issuers: [")],
        &["config", "check", "--config", &file(&files, "\u{0}\u{1}")],
    ] {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["--version"], &["serve", "--help"]] {
        assert_eq!(run(arguments, &[]).status.code(), Some(0), "{arguments:?}");
    }
}

/// The words of every command below this one.
fn each_command(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
    found.push(words.to_vec());
    for below in command.get_subcommands() {
        let words = [words, &[below.get_name().to_owned()]].concat();
        each_command(below, &words, found);
    }
}

#[test]
fn every_command_has_the_version_of_the_program_and_help_and_refuses_what_it_does_not_know() {
    let said = run(&["-V"], &[]).stdout;
    assert!(String::from_utf8_lossy(&said).starts_with("rownd-authz "), "{said:?}");
    let mut all = Vec::new();
    each_command(&Cli::command(), &[], &mut all);
    assert!(all.len() > 10, "{all:?}");
    for words in all {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let with = |option: &str| run(&[&words[..], &[option]].concat(), &[]);
        for option in ["-V", "--version"] {
            let output = with(option);
            assert_eq!((output.status.code(), &output.stdout), (Some(0), &said), "{words:?}");
        }
        for option in ["-h", "--help"] {
            let output = with(option);
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(0), "{words:?} {option}");
            assert!(text.contains("Usage: rownd-authz"), "{words:?} {option}: {text}");
        }
        let output = with("--nonsense");
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{words:?}");
        assert!(text.contains("--nonsense"), "{words:?}: {text}");
    }
}

/// Help that nobody gets is no success.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_told() {
    for arguments in [&["-V"][..], &["serve", "--help"], &["config", "schema"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = Command::new(BINARY).env_clear().args(arguments).stdout(full).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with("rownd-authz: standard output: "), "{arguments:?}: {text}");
    }
}

#[test]
fn config_print_shows_what_is_in_force_without_its_secrets() {
    let files = TempDir::new().unwrap();
    let secret = files.path().join("secret");
    fs::write(&secret, "ras_canary_file\n").unwrap();
    let text = format!(
        "issuers: [{{ name: rownd, kind: rownd, apps: [{{ key: key_canary, secret: \"file:{}\" }}] }}]\n",
        secret.display()
    );
    let name = file(&files, &text);
    let environment = [("ROWND_AUTHZ__CHECK__TIMEOUT", "123ms")];
    let output = run(&["config", "print", "--config", &name], &environment);
    assert_eq!(output.status.code(), Some(0));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("123ms") && printed.contains("127.0.0.1:50051"), "{printed}");
    assert!(!printed.contains("canary"), "{printed}");
    assert!(printed.contains("redacted"), "{printed}");
}

#[test]
fn config_schema_is_the_one_in_the_docs() {
    let output = run(&["config", "schema"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/config.schema.json");
    let committed: Value = serde_json::from_str(&fs::read_to_string(page).unwrap()).unwrap();
    assert!(printed == committed, "docs/config.schema.json is stale: make docs");
    let schema = jsonschema::validator_for(&printed).unwrap();
    assert!(schema.is_valid(&json!({ "check": { "timeout": "200ms" } })));
    assert!(!schema.is_valid(&json!({ "chek": {} })));
}

#[tokio::test]
async fn healthcheck_says_yes_no_or_that_it_cannot_ask() {
    let key = Key::new("sig-1");
    let mut issuer = Issuer::closed();
    let app = TestApp::start(&config(&issuer)).await;
    let address = app.address().to_string();
    let ask = async |arguments: Vec<String>| {
        let asked = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            run(&[&["healthcheck"], &arguments[..]].concat(), &[]).status.code()
        };
        tokio::task::spawn_blocking(asked).await.unwrap()
    };
    let at = |more: &[&str]| {
        let own = ["--address", address.as_str()];
        own.iter().chain(more).map(|argument| (*argument).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ask(at(&[])).await, Some(1), "not ready");
    let pages = app.ops.to_string();
    let page = |page: &str| ["--page", page, "--address", &pages].map(str::to_owned).to_vec();
    assert_eq!(ask(page("livez")).await, Some(0), "alive");
    assert_eq!(ask(page("readyz")).await, Some(1), "the page says no");
    issuer.publish(&[&key]);
    issuer.open();
    app.is_ready().await;
    eventually("yes", async || (ask(at(&[])).await == Some(0)).then_some(())).await;
    assert_eq!(ask(page("readyz")).await, Some(0), "the page says yes");
    let service = ["--service", "envoy.service.auth.v3.Authorization"];
    assert_eq!(ask(at(&service)).await, Some(0));
    assert_eq!(ask(at(&["--service", "nobody"])).await, Some(1));
    let nobody = vec!["--address".to_owned(), Issuer::closed().url().replace("http://", "")];
    assert_eq!(ask(nobody).await, Some(1), "nobody there");

    // A listener that says nothing is not waited for beyond the timeout.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap().to_string();
    let arguments = ["--address", &silent, "--timeout", "200ms"].map(str::to_owned).to_vec();
    assert_eq!(ask(arguments).await, Some(1), "silence");
    let arguments = ["--page", "livez", "--address", &silent, "--timeout", "200ms"];
    assert_eq!(ask(arguments.map(str::to_owned).to_vec()).await, Some(1), "no page");

    let files = TempDir::new().unwrap();
    let path = files.path().join("grpc.sock");
    let on_a_socket = config_with(&issuer, |c| {
        c["listeners"]["grpc"]["address"] = json!(format!("unix:{}", path.display()));
    });
    let app = TestApp::ready(&on_a_socket).await;
    // It may not read the secrets, and needs nothing but the address.
    let address = &on_a_socket["listeners"]["grpc"]["address"];
    let unreadable = json!({
        "listeners": { "grpc": { "address": address } },
        "issuers": [{ "name": "rownd", "kind": "rownd", "apps": [{ "key": "file:/nowhere" }] }],
    });
    let config = file(&files, &unreadable.to_string());
    let arguments = ["--config", &config].map(str::to_owned).to_vec();
    eventually("yes", async || (ask(arguments.clone()).await == Some(0)).then_some(())).await;
    until("still ready", || app.readiness.is_ready()).await;
    // The page of the configuration: of the probes where there are any, else of everybody.
    for name in ["address", "probe_address"] {
        let ops = json!({ "listeners": { "ops": { name: app.ops.to_string() } } });
        let config = file(&files, &ops.to_string());
        let arguments = ["--page", "readyz", "--config", &config].map(str::to_owned).to_vec();
        assert_eq!(ask(arguments).await, Some(0), "{name}");
    }
}

#[test]
fn healthcheck_tells_an_address_that_cannot_be_one_with_its_line() {
    let files = TempDir::new().unwrap();
    for (section, page) in [("grpc", &[][..]), ("ops", &["--page", "livez"])] {
        let text = format!("# a comment\nlisteners: {{ {section}: {{ address: localhost }} }}\n");
        let config = file(&files, &text);
        let output = run(&[&["healthcheck", "--config", &config], page].concat(), &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let place =
            format!("{config}:2:{}: error: listeners.{section}.address: ", 18 + section.len());
        assert_eq!(output.status.code(), Some(2), "{section}: {said}");
        assert!(said.contains(&place), "{section}: {said}");
    }
}

/// A binary for production knows no emulator: feature `dev` has to be asked for.
#[test]
fn the_feature_that_mints_tokens_is_never_on_by_itself() {
    let cargo = rownd_authz::config::environment().remove("CARGO").unwrap_or("cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "rownd-authz").unwrap();
    let features = package["features"].as_object().unwrap();
    assert_eq!(features["dev"], json!(["dep:rownd-emulator"]));
    for (feature, enables) in features.iter().filter(|(feature, _)| *feature != "dev") {
        let enables = enables.to_string();
        assert!(!enables.contains("dev") && !enables.contains("emulator"), "{feature}: {enables}");
    }
    let dependencies = package["dependencies"].as_array().unwrap();
    let emulator = dependencies.iter().find(|one| one["name"] == "rownd-emulator").unwrap();
    assert_eq!((&emulator["optional"], &emulator["kind"]), (&json!(true), &Value::Null));
    // The image is built without features; the emulator has an image of its own.
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Dockerfile")).unwrap();
    assert!(!manifest.contains("features"), "{manifest}");
    assert!(manifest.contains("cargo build --release --locked --bin rownd-authz\n"), "{manifest}");
}

#[test]
fn all_of_it_stands_behind_the_feature() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/mod.rs")).unwrap();
    for item in [
        "mod demo;",
        "mod dev;",
        "mod dev_args;",
        "Dev(dev_args::DevArgs)",
        "Mint(rownd_emulator::cli::MintArgs)",
    ] {
        let (before, _) = text.split_once(item).unwrap_or_else(|| panic!("{item}"));
        let guard = before.rsplit("#[cfg(feature = \"dev\")]").next().unwrap();
        let between: Vec<&str> =
            guard.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let plain = between.iter().all(|line| line.starts_with("#[") || line.starts_with("///"));
        assert!(plain && before.contains("cfg(feature"), "{item} is not behind the feature");
    }
}
