//! Issuers with one `iss`: two that take different kinds of token, and no others.

use super::{bad, good, places};

const SAME: &str = "the same `iss`";
const THIRD: &str = "two issuers have the same `iss`";

fn issuer(name: &str, kind: &str, more: &str) -> String {
    let keys = if kind == "static" {
        ", key_set: '{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"kid\": \"p1\", \
         \"x\": \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}'"
    } else {
        ""
    };
    format!("{{name: {name}, kind: {kind}, issuer: 'https://id.test', audiences: [a]{keys}{more}}}")
}

#[test]
fn two_issuers_may_have_one_iss_if_each_says_which_tokens_it_takes() {
    let (access, id) = (", accepts: access", ", accepts: id");
    let oidc = |name: &str, more: &str| issuer(name, "oidc", more);
    let cases: [(&str, Vec<String>, Option<&str>); 9] = [
        ("access and id", vec![oidc("a", access), oidc("b", id)], None),
        ("id and access", vec![oidc("a", id), oidc("b", access)], None),
        ("static", vec![issuer("a", "static", id), issuer("b", "static", access)], None),
        ("equal", vec![oidc("a", access), oidc("b", access)], Some(SAME)),
        ("equal, id", vec![oidc("a", id), oidc("b", id)], Some(SAME)),
        ("only one says it", vec![oidc("a", ""), oidc("b", id)], Some(SAME)),
        ("none says it", vec![oidc("a", ""), oidc("b", "")], Some(SAME)),
        ("two kinds", vec![oidc("a", access), issuer("b", "static", id)], Some(SAME)),
        ("three", vec![oidc("a", access), oidc("b", id), oidc("c", access)], Some(THIRD)),
    ];
    for (name, issuers, problem) in cases {
        let yaml = format!("issuers: [{}]", issuers.join(", "));
        let Some(problem) = problem else {
            good(&yaml, &[]);
            continue;
        };
        let problems = bad(&yaml, &[]);
        let last = format!("issuers[{}].issuer", issuers.len() - 1);
        assert_eq!(places(&problems), [("test.yaml:1", last.as_str())], "{name}");
        assert!(problems[0].message.contains(problem), "{name}: {problems:?}");
    }
}
