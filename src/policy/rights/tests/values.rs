//! Hostile values of claims, attributes and addresses: none of them is a yes, and none of another
//! type is a no.

use serde_json::{Value, json};

use super::{Truth, agrees, book, has_role, names, nothing, profile, user};
use Truth::{False, True, Unknown};

#[test]
fn a_claim_of_another_type_is_unknown() {
    let many: Vec<String> = (0..5000).map(|n| format!("role-{n}")).collect();
    let with_owner: Vec<&str> = many.iter().map(String::as_str).chain(["owner"]).collect();
    #[rustfmt::skip] // one case a line
    let cases: [(Value, Truth); 29] = [
        (json!("owner"), True),
        (json!(["owner"]), True),
        (json!(["a", "owner", "b"]), True),
        (json!(["owner", "owner"]), True),
        (json!(with_owner), True),
        (json!(many), False),
        (json!([]), False),
        (json!(""), False),
        (json!([""]), False),
        (json!(null), False),
        (json!("Owner"), False),
        (json!("owner "), False),
        (json!(" owner"), False),
        (json!("owner\u{0}"), False),
        (json!("owner admin"), False),
        (json!("owner,admin"), False),
        (json!("\"owner\""), False),
        (json!("\u{43e}wner"), False),
        (json!("own\u{200b}er"), False),
        (json!("\u{ff4f}wner"), False),
        (json!(1), Unknown),
        (json!(true), Unknown),
        (json!({ "owner": true }), Unknown),
        (json!({ "v": ["owner"] }), Unknown),
        (json!(["owner", 1]), Unknown),
        (json!(["owner", null]), Unknown),
        (json!([["owner"]]), Unknown),
        (json!([{ "name": "owner" }]), Unknown),
        (json!([1, 2]), Unknown),
    ];
    let claims = book(
        "role_sources: [{ issuers: [company], claim: roles }, { issuers: [sessions], st_role: true }]",
    );
    let attribute = book("role_sources: [{ issuers: [rownd], attribute: shop:roles }]");
    for (value, expected) in &cases {
        let who = user("company", &json!({ "roles": value }));
        assert_eq!(has_role(&claims, &who, None, "owner"), *expected, "claim {value}");
        assert!(agrees(&claims, &who, None, "owner"), "{value}");
        assert_eq!(claims.rights(&who, None).roles.is_none(), *expected == Unknown, "{value}");
        let who = user("sessions", &json!({ "/st-role/v": value }));
        assert_eq!(has_role(&claims, &who, None, "owner"), *expected, "st-role {value}");
        let who = user("rownd", &json!({}));
        let profile = profile(&json!({}), &json!({ "shop:roles": value }), &[]);
        assert_eq!(
            has_role(&attribute, &who, Some(&profile), "owner"),
            *expected,
            "attribute {value}"
        );
    }
    let who = user("company", &json!({}));
    assert_eq!(has_role(&claims, &who, None, "owner"), False, "an absent claim is the empty list");
}

#[test]
fn an_address_counts_only_if_it_is_verified_and_has_one_domain() {
    let book = book("role_sources: [{ issuers: [company], users: { '@example.com': [staff] } }]");
    #[rustfmt::skip] // one case a line
    let cases = [
        (json!("a@example.com"), json!(true), True),
        (json!("a@EXAMPLE.Com"), json!(true), True),
        (json!("a b@example.com"), json!(true), True),
        (json!("a@example.com"), json!(false), False),
        (json!("a@example.com"), json!("true"), Unknown),
        (json!("a@example.com"), json!(1), Unknown),
        (json!("a@example.com"), json!(["true"]), Unknown),
        (json!("a@example.com"), json!(null), False),
        (json!("a@mail.example.com"), json!(true), False),
        (json!("a@badexample.com"), json!(true), False),
        (json!("a@example.com.evil.test"), json!(true), False),
        (json!("a@example.com."), json!(true), False),
        (json!("a@.example.com"), json!(true), False),
        (json!("a@example.com "), json!(true), False),
        (json!("a@example.com\n"), json!(true), False),
        (json!("a@example.com\u{0}"), json!(true), False),
        (json!("a@\u{435}xample.com"), json!(true), False),
        (json!("a@example\u{ff0e}com"), json!(true), False),
        (json!("a@examp\u{212a}e.com"), json!(true), False),
        (json!("a@b@example.com"), json!(true), Unknown),
        (json!("\"a@x\"@example.com"), json!(true), Unknown),
        (json!("a@example.com@evil.test"), json!(true), Unknown),
        (json!("@example.com"), json!(true), Unknown),
        (json!("a@"), json!(true), Unknown),
        (json!("@"), json!(true), Unknown),
        (json!(""), json!(true), Unknown),
        (json!("example.com"), json!(true), Unknown),
        (json!(["a@example.com"]), json!(true), Unknown),
        (json!({ "a": "a@example.com" }), json!(true), Unknown),
        (json!(7), json!(true), Unknown),
    ];
    for (email, verified, expected) in cases {
        let who = user("company", &json!({ "email": email, "email_verified": verified }));
        assert_eq!(has_role(&book, &who, None, "staff"), expected, "{email} {verified}");
        assert!(agrees(&book, &who, None, "staff"), "{email} {verified}");
        let roles = book.rights(&who, None).roles;
        assert_eq!(roles.is_none(), expected == Unknown, "{email} {verified}");
    }
    let who = user("company", &json!({ "email": "a@example.com" }));
    assert_eq!(has_role(&book, &who, None, "staff"), False, "not said to be verified");
    let who = user("company", &json!({ "email_verified": true }));
    assert_eq!(has_role(&book, &who, None, "staff"), False, "no address");
}

