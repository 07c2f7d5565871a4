//! Issuers with tenants: the one place of the tenant in every address, and the list.

use std::fs;

use super::{bad, file, good, places};

/// An issuer with these settings beside its name and its audience.
fn issuer(settings: &str) -> String {
    format!("issuers: [{{name: many, kind: oidc, audiences: [api], {settings}}}]")
}

const ISS: &str = "issuer: 'https://id.test/{tenant}/v2'";

#[test]
fn an_issuer_with_tenants_has_their_place_in_every_address_and_a_list() {
    let with = |more: &str| format!("{ISS}, tenants: [a, b]{more}");
    // (settings, the setting complained of, a part of the message); `None` is good
    let cases: [(String, Option<(&str, &str)>); 20] = [
        (with(""), None),
        (with(", base_url: 'https://m.test/{tenant}'"), None),
        (with(", jwks_url: 'https://m.test/{tenant}/keys'"), None),
        (with(", jwks_fallback_url: 'https://m.test/{tenant}'"), None),
        (with(", jwks_url: 'https://m.test/keys'"), Some(("jwks_url", "one place for all"))),
        (with(", base_url: 'https://m.test'"), Some(("base_url", "one place for all"))),
        (with(", jwks_fallback_url: 'https://m.test'"), Some(("jwks_fallback_url", "one place"))),
        (with(", jwks_url: 'https://{tenant}.test/'"), Some(("jwks_url", "another place"))),
        (with(", key_set: '{\"keys\": []}'"), Some(("key_set", "one set of keys for all"))),
        (ISS.to_owned(), Some(("tenants", "is missing"))),
        ("issuer: 'https://id.test', tenants: [a]".to_owned(), Some(("issuer", "has no place"))),
        ("issuer: 'https://{tenant}.test', tenants: [a]".to_owned(), Some(("issuer", "another"))),
        ("issuer: 'https://id.test/{tenantid}'".to_owned(), Some(("issuer", "only placeholder"))),
        (
            "issuer: 'https://id.test/{tenant}/{tenant}', tenants: [a]".to_owned(),
            Some(("issuer", "twice")),
        ),
        (
            "issuer: 'https://id.test', jwks_url: 'https://id.test/{tenant}'".to_owned(),
            Some(("jwks_url", "`issuer` has none")),
        ),
        (
            "issuer: 'https://id.test/{tenant}', tenants: [a, a]".to_owned(),
            Some(("tenants[1]", "twice")),
        ),
        (
            "issuer: 'https://id.test/{tenant}', tenants: ['']".to_owned(),
            Some(("tenants[0]", "is empty")),
        ),
        (
            "issuer: 'https://id.test/{tenant}', tenants: [a/b]".to_owned(),
            Some(("tenants[0]", "no tenant")),
        ),
        (
            "issuer: 'https://id.test/{tenant}', tenants: ['a%2e']".to_owned(),
            Some(("tenants[0]", "no tenant")),
        ),
        (
            "issuer: 'https://id.test/{tenant}', tenants: ['a..b']".to_owned(),
            Some(("tenants[0]", "no tenant")),
        ),
    ];
    for (settings, problem) in cases {
        let yaml = issuer(&settings);
        let Some((setting, message)) = problem else {
            good(&yaml, &[]);
            continue;
        };
        let problems = bad(&yaml, &[]);
        let at = format!("issuers[0].{setting}");
        assert_eq!(places(&problems), [("test.yaml:1", at.as_str())], "{settings}");
        assert!(problems[0].message.contains(message), "{settings}: {problems:?}");
    }
}

#[test]
fn the_length_and_the_number_of_tenants_are_bounded() {
    let long = "a".repeat(128);
    good(&issuer(&format!("{ISS}, tenants: [{long}]")), &[]);
    let problems = bad(&issuer(&format!("{ISS}, tenants: [{long}a]")), &[]);
    assert!(problems[0].message.contains("128"), "{problems:?}");
    let list = |number: usize| (0..number).map(|n| format!("t{n}")).collect::<Vec<_>>();
    let config = good(&issuer(&format!("{ISS}, tenants: [{}]", list(256).join(", "))), &[]);
    assert_eq!(config.issuers[0].tenants.len(), 256);
    let problems = bad(&issuer(&format!("{ISS}, tenants: [{}]", list(257).join(", "))), &[]);
    assert!(problems[0].message.contains("256"), "{problems:?}");
    let (_directory, path) = file(&list(257).join("\n"));
    let problems = bad(&issuer(&format!("{ISS}, tenants_file: 'file:{}'", path.display())), &[]);
    assert!(problems[0].message.contains("256"), "{problems:?}");
}

