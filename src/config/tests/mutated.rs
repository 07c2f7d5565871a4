//! Shipped examples with one thing changed: whatever stands there, the reader answers, in lines that
//! editors parse, and the schema refuses nothing that the reader takes.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;

use super::mistakes::assert_schema_takes;
use crate::config::parse;

/// The texts of the shipped examples.
fn examples() -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/examples");
    let mut files: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/demo/rownd-authz.yaml"));
    files.sort();
    let texts = files.into_iter().filter(|path| path.extension().is_some_and(|it| it == "yaml"));
    texts.map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// One change of one line.
#[derive(Debug, Clone)]
enum Change {
    Remove,
    Repeat,
    Indent,
    Cut(usize),
    Value(&'static str),
    Key(&'static str),
    Sign(usize, char),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        Just(Change::Remove),
        Just(Change::Repeat),
        Just(Change::Indent),
        (0_usize..80).prop_map(Change::Cut),
        prop::sample::select(vec![
            "",
            "null",
            "7",
            "-1",
            "1.0",
            "1e400",
            "true",
            "''",
            "\"\\u0000\"",
            "[]",
            "{}",
            "[[]]",
            "{ a: 1 }",
            "never",
            "any",
            "5s",
            "99999999999999999999",
            "*a",
            "&a b",
            "!x y",
            "é\u{202e}",
            "'a\nb'",
            "file:/nowhere",
            "key_x",
            "{{{{",
            "| \n  a",
        ])
        .prop_map(Change::Value),
        prop::sample::select(vec!["id", "match", "", "~", "<<", "a/b~c", "7", "'a b'"])
            .prop_map(Change::Key),
        (0_usize..80, any::<char>()).prop_map(|(at, sign)| Change::Sign(at, sign)),
    ]
}

fn changed(text: &str, line: usize, change: &Change) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let index = line % lines.len().max(1);
    let written = lines[index].clone();
    let new = match change {
        Change::Remove => vec![],
        Change::Repeat => vec![written.clone(), written],
        Change::Indent => vec![format!("  {written}")],
        Change::Cut(at) => vec![written.chars().take(*at).collect()],
        Change::Value(value) => match written.split_once(": ") {
            Some((key, _)) => vec![format!("{key}: {value}")],
            None => vec![format!("{written} {value}")],
        },
        Change::Key(key) => match written.split_once(": ") {
            Some((before, value)) => {
                let lead: String = before.chars().take_while(|c| " -".contains(*c)).collect();
                vec![format!("{lead}{key}: {value}")]
            }
            None => vec![format!("{key}: {written}")],
        },
        Change::Sign(at, sign) => {
            let mut signs: Vec<char> = written.chars().collect();
            signs.insert((*at).min(signs.len()), *sign);
            vec![signs.into_iter().collect()]
        }
    };
    lines.splice(index..=index, new);
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_example_is_read_or_refused_in_lines(
        example in 0_usize..100,
        changes in prop::collection::vec((any::<usize>(), change()), 1..3),
    ) {
        let all = examples();
        let mut text = all[example % all.len()].clone();
        for (line, change) in &changes {
            text = changed(&text, *line, change);
        }
        match parse("a.yaml", &text, &BTreeMap::new()) {
            Ok(_) => assert_schema_takes(&text),
            Err(problems) => {
                prop_assert!(!problems.0.is_empty());
                for problem in &problems.0 {
                    let line = problem.to_string();
                    prop_assert!(!line.contains('\n'), "{line}");
                    let begins = line.starts_with("a.yaml:") && line.contains(": error: ");
                    prop_assert!(begins, "{line}");
                }
            }
        }
    }
}
