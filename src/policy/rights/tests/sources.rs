//! Each source, by issuer: who has what, and when it is unknown.

use serde_json::json;

use super::{
    Demand, RightsBook, Truth, agrees, book, config, has_role, mapped, may, names, nothing,
    profile, user,
};
use Truth::{False, NeedsProfile, True, Unknown};

const ROLES: &str = "
roles:
  viewer: { permissions: ['orders:read'] }
  editor: { permissions: ['orders:items:write'], inherits: [viewer] }
  owner: { permissions: ['orders:*'], inherits: [editor] }
  root: { permissions: ['*'] }
";

#[test]
fn a_role_brings_the_roles_and_permissions_that_it_inherits() {
    let book = book(&format!("{ROLES}\nrole_sources: [{{ issuers: [company], claim: roles }}]"));
    type Names<'a> = &'a [&'a str];
    #[rustfmt::skip] // one case a line
    let cases: [(&str, Names<'_>, Names<'_>, Names<'_>, Names<'_>); 6] = [
        // The role of the token; roles and permissions that it brings; those that it does not bring.
        ("viewer", &["viewer"], &["orders:read"], &["editor", "owner", "root"], &["orders:items:write", "orders", "orders:x", "ORDERS:read"]),
        ("editor", &["editor", "viewer"], &["orders:read", "orders:items:write"], &["owner"], &["orders:items", "orders:items:write:x", "orders:write"]),
        ("owner", &["owner", "editor", "viewer"], &["orders:read", "orders:x", "orders:items:write:x"], &["root"], &["orders", "ordersx:read", "x:orders:read"]),
        ("root", &["root"], &["orders", "orders:read", "a:b:c:d"], &["owner", "viewer"], &[]),
        ("other", &["other"], &[], &["viewer"], &["orders:read"]),
        ("Owner", &["Owner"], &[], &["owner"], &["orders:read"]),
    ];
    for (role, roles, permissions, no_roles, no_permissions) in cases {
        let who = user("company", &json!({ "roles": [role] }));
        for (names, expected) in [(roles, True), (no_roles, False)] {
            for name in names {
                assert_eq!(has_role(&book, &who, None, name), expected, "{role}: role {name}");
                assert!(agrees(&book, &who, None, name), "{role}: role {name}");
            }
        }
        for (names, expected) in [(permissions, True), (no_permissions, False)] {
            for name in names {
                assert_eq!(may(&book, &who, None, name), expected, "{role}: {name}");
            }
        }
    }
}

#[test]
fn a_source_counts_for_its_own_issuers_only() {
    let owner = json!({ "roles": ["owner"], "/st-role/v": ["owner"], "/st-perm/v": ["orders:read"],
        "email": "a@example.com", "email_verified": true });
    #[rustfmt::skip] // one case a line
    let sources = [
        "claim: roles", "mapped: true", "users: { user_1: [owner] }",
        "users: { '@example.com': [owner] }",
    ];
    for source in sources {
        let book = book(&format!("role_sources: [{{ issuers: [company], {source} }}]"));
        for (issuer, expected) in
            [("company", True), ("partner", Unknown), ("sessions", Unknown), ("unknown", Unknown)]
        {
            let mut who = user(issuer, &owner);
            if source == "mapped: true" {
                who = mapped(issuer, &["owner"]);
            }
            assert_eq!(
                has_role(&book, &who, Some(&nothing()), "owner"),
                expected,
                "{source} {issuer}"
            );
            let rights = book.rights(&who, Some(&nothing()));
            assert_eq!(rights.roles.is_some(), expected == True, "{source} {issuer}");
        }
    }
}

#[test]
fn every_place_of_roles_is_read() {
    let groups: &[(&str, &[&str], &str)] = &[
        ("group_1", &["owner", "x/y"], "active"),
        ("group_2", &["owner"], "invite_pending"),
        ("group_3/a", &["owner"], "active"),
        ("", &["owner"], "active"),
    ];
    let of_rownd = profile(
        &json!({ "email": "ann@Example.COM" }),
        &json!({ "shop:roles": ["editor", "viewer"], "shop:one": "editor", "shop:none": null }),
        groups,
    );
    #[rustfmt::skip] // one case a line
    let cases = [
        // The source, the issuer, the role, without the profile, with it.
        ("group_roles: true", "rownd", "group_1/owner", NeedsProfile, True),
        ("group_roles: true", "rownd", "group_1/x/y", NeedsProfile, True),
        ("group_roles: true", "rownd", "group_2/owner", NeedsProfile, False),
        ("group_roles: true", "rownd", "group_3/a/owner", NeedsProfile, False),
        ("group_roles: true", "rownd", "owner", False, False),
        ("group_roles: true", "rownd", "/owner", False, False),
        ("group_roles: true", "rownd", "group_1/", False, False),
        ("group_roles: true, map: { group_1/owner: boss }", "rownd", "boss", NeedsProfile, True),
        ("group_roles: true, map: { group_1/owner: boss }", "rownd", "group_1/owner", False, False),
        ("group_roles: true, prefix: 'g:'", "rownd", "g:group_1/owner", NeedsProfile, True),
        ("group_roles: true, prefix: 'g:'", "rownd", "group_1/owner", False, False),
        ("attribute: shop:roles", "rownd", "viewer", NeedsProfile, True),
        ("attribute: shop:roles", "rownd", "owner", NeedsProfile, False),
        ("attribute: shop:one", "rownd", "editor", NeedsProfile, True),
        ("attribute: shop:none", "rownd", "editor", NeedsProfile, False),
        ("attribute: shop:absent", "rownd", "editor", NeedsProfile, False),
        ("users: { user_1: [owner] }", "rownd", "owner", True, True),
        ("users: { user_2: [owner] }", "rownd", "owner", False, False),
        ("users: { User_1: [owner] }", "rownd", "owner", False, False),
        ("users: { '@example.com': [staff] }", "rownd", "staff", NeedsProfile, True),
        ("users: { '@example.com': [staff] }", "rownd", "owner", False, False),
        ("users: { '@EXAMPLE.com': [staff] }", "rownd", "staff", NeedsProfile, True),
        ("users: { '@mail.example.com': [staff] }", "rownd", "staff", NeedsProfile, False),
        ("users: { '@xample.com': [staff] }", "rownd", "staff", NeedsProfile, False),
        ("users: { user_1: [owner], '@example.com': [owner] }", "rownd", "owner", True, True),
    ];
    for (source, issuer, role, without, with) in cases {
        let book = book(&format!("role_sources: [{{ issuers: [{issuer}], {source} }}]"));
        let who = user(issuer, &json!({}));
        assert_eq!(has_role(&book, &who, None, role), without, "{source}: {role}");
        assert_eq!(has_role(&book, &who, Some(&of_rownd), role), with, "{source}: {role}");
        assert!(agrees(&book, &who, Some(&of_rownd), role), "{source}: {role}");
        let needs_profile = book.role_question(role).needs_profile();
        assert!(needs_profile || without != NeedsProfile, "{source}: {role}");
        assert!(!needs_profile || source.contains('@') || without == NeedsProfile, "{source}");
    }
}

#[test]
fn supertokens_claims_are_read() {
    let yaml = "
roles: { editor: { permissions: ['orders:write'] } }
role_sources: [{ issuers: [sessions], st_role: true }, { issuers: [sessions], st_perm: true }]";
    let book = book(yaml);
    assert_eq!(book.claims().iter().collect::<Vec<_>>(), ["/st-perm/v", "/st-role/v"]);
    let claims = json!({ "/st-role/v": ["editor"], "/st-perm/v": ["orders:read", "items:*", "*"] });
    let who = user("sessions", &claims);
    assert_eq!(has_role(&book, &who, None, "editor"), True);
    assert_eq!(has_role(&book, &who, None, "orders:read"), False);
    for (permission, expected) in [
        ("orders:write", True),
        ("orders:read", True),
        // No wildcards but those of the configuration.
        ("items:read", False),
        ("orders:delete", False),
    ] {
        assert_eq!(may(&book, &who, None, permission), expected, "{permission}");
    }
    let rights = book.rights(&who, None);
    assert_eq!(rights.roles, names(&["editor"]));
    assert_eq!(rights.permissions, names(&["orders:read", "orders:write"]));
}

#[test]
fn a_yes_of_one_source_counts_whatever_the_others_are() {
    let yaml = "
role_sources:
  - { issuers: [rownd], claim: roles }
  - { issuers: [rownd], group_roles: true }
  - { issuers: [rownd], users: { user_1: [known] } }";
    let book = book(yaml);
    #[rustfmt::skip] // one case a line
    let cases = [
        (json!(["owner"]), "owner", True),
        (json!(["owner"]), "known", True),
        (json!(["owner"]), "g/owner", NeedsProfile),
        (json!(["g/owner"]), "g/owner", True),
        (json!(7), "known", True),
        (json!(7), "owner", Unknown),
        // The profile may still say yes.
        (json!(7), "g/owner", NeedsProfile),
    ];
    for (roles, role, expected) in cases {
        let who = user("rownd", &json!({ "roles": roles }));
        assert_eq!(has_role(&book, &who, None, role), expected, "{roles} {role}");
    }
    let who = user("rownd", &json!({ "roles": 7 }));
    assert_eq!(has_role(&book, &who, Some(&nothing()), "g/owner"), Unknown);
    assert_eq!(book.rights(&who, Some(&nothing())).roles, None);
    let who = user("rownd", &json!({}));
    assert_eq!(book.rights(&who, None).roles, None, "the groups were not read");
    assert_eq!(book.rights(&who, Some(&nothing())).roles, names(&["known"]));
}

#[test]
fn names_are_prefixed_or_mapped() {
    let yaml = "
roles: { owner: { permissions: ['orders:*'] }, kc:admin: { permissions: ['users:*'] } }
role_sources:
  - { issuers: [company], claim: roles, map: { 'Shop Admin': owner, 'B\u{fc}ro': owner } }
  - { issuers: [partner], claim: roles, prefix: 'kc:' }";
    let book = book(yaml);
    #[rustfmt::skip] // one case a line
    let cases = [
        ("company", "Shop Admin", "owner", True),
        ("company", "B\u{fc}ro", "owner", True),
        ("company", "Bu\u{308}ro", "owner", False),
        ("company", "owner", "owner", False),
        ("company", "Shop Admin", "Shop Admin", False),
        ("partner", "admin", "kc:admin", True),
        ("partner", "kc:admin", "kc:admin", False),
        ("partner", "owner", "owner", False),
        ("partner", "", "kc:", False),
    ];
    for (issuer, theirs, ours, expected) in cases {
        let who = user(issuer, &json!({ "roles": [theirs] }));
        assert_eq!(has_role(&book, &who, None, ours), expected, "{issuer} {theirs} {ours}");
        assert!(agrees(&book, &who, None, ours), "{issuer} {theirs} {ours}");
    }
}

const ONE: &str =
    "issuers: [{ name: company, kind: oidc, issuer: 'https://id.test', audiences: [a]";
const SESSIONS: &str =
    "issuers: [{ name: sessions, kind: supertokens, base_url: 'https://st.test/a'";

#[test]
fn without_sources_the_claim_map_of_the_only_issuer_counts() {
    let several = super::ISSUERS.to_owned();
    #[rustfmt::skip] // one case a line
    let cases = [
        (format!("{ONE}, claims: {{ roles: roles }} }}]"), "company", True, True),
        (format!("{ONE} }}]"), "company", Unknown, Unknown),
        (format!("{SESSIONS} }}]"), "sessions", True, True),
        // With several issuers nobody has said whose roles count.
        (several.clone(), "company", Unknown, Unknown),
        (several, "sessions", Unknown, Unknown),
        // A source that is written takes the place of the default.
        (format!("{ONE}, claims: {{ roles: roles }} }}]\nrole_sources: [{{ claim: other }}]"), "company", False, False),
    ];
    for (issuers, issuer, role, permission) in cases {
        let yaml = format!("roles: {{ owner: {{ permissions: ['orders:*'] }} }}\n{issuers}");
        let book = RightsBook::build(&config(&yaml));
        let who = mapped(issuer, &["owner"]);
        assert_eq!(has_role(&book, &who, None, "owner"), role, "{issuers}");
        assert_eq!(may(&book, &who, None, "orders:read"), permission, "{issuers}");
    }
    // The permissions of SuperTokens sessions too.
    let book = RightsBook::build(&config(&format!("{SESSIONS} }}]")));
    let who = user("sessions", &json!({ "/st-perm/v": ["orders:read"] }));
    assert_eq!(may(&book, &who, None, "orders:read"), True);
    assert!(!book.is_configured());
}

#[test]
fn a_source_of_permissions_says_nothing_about_roles() {
    let book = book("role_sources: [{ issuers: [company], permission_claim: permissions }]");
    let who = user("company", &json!({ "permissions": ["orders:read"] }));
    assert_eq!(has_role(&book, &who, None, "orders:read"), Unknown);
    assert_eq!(may(&book, &who, None, "orders:read"), True);
    assert_eq!(may(&book, &who, None, "orders:write"), False);
    let rights = book.rights(&who, None);
    assert_eq!((rights.roles, rights.permissions), (None, names(&["orders:read"])));
}

#[test]
fn a_demand_is_met_only_by_all_permissions() {
    let yaml = "
roles: { editor: { permissions: ['orders:*'] }, g/boss: { permissions: ['users:*'] } }
role_sources: [{ issuers: [rownd], claim: roles }, { issuers: [rownd], group_roles: true }]";
    let book = book(yaml);
    let boss = profile(&json!({}), &json!({}), &[("g", &["boss"], "active")]);
    let none = nothing();
    #[rustfmt::skip] // one case a line
    let cases: [(&str, &[&str], _, Demand); 8] = [
        ("rownd", &[], None, Demand::Met),
        ("rownd", &["orders:read"], None, Demand::Met),
        ("rownd", &["orders:read", "users:read"], None, Demand::NeedsProfile),
        ("rownd", &["orders:read", "users:read"], Some(&boss), Demand::Met),
        ("rownd", &["orders:read", "users:read"], Some(&none), Demand::Lacking),
        ("rownd", &["other:read"], None, Demand::Lacking),
        ("rownd", &["other:read", "users:read"], None, Demand::Lacking),
        ("partner", &["orders:read"], None, Demand::Unknown),
    ];
    for (issuer, permissions, profile, expected) in cases {
        let who = user(issuer, &json!({ "roles": ["editor"] }));
        let permissions = names(permissions).unwrap();
        assert_eq!(book.demand(&permissions, &who, profile), expected, "{issuer} {permissions:?}");
    }
    assert!(book.reads_profile("rownd") && !book.reads_profile("partner"));
}

/// A role counts by its name, whatever other roles the user has.
#[test]
fn a_role_is_not_held_for_another() {
    #[rustfmt::skip] // one case a line
    let cases: [(&str, &[&str], &str, super::Truth); 8] = [
        ("mapped: true", &["owner"], "owner", True),
        ("mapped: true", &["other", "owner"], "owner", True),
        ("mapped: true", &["other"], "owner", False),
        ("mapped: true", &[], "owner", False),
        ("mapped: true, map: { boss: editor }", &["boss"], "editor", True),
        ("mapped: true, map: { boss: editor }", &["editor"], "editor", False),
        ("mapped: true, prefix: 'kc:'", &["owner"], "kc:owner", True),
        // A prefix by itself names no role.
        ("mapped: true, prefix: 'kc:'", &[""], "kc:", False),
    ];
    for (source, held, asked, expected) in cases {
        let book = book(&format!("role_sources: [{{ issuers: [company], {source} }}]"));
        let who = mapped("company", held);
        assert_eq!(has_role(&book, &who, None, asked), expected, "{source} {held:?} {asked}");
        assert!(agrees(&book, &who, None, asked), "{source} {held:?} {asked}");
    }
    let book = book(
        "role_sources: [{ issuers: [company], users: { '@a.test': [staff], '@b.test': [staff] } }]",
    );
    for (domain, expected) in [("a.test", True), ("b.test", True), ("c.test", False)] {
        let claims = json!({ "email": format!("ann@{domain}"), "email_verified": true });
        assert_eq!(has_role(&book, &user("company", &claims), None, "staff"), expected, "{domain}");
    }
}

/// A place that cannot say yes is not asked, and its profile is not read.
#[test]
fn a_question_knows_the_places_that_can_say_yes() {
    let two = "{ issuers: [rownd], group_roles: true }, { issuers: [company], claim: roles }";
    let domain =
        |issuer| format!("{{ issuers: [{issuer}], users: {{ '@example.com': [staff] }} }}");
    let renamed = |source| format!("{{ {source}, map: {{ boss: editor }} }}");
    let attribute = renamed("issuers: [rownd], attribute: shop:roles");
    let by_map = renamed("issuers: [company], mapped: true");
    for (sources, role, needs_profile, is_hopeless) in [
        (two, "g/a", true, false),
        (two, "a", false, false),
        (&domain("rownd"), "staff", true, false),
        (&domain("rownd"), "owner", false, true),
        (&domain("company"), "staff", false, false),
        (&attribute, "editor", true, false),
        (&attribute, "owner", false, true),
        (&by_map, "editor", false, false),
        (&by_map, "owner", false, true),
    ] {
        let question = book(&format!("role_sources: [{sources}]")).role_question(role);
        let found = (question.needs_profile(), question.is_hopeless());
        assert_eq!(found, (needs_profile, is_hopeless), "{sources} {role}");
    }
    let book = book(&format!("role_sources: [{two}]"));
    for (issuer, expected) in [("rownd", true), ("company", false), ("unknown", false)] {
        assert_eq!(book.reads_profile(issuer), expected, "{issuer}");
    }
}
