//! Messages that name a variable of the environment: setting it mends the problem.

use std::collections::BTreeSet;

use super::{Variables, environment, read};
use crate::config::{Problem, parse};

const IN_FILE: &str = "issuers: [{ name: a, kind: rownd, apps: [{ id: app_a }] }]\n";
const SECOND: &str = "issuers:\n- { name: a, kind: rownd, apps: [{ id: app_a, key: key_a, secret: ras_a }] }\n- { name: b, kind: rownd, issuer: 'https://b.test', base_url: 'https://b.test', apps: [{ id: app_b, key: key_b, secret: ras_b }, { id: app_c }] }\n";
const ID: (&str, &str) = ("ROWND_APP_ID", "app_a");
const KEY: (&str, &str) = ("ROWND_APP_KEY", "key_a");

/// (the file, the variables that are set)
#[rustfmt::skip] // one case a line
const CASES: &[(&str, &str, Variables<'_>)] = &[
    ("", "", &[]),
    ("issuers: [{ name: a, kind: rownd }]", "", &[]),
    (IN_FILE, "default: { freshness: profile }", &[]),
    (IN_FILE, "default: { require: { verified: email } }", &[]),
    (IN_FILE, "default: { require: { group: admins } }", &[]),
    (IN_FILE, "role_sources: [{ attribute: role }]", &[]),
    (IN_FILE, "headers: [{ name: x-a, from: { profile: plan } }]", &[]),
    (SECOND, "default: { freshness: profile }", &[]),
    (SECOND, "role_sources: [{ attribute: role, issuers: [b] }]", &[]),
    ("", "default: { freshness: profile }", &[ID]),
    ("", "default: { require: { group: admins } }", &[KEY]),
    ("", "role_sources: [{ attribute: role }]", &[ID]),
    ("issuers: [{ name: a, kind: rownd }]\n", "default: { freshness: profile }", &[ID]),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: ['${AUD}'] }]", "", &[]),
    (IN_FILE, "rownd_auth: { callers: [{ name: c, allow: [verify], apps: [app_a], secret: '${CALLER_SECRET}' }] }", &[]),
];

/// The variables that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let is_sign = |sign: char| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_';
    let words = text.split(|sign| !is_sign(sign)).filter(|word| word.starts_with("ROWND_"));
    words.map(str::to_owned).collect()
}

fn value_of(variable: &str) -> &'static str {
    let of_end = [
        ("_KEY", "key_c"),
        ("_SECRET", "ras_0123456789abcdef"),
        ("_ID", "app_c"),
        ("__AUDIENCES__0", "shop"),
    ];
    of_end.iter().find(|(end, _)| variable.ends_with(end)).unwrap_or_else(|| panic!("{variable}")).1
}

/// The problems, and the warnings, as texts.
fn told(yaml: &str, variables: &[(&str, &str)]) -> Vec<String> {
    match parse("test.yaml", yaml, &environment(variables)) {
        Ok(config) => config.warnings.iter().map(ToString::to_string).collect(),
        Err(problems) => problems.0.iter().map(Problem::to_string).collect(),
    }
}

#[test]
fn a_variable_that_a_message_names_mends_what_it_is_about() {
    for (file, rest, set) in CASES {
        let yaml = format!("{file}{rest}");
        let before = told(&yaml, set);
        let all: BTreeSet<String> = before.iter().flat_map(|text| named(text)).collect();
        assert!(!all.is_empty(), "{yaml}: no message names a variable: {before:#?}");
        // "set ROWND_APP_KEY (or ROWND_APP_ID)": one is enough.
        let either = before.iter().any(|text| text.contains("(or ROWND_APP_ID)"));
        let trials: Vec<Vec<&String>> = if either {
            all.iter().map(|name| vec![name]).collect()
        } else {
            vec![all.iter().collect()]
        };
        for trial in trials {
            let mut variables: Vec<(&str, &str)> = set.to_vec();
            variables.extend(trial.iter().map(|name| (name.as_str(), value_of(name))));
            let after = told(&yaml, &variables);
            assert_eq!(after, [] as [String; 0], "{yaml} with {variables:?}");
            read(&yaml, &variables).unwrap_or_else(|left| panic!("{yaml}: {left:#?}"));
        }
    }
}

/// (the variables, the place of the problem, a part of its message)
#[rustfmt::skip] // one case a line
const VARIABLES: &[(Variables<'_>, &str, &str)] = &[
    (&[("ROWND_AUTHZ__LOG__LEVEL__X", "debug"), ID], "ROWND_AUTHZ__LOG__LEVEL__X", "write ROWND_AUTHZ__LOG__LEVEL"),
    (&[("ROWND_AUTHZ__CHECK__TIMEOUT__0", "1s"), ID], "ROWND_AUTHZ__CHECK__TIMEOUT__0", "write ROWND_AUTHZ__CHECK__TIMEOUT"),
    (&[("ROWND_AUTHZ__CHECK__MAX_HEADERS", "+200"), ID], "ROWND_AUTHZ__CHECK__MAX_HEADERS", "`+200` has a sign, and so is text; write 200"),
    (&[("ROWND_AUTHZ__CHECK__MAX_HEADERS", " 200"), ID], "ROWND_AUTHZ__CHECK__MAX_HEADERS", "write 200"),
    (&[("ROWND_AUTHZ__CREDENTIALS__00__COOKIE", "a"), ID], "ROWND_AUTHZ__CREDENTIALS__00__COOKIE", "numbered; write 0"),
    (&[("ROWND_APP_KEY_FILE", "/nope")], "ROWND_APP_KEY_FILE", "put the file there"),
    (&[("ROWND_APP_ID_FILE", "/nope")], "ROWND_APP_ID_FILE", "put the file there"),
    (&[("ROWND_AUTHZ__CHECK__TIMEOUT", ""), ID], "ROWND_AUTHZ__CHECK__TIMEOUT", "is empty; write it like"),
    (&[("ROWND_AUTHZ__CHECK__REALM", "sh\u{fffd}p"), ID], "ROWND_AUTHZ__CHECK__REALM", "not in UTF-8"),
    (&[("ROWND_APP_ID", "app_\u{fffd}"), ("ROWND_APP_KEY", "key_a")], "ROWND_APP_ID", "not in UTF-8"),
    (&[("ROWND_APP_ID", "key_a")], "ROWND_APP_ID", "set ROWND_APP_KEY to it"),
    (&[("ROWND_APP_KEY", "ras_a"), ID], "ROWND_APP_KEY", "set ROWND_APP_SECRET to it"),
];

#[test]
fn a_mistaken_variable_is_told_with_the_variable_to_write() {
    for (variables, place, part) in VARIABLES {
        let problems = read("", variables).unwrap_err();
        let [problem] = problems.as_slice() else { panic!("{variables:?}: {problems:#?}") };
        assert_eq!(problem.place, format!("environment {place}"), "{problem}");
        assert!(problem.message.contains(part), "{problem}");
    }
}
