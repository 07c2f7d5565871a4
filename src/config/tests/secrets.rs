//! A secret is taken and never shown: not when printed, not when it is wrong.

use super::{APP, bad, file, good, read};
use crate::config::{IssuerDetails, REDACTED};

const CANARY: &str = "CANARY93517";

fn hidden(text: &str, where_: &str) {
    assert!(!text.contains("93517"), "{where_}: {text}");
}

#[test]
fn a_secret_is_used_and_never_printed() {
    let key = format!("key_{CANARY}");
    let secret = format!("ras_{CANARY}");
    let yaml = format!(
        "issuers: [{{ name: a, kind: rownd, apps: [{{ key: {key}, secret: {secret} }}] }}]"
    );
    for config in [
        good(&yaml, &[]),
        good("", &[("ROWND_APP_KEY", &key), ("ROWND_APP_SECRET", &secret)]),
        good(
            "issuers: [{ name: a, kind: rownd, apps: [{ id: x }] }]",
            &[
                ("ROWND_AUTHZ__ISSUERS__0__APPS__0__KEY", &key),
                ("ROWND_AUTHZ__ISSUERS__0__APPS__0__SECRET", &secret),
            ],
        ),
    ] {
        let app = &config.issuers[0].apps()[0];
        assert_eq!(app.key().unwrap().expose(), key);
        assert_eq!(app.secret.as_ref().unwrap().expose(), secret);
        hidden(&format!("{config:?}"), "Debug");
        hidden(&format!("{config:#?}"), "Debug, pretty");
        let printed = serde_json::to_string(&config).unwrap();
        hidden(&printed, "config print");
        assert_eq!(printed.matches(REDACTED).count(), 2, "{printed}");
    }
}

#[test]
fn the_token_of_an_operator_is_a_secret() {
    let (_directory, path) = file(&format!("{CANARY}\n"));
    let apps = |token: &str| {
        format!(
            "issuers: [{{ name: a, kind: rownd, apps: [{{ id: x, operator_token: '{token}' }}] }}]"
        )
    };
    let variable = "ROWND_AUTHZ__ISSUERS__0__APPS__0__OPERATOR_TOKEN";
    let without = "issuers: [{ name: a, kind: rownd, apps: [{ id: x }] }]";
    for config in [
        good(&apps(CANARY), &[]),
        good(&apps(&format!("file:{}", path.display())), &[]),
        good(without, &[(variable, CANARY)]),
        good(without, &[(&format!("{variable}_FILE"), path.to_str().unwrap())]),
    ] {
        let app = &config.issuers[0].apps()[0];
        assert_eq!(app.operator_token.as_ref().unwrap().expose(), CANARY);
        hidden(&format!("{config:?}"), "Debug");
        hidden(&serde_json::to_string(&config).unwrap(), "config print");
    }
}

#[test]
fn the_key_to_a_core_is_used_and_never_printed() {
    let core = format!("core: {{ base_url: 'https://core.test:3567/st', api_key: {CANARY} }}");
    let yaml = format!(
        "issuers: [{{ name: a, kind: supertokens, base_url: 'https://st.test/auth', {core} }}]"
    );
    let config = good(&yaml, &[]);
    let IssuerDetails::Supertokens(supertokens) = &config.issuers[0].details else {
        panic!("{config:?}")
    };
    let core = supertokens.core.as_ref().unwrap();
    assert_eq!(core.api_key.as_ref().unwrap().expose(), CANARY);
    assert_eq!(core.base_url.url().as_str(), "https://core.test:3567/st");
    hidden(&format!("{config:?}"), "Debug");
    hidden(&serde_json::to_string(&config).unwrap(), "config print");
}

#[test]
fn a_secret_can_be_a_files() {
    let (_directory, path) = file(&format!("key_{CANARY}\n"));
    let yaml = format!(
        "issuers: [{{ name: a, kind: rownd, apps: [{{ key: 'file:{}' }}] }}]",
        path.display()
    );
    let config = good(&yaml, &[]);
    assert_eq!(config.issuers[0].apps()[0].key().unwrap().expose(), format!("key_{CANARY}"));
    hidden(&format!("{config:?}"), "Debug");
    for text in ["", "\n", "two\nlines", "a blank"] {
        let (_directory, path) = file(text);
        let yaml = format!(
            "issuers: [{{ name: a, kind: rownd, apps: [{{ key: 'file:{}' }}] }}]",
            path.display()
        );
        let problems = bad(&yaml, &[]);
        assert_eq!(problems[0].setting, "issuers[0].apps[0].key", "{text:?}");
    }
}

