//! The section `shared`: addresses, secrets and keys that can be meant, and all that cannot.

use super::{APP, bad, file, good};
use crate::config::{OnOutage, SharedPlace};

const KEY: &str = "c2l4dGVlbi1ieXRlcyEhc2l4dGVlbi1ieXRlcz8/c2g=";

fn tcp(host: &str, port: u16, tls: bool) -> SharedPlace {
    SharedPlace::Tcp { host: host.to_owned(), port, tls }
}

#[test]
fn an_address_leads_where_it_says() {
    for (written, place, database) in [
        ("rediss://redis.example.com:6380", tcp("redis.example.com", 6380, true), 0),
        ("rediss://redis.example.com", tcp("redis.example.com", 6379, true), 0),
        ("valkeys://r.example.com/3", tcp("r.example.com", 6379, true), 3),
        ("redis://127.0.0.1:7000/", tcp("127.0.0.1", 7000, false), 0),
        ("valkey://localhost", tcp("localhost", 6379, false), 0),
        ("redis://[::1]:7000/15", tcp("::1", 7000, false), 15),
        ("unix:/run/redis/redis.sock", SharedPlace::Unix("/run/redis/redis.sock".into()), 0),
    ] {
        let config = good(&format!("shared: {{ url: '{written}', key: '{KEY}' }}"), &[APP]);
        let shared = config.shared.expect(written);
        assert_eq!((&shared.url.place, shared.url.database), (&place, database), "{written}");
        assert_eq!((shared.prefix.as_str(), shared.on_outage), ("rownd-authz", OnOutage::Refuse));
    }
    assert!(good("", &[APP]).shared.is_none(), "nothing is shared unless it is configured");
    let open = format!("shared: {{ url: 'redis://r.test', allow_insecure: true, key: '{KEY}' }}");
    assert!(good(&open, &[APP]).shared.is_some());
}

/// (the section without its key, the setting complained of, what the message has to say)
#[rustfmt::skip] // one case a line
const MISTAKES: &[(&str, &str, &str)] = &[
    ("url: 'redis://r.example.com'", "shared.url", "rediss://"),
    ("url: 'redis://10.0.0.7:6379'", "shared.url", "allow_insecure"),
    ("url: 'redis://localhost.example.com'", "shared.url", "allow_insecure"),
    ("url: 'valkey://r.example.com'", "shared.url", "allow_insecure"),
    ("url: 'http://127.0.0.1'", "shared.url", "scheme `http`"),
    ("url: 'redis+sentinel://r.example.com'", "shared.url", "not supported"),
    ("url: '127.0.0.1:6379'", "shared.url", "rediss://"),
    ("url: ''", "shared.url", "not a URL"),
    ("url: 'rediss://'", "shared.url", "no host"),
    ("url: 'rediss://u@r.test'", "shared.url", "`username`"),
    ("url: 'rediss://:secret-word@r.test'", "shared.url", "`password`"),
    ("url: 'rediss://r.test?db=1'", "shared.url", "query"),
    ("url: 'rediss://r.test/one'", "shared.url", "database"),
    ("url: 'rediss://r.test/70000'", "shared.url", "database"),
    ("url: 'rediss://r.test/1/2'", "shared.url", "database"),
    ("url: 'unix:redis.sock'", "shared.url", "absolute"),
    ("url: 'rediss://r.test', allow_insecure: true", "shared.allow_insecure", "no effect"),
    ("url: 'redis://127.0.0.1', allow_insecure: true", "shared.allow_insecure", "no effect"),
    ("url: 'unix:/r.sock', allow_insecure: true", "shared.allow_insecure", "no effect"),
    ("url: 'redis://127.0.0.1', tls: { ca_file: /ca.pem }", "shared.tls.ca_file", "no effect"),
    ("url: 'rediss://r.test', tls: { ca_file: /no/such }", "shared.tls.ca_file", "/no/such"),
    ("url: 'rediss://r.test', tls: { ca_file: '' }", "shared.tls.ca_file", "empty"),
    ("url: 'rediss://r.test', username: u", "shared.username", "without a password"),
    ("url: 'rediss://r.test', password: ''", "shared.password", "empty"),
    ("url: 'rediss://r.test', password: 'file:/no/such'", "shared.password", "/no/such"),
    ("url: 'rediss://r.test', password: \"a\\nb\"", "shared.password", "visible ASCII"),
    ("url: 'rediss://r.test', prefix: 'a:b'", "shared.prefix", "a:b"),
    ("url: 'rediss://r.test', prefix: ''", "shared.prefix", ""),
    ("url: 'rediss://r.test', on_outage: ignore", "shared.on_outage", "refuse"),
    ("url: 'rediss://r.test', timeout: 10ms", "shared.timeout", "20ms to 5s"),
    ("url: 'rediss://r.test', timeout: 6s", "shared.timeout", "20ms to 5s"),
    ("url: 'rediss://r.test', unknown_for: 1s", "shared.unknown_for", "1m to 30days"),
    ("url: 'rediss://r.test', ca: /ca.pem", "shared.ca", "unknown"),
    ("prefix: a", "shared", "url"),
];

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (section, setting, said) in MISTAKES {
        let problems = bad(&format!("shared: {{ {section}, key: '{KEY}' }}"), &[APP]);
        assert!(
            problems.iter().any(|one| one.setting == *setting && one.message.contains(said)),
            "{section}: {problems:#?}"
        );
        assert!(!format!("{problems:?}").contains("secret-word"), "{section}");
    }
}

#[test]
fn a_key_is_thirty_two_random_bytes() {
    let (_directory, path) = file(&format!("{KEY}\n"));
    let from_file = format!("file:{}", path.display());
    let with = |key: &str| format!("shared: {{ url: 'redis://127.0.0.1', key: '{key}' }}");
    let read = |key: &str| good(&with(key), &[APP]).shared.unwrap().key;
    assert_eq!(read(KEY), read(&from_file));
    for (name, key, said) in [
        ("no base64", "not-base64!", "no base64"),
        ("short", "c2hvcnQ=", "5 bytes instead of 32"),
        ("long", &format!("c2l4dGVlbi1ieXRlcyEh{KEY}"), "bytes instead of 32"),
        ("all the same", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "the same"),
        ("empty", "", ""),
        ("no file", "file:/no/such", "/no/such"),
    ] {
        let problems = bad(&with(key), &[APP]);
        assert!(
            problems.iter().any(|one| one.setting == "shared.key" && one.message.contains(said)),
            "{name}: {problems:#?}"
        );
    }
    let without = bad("shared: { url: 'redis://127.0.0.1' }", &[APP]);
    assert!(without.iter().any(|one| one.message.contains("key")), "{without:#?}");
}

#[test]
fn no_secret_is_shown() {
    let yaml = format!(
        "shared: {{ url: 'rediss://r.test', username: the-user, password: the-password, key: '{KEY}' }}"
    );
    let config = good(&yaml, &[APP]);
    for shown in [serde_json::to_string(&config).unwrap(), format!("{config:?}")] {
        for secret in ["the-password", KEY, "sixteen-bytes"] {
            assert!(!shown.contains(secret), "{secret} is shown");
        }
    }
}
