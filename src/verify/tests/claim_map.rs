//! The claim map: where a claim is, how its value is read, and what is absent.

use serde_json::{Value, json};

use super::{
    kinds::{OIDC, access_token, judge, settings},
    parse, unsigned, with,
};
use crate::{
    config,
    model::{DenyReason, IdentityFacts, ListsElsewhere},
    verify::{rules::Rules, warnings},
};

fn mapped(map: &str, more: &Value) -> Result<IdentityFacts, DenyReason> {
    judge(&format!("{OIDC}, claims: {{ {map} }}"), &with(access_token(), more))
}

const INVALID: DenyReason = DenyReason::ClaimsInvalid;

#[test]
fn the_syntax_of_the_setting_decides_and_never_the_token() {
    // Each token has every reading of the words, with another value.
    let token = json!({
        "realm.roles": ["name"], "realm": { "roles": ["inside"] }, "/realm/roles": ["slashed"],
        "https://x.test/roles": ["url"], "urn:x:roles": ["urn"],
        "list": [{ "roles": ["first"] }, ["a", "b"], "third"],
    });
    for (map, expected) in [
        ("roles: realm.roles", &["name"][..]),
        ("roles: { name: realm.roles }", &["name"]),
        ("roles: { path: realm.roles }", &["inside"]),
        ("roles: /realm/roles", &["inside"]),
        ("roles: { pointer: /realm/roles }", &["inside"]),
        ("roles: /~1realm~1roles", &["slashed"]),
        ("roles: 'https://x.test/roles'", &["url"]),
        ("roles: 'urn:x:roles'", &["urn"]),
        ("roles: /list/0/roles", &["first"]),
        ("roles: /list/1", &["a", "b"]),
        ("roles: /list/2", &["third"]),
        ("roles: /list/3", &[]),
    ] {
        let who = mapped(map, &token).unwrap();
        assert_eq!(who.roles, expected, "{map}");
    }
    // Where one reading is absent, no other takes its place.
    for (map, token) in [
        ("roles: realm.roles", json!({ "realm": { "roles": ["inside"] } })),
        ("roles: { path: realm.roles }", json!({ "realm.roles": ["name"] })),
        ("roles: /realm/roles", json!({ "realm.roles": ["name"], "/realm/roles": ["slashed"] })),
    ] {
        assert_eq!(mapped(map, &token).unwrap().roles, [""; 0], "{map}");
    }
}

#[test]
fn a_way_through_a_value_of_another_type_is_no_absent_claim() {
    let token = json!({ "list": [{ "roles": ["first"] }], "realm": "text", "none": null });
    for (map, expected) in [
        ("roles: { path: list.0.roles }", Err(INVALID)),
        ("roles: /list/roles", Err(INVALID)),
        ("roles: /realm/roles", Err(INVALID)),
        ("groups: /realm/roles/deeper", Err(INVALID)),
        ("tenant: /realm/id", Err(INVALID)),
        ("roles: /none/roles", Ok(())),
        ("roles: /absent/roles", Ok(())),
    ] {
        assert_eq!(mapped(map, &token).map(drop), expected, "{map}");
    }
}

/// Aggregated and distributed claims (OpenID Connect Core section 5.6.2).
#[test]
fn a_list_that_the_token_only_points_to_is_noted() {
    let [none, groups, roles] = [(false, false), (false, true), (true, false)]
        .map(|(roles, groups)| ListsElsewhere { roles, groups, scopes: false });
    for (claims, expected) in [
        (json!({ "groups": ["a"] }), none),
        (json!({}), none),
        (json!({ "_claim_names": { "groups": "src1" } }), groups),
        (json!({ "_claim_names": { "groups": "src1" }, "groups": ["a"] }), groups),
        (json!({ "_claim_names": { "realm": "src1" } }), roles),
        (json!({ "_claim_names": { "other": "src1" } }), none),
        (json!({ "hasgroups": true }), groups),
    ] {
        let found = mapped("groups: groups, roles: /realm/roles", &claims).unwrap();
        assert_eq!(found.elsewhere, expected, "{claims}");
    }
}

