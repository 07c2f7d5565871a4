//! Roles and expressions in `require`, and all that is not known of a caller or a profile.

use serde_json::json;

use super::requirements::{Caller, ask, asking, compile};
use crate::model::{DenyReason, Group, OddParts};

#[test]
fn roles_and_permissions_count_by_the_sources_of_the_users_own_issuer() {
    let policy = compile(
        r#"roles:
  viewer: { permissions: ["orders:read"] }
  editor: { permissions: ["orders:write"], inherits: [viewer] }
role_sources:
  - { issuers: [keycloak], claim: /realm/roles }
  - { issuers: [rownd], group_roles: true }
routes:
  - { id: read, match: { path: { exact: /read } }, require: { permission: "orders:read" } }
  - { id: write, match: { path: { exact: /write } }, require: { permission: "orders:write" } }
  - { id: editor, match: { path: { exact: /editor } }, require: { role: [editor, admin] } }
  - { id: owner, match: { path: { exact: /owner } }, require: { role: g1/owner } }
  - { id: not, match: { path: { exact: /not } }, require: { not: [{ role: editor }] } }"#,
    );
    assert!(policy.asked_claims().iter().any(|name| name == "/realm/roles"));
    let editor = Caller::of("keycloak").claims(&json!({ "/realm/roles": ["editor"] }));
    let viewer = Caller::of("keycloak").claims(&json!({ "/realm/roles": ["viewer"] }));
    let odd = Caller::of("keycloak").claims(&json!({ "/realm/roles": { "editor": true } }));
    let partner = Caller::of("partner").claims(&json!({ "/realm/roles": ["editor"] }));
    let owner = Caller::of("rownd").profile(|profile| {
        profile.groups = vec![Group {
            id: "g1".to_owned(),
            name: None,
            roles: vec!["owner".to_owned()],
            member_state: Some("active".to_owned()),
        }];
    });
    for (path, caller, expected) in [
        ("/read", &editor, Ok(false)),
        ("/write", &editor, Ok(false)),
        ("/editor", &editor, Ok(false)),
        ("/not", &editor, Err(DenyReason::RequirementUnmet)),
        ("/read", &viewer, Ok(false)),
        ("/write", &viewer, Err(DenyReason::RequirementUnmet)),
        ("/not", &viewer, Ok(false)),
        ("/editor", &odd, Err(DenyReason::RequirementUnknown)),
        ("/not", &odd, Err(DenyReason::RequirementUnknown)),
        ("/editor", &partner, Err(DenyReason::RequirementUnknown)),
        ("/not", &partner, Err(DenyReason::RequirementUnknown)),
        ("/owner", &owner, Ok(true)),
        ("/owner", &editor, Err(DenyReason::RequirementUnmet)),
    ] {
        let decision = ask(&policy, path, Some(caller)).map_err(|denial| denial.reason());
        assert_eq!(decision, expected, "{path} {caller:?}");
    }
}

#[test]
fn an_expression_without_a_value_never_lets_a_request_pass() {
    let caller =
        Caller::of("rownd").claims(&json!({ "plan": "gold", "n": 3 })).profile(|profile| {
            profile.data.insert("team".to_owned(), json!("blue"));
        });
    for (expression, expected) in [
        ("claims.plan == 'gold'", Ok(false)),
        ("claims.plan == 'silver'", Err(DenyReason::RequirementUnmet)),
        ("claims.absent == 'x'", Err(DenyReason::ExpressionFailed)),
        ("!(claims.absent == 'x')", Err(DenyReason::ExpressionFailed)),
        ("!has(claims.absent)", Ok(false)),
        ("claims.n > 'x'", Err(DenyReason::ExpressionFailed)),
        ("request.method == 'GET' && request.host == 'a.com'", Ok(false)),
        ("request.headers['x-none'] == 'a'", Err(DenyReason::ExpressionFailed)),
        ("identity.user_id == 'user_1'", Ok(false)),
        ("profile.data.team == 'blue'", Ok(true)),
        ("profile.data.team == 'red'", Err(DenyReason::RequirementUnmet)),
        ("claims.plan == 'gold' || profile.data.team == 'red'", Ok(false)),
    ] {
        let policy = asking(&format!("{{ issuer: rownd, cel: \"{expression}\" }}"));
        let decision = ask(&policy, "/", Some(&caller)).map_err(|denial| denial.reason());
        assert_eq!(decision, expected, "{expression}");
        let opposite = asking(&format!("{{ issuer: rownd, not: [{{ cel: \"{expression}\" }}] }}"));
        let decision = ask(&opposite, "/", Some(&caller));
        let unknown = expected == Err(DenyReason::ExpressionFailed);
        assert!(!unknown || decision.is_err(), "not {expression}");
    }
}

