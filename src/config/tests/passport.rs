//! The section `passport` and the listener `http`: what is refused, and what to write instead.

use super::{APP, bad, file, good, places};

/// The listener, with more settings.
fn listener(more: &str) -> String {
    format!("listeners: {{ http: {{ serve: [passport_keys]{more} }} }}")
}

fn passport(path: &str, more: &str) -> String {
    format!(
        "passport: {{ issuer: 'https://authz.example.com', keys: [{{ file: '{path}' }}]{more} }}"
    )
}

#[test]
fn nothing_is_served_and_signed_unless_it_is_configured() {
    let config = good("", &[APP]);
    assert_eq!((config.listeners.http, config.passport), (None, None));
}

#[test]
fn the_defaults_are_those_of_the_documents() {
    let (_dir, path) = file("a key");
    let yaml = format!("{}\n{}", listener(""), passport(&path.display().to_string(), ""));
    let config = good(&yaml, &[APP]);
    let http = config.listeners.http.unwrap();
    assert_eq!(http.address.to_string(), "127.0.0.1:8085");
    assert_eq!((http.socket_mode.to_string().as_str(), http.hosts.len()), ("0660", 0));
    let passport = config.passport.unwrap();
    assert_eq!(passport.ttl.to_string(), "1m");
    assert_eq!((passport.cache_bytes, passport.trust_domain), (8 << 20, None));
    assert_eq!(passport.keys[0].pem.expose(), "a key");
}

#[test]
fn a_listener_that_cannot_be_meant_is_refused() {
    let (_dir, path) = file("a key");
    let keys = passport(&path.display().to_string(), "");
    for (name, settings, setting, words) in [
        ("no group", "listeners: { http: { serve: [] } }".to_owned(), "listeners.http.serve", "[passport_keys]"),
        ("serve left out", "listeners: { http: {} }".to_owned(), "listeners.http", "`serve`"),
        ("unknown group", "listeners: { http: { serve: [hooks] } }".to_owned(), "listeners.http.serve[0]", "passport_keys"),
        ("twice", "listeners: { http: { serve: [passport_keys, passport_keys] } }".to_owned(), "listeners.http.serve[1]", "twice"),
        ("no address", listener(", address: here"), "listeners.http.address", "IP:PORT"),
        ("that of grpc", listener(", address: '127.0.0.1:50051'"), "listeners.http.address", "another port"),
        ("that of ops", listener(", address: '0.0.0.0:9464'"), "listeners.http.address", "another port"),
        (
            "the socket of control",
            "listeners: { control: { address: 'unix:/x.sock' }, http: { serve: [passport_keys], address: 'unix:/x.sock' } }".to_owned(),
            "listeners.http.address",
            "another path",
        ),
        ("a mode", listener(", socket_mode: rwx"), "listeners.http.socket_mode", ""),
        ("a host with a port", listener(", hosts: ['a.test:80']"), "listeners.http.hosts[0]", "no port"),
        ("a wildcard", listener(", hosts: [a.test, '*.b.test']"), "listeners.http.hosts[1]", "no `*`"),
        ("no host", listener(", hosts: ['']"), "listeners.http.hosts[0]", "not a host"),
        ("no address of IPv6", listener(", hosts: ['[::g]']"), "listeners.http.hosts[0]", "not a host"),
    ] {
        let yaml = format!("{settings}\n{keys}\n");
        let problems = bad(&yaml, &[APP]);
        assert_eq!(places(&problems), [("test.yaml:1", setting)], "{name}: {problems:#?}");
        assert!(problems[0].message.contains(words), "{name}: {}", problems[0]);
    }
    let yaml = format!("{}\n{keys}", listener(", hosts: [A.test, '192.0.2.1', '[::1]', a_b.test]"));
    assert_eq!(good(&yaml, &[APP]).listeners.http.unwrap().hosts.len(), 4);
}

#[test]
fn keys_are_not_served_where_there_are_none() {
    let problems = bad(&listener(""), &[APP]);
    assert_eq!(places(&problems), [("test.yaml:1", "listeners.http.serve[0]")]);
    assert!(problems[0].message.contains("`passport`"), "{}", problems[0]);
    // One with a problem of its own is there.
    let problems = bad(&format!("{}\npassport: {{ issuer: 5 }}", listener("")), &[APP]);
    assert!(
        problems.iter().all(|problem| problem.setting.starts_with("passport")),
        "{problems:#?}"
    );
}

