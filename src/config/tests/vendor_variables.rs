//! The vendor's variables.

use super::{APP, bad, environment, file, good, places, read};
use crate::config::{Secret, judge};

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

/// An unset `${NAME}` leaves them so.
#[test]
fn an_empty_variable_is_told_because_it_sets_nothing() {
    for name in ["ROWND_APP_SECRET", "ROWND_APP_KEY", "ROWND_BASE_URL", "ROWND_APP_SECRET_FILE"] {
        for value in ["", "\n"] {
            let warnings = good("", &[APP, (name, value)]).warnings;
            let [warning] = warnings.as_slice() else { panic!("{name}: {warnings:#?}") };
            assert_eq!(warning.code, "variable_unused");
            let text = format!("environment {name} is empty, and so sets nothing");
            assert!(warning.text.starts_with(&text), "{warning}");
        }
    }
    let judged = judge(
        None,
        &environment(&[("ROWND_APP_KEY", "")]),
        |_| Vec::new(),
        |config| config.warnings.clone(),
    );
    assert!(judged.outcome.is_err());
    assert!(judged.warnings[0].text.contains("ROWND_APP_KEY is empty"), "{:?}", judged.warnings);
}

#[test]
fn a_variable_that_replaces_a_part_of_another_one_is_told() {
    let list = ("ROWND_AUTHZ__CREDENTIALS", "[{cookie: a}]");
    let one = ("ROWND_AUTHZ__CREDENTIALS__0__COOKIE", "b");
    let warnings = good("", &[APP, list, one]).warnings;
    let [warning] = warnings.as_slice() else { panic!("{warnings:#?}") };
    assert_eq!(warning.code, "variable_set_twice");
    assert!(warning.text.contains(one.0) && warning.text.contains(list.0), "{warning}");
    // A variable over the file, one more entry, and one more setting replace nothing of a variable.
    let format = ("ROWND_AUTHZ__CREDENTIALS__0__FORMAT", "rownd");
    let next = ("ROWND_AUTHZ__CREDENTIALS__1__HEADER", "authorization");
    assert_eq!(good("credentials: [{ cookie: c }]", &[APP, one]).warnings, []);
    assert_eq!(good("", &[APP, list, format, next]).warnings, []);
    assert_eq!(good("", &[APP, one, format, next]).warnings, []);
}
