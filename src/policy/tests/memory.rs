//! The memory that rules need, and that a request needs to find its rule.

use super::{config, measured, policy, request};
use crate::policy::Policy;

/// The bytes that a snapshot of this many rules may keep.
const SNAPSHOT: i64 = 20 << 20;

/// Rules of this many forms, of which each form has its share.
fn many(count: usize) -> String {
    let forms = [
        "{ hosts: [h#.example.com], path: { exact: /svc#/items }, methods: [GET, POST] }",
        "{ path: { prefix: /api/v1/svc# } }",
        "{ path: { template: '/tenants/{tenant}/svc#/{id}/{rest...}' } }",
        "{ path: { regex: '/svc#/(?P<id>[^/]+)/x' } }",
        "{ path: { regex: '/[a-z]+#/.*' } }",
        "{ path: { prefix: /beta# }, headers: [{ name: x-env, exact: e# }], query: [{ name: q, exact: '#' }] }",
        "{ hosts: ['*.t#.example.com'] }",
        "{ path: { regex: '/svc#(/.*)?' } }",
    ];
    let rule = |at: usize| {
        let form = forms[at % forms.len()].replace('#', &at.to_string());
        format!("  - {{ id: r{at}, match: {form} }}\n")
    };
    format!("routes:\n{}", (0..count).map(rule).collect::<String>())
}

#[test]
fn a_snapshot_of_five_thousand_rules_is_small() {
    let yaml = many(5_000);
    let mut kept = None;
    let memory = allocation_counter::measure(|| {
        let config = config(&yaml);
        kept = Some((Policy::build(&config), config));
    });
    assert!(memory.bytes_current <= SNAPSHOT, "{} KiB", memory.bytes_current >> 10);
    drop(kept);
}

#[test]
fn a_plain_request_finds_its_rule_without_memory_of_its_own() {
    for count in [8, 800] {
        let policy = policy(&many(count));
        let request = request("GET", "x.a.com", b"/api/v1/svc1/x");
        let measured = measured(&request);
        let memory = allocation_counter::measure(|| {
            assert_eq!(&**policy.choose(measured).unwrap().name(), "r1");
        });
        // The list of the readings of its path.
        assert!(memory.count_total <= 1, "{count} rules: {memory:?}");
    }
}
