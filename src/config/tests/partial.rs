//! A file that is no YAML in one place, and the problems of the rest.

use super::{Variables, bad};
use crate::config::partial::MOST;

/// Line, column and setting of each problem.
#[rustfmt::skip] // one case a line
const BROKEN: &[(&str, &[(&str, &str)])] = &[
    // One mistake of the notation, and others of form in the same and in other sections.
    ("check:\n\ttimeout: 5\nlog: { level: loud }\n", &[("t:2", ""), ("t:3", "log.level")]),
    ("check: { timeout: 1s\nlog: { level: loud }\n", &[("t:1", ""), ("t:2", "log.level")]),
    ("check:\n  timeout: 5\n  realm: @home\nlog:\n  shade: info\n", &[("t:2", "check.timeout"), ("t:3", ""), ("t:5", "log.shade")]),
    ("routes:\n- id: a\n  match: { hosts: [*.a.com] }\n- id: b\n  match: any\n  auth: maybe\n", &[("t:3", ""), ("t:6", "routes[1].auth")]),
    ("routes:\n  # the first\n  - { id: a, match: any }\n  - { id: b, match: any\n  - { id: c, mtch: any }\n", &[("t:4", ""), ("t:5", "routes[2].mtch")]),
    ("chek: {}\nlog: { level: 'info }\nroutes: {}\n", &[("t:1", "chek"), ("t:2", ""), ("t:3", "routes")]),
    // Several of them.
    ("check:\n  realm: @home\n  timeout: `1s`\nlog: { level: %x }\n", &[("t:2", ""), ("t:3", ""), ("t:4", "")]),
    // Each section alone is good.
    ("log: { level: loud }\ncheck: {}\nlog: { level: info }\n", &[("t:1", "log.level"), ("t:3", "")]),
    ("check: { timeout: 5 }\n---\nlog: {}\n", &[("t:1", "check.timeout"), ("t:3", "")]),
    // No section can be distinguished.
    ("{ check: { timeout: 5 }, log: { level: loud }\n", &[("t:1", "")]),
    ("- a\n\t- b\n", &[("t:1", "")]),
    // An anchor of another section is no mistake.
    ("check: &a { timeout: 1s }\ndefault: *a\nlog: { level: loud }\nroles: @x\n", &[("t:3", "log.level"), ("t:4", "")]),
];

#[test]
fn one_mistake_of_the_notation_hides_no_other_problem() {
    for (text, expected) in BROKEN {
        let problems = bad(text, &[]);
        let found: Vec<(String, &str)> = problems
            .iter()
            .map(|problem| (problem.place.replace("test.yaml", "t"), problem.setting.as_str()))
            .collect();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(place, setting)| (place.as_str(), *setting)).collect();
        assert_eq!(found, *expected, "{text}\n{problems:#?}");
    }
}

/// Place and setting of each problem of these variables beside a file that is no YAML.
#[rustfmt::skip] // one case a line
const VARIABLES: &[(Variables<'_>, &[(&str, &str)])] = &[
    (&[("ROWND_AUTHZ__LOG__LEVEL", "loud")], &[("environment ROWND_AUTHZ__LOG__LEVEL", "log.level")]),
    (&[("ROWND_AUTHZ__CHECK__TIMEOUTS", "1s")], &[("environment ROWND_AUTHZ__CHECK__TIMEOUTS", "check.timeouts")]),
    (&[("ROWND_AUTHZ__CREDENTIALS", "[{ headr: a }]")], &[("environment ROWND_AUTHZ__CREDENTIALS", "credentials[0].headr")]),
    (&[("ROWND_AUTHZ__CREDENTIALS", "a: [")], &[("environment ROWND_AUTHZ__CREDENTIALS", "credentials")]),
    (&[("ROWND_APP_KEY_FILE", "/nowhere/at/all")], &[("environment ROWND_APP_KEY_FILE", "")]),
    // A missing setting, or an earlier entry of a list, may stand in the file.
    (&[("ROWND_AUTHZ__ISSUERS__1__APPS__0__SECRET", "ras_a"), ("ROWND_AUTHZ__ROUTES__0__AUTH", "none")], &[]),
    (&[("ROWND_AUTHZ__LISTENERS__HTTP__ADDRESS", "127.0.0.1:1"), ("ROWND_APP_KEY", "key_a")], &[]),
];

#[test]
fn a_broken_file_hides_no_problem_of_a_variable() {
    for (variables, expected) in VARIABLES {
        let problems = bad("check: { timeout: 1s\n", variables);
        let ((place, _), others) = {
            let all = super::places(&problems);
            (all[0], all[1..].to_vec())
        };
        assert_eq!((place, others.as_slice()), ("test.yaml:1", *expected), "{problems:#?}");
    }
}

#[test]
fn a_file_of_nothing_but_mistakes_is_bounded() {
    let text: String = (0..2000).map(|n| format!("a{n}: @x\n")).collect();
    assert!(bad(&text, &[]).len() <= MOST);
    let text: String = std::iter::once("routes:\n".to_owned())
        .chain((0..20_000).map(|n| format!("- {{ id: r{n}, match: {{ path }}\n")))
        .collect();
    assert!(bad(&text, &[]).len() <= MOST);
}