#[test]
fn an_expression_reads_no_path_that_servers_read_differently() {
    let policy = compile(
        "routes: [{ id: it, match: any, auth: none, odd_paths: judge,
                    require: { not: [{ cel: \"request.path.startsWith('/admin')\" }] } }]",
    );
    for (path, allowed) in
        [("/a", true), ("/admin", false), ("/%61dmin", false), ("//admin", false)]
    {
        assert_eq!(ask(&policy, path, None).is_ok(), allowed, "{path}");
    }
}

#[test]
fn nothing_is_known_of_a_caller_or_a_profile_that_is_not_there() {
    let open = |require: &str| {
        compile(&format!("routes: [{{ id: it, match: any, auth: optional, require: {require} }}]"))
    };
    for expression in ["!has(claims.banned)", "!has(profile.attributes)", "!has(identity.tenant)"] {
        let policy = open(&format!("{{ issuer: partner, cel: \"{expression}\" }}"));
        assert!(ask(&policy, "/", None).is_err(), "{expression}");
    }
    let partner = Caller::of("partner");
    let no_profiles = open("{ issuer: partner, cel: \"!has(profile.attributes)\" }");
    let reason = ask(&no_profiles, "/", Some(&partner)).unwrap_err().reason();
    assert_eq!(reason, DenyReason::ExpressionFailed);
    // Rownd's tokens say no scopes, and no groups.
    let rownd = Caller::of("rownd").claims(&json!({ "scope": "read-only" }));
    for require in [
        "{ issuer: rownd, not: [{ scope: read-only }] }",
        "{ issuer: rownd, cel: \"!('banned' in identity.groups)\" }",
        "{ issuer: rownd, cel: \"!('vip' in identity.roles)\" }",
        "{ issuer: rownd, cel: \"!('a' in identity.scopes)\" }",
    ] {
        assert!(ask(&open(require), "/", Some(&rownd)).is_err(), "{require}");
    }
}

#[test]
fn a_part_of_a_profile_that_cannot_be_read_says_nothing() {
    let odd = OddParts { groups: true, attributes: true, data: true, verified_data: true };
    let user = Caller::of("rownd").profile(|profile| {
        profile.odd = odd;
        profile.verified_data.insert("phone".to_owned(), json!(false));
    });
    for require in [
        "{ issuer: rownd, cel: \"!('banned' in profile.attributes)\" }",
        "{ issuer: rownd, cel: \"!profile.groups.exists(g, g.id == 'banned')\" }",
        "{ issuer: rownd, not: [{ attribute: { name: banned, exists: true } }] }",
        "{ issuer: rownd, not: [{ group: banned }] }",
        "{ issuer: rownd, not: [{ verified: email }] }",
        "{ issuer: rownd, verified: phone }",
    ] {
        assert!(ask(&asking(require), "/", Some(&user)).is_err(), "{require}");
    }
}

#[test]
fn an_expression_reads_no_parameter_that_servers_read_differently() {
    let policy = compile(
        "routes: [{ id: it, match: any, auth: none, require: { cel: \"!has(request.query.debug)\" } }]",
    );
    for (query, allowed) in [
        ("", true),
        ("?a=1", true),
        ("?debug=1", false),
        ("?Debug=1", false),
        ("?a=1;debug=1", false),
        ("?debug[]=1", false),
        ("?%64ebug=1", false),
    ] {
        assert_eq!(ask(&policy, &format!("/{query}"), None).is_ok(), allowed, "{query}");
    }
}
