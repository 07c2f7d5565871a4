//! The vendor's variables.

use super::{APP, bad, file, good, places, read};
use crate::config::Secret;

#[test]
fn the_vendors_variables_fill_in_what_the_file_leaves_open() {
    let all = [
        ("ROWND_APP_ID", "app_env"),
        ("ROWND_APP_KEY", "key_env"),
        ("ROWND_APP_SECRET", "ras_env"),
        ("ROWND_BASE_URL", "https://env.test/"),
    ];
    let issuer = |yaml: &str| good(yaml, &all).issuers.remove(0);
    let base = |issuer: &crate::config::Issuer| match &issuer.details {
        crate::config::IssuerDetails::Rownd(rownd) => rownd.base_url.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    for yaml in ["", "issuers: [{ name: a, kind: rownd }]"] {
        let found = issuer(yaml);
        assert_eq!(base(&found), "https://env.test", "{yaml}");
        assert_eq!(found.iss, "https://env.test", "{yaml}");
        let app = &found.apps()[0];
        assert_eq!(app.id(), Some("app_env"), "{yaml}");
        assert_eq!(
            (app.key().map(Secret::expose), app.secret.as_ref().map(Secret::expose)),
            (Some("key_env"), Some("ras_env")),
            "{yaml}"
        );
    }
    let found = issuer(
        "issuers: [{ name: a, kind: rownd, base_url: 'https://file.test', apps: [{ id: app_file }] }]",
    );
    assert_eq!(base(&found), "https://file.test");
    assert_eq!((found.apps().len(), found.apps()[0].id()), (1, Some("app_file")));
    assert!(
        found.apps()[0].key().is_none(),
        "an app of the file is not mixed with that of the environment"
    );
}

#[test]
fn the_vendors_values_can_be_files() {
    let (_directory, path) = file("key_from_file\n");
    let path = path.to_str().unwrap();
    let key = |variables: &[(&str, &str)]| {
        let config = good("", variables);
        config.issuers[0].apps()[0].key().map(|key| key.expose().to_owned())
    };
    assert_eq!(key(&[("ROWND_APP_KEY_FILE", path)]).as_deref(), Some("key_from_file"));
    let both = [("ROWND_APP_KEY_FILE", path), ("ROWND_APP_KEY", "key_direct")];
    assert_eq!(key(&both).as_deref(), Some("key_direct"));
    let reference = format!("file:{path}");
    assert_eq!(key(&[("ROWND_APP_KEY", &reference)]).as_deref(), Some("key_from_file"));
    let problems = bad("", &[("ROWND_APP_KEY_FILE", "/nowhere/at/all"), APP]);
    assert_eq!(places(&problems), [("environment ROWND_APP_KEY_FILE", "")], "{problems:#?}");
}

#[test]
fn a_vendors_value_that_cannot_be_used_is_a_problem() {
    for (variables, setting) in [
        ([("ROWND_APP_KEY", "key with blanks"), APP], "issuers[0].apps[0].key"),
        ([("ROWND_APP_SECRET", "r\u{e4}s"), APP], "issuers[0].apps[0].secret"),
        ([("ROWND_BASE_URL", "http://api.rownd.io"), APP], "issuers[0].base_url"),
        ([("ROWND_BASE_URL", "nonsense"), APP], "issuers[0].base_url"),
    ] {
        let problems = bad("", &variables);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!(problems[0].setting, setting);
        assert_eq!(problems[0].place, format!("environment {}", variables[0].0));
    }
    assert!(read("", &[("ROWND_APP_ID", "app id")]).is_err());
}
