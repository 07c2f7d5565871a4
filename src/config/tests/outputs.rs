//! Header maps and changes of the query: what can only be a mistake is refused, with its place.

use super::{bad, good, read};

const ISSUERS: &str = "issuers:
- { name: rownd, kind: rownd, apps: [{ id: x, key: k, secret: s }] }
";
const KEYLESS: &str = "issuers: [{ name: rownd, kind: rownd, apps: [{ id: x }] }]\n";
const ROUTE: &str = "id: a, match: { path: { regex: '/users/(?<id>[^/]+)' } }";

/// Something else than this one problem, its setting and a part of its message.
fn mismatch(yaml: &str, setting: &str, said: &str) -> Option<String> {
    match read(yaml, &[]) {
        Err(found) if found.len() == 1 => {
            let only = found.first()?;
            let fits = only.setting == setting && only.message.contains(said);
            (!fits).then(|| format!("{yaml}: {only}, not {setting}: {said}"))
        }
        Err(found) => Some(format!("{yaml}: {found:#?}")),
        Ok(_) => Some(format!("{yaml}: no problem, not {setting}: {said}")),
    }
}

#[test]
fn a_header_that_can_only_be_a_mistake_is_refused() {
    #[rustfmt::skip] // one case a line
    let cases: &[(&str, &str, &str)] = &[
        ("name: X-Plan, from: { claim: plan }", "name", "in lower case"),
        ("name: x_plan, from: { claim: plan }", "name", "in lower case"),
        ("name: X_Forwarded_For, from: { claim: plan }", "name", "where a request comes from"),
        ("name: ':path', from: { claim: plan }", "name", "request line"),
        ("name: x-rownd-plan, from: { claim: plan }", "name", "identity headers"),
        ("name: authorization, from: { constant: a }", "name", "replaces_credential: true"),
        ("name: authorization, from: { claim: plan }, replaces_credential: true", "name", "a constant"),
        ("name: x-plan, from: { claim: plan }, replaces_credential: true", "replaces_credential", "authorization alone"),
        ("name: x-plan, from: { claim: /a~2 }", "from.claim", "~0"),
        ("name: x-plan, from: { claim: '' }", "from.claim", "is empty"),
        ("name: x-plan, from: { profile: /email }", "from.profile", "/verified_data/email"),
        ("name: x-plan, from: { profile: / }", "from.profile", "/verified_data/email"),
        ("name: x-plan, from: { identity: email }", "from.identity", "user_id"),
        ("name: x-plan, from: { identity: roles }", "from.identity", "format: list"),
        ("name: x-plan, from: { constant: \"a\\nb\" }", "from.constant", "visible ASCII"),
        ("name: x-plan, from: { constant: ' a' }", "from.constant", "a blank at an end"),
        ("name: x-plan, from: { constant: '\u{e9}' }", "from.constant", "visible ASCII"),
        ("name: x-plan, from: { cel: 'claims.' }", "from.cel", "column"),
        ("name: x-plan, from: { cel: '1 + 1' }", "from.cel", "reads nothing"),
        ("name: x-plan, from: { claim: plan, path: id }", "from", "claim"),
        ("name: x-plan, from: {}", "from", "claim"),
        ("name: x-plan", "", "from"),
        ("name: x-plan, from: { claim: plan }, format: csv", "format", "text"),
        ("name: x-plan, from: { claim: plan }, on_missing: fail", "on_missing", "omit"),
        ("name: x-plan, from: { path: name }", "from.path", "write one of: id"),
        ("name: x-plan, from: { cel: 'path.name' }", "from.cel", "write one of: id"),
    ];
    let mut mismatches = Vec::new();
    for (header, setting, said) in cases {
        for list in ["headers", "response_headers"] {
            let at = format!("routes[0].{list}[0]");
            let at = if setting.is_empty() { at } else { format!("{at}.{setting}") };
            let yaml = format!("{ISSUERS}routes: [{{ {ROUTE}, {list}: [{{ {header} }}] }}]");
            mismatches.extend(mismatch(&yaml, &at, said));
        }
    }
    assert!(mismatches.is_empty(), "{mismatches:#?}");
}

#[test]
fn a_list_of_every_rule_has_no_variable_of_one_path_and_sets_no_credential() {
    for (header, setting, said) in [
        ("name: x-id, from: { path: id }", "headers[0].from.path", "on that route"),
        ("name: x-id, from: { cel: 'path.id' }", "headers[0].from.cel", "on that route"),
        (
            "name: authorization, from: { constant: a }, replaces_credential: true",
            "headers[0].name",
            "on a route",
        ),
    ] {
        assert_eq!(mismatch(&format!("{ISSUERS}headers: [{{ {header} }}]"), setting, said), None);
    }
}