/// Zitadel's roles: an object for each role, with the organisations that grant it.
#[test]
fn the_keys_of_an_object_are_a_list_where_the_settings_say_so() {
    let name = "urn:zitadel:iam:org:project:roles";
    let keys = format!("roles: {{ name: '{name}', keys: true }}");
    let of = |value: Value| json!({ name: value });
    for (name, value, expected) in [
        (
            "as documented",
            json!({ "admin": { "2": "org.test" }, "viewer": { "2": "org.test" } }),
            Ok(vec!["admin", "viewer"]),
        ),
        ("no role", json!({}), Ok(vec![])),
        ("absent", Value::Null, Ok(vec![])),
        (
            "a set",
            json!({ "admin": {}, "a,b": [], "c": true, "d": "" }),
            Ok(vec!["a,b", "admin", "c", "d"]),
        ),
        (
            "denied roles",
            json!({ "admin": false, "editor": null, "viewer": true }),
            Ok(vec!["viewer"]),
        ),
        ("a list", json!(["admin"]), Err(INVALID)),
        ("a text", json!("admin"), Err(INVALID)),
        ("a number", json!(7), Err(INVALID)),
        ("a flag", json!(true), Err(INVALID)),
    ] {
        let found = mapped(&keys, &of(value.clone())).map(|who| {
            let mut roles = who.roles;
            roles.sort();
            roles
        });
        let expected = expected.map(|roles| roles.into_iter().map(str::to_owned).collect());
        assert_eq!(found, expected, "{name}: {value}");
    }
    // Without the setting an object is no list.
    let plain = format!("roles: '{name}'");
    assert_eq!(mapped(&plain, &of(json!({ "admin": {} }))).err(), Some(INVALID));
    let inside = mapped("groups: { path: a.b, keys: true }", &json!({ "a": { "b": { "g": 1 } } }));
    assert_eq!(inside.unwrap().groups, ["g"]);
    let scopes = mapped("scopes: { name: s, keys: true }", &json!({ "s": { "read all": 1 } }));
    assert_eq!(scopes.unwrap().scopes, ["read all"], "a key is one scope");
}

#[test]
fn a_whole_number_is_a_user_id_where_the_settings_say_so() {
    let numbers = "user_id: { name: id, integer: true }";
    for (number, expected) in [
        ("7", Ok("7")),
        ("0", Ok("0")),
        ("-7", Ok("-7")),
        ("9007199254740993", Ok("9007199254740993")),
        ("9223372036854775807", Ok("9223372036854775807")),
        ("18446744073709551615", Ok("18446744073709551615")),
        ("-9223372036854775808", Ok("-9223372036854775808")),
        // More than 64 bits, fractions and exponents are no whole numbers.
        ("18446744073709551616", Err(INVALID)),
        ("-9223372036854775809", Err(INVALID)),
        ("7.0", Err(INVALID)),
        ("7.5", Err(INVALID)),
        ("7e0", Err(INVALID)),
        ("7E2", Err(INVALID)),
        ("1e400", Err(DenyReason::TokenMalformed)),
        ("-0", Err(INVALID)),
        // The user 7 and the user "7" may be two.
        ("\"7\"", Err(INVALID)),
        ("true", Err(INVALID)),
        ("[7]", Err(INVALID)),
        ("null", Err(INVALID)),
    ] {
        let found = judge_text(numbers, number).map(|who| who.user_id);
        assert_eq!(found, expected.map(str::to_owned), "{number}");
        // Without the setting a number is refused, as ever.
        if !number.contains('"') && !number.contains("e400") {
            assert_eq!(judge_text("user_id: id", number).err(), Some(INVALID), "{number}");
        }
    }
    let tenant = mapped("tenant: { path: org.id, integer: true }", &json!({ "org": { "id": 12 } }));
    assert_eq!(tenant.unwrap().tenant.as_deref(), Some("12"));
    let groups = "groups: { name: gids, integer: true }";
    assert_eq!(mapped(groups, &json!({ "gids": [1, 2] })).unwrap().groups, ["1", "2"]);
    assert_eq!(mapped(groups, &json!({ "gids": 3 })).unwrap().groups, ["3"]);
    assert_eq!(mapped(groups, &json!({ "gids": [1, "2"] })).err(), Some(INVALID));
    assert_eq!(mapped("groups: gids", &json!({ "gids": [1] })).err(), Some(INVALID));
}