#[test]
fn passports_that_cannot_be_meant_are_refused() {
    let (_dir, path) = file("a key");
    let path = path.display();
    let of =
        |issuer: &str| format!("passport: {{ issuer: '{issuer}', keys: [{{ file: '{path}' }}] }}");
    let keys = |keys: &str| format!("passport: {{ issuer: 'https://a.test', keys: [{keys}] }}");
    let more = |more: &str| passport(&path.to_string(), more);
    for (name, yaml, setting, words) in [
        ("no address", of("authz"), "passport.issuer", "https://"),
        ("plain http", of("http://a.test"), "passport.issuer", "https://authz.example.com"),
        ("a slash at the end", of("https://a.test/"), "passport.issuer", "write https://a.test"),
        ("a query", of("https://a.test?x=1"), "passport.issuer", "query"),
        ("no keys", keys(""), "passport.keys", "empty"),
        ("no file", keys("{ file: /no/such.pem }"), "passport.keys[0].file", "/no/such.pem"),
        ("a relative file", keys("{ file: key.pem }"), "passport.keys[0].file", "absolute"),
        (
            "one file twice",
            keys(&format!("{{ file: '{path}' }}, {{ file: '{path}' }}")),
            "passport.keys[1].file",
            "leave one out",
        ),
        ("a kid", keys(&format!("{{ file: '{path}', kid: 'a b' }}")), "passport.keys[0].kid", ""),
        ("too short", more(", ttl: 1s"), "passport.ttl", "5s"),
        ("too long", more(", ttl: 1h"), "passport.ttl", "5m"),
        ("a domain", more(", trust_domain: 'a b'"), "passport.trust_domain", "shop.example.com"),
    ] {
        let problems = bad(&yaml, &[APP]);
        assert_eq!(places(&problems), [("test.yaml:1", setting)], "{name}: {problems:#?}");
        assert!(problems[0].message.contains(words), "{name}: {}", problems[0]);
    }
}

