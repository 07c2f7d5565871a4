//! The values of expressions that have one.

use serde_json::json;

use super::{Given, parsed, value};
use crate::expression::{Expression, ExpressionWork, Place, PlaceRoot};

#[test]
fn places_and_comparisons_have_their_values() {
    for (text, expected) in [
        // Places, in each form.
        ("claims.plan", json!("pro")),
        ("claims[\"plan\"]", json!("pro")),
        ("claims['https://x/roles']", json!(["r"])),
        ("claims.realm_access.roles", json!(["owner"])),
        ("claims[\"realm_access\"][\"roles\"][0]", json!("owner")),
        ("request.method + \" \" + request.path", json!("GET /users/42")),
        ("request.headers[\"x-plan\"]", json!("pro")),
        ("request.query.page", json!("2")),
        ("request[\"headers\"][\"x-plan\"]", json!("pro")),
        ("identity.user_id == path.id", json!(true)),
        ("profile.data.city", json!("Bern")),
        // There or not.
        ("has(claims.plan)", json!(true)),
        ("has(claims.other)", json!(false)),
        ("has(claims.nothing)", json!(false)),
        ("has(claims.realm_access.roles)", json!(true)),
        ("has(claims.realm_access.other)", json!(false)),
        ("has(request.headers.other)", json!(false)),
        ("\"x-plan\" in request.headers", json!(true)),
        ("\"other\" in claims", json!(false)),
        ("!(\"other\" in claims)", json!(true)),
        // Comparisons.
        ("claims.level == 5", json!(true)),
        ("claims.level == 5.0", json!(true)),
        ("claims.level > 4.5 && claims.share < 1", json!(true)),
        ("claims.big > 9223372036854775000.0", json!(true)),
        ("claims.plan != \"free\"", json!(true)),
        ("claims.plan < \"q\"", json!(true)),
        ("claims.nothing == null", json!(true)),
        ("claims.plan == null", json!(false)),
        ("null != claims.nothing", json!(false)),
        ("null in [claims.nothing]", json!(true)),
        ("null in claims.groups", json!(false)),
        ("claims.groups == [\"a\", \"b\"]", json!(true)),
        ("claims.groups == [\"a\"]", json!(false)),
        ("claims.realm_access.depth == {\"x\": 1}", json!(true)),
    ] {
        assert_eq!(value(text).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn operators_functions_and_macros_have_their_values() {
    for (text, expected) in [
        // Lists and maps.
        ("\"a\" in claims.groups", json!(true)),
        ("\"c\" in claims.groups", json!(false)),
        ("\"a\" in claims.mixed", json!(true)),
        ("\"roles\" in claims.realm_access", json!(true)),
        ("claims.groups + [\"c\"]", json!(["a", "b", "c"])),
        ("claims.groups[1]", json!("b")),
        ("size(claims.groups) == 2 && claims.groups.size() == 2", json!(true)),
        ("{\"plan\": claims.plan, \"n\": claims.level + 1}", json!({"plan": "pro", "n": 6})),
        // Arithmetic.
        ("claims.level * 2 - 3", json!(7)),
        ("-claims.level / 2", json!(-2)),
        ("claims.level % 3", json!(2)),
        ("claims.share + 0.25", json!(0.75)),
        ("double(claims.level) / 2.0", json!(2.5)),
        // Functions.
        ("size(claims.email)", json!(15)),
        ("claims.email.lowerAscii().endsWith(\"@example.com\")", json!(true)),
        ("claims.email.startsWith(\"Ann\") && claims.email.contains(\"@\")", json!(true)),
        ("claims.email.split(\"@\")", json!(["Ann", "Example.com"])),
        ("claims.email.matches(\"^[A-Za-z]+@Example[.]com$\")", json!(true)),
        ("matches(claims.email, r\"^ann@.*$\")", json!(false)),
        ("string(claims.level) + string(claims.active)", json!("5true")),
        ("int(request.query.page) + 1", json!(3)),
        ("int(claims.share)", json!(0)),
        // Macros.
        ("claims.groups.exists(g, g == \"b\")", json!(true)),
        ("claims.groups.all(g, g < \"b\")", json!(false)),
        ("claims.groups.exists_one(g, g > \"a\")", json!(true)),
        ("claims.numbers.filter(n, n > 1)", json!([2, 3])),
        ("claims.numbers.map(n, n * n)", json!([1, 4, 9])),
        ("claims.numbers.map(n, n > 1, n * n)", json!([4, 9])),
        ("claims.teams.map(t, t.name)", json!(["t1", "t2"])),
        ("claims.teams.filter(t, has(t.size)).map(t, t.size)", json!([3])),
        ("claims.realm_access.map(name, name)", json!(["depth", "roles"])),
        ("claims.numbers.exists(n, claims.numbers.exists(m, m == n + 2))", json!(true)),
        (
            "claims.numbers.map(n, claims.groups.map(g, g + string(n)))",
            json!([["a1", "b1"], ["a2", "b2"], ["a3", "b3"]]),
        ),
        // Choices.
        ("claims.level > 3 ? \"high\" : \"low\"", json!("high")),
        ("claims.level > 9 ? 1 : claims.level > 3 ? 2 : 3", json!(2)),
        ("identity.verified // a remark", json!(true)),
    ] {
        assert_eq!(value(text).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn one_side_that_decides_is_enough() {
    for (text, expected) in [
        ("claims.other || true", true),
        ("true || claims.other", true),
        ("claims.other && false", false),
        ("false && claims.other", false),
        ("!(claims.other && claims.plan == \"free\")", true),
        ("[claims.plan, \"x\"].exists(p, p == \"pro\" || p > 1)", true),
        ("claims.mixed.exists(m, m == 1)", true),
        ("!claims.mixed.all(m, m > 1)", true),
    ] {
        assert_eq!(
            parsed(text).ask(&Given::usual(), &ExpressionWork::of_check()),
            Ok(expected),
            "{text}"
        );
    }
}

#[test]
fn an_expression_says_what_it_reads() {
    let read = parsed(
        "claims.plan == \"pro\" && has(claims.plan) && \"x\" in claims && path.id == identity.user_id \
         && request.headers[\"x-a\"] == request.path",
    );
    assert_eq!(read.claims().collect::<Vec<_>>(), ["plan", "x"]);
    assert_eq!(read.path_variables().collect::<Vec<_>>(), ["id"]);
    assert_eq!(read.places().len(), 6);
    assert!(read.places().contains(&Place::Header("x-a".into())));
    let roots = [PlaceRoot::Request, PlaceRoot::Identity, PlaceRoot::Claims, PlaceRoot::Path]
        .map(|root| read.reads(root));
    assert_eq!((roots, read.reads(PlaceRoot::Profile)), ([true; 4], false));
}

#[test]
fn a_place_is_asked_once_and_only_if_it_is_reached() {
    let facts = Given::usual();
    let text = "claims.numbers.all(n, n <= claims.level) || profile.state == \"enabled\"";
    assert_eq!(parsed(text).ask(&facts, &ExpressionWork::of_check()), Ok(true));
    assert_eq!(*facts.asked.borrow(), ["claims[\"numbers\"]", "claims[\"level\"]"]);
}

#[test]
fn a_written_place_reads_the_same_place() {
    let text = "claims.plan == identity.user_id || request.headers.a == request.query.b \
                || path.id == request.method || profile.state == \"a\"";
    for place in parsed(text).places() {
        assert_eq!(
            parsed(&place.written()).places(),
            std::slice::from_ref(place),
            "{}",
            place.written()
        );
    }
}

#[test]
fn the_same_text_is_the_same_expression() {
    assert_eq!(parsed("claims.plan"), parsed("claims.plan"));
    assert_ne!(parsed("claims.plan"), parsed("claims.level"));
    assert!(Expression::parse_condition("claims.level > 1").is_ok());
    assert_eq!(parsed("claims.plan").as_str(), "claims.plan");
}