/// Ways to write a secret wrongly; `%` is where it stands.
#[rustfmt::skip] // one case a line
const WRONG: &[(&str, &str)] = &[
    ("a blank in it", "apps: [{ key: '%' }]"),
    ("a number", "apps: [{ key: 93517 }]"),
    ("a number as the secret", "apps: [{ id: x, secret: 93517.5 }]"),
    ("a list", "apps: [{ key: ['%'] }]"),
    ("a map", "apps: [{ key: { value: '%' } }]"),
    ("under a wrong name", "apps: [{ id: x, app_secret: '%' }]"),
    ("as the app", "apps: ['%']"),
    ("as the apps", "apps: '%'"),
    ("letters beyond ASCII", "apps: [{ key: '%\u{e4}' }]"),
    ("a line end", "apps: [{ key: \"%\\n\" }]"),
];

#[test]
fn a_wrong_secret_is_not_shown_in_its_problem() {
    for (name, settings) in WRONG {
        let settings = settings.replace('%', &format!("x {CANARY}"));
        let yaml = format!("issuers:\n  - {{ name: a, kind: rownd, {settings} }}\n");
        for problem in bad(&yaml, &[]) {
            hidden(&problem.to_string(), name);
        }
    }
}

#[test]
fn a_secret_in_a_file_that_is_no_yaml_is_not_shown() {
    for (name, line) in [
        ("a quote that is not closed", format!("    - key: 'key_{CANARY}")),
        ("a colon too many", format!("    - key: key_{CANARY}: x")),
        ("a tab", format!("\t- key: key_{CANARY}")),
        ("a bracket", format!("    - {{ key: key_{CANARY}")),
        ("a bad escape", format!("    - key: \"\\q{CANARY}\"")),
        ("an unknown alias", format!("    - key: *{CANARY}")),
    ] {
        let yaml = format!("issuers:\n- name: a\n  kind: rownd\n  apps:\n{line}\n");
        let problems = read(&yaml, &[]).err().unwrap_or_default();
        assert!(!problems.is_empty(), "{name}");
        for problem in problems {
            hidden(&problem.to_string(), name);
        }
    }
}

#[test]
fn a_wrong_secret_of_the_environment_is_not_shown() {
    let blank = format!("key {CANARY}");
    let number = "93517";
    for (name, value) in [
        ("ROWND_APP_KEY", blank.as_str()),
        ("ROWND_APP_SECRET", blank.as_str()),
        ("ROWND_AUTHZ__ISSUERS__0__APPS__0__KEY", blank.as_str()),
        ("ROWND_AUTHZ__ISSUERS__0__APPS__0__SECRET", blank.as_str()),
        ("ROWND_AUTHZ__ISSUERS__0__APPS__0", number),
        ("ROWND_AUTHZ__ISSUERS__0__APPS__0", "{secret: 93517, secret: 93517}"),
        ("ROWND_AUTHZ__ISSUERS__0__APPS__0", "{secret: 93517"),
        ("ROWND_AUTHZ__ISSUERS__0__APPS__0__SECRETS", number),
    ] {
        let yaml = "issuers: [{ name: a, kind: rownd, apps: [{ id: x }] }]";
        let yaml = if name.contains("__") { yaml } else { "" };
        for problem in bad(yaml, &[APP, (name, value)]) {
            hidden(&problem.to_string(), name);
        }
    }
}

#[test]
fn an_address_with_a_password_is_refused_without_showing_it() {
    for setting in ["base_url", "jwks_url"] {
        for url in
            [format!("https://user:{CANARY}@a.test"), format!("https://user:{CANARY}@[broken")]
        {
            let yaml = format!(
                "issuers: [{{ name: a, kind: rownd, apps: [{{ id: x }}], {setting}: '{url}' }}]"
            );
            for problem in bad(&yaml, &[]) {
                hidden(&problem.to_string(), &url);
            }
        }
    }
}
