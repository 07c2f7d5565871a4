//! Requirements and guards that can only be a mistake: each is refused with what to write.

use super::{bad, good};

const ISSUERS: &str = "issuers:
  - { name: rownd, kind: rownd, apps: [{ id: app_1, key: key, secret: secret }] }
  - { name: partner, kind: oidc, issuer: 'https://partner.test', audiences: [api] }
";

#[test]
fn a_mistake_in_a_rule_is_told_with_its_place() {
    #[rustfmt::skip] // one case a line
    let cases = [
        ("require: {}", "routes[0].require: asks for nothing"),
        ("require: { any: [] }", "routes[0].require.any: is empty"),
        ("require: { rol: owner }", "routes[0].require.rol: unknown field; did you mean `role`?"),
        ("require: { all: [{ rol: owner }] }", "routes[0].require.all[0].rol: unknown field; did you mean `role`?"),
        ("require: { any: [{ not: [{ rol: x }] }] }", "require.any[0].not[0].rol: unknown field; did you mean `role`?"),
        ("require: always", "routes[0].require: `always` cannot be used; write it like"),
        ("require: { scope: 'a b', issuer: partner }", "`a b` is several scopes; write a list: [a, b]"),
        ("require: { issuer: partnr }", "there is no issuer `partnr` under `issuers`; write one of: partner, rownd"),
        ("require: { scope: a }", "`scope` means something only together with its issuer"),
        ("require: { any: [{ issuer: rownd }, { group: a }] }", "`group` means something only"),
        ("require: { not: [{ user: a }] }", "`user` means something only"),
        ("require: { claim: { name: a, equals: b } }", "`claim` means something only"),
        ("require: { issuer: rownd, claim: { name: a } }", "names a value and no test of it"),
        ("require: { issuer: rownd, claim: { equals: a } }", "write exactly one of `name` and `pointer`"),
        ("require: { issuer: rownd, claim: { name: a, matches: '(' } }", "is not a regular expression"),
        ("require: { issuer: rownd, claim: { pointer: a.b, equals: x } }", "write it like /a/b"),
        ("require: { issuer: rownd, claim: { name: a, exists: false, equals: x } }", "passes no other test"),
        ("require: { issuer: rownd, equals: { path: id, identity: user_id } }", "there is no variable `id`"),
        ("require: { issuer: rownd, equals: { path: id, identity: userid } }", "`userid` is not a known word"),
        ("require: { cel: 'claims.a ==' }", "routes[0].require.cel:"),
        ("require: { cel: 'path.id == \"a\"' }", "there is no variable `id`"),
        ("require: { cel: 'identity.user_id == \"a\"' }", "`cel` means something only together with its issuer"),
        ("require: { max_age: 0s }", "is outside 1s to 365d"),
        ("require: { source: body }", "`body` cannot be used; write it like header"),
        ("auth: none, require: { role: owner }", "asks for `role` where no credential is read"),
        ("auth: none, require: { cel: 'claims.a == 1' }", "asks for `cel` where no credential is read"),
        ("mode: shadows", "`shadows` is not a known word"),
    ];
    for (rule, expected) in cases {
        let problems = bad(&format!("{ISSUERS}routes: [{{ id: a, match: any, {rule} }}]"), &[]);
        assert!(
            problems.iter().any(|problem| problem.to_string().contains(expected)),
            "{rule}: {problems:?}"
        );
    }
}

#[test]
fn a_mistake_in_a_guard_is_told_with_its_place() {
    for (guard, expected) in [
        ("id: g, require: never", "guards[0]: `match` is missing"),
        ("id: g, match: any", "guards[0]: `require` is missing"),
        ("id: a, match: any, require: never", "guards[0].id: a route has the id `a` too"),
        (
            "id: default, match: any, require: never",
            "guards[0].id: `default` is the id of the section",
        ),
        (
            "id: g, match: any, require: never, applies_to: all",
            "has no effect: no condition is about",
        ),
        ("id: g, match: { methods: [get] }, require: never", "`get` is not a method; write GET"),
        ("id: g, match: any, require: { scope: a }", "`scope` means something only"),
    ] {
        let text = format!("{ISSUERS}guards: [{{ {guard} }}]\nroutes: [{{ id: a, match: any }}]");
        let problems = bad(&text, &[]);
        assert!(
            problems.iter().any(|problem| problem.to_string().contains(expected)),
            "{guard}: {problems:?}"
        );
    }
}

#[test]
fn an_issuer_beside_a_condition_may_stand_around_it() {
    for require in [
        "{ issuer: rownd, any: [{ group: a }, { user: b }] }",
        "{ any: [{ issuer: rownd, group: a }, { issuer: partner, scope: b }] }",
        "{ any: [{ issuer: rownd }, { issuer: partner, all: [{ scope: b }] }] }",
        "{ all: [{ any: [{ issuer: rownd }, { issuer: rownd, anonymous: false }] }, { group: a }] }",
        "{ role: a, not: [{ issuer: partner }] }",
    ] {
        good(&format!("{ISSUERS}routes: [{{ id: a, match: any, require: {require} }}]"), &[]);
    }
    // One issuer alone needs no name.
    good("routes: [{ id: a, match: any, require: { scope: a } }]", &[super::APP]);
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| {
        let mut require = "{ anonymous: false }".to_owned();
        for _ in 1..depth {
            require = format!("{{ any: [{require}] }}");
        }
        format!("{ISSUERS}routes: [{{ id: a, match: any, require: {require} }}]")
    };
    good(&nested(8), &[]);
    let problems = bad(&nested(9), &[]);
    assert!(
        problems.iter().any(|problem| problem.to_string().contains("8 levels or fewer")),
        "{problems:?}"
    );
}

#[test]
fn the_apps_of_users_whose_profiles_are_asked_have_key_and_secret() {
    let issuers = "issuers:
  - { name: rownd, kind: rownd, apps: [{ id: app_1 }] }
  - { name: partner, kind: oidc, issuer: 'https://partner.test', audiences: [api] }
";
    for (require, expected) in [
        ("{ issuer: rownd, attribute: { name: a, exists: true } }", 2),
        ("{ issuer: rownd, group: a }", 2),
        ("{ issuer: rownd, verified: email }", 2),
        ("{ issuer: rownd, cel: 'profile.data.a == 1' }", 2),
        ("{ issuer: partner, verified: email }", 0),
        ("{ issuer: rownd, claim: { name: a, exists: true } }", 0),
    ] {
        let text = format!("{issuers}routes: [{{ id: a, match: any, require: {require} }}]");
        let problems = super::read(&text, &[]).err().unwrap_or_default();
        assert_eq!(problems.len(), expected, "{require}: {problems:?}");
        assert!(
            problems.iter().all(|problem| problem.message.contains("in routes[0].require needs")),
            "{require}: {problems:?}"
        );
    }
}