#[test]
fn we_are_no_issuer_of_ours() {
    let (_dir, path) = file("a key");
    let yaml = |issuer: &str, more: &str| {
        let keys = format!("[{{ file: '{}' }}]", path.display());
        format!(
            "issuers: [{{ name: us, kind: oidc, issuer: '{issuer}', audiences: [a]{more} }}]\n\
             passport: {{ issuer: 'https://a.test/us', keys: {keys} }}"
        )
    };
    for (name, issuer, more) in [
        ("itself", "https://a.test/us", ""),
        ("with a slash", "https://a.test/us/", ""),
        ("as a tenant", "https://a.test/{tenant}", ", tenants: [other, us]"),
    ] {
        let problems = bad(&yaml(issuer, more), &[]);
        assert_eq!(places(&problems), [("test.yaml:1", "issuers[0].issuer")], "{name}");
        assert!(problems[0].message.contains("a passport of ours"), "{name}: {}", problems[0]);
    }
    good(&yaml("https://a.test", ""), &[]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn the_passport_of_a_rule_that_cannot_be_meant_is_refused() {
    let (_dir, path) = file("a key");
    let path = path.display().to_string();
    let rule = |passport: &str, more: &str| {
        format!(
            "routes: [{{ id: a, match: {{ path: {{ regex: '/(?P<id>[^/]+)' }} }}, passport: {{ {passport} }}{more} }}]"
        )
    };
    let signer = passport(&path, "");
    let txn = passport(&path, ", trust_domain: shop.test");
    let claims = |claims: &str| rule(&format!("audience: a, claims: {{ {claims} }}"), "");
    for (name, yaml, setting, words) in [
        ("no section", rule("audience: a", ""), "routes[0].passport", "section `passport`"),
        (
            "no audience",
            format!("{}\n{signer}", rule("ttl: 1m", "")),
            "routes[0].passport",
            "audience: orders",
        ),
        (
            "a blank",
            format!("{}\n{signer}", rule("audience: 'a b'", "")),
            "routes[0].passport.audience",
            "visible ASCII",
        ),
        (
            "no credential",
            format!("{}\n{signer}", rule("audience: a", ", auth: none")),
            "routes[0].passport",
            "auth: required",
        ),
        (
            "a scope",
            format!("{}\n{signer}", rule("audience: a, scope: b", "")),
            "routes[0].passport.scope",
            "txn-token",
        ),
        (
            "no domain",
            format!("{}\n{signer}", rule("format: txn-token, scope: a", "")),
            "routes[0].passport.format",
            "trust_domain",
        ),
        (
            "no scope",
            format!("{}\n{txn}", rule("format: txn-token", "")),
            "routes[0].passport",
            "scope: orders.read",
        ),
        (
            "two blanks",
            format!("{}\n{txn}", rule("format: txn-token, scope: 'a  b'", "")),
            "routes[0].passport.scope",
            "one blank",
        ),
        (
            "an audience",
            format!("{}\n{txn}", rule("format: txn-token, scope: a, audience: b", "")),
            "routes[0].passport.audience",
            "leave it out",
        ),
        (
            "a format",
            format!("{}\n{signer}", rule("audience: a, format: paseto", "")),
            "routes[0].passport.format",
            "jwt",
        ),
        (
            "too long",
            format!("{}\n{signer}", rule("audience: a, ttl: 10m", "")),
            "routes[0].passport.ttl",
            "5m",
        ),
        (
            "a registered claim",
            format!("{}\n{signer}", claims("exp: { constant: a }")),
            "routes[0].passport.claims.exp",
            "another name",
        ),
        (
            "an actor",
            format!("{}\n{signer}", claims("act: { claim: act }")),
            "routes[0].passport.claims.act",
            "another name",
        ),
        (
            "a name",
            format!("{}\n{signer}", claims("'a b': { constant: a }")),
            "routes[0].passport.claims.a b",
            "visible ASCII",
        ),
        (
            "no name",
            format!("{}\n{signer}", claims("a: { claim: '' }")),
            "routes[0].passport.claims.a",
            "empty name",
        ),
        (
            "no such part",
            format!("{}\n{signer}", claims("a: { identity: email }")),
            "routes[0].passport.claims.a.identity",
            "user_id",
        ),
        (
            "no such source",
            format!("{}\n{signer}", claims("a: { header: x }")),
            "routes[0].passport.claims.a.header",
            "known fields: ",
        ),
        (
            "two sources",
            format!("{}\n{signer}", claims("a: { claim: x, constant: y }")),
            "routes[0].passport.claims.a",
            "exactly one",
        ),
        (
            "no such variable",
            format!("{}\n{signer}", claims("a: { path: order }")),
            "routes[0].passport",
            "write one of: id",
        ),
    ] {
        let problems = bad(&yaml, &[APP]);
        let found = problems.iter().find(|problem| problem.setting == setting);
        let found = found.unwrap_or_else(|| panic!("{name}: {problems:#?}"));
        assert!(found.message.contains(words), "{name}: {found}");
    }
    good(&format!("{}\n{signer}", claims("a: { path: id }, b: { identity: roles }")), &[APP]);
    good(&format!("{}\n{txn}", rule("format: txn-token, scope: 'a b.c'", "")), &[APP]);
}

#[test]
fn several_issuers_need_a_word_on_whose_ids_are_meant() {
    let (_dir, path) = file("a key");
    let path = path.display().to_string();
    let yaml = |more: &str, rule: &str| {
        format!(
            "issuers:\n- {{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [a] }}\n\
             - {{ name: b, kind: oidc, issuer: 'https://b.test', audiences: [a] }}\n\
             routes: [{{ id: r, match: any{rule} }}]\n{}",
            passport(&path, more)
        )
    };
    let rule = ", passport: { audience: a }";
    let problems = bad(&yaml("", rule), &[]);
    assert_eq!(places(&problems), [("test.yaml:5", "passport")]);
    assert!(problems[0].message.contains("subject: issuer_and_user_id"), "{}", problems[0]);
    good(&yaml("", ""), &[]);
    for subject in ["user_id", "issuer_and_user_id"] {
        good(&yaml(&format!(", subject: {subject}"), rule), &[]);
    }
}
