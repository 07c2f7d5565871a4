//! The keys of app variants beside the app's own.

use super::{bad, good};

fn yaml(app: &str) -> String {
    format!("issuers: [{{ name: r, kind: rownd, apps: [{{ id: app_a, key: key_a }}, {app}] }}]")
}

#[test]
fn a_variant_is_of_a_key_whose_app_is_written() {
    for app in [
        "{ id: app_a, key: key_b, variant: kids }",
        "{ id: app_a, key: key_b, variant: kids, variants: [kids, outlet] }",
        "{ key: key_b }",
        "{ id: app_a, key: key_b }",
    ] {
        good(&yaml(app), &[]);
    }
    for (app, says) in [
        ("{ key: key_b, variant: kids }", "leave it out, or write `id`"),
        ("{ id: app_a, variant: kids }", "write `key: key_...`"),
        ("{ id: app_a, key: key_b, variant: 'a b' }", "letters, digits"),
        ("{ id: app_a, key: key_b, variant: '' }", "letters, digits"),
        ("{ id: app_a, key: key_b, variant: kids, variants: [outlet] }", "add it there"),
    ] {
        let problems = bad(&yaml(app), &[]);
        assert_eq!(problems.len(), 1, "{app}: {problems:#?}");
        assert_eq!(problems[0].setting, "issuers[0].apps[1].variant", "{app}");
        assert!(problems[0].message.contains(says), "{app}: {}", problems[0].message);
    }
    let session = "issuers: [{ name: s, kind: supertokens, base_url: https://a.test/auth, \
                   apps: [{ id: app_a, key: key_a, variant: kids }] }]";
    let problems = bad(session, &[]);
    assert!(
        problems.iter().any(|one| one.setting == "issuers[0].apps[0].variant"),
        "{problems:#?}"
    );
}