#[test]
fn an_address_of_a_profile_counts_only_from_its_verified_data() {
    let book = book("role_sources: [{ issuers: [rownd], users: { '@example.com': [staff] } }]");
    #[rustfmt::skip] // one case a line
    let cases = [
        (json!({ "email": "a@example.com" }), True),
        (json!({ "email": "a@b@example.com" }), Unknown),
        (json!({ "email": "a@example.com." }), False),
        // The address in `data` may have been changed since.
        (json!({ "email": true }), Unknown),
        (json!({ "email": false }), False),
        (json!({ "email": null }), False),
        (json!({ "email": ["a@example.com"] }), Unknown),
        (json!({ "phone": "a@example.com" }), False),
        (json!({}), False),
    ];
    for (verified, expected) in cases {
        let who = user("rownd", &json!({}));
        let profile = profile(&verified, &json!({ "email": "a@example.com" }), &[]);
        assert_eq!(has_role(&book, &who, Some(&profile), "staff"), expected, "{verified}");
        assert!(agrees(&book, &who, Some(&profile), "staff"), "{verified}");
    }
    // Both places count, and the one that says yes decides.
    let claims = json!({ "email": "a@example.com", "email_verified": true });
    let who = user("rownd", &claims);
    assert_eq!(has_role(&book, &who, None, "staff"), True);
    let other = profile(&json!({ "email": "a@other.test" }), &json!({}), &[]);
    assert_eq!(has_role(&book, &who, Some(&other), "staff"), True);
    let who = user("rownd", &json!({ "email": 7, "email_verified": true }));
    let good = profile(&json!({ "email": "a@example.com" }), &json!({}), &[]);
    assert_eq!(has_role(&book, &who, Some(&good), "staff"), True);
    assert_eq!(has_role(&book, &who, Some(&nothing()), "staff"), Unknown);
}

#[test]
fn a_list_of_rights_is_bounded() {
    let book = book("role_sources: [{ issuers: [company], claim: roles }]");
    let roles = |count: usize| -> Vec<String> { (0..count).map(|n| format!("{n:064}")).collect() };
    for (count, known) in [(5, true), (4096, true), (4097, false)] {
        let who = user("company", &json!({ "roles": roles(count) }));
        let rights = book.rights(&who, None);
        assert_eq!(rights.roles.map(|roles| roles.len()), known.then_some(count));
        // Each role can still be asked for.
        assert_eq!(has_role(&book, &who, None, &format!("{:064}", count - 1)), True);
    }
    let who = user("company", &json!({ "roles": ["b", "a", "b", ""] }));
    assert_eq!(book.rights(&who, None).roles, names(&["a", "b"]));
}

#[test]
fn a_part_of_a_profile_of_another_shape_is_unknown() {
    let yaml = "
role_sources:
  - { issuers: [rownd], group_roles: true }
  - { issuers: [rownd], attribute: shop:roles }
  - { issuers: [rownd], users: { '@example.com': [staff] } }";
    let book = book(yaml);
    let who = user("rownd", &json!({}));
    let good = || profile(&json!({}), &json!({}), &[("g", &["owner"], "active")]);
    let mut odd = good();
    odd.odd.groups = true;
    assert_eq!(has_role(&book, &who, Some(&good()), "g/editor"), False);
    assert_eq!(has_role(&book, &who, Some(&odd), "g/owner"), True);
    assert_eq!(has_role(&book, &who, Some(&odd), "g/editor"), Unknown);
    assert_eq!(book.rights(&who, Some(&odd)).roles, None);
    let mut odd = good();
    odd.odd.attributes = true;
    assert_eq!(has_role(&book, &who, Some(&odd), "editor"), Unknown);
    let mut odd = good();
    odd.odd.verified_data = true;
    assert_eq!(has_role(&book, &who, Some(&good()), "staff"), False);
    assert_eq!(has_role(&book, &who, Some(&odd), "staff"), Unknown);
    let mut odd = good();
    odd.odd.data = true;
    assert_eq!(book.rights(&who, Some(&odd)).roles, names(&["g/owner"]), "nobody reads the data");
}
