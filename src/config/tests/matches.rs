//! The parts of a `match` that can only be a mistake, each with what to write instead; and the parts
//! that are printed as they are written.

use super::{APP, bad, good};

/// (match, the setting complained of, what the message holds)
#[rustfmt::skip] // one case a line
const REFUSED: &[(&str, &str, &str)] = &[
    ("{}", "match", "match: any"),
    ("{ path: { exact: '/users/{id}' } }", "match.path.exact", "write template: /users/{id}"),
    ("{ path: { exact: '/users/:id' } }", "match.path.exact", "regex"),
    ("{ path: { template: /users } }", "match.path.template", "exact: /users"),
    ("{ path: { template: '/users/{id}.json' } }", "match.path.template", "named group"),
    ("{ path: { template: '/{a}', exact: /b } }", "match.path", ""),
    ("{ headers: [] }", "match.headers", ""),
    ("{ headers: [{ name: x-a }] }", "match.headers[0]", ""),
    ("{ headers: [{ name: x-a, exact: '1', present: true }] }", "match.headers[0]", ""),
    ("{ headers: [{ name: x-a, exact: '' }] }", "match.headers[0].exact", ""),
    ("{ headers: [{ name: x-a, exact: 'a,b' }] }", "match.headers[0].exact", "present: true"),
    ("{ headers: [{ name: x-a, exact: ' a' }] }", "match.headers[0].exact", "blanks"),
    ("{ headers: [{ name: x-a, exact: \"a\\nb\" }] }", "match.headers[0].exact", "visible ASCII"),
    ("{ headers: [{ name: x-a, exact: 'é' }] }", "match.headers[0].exact", "visible ASCII"),
    ("{ headers: [{ name: 'x a', present: true }] }", "match.headers[0].name", "not a header name"),
    ("{ headers: [{ name: ':path', exact: /a }] }", "match.headers[0].name", "match.path"),
    ("{ headers: [{ name: ':authority', exact: a }] }", "match.headers[0].name", "match.hosts"),
    ("{ headers: [{ name: ':method', exact: GET }] }", "match.headers[0].name", "match.methods"),
    ("{ headers: [{ name: ':scheme', exact: https }] }", "match.headers[0].name", "leave it out"),
    ("{ headers: [{ name: Host, exact: a }] }", "match.headers[0].name", "match.hosts"),
    ("{ headers: [{ name: Cookie, present: true }] }", "match.headers[0].name", "cookie: NAME"),
    ("{ headers: [{ name: Authorization, present: true }] }", "match.headers[0].name", "auth: required"),
    ("{ headers: [{ name: content-length, exact: '0' }] }", "match.headers[0].name", "leave it out"),
    ("{ headers: [{ name: X-Rownd-User-Id, exact: a }] }", "match.headers[0].name", "require"),
    ("{ headers: [{ name: x_rownd_roles, exact: a }] }", "match.headers[0].name", "require"),
    ("{ headers: [{ name: x-a, exact: '1' }, { name: X-A, present: true }] }", "match.headers[1].name", "twice"),
    ("{ headers: [{ name: x-a, exact: '1' }, { name: x_a, exact: '2' }] }", "match.headers[1].name", "two spellings"),
    ("{ query: [{ name: 'a[]', present: true }] }", "match.query[0].name", "decoded"),
    ("{ query: [{ name: 'a%20b', present: true }] }", "match.query[0].name", "decoded"),
    ("{ query: [{ name: a, exact: 'b c' }] }", "match.query[0].exact", "encoded"),
    ("{ query: [{ name: a, exact: 'b+c' }] }", "match.query[0].exact", "encoded"),
    ("{ query: [{ name: a, exact: 'b&c=d' }] }", "match.query[0].exact", "encoded"),
    ("{ query: [{ name: a, exact: 'b;c' }] }", "match.query[0].exact", "encoded"),
    ("{ query: [{ name: a, exact: '%62' }] }", "match.query[0].exact", "encoded"),
    ("{ query: [{ name: a, exact: b }, { name: A, exact: c }] }", "match.query[1].name", "twice"),
    ("{ principal: '' }", "match.principal", "is empty"),
    ("{ principal: 'spiffe://a.b/ns/sh*/sa/web' }", "match.principal", "one whole segment"),
    ("{ principal: '*.svc' }", "match.principal", "only SPIFFE IDs"),
];

#[test]
fn a_part_that_can_only_be_a_mistake_is_refused_with_what_to_write() {
    for (parts, setting, message) in REFUSED {
        let problems = bad(&format!("routes: [{{ id: a, match: {parts} }}]"), &[APP]);
        let setting = format!("routes[0].{setting}");
        let found = problems.iter().any(|it| it.setting == setting && it.message.contains(message));
        assert!(found, "{parts}: {problems:#?}");
    }
}

#[test]
fn a_match_has_at_most_sixteen_headers_and_parameters() {
    for list in ["headers", "query"] {
        let parts = |count: usize| {
            let part = |index: usize| format!("{{ name: x-{index}, present: true }}");
            let all = (0..count).map(part).collect::<Vec<_>>().join(", ");
            format!("routes: [{{ id: a, match: {{ {list}: [{all}] }} }}]")
        };
        good(&parts(16), &[APP]);
        let problems = bad(&parts(17), &[APP]);
        assert_eq!(problems[0].setting, format!("routes[0].match.{list}"), "{problems:#?}");
    }
}

#[test]
fn all_problems_of_a_match_are_reported_at_once() {
    let yaml = "routes: [{ id: a, match: { path: { template: /a }, principal: '*', \
                headers: [{ name: host, present: true }], query: [{ name: '[', present: true }] } }]";
    let problems = bad(yaml, &[APP]);
    assert_eq!(problems.len(), 4, "{problems:#?}");
}

#[test]
fn a_match_is_printed_as_it_is_written_and_reads_the_same() {
    let yaml = "
routes:
  - id: a
    match:
      path: { template: '/users/{id}/files/{path...}' }
      headers: [{ name: X-Env, exact: staging }, { name: x-b, present: false }]
      query: [{ name: plan, exact: gold }, { name: Debug, present: true }]
      principal: spiffe://a.b/ns/*/sa/**
";
    let config = good(yaml, &[APP]);
    let printed = serde_saphyr::to_string(&config.routes).unwrap();
    for text in
        ["/users/{id}/files/{path...}", "x-env", "present: false", "spiffe://a.b/ns/*/sa/**"]
    {
        assert!(printed.contains(text), "{printed}");
    }
    let again = good(&format!("routes:\n{printed}"), &[APP]);
    assert_eq!(again.routes, config.routes);
}
