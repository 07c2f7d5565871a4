//! Faults: none of them is an answer, and no negation makes one of them an allow.

use serde_json::json;

use super::{Given, parsed};
use crate::expression::{Fault, FaultKind};

const CASES: &[(&str, FaultKind, &str)] = &[
    ("claims.other == \"x\"", FaultKind::Missing, "claims[\"other\"]"),
    ("claims.other != \"x\"", FaultKind::Missing, "claims[\"other\"]"),
    ("claims.other", FaultKind::Missing, "claims[\"other\"]"),
    ("claims.realm_access.other == 1", FaultKind::Missing, "other"),
    ("claims.other.deeper == 1", FaultKind::Missing, "claims[\"other\"]"),
    ("has(claims.other.deeper)", FaultKind::Missing, "claims[\"other\"]"),
    ("claims.groups[2] == \"a\"", FaultKind::Missing, "[]"),
    ("claims.groups[-1] == \"a\"", FaultKind::Missing, "[]"),
    ("claims.groups[0.5] == \"a\"", FaultKind::WrongType, "[]"),
    ("claims.plan[0] == \"p\"", FaultKind::WrongType, "[]"),
    ("claims.plan.x == \"p\"", FaultKind::WrongType, "x"),
    ("has(claims.plan.x)", FaultKind::WrongType, "x"),
    // Values of two types are not unequal: that would be an allow by `!=`.
    ("claims.level == \"5\"", FaultKind::WrongType, "=="),
    // A null that was read stands for what is missing.
    ("claims.nothing != \"free\"", FaultKind::WrongType, "!="),
    ("\"free\" == claims.nothing", FaultKind::WrongType, "=="),
    ("!(\"free\" in [claims.nothing])", FaultKind::WrongType, "in"),
    ("claims.level != \"5\"", FaultKind::WrongType, "!="),
    ("claims.plan != true", FaultKind::WrongType, "!="),
    ("claims.groups != \"a\"", FaultKind::WrongType, "!="),
    ("claims.groups != [1, 2]", FaultKind::WrongType, "!="),
    ("claims.realm_access.depth != {\"x\": \"1\"}", FaultKind::WrongType, "!="),
    ("claims.plan < 5", FaultKind::WrongType, "<"),
    ("claims.active > false", FaultKind::WrongType, ">"),
    ("\"c\" in claims.mixed", FaultKind::WrongType, "in"),
    ("\"c\" in claims.plan", FaultKind::WrongType, "in"),
    ("1 in claims.realm_access", FaultKind::WrongType, "in"),
    ("claims.plan && true", FaultKind::WrongType, "&&"),
    ("!claims.plan", FaultKind::WrongType, "!"),
    ("claims.plan ? true : true", FaultKind::WrongType, "?"),
    ("claims.level + 0.5 > 1.0", FaultKind::WrongType, "+"),
    ("claims.plan + claims.level == \"\"", FaultKind::WrongType, "+"),
    ("-claims.plan == \"\"", FaultKind::WrongType, "-"),
    ("claims.share % 2.0 == 0.0", FaultKind::WrongType, "%"),
    ("claims.big + 1 > 0", FaultKind::NotANumber, "+"),
    ("claims.level / 0 == 1", FaultKind::NotANumber, "/"),
    ("claims.level % 0 == 1", FaultKind::NotANumber, "%"),
    ("claims.share / 0.0 > 1.0", FaultKind::NotANumber, "/"),
    ("int(claims.plan) == 1", FaultKind::NotANumber, "int"),
    ("int(claims.groups) == 1", FaultKind::WrongType, "int"),
    ("int(1e30) == claims.level", FaultKind::NotANumber, "int"),
    ("double(\"nan\") == claims.share", FaultKind::NotANumber, "double"),
    ("size(claims.level) == 1", FaultKind::WrongType, "size"),
    ("claims.level.startsWith(\"5\")", FaultKind::WrongType, "startsWith"),
    ("claims.level.matches(\"^5$\")", FaultKind::WrongType, "matches"),
    ("claims.plan.split(\"\") == []", FaultKind::WrongType, "split"),
    ("string(claims.groups) == \"\"", FaultKind::WrongType, "string"),
    ("claims.plan.exists(p, p == \"p\")", FaultKind::WrongType, "exists"),
    ("claims.mixed.all(m, m == \"a\")", FaultKind::WrongType, "=="),
    ("claims.mixed.exists(m, m == \"b\")", FaultKind::WrongType, "=="),
    ("claims.groups.exists_one(g, g == \"a\" || g == 1)", FaultKind::WrongType, "=="),
    ("claims.teams.exists(t, t.size > 3)", FaultKind::Missing, "size"),
    ("{claims.level: 1} == {}", FaultKind::WrongType, "{}"),
    ("claims.plan", FaultKind::NotBoolean, "the expression"),
    ("claims.level", FaultKind::NotBoolean, "the expression"),
    ("claims.other || false", FaultKind::Missing, "claims[\"other\"]"),
    ("claims.other && true", FaultKind::Missing, "claims[\"other\"]"),
    ("false || claims.other", FaultKind::Missing, "claims[\"other\"]"),
    ("true && claims.other", FaultKind::Missing, "claims[\"other\"]"),
];

fn fault(text: &str, facts: &Given) -> Result<bool, Fault> {
    parsed(text).ask(facts, &crate::expression::ExpressionWork::of_check())
}

#[test]
fn a_fault_has_its_kind_and_its_place() {
    for (text, kind, place) in CASES {
        assert_eq!(fault(text, &Given::usual()), Err(Fault::new(*kind, *place)), "{text}");
    }
}

#[test]
fn no_negation_and_no_condition_makes_a_value_of_a_fault() {
    for (text, ..) in CASES {
        for around in [
            "!(@)",
            "!!(@)",
            "(@) == false",
            "(@) != true",
            "(@) ? true : true",
            "!(@) || false",
            "!((@) && true)",
            "[(@)].exists(it, !it)",
            "[1].all(one, !(@))",
            "!([(@)] == [true])",
        ] {
            let text = around.replace('@', text);
            // A value that is no boolean is compared as what it is.
            let got = fault(&text, &Given::usual());
            assert!(got.is_err(), "{text}: {got:?}");
        }
    }
}

#[test]
fn a_place_that_can_be_read_in_two_ways_is_a_fault_in_every_form() {
    let facts = Given::new(json!({"request": {"headers": {"x-a": "(unclear)"}}}));
    for text in [
        "request.headers[\"x-a\"] == \"1\"",
        "\"x-a\" in request.headers",
        "!(\"x-a\" in request.headers)",
        "request.headers[\"x-a\"] != \"1\"",
    ] {
        let kind = fault(text, &facts).map_err(|fault| fault.kind());
        assert_eq!(kind, Err(FaultKind::Unclear), "{text}");
    }
}

#[test]
fn an_unread_profile_is_told_before_another_fault() {
    let facts = Given::new(json!({"claims": {"plan": "pro"}}));
    for text in [
        "profile.state == \"enabled\"",
        "claims.other || profile.state == \"enabled\"",
        "profile.state == \"enabled\" || claims.other",
        "[claims.plan].exists(p, p == 1 || profile.state == p)",
        "!has(profile.state)",
    ] {
        let kind = fault(text, &facts).map_err(|fault| fault.kind());
        assert_eq!(kind, Err(FaultKind::ProfileUnread), "{text}");
    }
    assert_eq!(fault("claims.plan == \"pro\" || profile.state == \"x\"", &facts), Ok(true));
}