#[test]
fn what_spans_settings_is_held_together() {
    let header = "{ name: x-a, from: { claim: a } }";
    let profile = "{ name: x-a, from: { profile: a } }";
    let deny = "{ name: x-a, from: { claim: a }, on_missing: deny }";
    #[rustfmt::skip] // one case a line
    let cases: &[(String, &str, &str)] = &[
        (format!("{ISSUERS}headers: [{header}, {header}]"), "headers[1].name", "another header"),
        (format!("{ISSUERS}credentials: [{{ header: x-a }}]\nheaders: [{header}]"), "headers[0].name", "credentials"),
        (format!("{ISSUERS}routes: [{{ {ROUTE}, auth: none, headers: [{header}] }}]"), "routes[0].headers[0].from", "auth: none"),
        (format!("{ISSUERS}headers: [{deny}]\nroutes: [{{ {ROUTE}, auth: none }}]"), "routes[0]", "on_missing: omit"),
        (format!("{ISSUERS}headers: [{deny}]\ndefault: {{ auth: none }}"), "default", "on_missing: omit"),
        (format!("{KEYLESS}headers: [{profile}]"), "issuers[0].apps[0]", "headers[0].from"),
        (format!("{KEYLESS}headers: [{{ name: x-a, from: {{ cel: profile.state }} }}]"), "issuers[0].apps[0]", "headers[0].from"),
        (format!("{ISSUERS}routes: [{{ id: a, match: any, headers: [{{ name: x-a, from: {{ path: id }} }}] }}]"), "routes[0].headers[0].from.path", "template"),
    ];
    for (yaml, setting, said) in cases {
        let problems = bad(yaml, &[]);
        let found = problems.iter().find(|problem| problem.setting == *setting);
        let found = found.unwrap_or_else(|| panic!("{yaml}: {problems:#?}"));
        assert!(found.message.contains(said), "{yaml}: {found}");
    }
    // The route says for itself what it does without a value.
    let own = "{ name: x-a, from: { constant: none } }";
    good(
        &format!(
            "{ISSUERS}headers: [{deny}]\nroutes: [{{ {ROUTE}, auth: none, headers: [{own}] }}]"
        ),
        &[],
    );
}

#[test]
fn a_change_of_the_query_that_can_only_be_a_mistake_is_refused() {
    #[rustfmt::skip] // one case a line
    let cases: &[(&str, &str, &str)] = &[
        ("{}", "", "is empty"),
        ("{ set: [] }", "set", "is empty"),
        ("{ remove: ['a b'] }", "remove[0]", "letters, digits"),
        ("{ remove: ['a[]'] }", "remove[0]", "letters, digits"),
        ("{ remove: [a, A] }", "remove[1]", "twice"),
        ("{ set: [{ name: a, from: { claim: a } }], remove: [a] }", "remove[0]", "twice"),
        ("{ set: [{ name: 'a&b', from: { claim: a } }] }", "set[0]", "letters, digits"),
        ("{ set: [{ name: a, from: { path: name } }] }", "set[0].from.path", "write one of: id"),
        ("{ set: [{ name: a, from: { identity: scopes } }] }", "set[0].from.identity", "format: list"),
    ];
    let mut mismatches = Vec::new();
    for (query, setting, said) in cases {
        let at = "routes[0].query";
        let at = if setting.is_empty() { at.to_owned() } else { format!("{at}.{setting}") };
        let yaml = format!("{ISSUERS}routes: [{{ {ROUTE}, query: {query} }}]");
        mismatches.extend(mismatch(&yaml, &at, said));
    }
    assert!(mismatches.is_empty(), "{mismatches:#?}");
}

#[test]
fn what_is_printed_reads_the_same() {
    let yaml = format!(
        "{ISSUERS}headers: [{{ name: x-email, from: {{ profile: /verified_data/email }}, format: json }}]
response_headers: [{{ name: x-who, from: {{ identity: user_id }} }}]
routes:
- {ROUTE}
  headers:
  - {{ name: x-id, from: {{ path: id }}, on_missing: deny }}
  - {{ name: x-plan, from: {{ cel: 'has(claims.plan) ? claims.plan : \"free\"' }} }}
  - {{ name: authorization, from: {{ constant: Basic eA== }}, replaces_credential: true }}
  query: {{ set: [{{ name: user, from: {{ claim: sub }} }}], remove: [debug] }}
  strip_credential: true
"
    )
    .replace(&format!("- {ROUTE}\n"), "- id: a\n  match: { path: { regex: '/users/(?<id>[^/]+)' } }\n");
    let config = good(&yaml, &[]);
    let printed = serde_saphyr::to_string(&config).unwrap();
    for text in ["/verified_data/email", "on_missing: deny", "strip_credential: true", "Basic eA=="]
    {
        assert!(printed.contains(text), "{text}: {printed}");
    }
    let outputs = &config.routes[0].outputs;
    assert_eq!(outputs.headers.len(), 3);
    assert!(outputs.headers[2].replaces_credential());
    assert_eq!(outputs.query.as_ref().unwrap().remove, [std::sync::Arc::<str>::from("debug")]);
}