#[test]
fn the_tenants_may_stand_in_a_file() {
    let (_directory, path) = file("# ours\nb\n\n  a\t\n");
    let yaml = issuer(&format!("{ISS}, tenants_file: 'file:{}'", path.display()));
    let config = good(&yaml, &[]);
    assert_eq!(config.issuers[0].tenants, ["a", "b"]);
    // The printed configuration can be read again, without the file.
    let printed = serde_saphyr::to_string(&config).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(good(&printed, &[]).issuers[0].tenants, ["a", "b"]);
    for (text, message) in [
        ("a\nb/c\n", "line 2 is no tenant"),
        ("a\n# b\na\n", "line 3 is there twice"),
        ("# nothing\n", "has 0 tenants"),
    ] {
        fs::write(&path, text).unwrap();
        let problems = bad(&yaml, &[]);
        assert_eq!(places(&problems), [("test.yaml:1", "issuers[0].tenants_file")], "{text:?}");
        assert!(problems[0].message.contains(message), "{text:?}: {problems:?}");
    }
    for (settings, setting, message) in [
        (format!("{ISS}, tenants_file: /etc/tenants"), "tenants_file", "file:/"),
        (format!("{ISS}, tenants_file: 'file:/no/such'"), "tenants_file", "cannot be read"),
        (format!("{ISS}, tenants: [a], tenants_file: 'file:/x'"), "tenants_file", "only one"),
    ] {
        let problems = bad(&issuer(&settings), &[]);
        let at = format!("issuers[0].{setting}");
        assert!(
            problems.iter().any(|found| found.setting == at && found.message.contains(message))
        );
    }
}

#[test]
fn only_issuers_of_kind_oidc_have_tenants() {
    for kind in [
        "kind: rownd, apps: [{id: app_x}], issuer: 'https://id.test/{tenant}'",
        "kind: supertokens, base_url: 'https://id.test/{tenant}'",
        "kind: static, audiences: [a], issuer: 'https://id.test/{tenant}', key_set: '{\"keys\": []}'",
        "kind: firebase, project: p, tenants: [a]",
        "kind: rownd, apps: [{id: app_x}], tenants_file: 'file:/x'",
    ] {
        let problems = bad(&format!("issuers: [{{name: x, {kind}}}]"), &[]);
        assert!(
            problems.iter().any(|found| found.message.contains("oidc")),
            "{kind}: {problems:?}"
        );
    }
}

#[test]
fn no_tenant_has_the_iss_of_another_issuer() {
    let many = "{name: many, kind: oidc, audiences: [a], issuer: 'https://id.test/{tenant}', tenants: [a, b]}";
    let with = |other: &str| {
        format!("issuers: [{many}, {{name: other, kind: oidc, audiences: [a], {other}}}]")
    };
    good(&with("issuer: 'https://id.test/c'"), &[]);
    good(&with("issuer: 'https://id.test/{tenant}', tenants: [c]"), &[]);
    for other in [
        "issuer: 'https://id.test/b'",
        "issuer: 'https://id.test/b', accepts: id",
        "issuer: 'https://id.test/{tenant}', tenants: [c, b]",
    ] {
        let problems = bad(&with(other), &[]);
        assert_eq!(places(&problems), [("test.yaml:1", "issuers[1].issuer")], "{other}");
        assert!(problems[0].message.contains("the same `iss`"), "{other}: {problems:?}");
    }
    let pair = with("issuer: 'https://id.test/b', accepts: id").replacen(
        "audiences",
        "accepts: access, audiences",
        1,
    );
    good(&pair, &[]);
}

#[test]
fn a_client_of_openid_names_an_issuer_without_tenants() {
    let yaml = format!(
        "{}\nrownd_auth: {{oidc_clients: [{{name: web, issuer: many, client_id: x, redirect_uris: ['https://a.test']}}]}}",
        issuer(&format!("{ISS}, tenants: [a]"))
    );
    let problems = bad(&yaml, &[]);
    let at = "rownd_auth.oidc_clients[0].issuer";
    assert!(problems.iter().any(|found| found.setting == at && found.message.contains("tenants")));
}
