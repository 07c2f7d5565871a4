//! `serve` starts with each file that `config check` accepts; refusals name the line.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use proptest::prelude::*;
use rownd_authz::{app, config};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Key, binary::run};

const JWKS_URL: &str = "https://id.test/keys?key=canary";

/// A directory with what settings may name: a socket, a file, a pipe, a place that is not there.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        fs::write(place.path("file"), "text").unwrap();
        fs::create_dir(place.path("directory")).unwrap();
        assert!(Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
        let key = Key::new("k");
        fs::write(place.path("keys.json"), json!({ "keys": [key.jwk()] }).to_string()).unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn addresses(&self) -> Vec<String> {
        let unix = |name: &str| format!("unix:{}", self.path(name));
        vec![
            "127.0.0.1:0".to_owned(),
            "[::1]:0".to_owned(),
            // TEST-NET-1 (RFC 5737): no address of this machine.
            "192.0.2.1:0".to_owned(),
            unix("one.sock"),
            unix("file"),
            unix("pipe"),
            unix("directory"),
            unix("absent/one.sock"),
            unix("file/one.sock"),
            unix(&"x".repeat(120)),
        ]
    }

    fn issuers(&self) -> Vec<Value> {
        let in_place = |key_set: &str| {
            json!({ "name": "a", "kind": "static", "issuer": "partner", "audiences": ["a"],
                "key_set": key_set })
        };
        let file = |name: &str| in_place(&format!("file:{}", self.path(name)));
        let key = Key::new("k");
        let mut private = key.jwk();
        private["d"] = json!("c2VjcmV0");
        let oidc = |issuer: &str| json!({ "name": "a", "kind": "oidc", "issuer": issuer, "audiences": ["a"] });
        let beside = |issuer: &str| {
            let mut settings = oidc(issuer);
            settings["jwks_url"] = json!(JWKS_URL);
            settings
        };
        vec![
            in_place(&json!({ "keys": [key.jwk()] }).to_string()),
            in_place(&json!({ "keys": [private] }).to_string()),
            in_place(r#"{"keys":[]}"#),
            in_place("not a set"),
            in_place("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"),
            file("keys.json"),
            file("file"),
            file("pipe"),
            file("directory"),
            file("absent"),
            in_place("file:/dev/zero"),
            oidc("https://id.test"),
            oidc("not a url"),
            beside("not a url"),
            beside("kubernetes/serviceaccount"),
            beside("https://id.test"),
            json!({ "name": "a", "kind": "rownd", "apps": [{ "id": "app_x" }] }),
            json!({ "name": "a", "kind": "rownd", "apps": [{ "key": "file:/dev/zero" }] }),
            json!({ "name": "a", "kind": "rownd", "base_url": "x", "apps": [{ "id": "app_x" }] }),
            json!({ "name": "a", "kind": "supertokens", "base_url": "https://a.test/auth" }),
            json!({ "name": "a", "kind": "firebase", "project": "shop" }),
        ]
    }
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(all: Vec<T>) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

/// `config check` says yes, and the service starts; or it says no, with places.
fn agrees(settings: &Value) -> Result<bool, TestCaseError> {
    let text = settings.to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    let judged = config::load_and_check(Some(file.path()), &BTreeMap::new(), app::problems);
    let config = match judged {
        Ok(config) => config,
        Err(problems) => {
            for problem in &problems.0 {
                prop_assert!(!problem.setting.is_empty(), "{problem} of {text}");
                prop_assert!(problem.place.ends_with(":1"), "{problem} of {text}");
            }
            return Ok(false);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let built = runtime.block_on(app::build(config)).map(drop);
    prop_assert!(built.is_ok(), "{built:?} of {text}");
    Ok(true)
}

#[test]
fn what_config_check_passes_serve_starts_with() {
    let place = Place::new();
    let (good, bad) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let parts = (
        one_of(place.issuers()),
        // Most good, so that several good ones come together.
        prop_oneof![3 => Just("127.0.0.1:0".to_owned()), 1 => one_of(place.addresses())],
        prop_oneof![3 => Just(None), 1 => prop::option::of(one_of(place.addresses()))],
        prop::option::weighted(0.2, one_of(vec!["directory", "absent", "absent/x", "file"])),
    );
    proptest!(ProptestConfig::with_cases(120), |((issuer, grpc, control, keys) in parts)| {
        let mut settings = json!({
            "issuers": [issuer],
            "listeners": { "grpc": { "address": grpc }, "ops": { "address": "127.0.0.1:0" } },
        });
        if let Some(control) = control {
            let control = control.replace("one.sock", "two.sock");
            settings["listeners"]["control"] = json!({ "address": control });
        }
        if let Some(keys) = keys {
            settings["key_snapshots"] = json!({ "directory": place.path(keys) });
        }
        let count = if agrees(&settings)? { &good } else { &bad };
        count.set(count.get() + 1);
    });
    assert!(good.get() > 10 && bad.get() > 10, "{} good, {} bad", good.get(), bad.get());
}

/// Each by itself, as an operator sees it: by the real binary, which ends.
#[test]
fn config_check_names_what_serve_would_refuse() {
    let place = Place::new();
    let static_of = |key_set: &str| {
        format!(
            "issuers: [{{ name: a, kind: static, issuer: p, audiences: [a], key_set: '{key_set}' }}]"
        )
    };
    let listener = |address: &str| {
        format!(
            "issuers: [{{ name: a, kind: rownd, apps: [{{ id: app_x }}] }}]\n\
             listeners: {{ grpc: {{ address: '{address}' }} }}"
        )
    };
    let directory = place.path("absent/one.sock");
    for (text, place, message) in [
        (static_of("not a set"), ":1:63: error: issuers[0].key_set: ", "neither a JWKS nor PEM"),
        (static_of("{\"keys\":[]}"), ":1:63: error: issuers[0].key_set: ", "no usable key"),
        (static_of("file:/dev/zero"), ":1:63: error: issuers[0].key_set: ", "not a regular file"),
        (
            listener("192.0.2.1:50051"),
            ":2:22: error: listeners.grpc.address: ",
            "no address of this machine",
        ),
        (
            listener(&format!("unix:{directory}")),
            ":2:22: error: listeners.grpc.address: ",
            "make the directory",
        ),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &text).unwrap();
        let name = file.path().to_str().unwrap();
        let skipped = run(&["config", "check", "--skip-host", "--config", name], &[]);
        let of_the_host = place.contains("listeners");
        assert_eq!(skipped.status.code(), Some(if of_the_host { 0 } else { 2 }), "{text}");
        for command in [&["config", "check", "--config", name][..], &["serve", "--config", name]] {
            let output = run(command, &[]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{command:?} {text}: {said}");
            assert!(said.contains(&format!("{name}{place}")), "{command:?} {text}: {said}");
            assert!(said.contains(message), "{command:?} {text}: {said}");
        }
    }
    assert!(Path::new(&place.path("file")).is_file(), "a file that is no socket is left alone");
}

#[test]
fn config_print_shows_no_query_of_a_url() {
    let text = "issuers:\n\
        - { name: a, kind: oidc, issuer: 'https://id.test', audiences: [a],\n\
        \x20   jwks_url: 'https://id.test/keys?key=canary1', jwks_fallback_url: 'https://b.test/k?canary2' }\n\
        - { name: b, kind: static, issuer: p, audiences: [a],\n\
        \x20   key_set: '{\"keys\":[{\"kty\":\"oct\",\"k\":\"canary4\"}]}' }\n\
        rownd_auth:\n\
        \x20 oidc_clients:\n\
        \x20 - { name: web, issuer: a, client_id: c, redirect_uris: ['https://app.test/back?s=canary3'] }\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let output = run(&["config", "print", "--config", file.path().to_str().unwrap()], &[]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("https://id.test/keys?<redacted>"), "{printed}");
    assert!(!printed.contains("canary"), "{printed}");
}

/// Platform engineers ask it before there is a whole configuration.
#[test]
fn config_print_early_strip_lists_patterns_for_a_proxy() {
    let output = run(&["config", "print", "--early-strip"], &[]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed.lines().next(), Some("^x[^a-z0-9]rownd[^a-z0-9]user[^a-z0-9]id$"));
    assert_eq!(printed.lines().count(), 12, "{printed}");
}
