//! Headers, query parameters and workloads of a match: the readings of each, and the rules that are
//! taken together where only some readings fit.

use std::sync::Arc;

use bytes::Bytes;

use super::{identity, measured, policy, request};
use crate::{
    model::{
        AuthLevel, DenyReason, Downstream, EncodedDownstream, Headers, RequestContext, Step,
        Workload,
    },
    policy::{Asked, Policy},
};

/// A GET of this path and query, with these headers.
fn with(target: &str, headers: &[(&'static str, &'static str)]) -> RequestContext {
    let entries = headers.iter().map(|(name, value)| (Bytes::from(*name), Bytes::from(*value)));
    RequestContext {
        headers: Headers::new(entries.collect(), false),
        ..request("GET", "a.com", target.as_bytes())
    }
}

/// The names of the rules that hold for the request as it was sent, in their order.
fn taken(policy: &Policy, request: &RequestContext) -> String {
    let asked = Asked::of(request).unwrap();
    let path = request.target.split(|b| *b == b'?').next().unwrap();
    let rules = policy.rules_by_reading(&asked, &request.method, path);
    rules.map(|rule| rule.id().to_string()).collect::<Vec<_>>().join(" ")
}

const HEADERS: &str = "
routes:
  - { id: staging, match: { headers: [{ name: X-Env, exact: staging }] } }
  - { id: marked, match: { headers: [{ name: x-mark, present: true }] } }
  - { id: bare, match: { headers: [{ name: x-bare, present: false }], methods: [GET] } }
";

/// Name, headers, rule.
type HeaderCase<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[rustfmt::skip] // one case a line
const HEADER_READINGS: &[HeaderCase<'_>] = &[
    ("none", &[], "bare"),
    ("the value", &[("x-env", "staging")], "staging"),
    ("blanks around it", &[("x-env", " staging\t")], "staging"),
    ("another value", &[("x-env", "production")], "bare"),
    ("another case", &[("x-env", "Staging")], "bare"),
    ("more than it", &[("x-env", "staging2")], "bare"),
    ("empty", &[("x-env", "")], "bare"),
    ("the same twice", &[("x-env", "staging"), ("x-env", "staging")], "staging bare"),
    ("first", &[("x-env", "staging"), ("x-env", "production")], "staging bare"),
    ("last", &[("x-env", "production"), ("x-env", "staging")], "staging bare"),
    ("neither of two", &[("x-env", "a"), ("x-env", "b")], "bare"),
    ("joined", &[("x-env", "production,staging")], "staging bare"),
    ("joined with a blank", &[("x-env", "staging, production")], "staging bare"),
    ("joined and empty", &[("x-env", "staging,")], "staging bare"),
    ("an underscore", &[("x_env", "staging")], "staging bare"),
    ("a dot", &[("x.env", "staging")], "staging bare"),
    ("own and other spelling", &[("x-env", "staging"), ("x_env", "production")], "staging bare"),
    ("other spelling alone fits", &[("x-env", "production"), ("x_env", "staging")], "staging bare"),
    ("a longer name", &[("x-env-2", "staging")], "bare"),
    ("another name", &[("xaenv", "staging")], "bare"),
    ("upper case", &[("X-Env", "staging")], "staging bare"),
    ("a sign for a letter", &[("x-e-v", "staging")], "bare"),
    ("a letter for a letter", &[("x-enu", "staging")], "bare"),
    ("present", &[("x-mark", "1")], "marked"),
    ("present twice", &[("x-mark", "1"), ("x-mark", "2")], "marked"),
    ("present and empty", &[("x-mark", "")], "marked bare"),
    ("present and blank", &[("x-mark", " ")], "marked bare"),
    ("present and joined with nothing", &[("x-mark", "1,")], "marked"),
    ("present and joined of nothing", &[("x-mark", " ,")], "marked bare"),
    ("present, one of two empty", &[("x-mark", "1"), ("x-mark", "")], "marked bare"),
    ("present in another spelling", &[("x_mark", "1")], "marked bare"),
    ("not absent", &[("x-bare", "1")], "default"),
    ("perhaps absent", &[("x-bare", "")], "bare default"),
    ("absent to some", &[("x_bare", "1")], "bare default"),
    ("both", &[("x-env", "staging"), ("x-mark", "1")], "staging"),
    ("possibly and surely", &[("x_env", "staging"), ("x-mark", "1")], "staging marked"),
];

#[test]
fn each_reading_of_a_header_takes_its_rule() {
    let policy = policy(HEADERS);
    for (name, headers, expected) in HEADER_READINGS {
        assert_eq!(taken(&policy, &with("/", headers)), *expected, "{name}");
    }
}

