//! The lists of all roles and permissions: names that name nothing, parts that were not read, bounds.

use serde_json::{Value, json};

use super::{RightsBook, book, mapped, names, nothing, profile, user};
use crate::{model::Profile, verify::Identity};

fn roles(book: &RightsBook, who: &Identity, profile: Option<&Profile>) -> Option<Vec<String>> {
    book.rights(who, profile).roles
}

#[test]
fn an_empty_name_is_no_role() {
    let by_map = book("role_sources: [{ issuers: [company], mapped: true }]");
    assert_eq!(roles(&by_map, &mapped("company", &["", "a"]), None), names(&["a"]));
    assert_eq!(roles(&by_map, &mapped("company", &[""]), None), names(&[]));
    let by_group = book("role_sources: [{ issuers: [rownd], group_roles: true }]");
    let member = profile(&json!({}), &json!({}), &[("g", &["", "owner"], "active")]);
    assert_eq!(roles(&by_group, &user("rownd", &json!({})), Some(&member)), names(&["g/owner"]));
    let with_map = book("role_sources: [{ issuers: [company], mapped: true, map: { a: b } }]");
    assert_eq!(roles(&with_map, &mapped("company", &["a", "c"]), None), names(&["b"]));
}

/// Name, roles, issuer, claims, profile, and the roles that are known.
type Case<'a> =
    (&'a str, &'a RightsBook, &'a str, &'a Value, Option<&'a Profile>, Option<&'a [&'a str]>);

#[test]
fn a_list_is_known_once_every_part_of_it_was_read() {
    let by_id = book("role_sources: [{ issuers: [rownd, company], users: { user_1: [owner] } }]");
    let by_domain = book(
        "role_sources: [{ issuers: [rownd, company], users: { user_1: [owner], '@example.com': [staff] } }]",
    );
    let verified = profile(&json!({ "email": "a@example.com" }), &json!({}), &[]);
    let none = nothing();
    let claims = json!({ "email": "a@example.com", "email_verified": true });
    #[rustfmt::skip] // one case a line
    let cases: [Case<'_>; 8] = [
        ("an id needs no profile", &by_id, "rownd", &json!({}), None, Some(&["owner"])),
        ("a domain needs it", &by_domain, "rownd", &json!({}), None, None),
        ("it has none", &by_domain, "rownd", &json!({}), Some(&none), Some(&["owner"])),
        ("it has one", &by_domain, "rownd", &json!({}), Some(&verified), Some(&["owner", "staff"])),
        ("a claim is not all", &by_domain, "rownd", &claims, None, None),
        ("an issuer without profiles", &by_domain, "company", &json!({}), None, Some(&["owner"])),
        ("its claim", &by_domain, "company", &claims, None, Some(&["owner", "staff"])),
        ("a profile of another issuer", &by_domain, "company", &json!({}), Some(&verified), Some(&["owner"])),
    ];
    for (name, book, issuer, claims, profile, expected) in cases {
        let expected = expected.and_then(names);
        assert_eq!(roles(book, &user(issuer, claims), profile), expected, "{name}");
    }
}

#[test]
fn a_list_of_one_byte_too_many_is_unknown() {
    let book = book("role_sources: [{ issuers: [company], claim: roles }]");
    let full: Vec<String> = (0..4096).map(|n| format!("{n:064}")).collect();
    let more = [full.clone(), vec!["x".to_owned()]].concat();
    let found = |list: &[String]| roles(&book, &user("company", &json!({ "roles": list })), None);
    assert_eq!(found(&full).map(|list| list.len()), Some(4096));
    assert_eq!(found(&more), None);
}

#[test]
fn roles_or_their_sources_are_configured_if_one_of_both_is_written() {
    for (yaml, expected) in [
        ("", false),
        ("roles: { owner: {} }", true),
        ("role_sources: [{ issuers: [company], claim: roles }]", true),
        ("roles: { owner: {} }\nrole_sources: [{ issuers: [company], claim: roles }]", true),
    ] {
        assert_eq!(book(yaml).is_configured(), expected, "{yaml}");
    }
}
