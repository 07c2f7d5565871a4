//! The changes that a running process finds in its files, and those that it may use without a
//! restart.

use std::{fs, os::unix::fs::symlink};

use super::{APP, environment, good};
use crate::config::{ConfigSource, Files, needs_restart, restart_problems, restart_settings};

#[test]
fn a_change_is_seen_once_wherever_it_happens() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("secret"), "ras_1").unwrap();
    fs::write(at("key"), "key_1").unwrap();
    let text = |leeway: &str| {
        format!(
            "issuers: [{{ name: a, kind: rownd, leeway: {leeway}, \
             apps: [{{ id: x, secret: 'file:{}' }}] }}]",
            at("secret").display()
        )
    };
    fs::write(at("real.yaml"), text("1s")).unwrap();
    symlink("real.yaml", at("config.yaml")).unwrap();
    let key = at("key").display().to_string();
    let variables = environment(&[APP, ("ROWND_APP_KEY_FILE", &key)]);
    let mut source = ConfigSource::new(Some(at("config.yaml")), variables);
    let mut see = |what: &str, expected: bool| {
        assert_eq!(source.changed(), expected, "{what}");
        assert!(!source.changed(), "{what}, again");
    };
    see("nothing", false);
    let write = |name: &str, text: &str| fs::write(at(name), text).unwrap();
    write("real.yaml", &text("2s"));
    see("the file, of the same length", true);
    write("real.yaml", &text("2s"));
    see("the same text, written anew", false);
    write("secret", "ras_2");
    see("a secret", true);
    write("key", "key_2");
    see("a file that the environment names", true);
    fs::remove_file(at("secret")).unwrap();
    see("a secret that is gone", true);
    write("secret", "ras_2");
    see("and back", true);
    write("other.yaml", &text("3s"));
    see("a file that nobody names", false);
    symlink("other.yaml", at("link")).unwrap();
    fs::rename(at("link"), at("config.yaml")).unwrap();
    see("a swapped link", true);
    write("other.yaml", "no [ yaml");
    see("a broken file", true);
    write("secret", "ras_3");
    see("a secret that the broken file does not name", false);
    fs::remove_file(at("config.yaml")).unwrap();
    see("no file", true);
}

#[test]
fn what_is_no_regular_file_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Files::new(vec![dir.path().to_owned(), "/dev/zero".into()]);
    assert!(!files.changed());
}

#[test]
fn what_needs_a_restart_is_named_and_nothing_else() {
    let old = good("", &[APP]);
    for (yaml, expected) in [
        ("", &[][..]),
        ("{ check: { timeout: 2s }, default: { auth: none }, shutdown: { grace: 1s } }", &[]),
        ("{ credentials: [{ cookie: c }], identity_headers: { max_value_bytes: 64 } }", &[]),
        ("issuers: [{ name: other, kind: rownd }]", &[]),
        ("log: { level: debug }", &["log.level"]),
        (
            "{ listeners: { ops: { address: '127.0.0.1:1' }, grpc: { workers: 3 } } }",
            &["listeners.grpc.workers", "listeners.ops.address"],
        ),
    ] {
        let mut found = needs_restart(&old, &good(yaml, &[APP]));
        found.sort();
        assert_eq!(found, expected, "{yaml}");
    }
}

/// Defaults that other settings bring along did not change, and a change that only a secret shows is told.
#[test]
fn a_reload_names_the_settings_that_were_changed_alone() {
    let sink = "sinks: [{ name: log, file: { path: /var/log/events.jsonl } }]";
    let hook = |secret: &str| {
        format!(
            "sinks: [{{ name: crm, http: {{ url: 'https://crm.example.com/in', \
             secrets: [{secret}], directory: /var/lib/crm }} }}]"
        )
    };
    let first = hook("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let second = hook("whsec_YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=");
    let in_events = |text: &str| format!("events: {{ {text} }}");
    let and = |text: &str| format!("{}\nlog: {{ level: debug }}", in_events(text));
    let http = "listeners: { http: { address: '127.0.0.1:8081', hosts: [api.example.com], serve: [rpc] } }\n\
                rownd_auth: { callers: [{ name: a, allow: [verify], secret: 0123456789abcdef, apps: [app_test] }] }";
    for (what, before, after, expected) in [
        ("sinks", String::new(), in_events(sink), &["events.sinks"][..]),
        ("and back", in_events(sink), String::new(), &["events.sinks"]),
        ("a secret", in_events(&first), in_events(&second), &["events.sinks"]),
        ("a secret and more", in_events(&first), and(&second), &["events.sinks", "log.level"]),
        (
            "a source",
            in_events(sink),
            in_events(&format!("source: 'https://auth.example.com', {sink}")),
            &["events.source"],
        ),
        (
            "a listener",
            String::new(),
            http.to_owned(),
            &["listeners.http.address", "listeners.http.hosts", "listeners.http.serve"],
        ),
    ] {
        let mut found = needs_restart(&good(&before, &[APP]), &good(&after, &[APP]));
        found.sort();
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn what_needs_a_restart_is_told_at_its_line_with_both_values() {
    let secret = "shared: { url: 'redis://127.0.0.1:1', key: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=' }\n";
    let old = good(&format!("{secret}log: {{ level: info }}\n"), &[APP]);
    let other = secret.replace("MDEy", "MDEz");
    let new = good(&format!("{other}log: {{ level: debug }}\n"), &[APP]);
    let told: Vec<String> = restart_problems(&old, &new).iter().map(ToString::to_string).collect();
    let [log, shared] = told.as_slice() else { panic!("{told:#?}") };
    assert!(log.starts_with("test.yaml:2:8"), "{log}");
    assert!(log.contains("log.level: needs a restart: `info` is in force, and `debug`"), "{log}");
    assert!(shared.starts_with("test.yaml:1") && shared.contains("needs a restart"), "{shared}");
    assert!(!shared.contains("MDE"), "{shared}");
}

/// A section is reloaded only where somebody said so: what nobody thought of needs a restart.
#[test]
fn what_is_not_marked_needs_a_restart() {
    let all = restart_settings();
    let sections: std::collections::BTreeSet<&str> =
        all.iter().filter_map(|path| path.split('.').next()).collect();
    for reloads in ["issuers", "credentials", "routes", "default", "check", "shutdown"] {
        assert!(!sections.contains(reloads), "{reloads}");
    }
    for restart in ["listeners.grpc.address", "listeners.grpc.max_connections", "log.format"] {
        assert!(all.iter().any(|path| path == restart), "{restart}: {all:?}");
    }
}