#[test]
fn more_lines_than_are_looked_at_may_hold_any_value() {
    let policy = policy(HEADERS);
    let many = vec![("x-env", "production"); 17];
    assert_eq!(taken(&policy, &with("/", &many)), "staging bare");
    assert_eq!(taken(&policy, &with("/", &many[1..])), "bare");
}

const QUERY: &str = "
routes:
  - { id: gold, match: { query: [{ name: plan, exact: gold }] } }
  - { id: preview, match: { query: [{ name: preview, present: true }] } }
  - { id: no-debug, match: { query: [{ name: debug, present: false }] } }
";

#[rustfmt::skip] // one case a line
const QUERY_READINGS: &[(&str, &str)] = &[
    ("/", "no-debug"),
    ("/?", "no-debug"),
    ("/?plan=gold", "gold"),
    ("/?x=1&plan=gold&y=2", "gold"),
    ("/?plan=tin", "no-debug"),
    ("/?plan=Gold", "no-debug"),
    ("/?plan=gold2", "no-debug"),
    ("/?plan", "no-debug"),
    ("/?xplan=gold", "no-debug"),
    ("/?plan=gold=x", "no-debug"),
    ("/plan=gold", "no-debug"),
    // Repeated.
    ("/?plan=gold&plan=tin", "gold no-debug"),
    ("/?plan=tin&plan=gold", "gold no-debug"),
    ("/?plan=gold&plan=gold", "gold no-debug"),
    ("/?plan=tin&plan=iron", "no-debug"),
    // Encoded without need, once or several times.
    ("/?%70lan=gold", "gold no-debug"),
    ("/?plan=%67old", "gold no-debug"),
    ("/?plan=%2567old", "gold no-debug"),
    ("/?plan=%252567old", "gold no-debug"),
    ("/?plan=%25252567old", "no-debug"),
    ("/?plan=%u0067old", "gold no-debug"),
    ("/?plan=gold%00x", "gold no-debug"),
    ("/?plan=gold+", "gold no-debug"),
    ("/?plan=%20gold", "gold no-debug"),
    ("/?+plan=gold", "gold no-debug"),
    // Escapes that are none: some servers then read nothing.
    ("/?plan=gold&x=%zz", "gold no-debug"),
    ("/?plan=gold&x=%", "gold no-debug"),
    ("/?plan=gold&x=%0g", "gold no-debug"),
    ("/?plan=%z%67old", "no-debug"),
    // Digits that belong to no escape.
    ("/?plan=x67old%20", "no-debug"),
    ("/?plan=xu0067old%20", "no-debug"),
    // Names that are one to some servers.
    ("/?Plan=gold", "gold no-debug"),
    ("/?plan[]=gold", "gold no-debug"),
    ("/?plan%5B0%5D=gold", "gold no-debug"),
    ("/?plan%00=gold", "gold no-debug"),
    ("/?[plan]=gold", "gold no-debug"),
    ("/?%5Bplan%5D=gold", "gold no-debug"),
    ("/?]plan=gold", "gold no-debug"),
    ("/?[plan=gold", "gold no-debug"),
    ("/?plan]=gold", "gold no-debug"),
    ("/?plan=gold&[plan]=tin", "gold no-debug"),
    ("/?plan=gold&!plan=tin", "gold no-debug"),
    ("/?plan=gold&_plan=tin", "gold no-debug"),
    ("/?plan=gold&x[plan]=tin", "gold"),
    // To Express, the name is `preview=1]`.
    ("/?preview=1]=2", "preview no-debug"),
    ("/?preview=1%5D=2", "preview no-debug"),
    ("/?preview=1]2=3", "preview"),
    // Other separators.
    ("/?x=1;plan=gold", "gold no-debug"),
    ("/?plan=gold;x=1", "gold no-debug"),
    ("/?plan=tin;plan=gold", "gold no-debug"),
    ("/?x=1;y=2&plan=gold", "gold"),
    ("/?plan=gold&x=1;plan=tin", "gold no-debug"),
    ("/?x=%3fplan=gold", "no-debug"),
    ("/#x=%3fplan=gold", "no-debug"),
    // Marks of a query that only some servers see.
    ("/?x=1?plan=gold", "no-debug"),
    ("/?x=1;y?plan=gold&z=1", "gold no-debug"),
    ("/?x=1;y#plan=gold", "gold no-debug"),
    ("/?plan=gold#x", "gold no-debug"),
    ("/?x=1#&plan=gold", "gold no-debug"),
    ("/#?plan=gold", "gold no-debug"),
    ("/%3fplan=gold", "gold no-debug"),
    ("/%253Fplan=gold", "gold no-debug"),
    ("/%25253Fplan=gold", "gold no-debug"),
    ("/%23plan=gold", "gold no-debug"),
    ("/#plan=gold", "gold no-debug"),
    ("/plan=gold#x", "no-debug"),
    ("/%3fx=1%2526plan=gold", "no-debug"),
    ("/%3fx=1?plan=gold", "gold no-debug"),
    // Presence.
    ("/?preview=1", "preview"),
    ("/?preview=1&preview=2", "preview"),
    ("/?preview", "preview no-debug"),
    ("/?preview=", "preview no-debug"),
    ("/?preview=1&preview=", "preview no-debug"),
    ("/?preview=%20", "preview no-debug"),
    ("/?preview=%00x", "preview no-debug"),
    ("/?preview=+", "preview no-debug"),
    ("/?Preview=1", "preview no-debug"),
    ("/?x=1;preview=1", "preview no-debug"),
    ("/?preview=1&x=%", "preview no-debug"),
    ("/?preview=1&preview=1;x", "preview no-debug"),
    ("/?preview=1&x=1;preview=2", "preview no-debug"),
    ("/?preview=1&Preview=2", "preview"),
    // Absence.
    ("/?debug=1", "default"),
    ("/?debug", "no-debug default"),
    ("/?Debug=1", "no-debug default"),
    ("/?[debug]=1", "no-debug default"),
    ("/?]debug=1", "no-debug default"),
    ("/?debug]=1", "no-debug default"),
    ("/?_debug=on", "no-debug default"),
    ("/?x[debug]=1", "no-debug"),
    ("/?x=1;debug=1", "no-debug default"),
    ("/?x?debug;y", "no-debug default"),
    ("/?x=1#&debug=1", "no-debug default"),
];

