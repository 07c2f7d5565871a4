//! Properties of every tree of roles, source and user.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::{RightsBook, Truth, agrees, config, has_role, may, user};

/// Permissions of a role: names of up to three segments of two letters each, or wildcards.
const PATTERNS: [&str; 9] = ["a", "b", "a:a", "a:b", "a:*", "b:*", "a:a:a", "a:a:*", "*"];
/// Permissions that are asked for.
const ASKED: [&str; 8] = ["a", "b", "a:a", "a:b", "b:a", "a:a:a", "a:b:a", "c"];
const COUNT: usize = 6;

/// The roles `r0` to `r5`, each with its permissions and the later ones that it inherits: no cycles.
#[derive(Debug, Clone)]
struct Tree(Vec<(BTreeSet<&'static str>, BTreeSet<usize>)>);

impl Tree {
    fn yaml(&self) -> String {
        let role =
            |(index, (permissions, inherits)): (usize, &(BTreeSet<&str>, BTreeSet<usize>))| {
                let inherits: Vec<String> =
                    inherits.iter().map(|role| format!("r{role}")).collect();
                let body = json!({ "permissions": permissions, "inherits": inherits });
                (format!("r{index}"), body)
            };
        let roles: BTreeMap<_, _> = self.0.iter().enumerate().map(role).collect();
        let issuer = json!({ "name": "company", "kind": "oidc", "issuer": "https://id.test",
            "audiences": ["a"] });
        json!({ "issuers": [issuer], "roles": roles, "role_sources": [
            { "claim": "roles" }, { "permission_claim": "permissions" },
        ] })
        .to_string()
    }

    /// All roles that follow from these, by a walk without any cleverness.
    fn walk(&self, role: usize, reached: &mut BTreeSet<usize>) {
        reached.insert(role);
        for inherited in &self.0[role].1 {
            self.walk(*inherited, reached);
        }
    }

    fn reached(&self, roles: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        roles.iter().for_each(|role| self.walk(*role, &mut reached));
        reached
    }
}

/// The permission is the pattern, or has more segments than the part before its `*`.
fn fits(pattern: &str, permission: &str) -> bool {
    let (pattern, permission): (Vec<_>, Vec<_>) =
        (pattern.split(':').collect(), permission.split(':').collect());
    match pattern.split_last() {
        Some((&"*", start)) => permission.len() > start.len() && permission.starts_with(start),
        _ => pattern == permission,
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let role = |index: usize| {
        let permissions = prop::collection::btree_set(prop::sample::select(&PATTERNS[..]), 0..3);
        let inherits = prop::collection::btree_set(index + 1..=COUNT, 0..3);
        (
            permissions,
            inherits.prop_map(|all| all.into_iter().filter(|role| *role < COUNT).collect()),
        )
    };
    (0..COUNT).map(role).collect::<Vec<_>>().prop_map(Tree)
}

fn held() -> impl Strategy<Value = BTreeSet<usize>> {
    prop::collection::btree_set(0..COUNT, 0..3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn questions_say_what_a_naive_walk_says(tree in tree(), held in held()) {
        let book = RightsBook::build(&config(&tree.yaml()));
        let names: Vec<String> = held.iter().map(|role| format!("r{role}")).collect();
        let who = user("company", &json!({ "roles": names }));
        let reached = tree.reached(&held);
        for role in 0..COUNT {
            let name = format!("r{role}");
            prop_assert_eq!(has_role(&book, &who, None, &name), Truth::of(reached.contains(&role)));
            prop_assert!(agrees(&book, &who, None, &name));
        }
        for permission in ASKED {
            let mut patterns = reached.iter().flat_map(|role| &tree.0[*role].0);
            let expected = patterns.any(|pattern| fits(pattern, permission));
            prop_assert_eq!(may(&book, &who, None, permission), Truth::of(expected), "{}", permission);
        }
        let all: BTreeSet<&str> = reached.iter().flat_map(|role| tree.0[*role].0.clone()).collect();
        let listed = book.rights(&who, None).permissions.unwrap();
        prop_assert_eq!(listed, all.into_iter().map(str::to_owned).collect::<Vec<_>>());
    }

    #[test]
    fn more_roles_and_permissions_never_take_anything_away(
        tree in tree(),
        held in held(),
        more in held(),
        direct in prop::collection::btree_set(prop::sample::select(&ASKED[..]), 0..2),
        more_direct in prop::collection::btree_set(prop::sample::select(&ASKED[..]), 0..2),
    ) {
        let book = RightsBook::build(&config(&tree.yaml()));
        let named = |roles: &BTreeSet<usize>| -> Vec<String> {
            roles.iter().map(|role| format!("r{role}")).collect()
        };
        let before = user("company", &json!({ "roles": named(&held), "permissions": direct }));
        let roles: BTreeSet<usize> = held.union(&more).copied().collect();
        let permissions: BTreeSet<&str> = direct.union(&more_direct).copied().collect();
        let after = user("company", &json!({ "roles": named(&roles), "permissions": permissions }));
        let gains = |before: Truth, after: Truth| before != Truth::True || after == Truth::True;
        for role in (0..COUNT).map(|role| format!("r{role}")) {
            let ask = |who| has_role(&book, who, None, &role);
            prop_assert!(gains(ask(&before), ask(&after)), "{}", role);
        }
        for permission in ASKED {
            let ask = |who| may(&book, who, None, permission);
            prop_assert!(gains(ask(&before), ask(&after)), "{}", permission);
        }
    }
}
