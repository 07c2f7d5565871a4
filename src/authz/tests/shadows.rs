//! The decisions of rules and guards, in shadow and in force, are counted by their ids.

use super::{request, rig};

const POLICY: &str = "
guards:
  - { id: closed, match: { path: { prefix: /closed } }, require: never }
  - { id: new-guard, match: { path: { prefix: /old } }, require: never, mode: shadow }
routes:
  - { id: new, match: { path: { prefix: /old } }, mode: shadow, auth: none }
  - { id: old, match: { path: { prefix: /old } }, auth: none }
  - { id: open, match: { path: { prefix: /closed } }, auth: none }
";

#[tokio::test]
async fn every_decision_is_counted_by_its_rule() {
    let rig = rig(POLICY);
    let mut would_deny = Vec::new();
    for (path, allowed) in [("/old", true), ("/closed", false), ("/", false)] {
        let verdict = rig.check(&request("GET", path, &[])).await;
        assert_eq!(verdict.result().is_ok(), allowed, "{path}");
        would_deny.extend(verdict.facts().would_deny().into_iter().map(str::to_owned));
    }
    assert_eq!(would_deny, ["new-guard"]);
    for (rule, outcome, expected) in [
        ("old", "allow", 1.0),
        ("new", "would_allow", 1.0),
        ("new-guard", "would_deny", 1.0),
        ("closed", "deny", 1.0),
        ("open", "deny", 0.0),
        ("default", "deny", 1.0),
        ("other", "deny", 0.0),
    ] {
        let series =
            format!("rownd_authz_rule_decisions_total{{rule=\"{rule}\",outcome=\"{outcome}\"}}");
        assert!((rig.metric(&series) - expected).abs() < f64::EPSILON, "{series}");
    }
}

#[tokio::test]
async fn rules_beyond_the_first_are_counted_together() {
    let routes: Vec<String> = (0..300)
        .map(|at| format!("{{ id: r{at}, match: {{ path: {{ exact: /{at} }} }}, auth: none }}"))
        .collect();
    let rig = rig(&format!("routes: [{}]", routes.join(", ")));
    for path in ["/0", "/298", "/299"] {
        assert!(rig.check(&request("GET", path, &[])).await.result().is_ok(), "{path}");
    }
    let allowed = |rule: &str| {
        let labels = format!("{{rule=\"{rule}\",outcome=\"allow\"}}");
        rig.metric(&format!("rownd_authz_rule_decisions_total{labels}"))
    };
    assert!((allowed("r0") - 1.0).abs() < f64::EPSILON);
    assert!((allowed("other") - 2.0).abs() < f64::EPSILON);
}