#[test]
fn each_reading_of_a_query_takes_its_rule() {
    let policy = policy(QUERY);
    for (target, expected) in QUERY_READINGS {
        assert_eq!(taken(&policy, &with(target, &[])), *expected, "{target}");
    }
}

/// A sign in a name is any other sign to some servers, and a sign in a value may end it.
#[test]
fn signs_in_names_and_values_are_read_in_every_way() {
    let policy = policy("routes: [{ id: it, match: { query: [{ name: a_b, exact: v }] } }]");
    for (target, expected) in [
        ("/?a_b=v", "it"),
        ("/?a.b=v", "it default"),
        ("/?a-b=v", "it default"),
        ("/?a+b=v", "it default"),
        ("/?a[b=v", "it default"),
        ("/?a%5bb=v", "it default"),
        ("/?a_b=v&a[b=w", "it default"),
        ("/?a[b]=v", "default"),
        ("/?A%2eB=v", "it default"),
        ("/?axb=v", "default"),
        ("/?._b=v", "default"),
        ("/?a.b.=v", "default"),
        ("/?a.=v", "default"),
        ("/?ab=v", "default"),
        // The sign may be one that parts a query or a path from what follows.
        ("/?x;a?b=v", "it default"),
        ("/?a#b=v", "it default"),
        ("/a%3fb=v", "default"),
        ("/?a_b=v%3bx", "it default"),
        ("/?a_b=v%00x", "it default"),
        ("/?a_b=v%23x", "it default"),
        ("/?a_b=v%3fx", "it default"),
        ("/?a_b=v%26x", "default"),
        ("/?a_b=vx%3b", "default"),
    ] {
        assert_eq!(taken(&policy, &with(target, &[])), expected, "{target}");
    }
}

#[test]
fn more_parameters_than_are_looked_at_may_hold_any_value() {
    let policy = policy(QUERY);
    let many =
        |count: usize, pair: &str| format!("/?{}plan=gold", format!("{pair}&").repeat(count));
    assert_eq!(taken(&policy, &with(&many(17, "plan=tin"), &[])), "gold no-debug");
    let tins = |count: usize| format!("/?{}", "plan=tin&".repeat(count));
    assert_eq!(taken(&policy, &with(&tins(16), &[])), "no-debug");
    assert_eq!(taken(&policy, &with(&tins(17), &[])), "gold no-debug");
    let few = format!("/?x=1;{}", "plan=tin;".repeat(20));
    assert_eq!(taken(&policy, &with(&few, &[])), "no-debug");
    let hidden = |count: usize| (0..count).map(|at| format!("plan={at};")).collect::<String>();
    assert_eq!(taken(&policy, &with(&format!("/?x=1;{}", hidden(16)), &[])), "no-debug");
    assert_eq!(taken(&policy, &with(&format!("/?x=1;{}", hidden(17)), &[])), "gold no-debug");
    assert_eq!(taken(&policy, &with(&many(255, "x=1"), &[])), "gold");
    assert_eq!(taken(&policy, &with(&many(256, "x=1"), &[])), "gold no-debug");
}