/// A token whose claim `id` is this JSON, byte for byte.
fn judge_text(map: &str, id: &str) -> Result<IdentityFacts, DenyReason> {
    let claims = access_token().to_string().replacen('{', &format!("{{\"id\":{id},"), 1);
    let text = format!("{}.c2ln", unsigned(&json!({ "alg": "RS256" }).to_string(), &claims));
    let token = parse(text.as_bytes())?;
    Rules::build(&settings(&format!("{OIDC}, claims: {{ {map} }}"))).facts(
        &token,
        &"one".into(),
        &[],
    )
}

#[test]
fn scopes_are_words_of_a_text_or_items_of_a_list() {
    for (map, more, expected) in [
        ("", json!({ "scope": "a b" }), &["a", "b"][..]),
        ("", json!({ "scope": ["a", "b"] }), &["a", "b"]),
        // Entra has a text, Okta a list.
        ("scopes: scp", json!({ "scp": "User.Read openid" }), &["User.Read", "openid"]),
        ("scopes: scp", json!({ "scp": ["User.Read", "a b"] }), &["User.Read", "a b"]),
        ("scopes: scp", json!({ "scp": "" }), &[]),
        ("scopes: scp", json!({ "scope": "not mapped" }), &[]),
    ] {
        assert_eq!(mapped(map, &more).unwrap().scopes, expected, "{map} {more}");
    }
    for scp in [json!(1), json!({}), json!(true), json!([1])] {
        assert_eq!(mapped("scopes: scp", &json!({ "scp": scp })).err(), Some(INVALID), "{scp}");
    }
}

#[test]
fn absent_claims_are_those_that_the_settings_name_and_the_token_lacks() {
    let map = "user_id: sub, roles: /realm/roles, groups: { path: a.b }, tenant: { name: t.n }, \
        scopes: { pointer: /s/0 }, session_id: sid";
    let rules = Rules::build(&settings(&format!("{OIDC}, claims: {{ {map} }}")));
    let absent = |more: &Value| {
        let claims = with(access_token(), more).to_string();
        let text = format!("{}.c2ln", unsigned(&json!({ "alg": "RS256" }).to_string(), &claims));
        rules.absent_claims(&parse(text.as_bytes()).unwrap())
    };
    let all = [
        ("tenant", "{name: t.n}"),
        ("roles", "/realm/roles"),
        ("groups", "{path: a.b}"),
        ("scopes", "/s/0"),
    ];
    let all = all.map(|(part, claim)| (part, claim.to_owned()));
    assert_eq!(absent(&json!({})), all);
    // A null is absent, and so is a claim behind what is no object.
    assert_eq!(absent(&json!({ "realm": { "roles": null }, "a": 1, "s": [] })), all);
    let there = json!({ "t.n": "x", "realm": { "roles": [] }, "a": { "b": "" }, "s": ["x"] });
    assert_eq!(absent(&there), []);
    // Nothing is said of claims that only have a meaning by default.
    let usual = Rules::build(&settings(OIDC));
    let claims = with(access_token(), &json!({ "sid": null, "scope": null })).to_string();
    let text = format!("{}.c2ln", unsigned(&json!({ "alg": "RS256" }).to_string(), &claims));
    assert_eq!(usual.absent_claims(&parse(text.as_bytes()).unwrap()), []);
}

#[test]
fn a_plain_name_that_looks_like_a_path_is_warned_of() {
    let found = |claim: &str| {
        let yaml = format!("issuers: [{{ name: one, {OIDC}, claims: {{ roles: {claim} }} }}]");
        let config = config::parse("test.yaml", &yaml, &std::collections::BTreeMap::new());
        warnings(&config.unwrap_or_else(|problems| panic!("{problems}")))
    };
    for claim in ["realm_access.roles", "a.b.c", "resource_access.my-api.roles"] {
        let [warning] = found(claim).try_into().unwrap_or_else(|all| panic!("{claim}: {all:?}"));
        assert_eq!(warning.code, "claim_name_dotted");
        for part in [format!("{{path: {claim}}}"), format!("{{name: {claim}}}")] {
            assert!(warning.text.contains(&part), "{part} in {warning}");
        }
    }
    for claim in [
        "roles",
        "'https://example.com/roles'",
        "'urn:example.com:roles'",
        "/realm_access.x/roles",
        "{ path: realm_access.roles }",
        "{ name: realm_access.roles }",
        "'custom:a.b'",
        "'a..b'",
    ] {
        assert_eq!(found(claim), [], "{claim}");
    }
}
