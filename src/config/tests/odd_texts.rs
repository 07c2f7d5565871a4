//! Texts that are probably not meant.

use super::{APP, good};

/// (the conditions, the setting below `require`, the code)
#[rustfmt::skip] // one case a line
const ODD: &[(&str, &str, &str)] = &[
    ("user: ' bob'", "user", "blank_at_end"),
    ("user: [ann, \"bob\\n\"]", "user/1", "blank_at_end"),
    ("any: [{ not: [{ claim: { name: plan, equals: 'pro ' } }] }]", "any/0/not/0/claim/equals", "blank_at_end"),
    ("claim: { name: org.plan, equals: pro }", "claim/name", "claim_name_dotted"),
    ("all: [{ claim: { name: /org/plan, equals: pro } }]", "all/0/claim/name", "claim_name_dotted"),
];

#[test]
fn a_dotted_claim_beside_a_variable_is_told() {
    for (claim, is_told) in [("org.id", true), ("/org/id", false), ("https://a.test/id", false)] {
        let yaml = format!(
            "routes: [{{ id: a, match: {{ path: {{ template: '/t/{{id}}' }} }}, require: {{ equals: {{ path: id, claim: '{claim}' }} }} }}]"
        );
        let warnings = good(&yaml, &[APP]).warnings;
        let told = warnings.iter().any(|it| {
            it.code == "claim_name_dotted" && it.pointer.ends_with("/require/equals/claim")
        });
        assert_eq!(told, is_told, "{claim}: {warnings:?}");
    }
}

#[test]
fn a_text_that_is_probably_not_meant_is_told() {
    for (conditions, setting, code) in ODD {
        for rule in
            ["routes: [{ id: a, match: any, require: { C } }]", "default: { require: { C } }"]
        {
            let warnings = good(&rule.replace('C', conditions), &[APP]).warnings;
            let [warning] = warnings.as_slice() else { panic!("{conditions}: {warnings:#?}") };
            assert_eq!(warning.code, *code, "{conditions}");
            assert!(warning.pointer.ends_with(&format!("/require/{setting}")), "{warning:?}");
        }
    }
    for conditions in [
        "claim: { name: 'https://shop.test/plan', equals: pro }",
        "claim: { pointer: /org.plan, equals: 'a b' }",
        "claim: { name: plan, matches: ' .*' }",
        "cel: \" claims.plan == 'pro' \"",
    ] {
        let yaml = format!("default: {{ require: {{ {conditions} }} }}");
        assert_eq!(good(&yaml, &[APP]).warnings, [], "{conditions}");
    }
}