/// A request of this client, as its certificate names it.
fn of_client(principal: &'static str) -> RequestContext {
    let decode = |encoded: &Bytes| Downstream {
        workload: Workload::new(String::from_utf8(encoded.to_vec()).unwrap()),
        address: None,
    };
    RequestContext {
        downstream: EncodedDownstream::new(principal.into(), decode),
        ..RequestContext::for_test("/")
    }
}

#[test]
fn the_workload_of_the_client_is_matched_by_name_and_by_pattern() {
    let policy = policy(
        "
routes:
  - { id: web, match: { principal: 'spiffe://a.b/ns/*/sa/web' } }
  - { id: shop, match: { principal: 'spiffe://a.b/ns/shop/**' } }
  - { id: named, match: { principal: 'batch.shop.svc' } }
",
    );
    for (principal, expected) in [
        ("spiffe://a.b/ns/x/sa/web", "web"),
        ("spiffe://a.b/ns/shop/sa/batch", "shop"),
        ("batch.shop.svc", "named"),
        ("spiffe://other/ns/x/sa/web", "default"),
        ("", "default"),
    ] {
        assert_eq!(taken(&policy, &of_client(principal)), expected, "{principal}");
    }
}

#[test]
fn all_parts_of_a_match_have_to_hold_and_the_first_that_does_not_is_recorded() {
    let policy = policy(
        "
routes:
  - { id: client, match: { principal: web, headers: [{ name: x-a, exact: '1' }] } }
  - { id: header, match: { headers: [{ name: x-a, exact: '1' }, { name: x-b, exact: '2' }] } }
  - { id: query, match: { headers: [{ name: x-a, exact: '1' }], query: [{ name: q, present: true }] } }
  - { id: all, match: { headers: [{ name: x-a, exact: '1' }] } }
",
    );
    let request = with("/", &[("x-a", "1")]);
    let skipped = |rule: &str, because| Step::RuleSkipped { rule: rule.into(), because };
    assert_eq!(
        policy.skipped(measured(&request)),
        [skipped("client", "principal"), skipped("header", "header"), skipped("query", "query")]
    );
    assert_eq!(taken(&policy, &request), "all");
    let both = with("/?q=1", &[("x-a", "1"), ("x-b", "2")]);
    assert_eq!(taken(&policy, &both), "header");
}

#[test]
fn a_rule_that_is_taken_possibly_has_to_allow_and_so_has_the_next() {
    let strict_first = policy(
        "
routes:
  - { id: strict, match: { headers: [{ name: x-a, exact: '1' }] }, auth_level: verified }
default: { auth: none }
",
    );
    let open_first = policy(
        "
routes: [{ id: open, match: { headers: [{ name: x-a, exact: '1' }] }, auth: none }]
default: { auth_level: verified }
",
    );
    let surely = with("/", &[("x-a", "1")]);
    let possibly = with("/", &[("x_a", "1")]);
    let neither = with("/", &[("x-a", "2")]);
    for (policy, request, expected) in [
        (&strict_first, &surely, Err(DenyReason::AuthLevelTooLow)),
        (&strict_first, &possibly, Err(DenyReason::AuthLevelTooLow)),
        (&strict_first, &neither, Ok(())),
        (&open_first, &surely, Ok(())),
        (&open_first, &possibly, Err(DenyReason::AuthLevelTooLow)),
        (&open_first, &neither, Err(DenyReason::AuthLevelTooLow)),
    ] {
        let rules = policy.choose(measured(request)).unwrap();
        let who = Some(Arc::new(identity(AuthLevel::Guest)));
        let found = rules.decide(who).map(|_| ()).map_err(|denial| denial.reason());
        assert_eq!(found, expected, "{:?}", request.headers);
    }
}

#[test]
fn a_request_that_takes_too_many_rules_is_denied() {
    let route = |index: usize| {
        format!(
            "  - {{ id: r{index}, match: {{ headers: [{{ name: x-a, exact: v{index} }}] }} }}\n"
        )
    };
    let crowded = vec![("x-a", "v0"); 17];
    // These rules, and the default.
    for (rules, expected) in [(255, Ok(())), (256, Err(DenyReason::RequestAmbiguous))] {
        let routes: String = (0..rules).map(route).collect();
        let policy = policy(&format!("routes:\n{routes}"));
        let found = policy.choose(measured(&with("/", &crowded))).map(|_| ());
        assert_eq!(found, expected, "{rules}");
        let few = with("/", &[("x-a", "v0,v1,v2")]);
        assert!(policy.choose(measured(&few)).is_ok(), "{rules}");
    }
}
