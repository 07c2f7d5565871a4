//! A file that is no YAML in one place, and the problems of the rest.

use super::bad;
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

#[test]
fn a_file_of_nothing_but_mistakes_is_bounded() {
    let text: String = (0..2000).map(|n| format!("a{n}: @x\n")).collect();
    assert!(bad(&text, &[]).len() <= MOST);
    let text: String = std::iter::once("routes:\n".to_owned())
        .chain((0..20_000).map(|n| format!("- {{ id: r{n}, match: {{ path }}\n")))
        .collect();
    assert!(bad(&text, &[]).len() <= MOST);
}
