//! Expressions whose answer no request can change, and those that only look like it.

use crate::expression::{Expression, Settled};

#[test]
fn an_answer_that_no_request_can_change_is_known() {
    for (text, expected) in [
        ("claims.a == 1", None),
        ("claims.a == 1 || claims.b == 2", None),
        ("true || claims.a == 1", Some(Settled::True)),
        ("claims.a == 1 || 1 + 1 == 2", Some(Settled::True)),
        ("!(claims.a == 1 && false)", Some(Settled::True)),
        ("claims.a == 1 && 2 < 1", Some(Settled::False)),
        ("claims.a == 1 && true", None),
        ("claims.a == 1 || false", None),
        ("true ? claims.a == 1 : false", None),
        ("2 > 1 ? true : claims.a == 1", Some(Settled::True)),
        ("false ? claims.a == 1 : false", Some(Settled::False)),
        ("claims.a ? true : false", None),
        ("claims.a == 1 / 0", Some(Settled::Fails)),
        ("claims.a == [1][3]", Some(Settled::Fails)),
        ("claims.a + -\"x\" == 1", Some(Settled::Fails)),
        ("size(1) == claims.a", Some(Settled::Fails)),
        ("claims.a == int(\"ten\")", Some(Settled::Fails)),
        ("claims.a == {\"b\": 1}.c", Some(Settled::Fails)),
        ("claims.a ? 1 / 0 == 1 : 1 % 0 == 1", Some(Settled::Fails)),
        // A side that decides makes up for one that fails.
        ("claims.a == 1 || 1 / 0 == 1", None),
        ("true || 1 / 0 == claims.a", Some(Settled::True)),
        ("[1, 2].all(x, x > 0) || claims.a == 1", Some(Settled::True)),
        ("[1, 2].exists(x, x > 2) && claims.a == 1", Some(Settled::False)),
        ("[1, 2].exists(x, x == claims.a)", None),
        ("[claims.a].exists(x, [1].exists(y, y == x))", None),
        ("\"x\" in request.headers", None),
        // Types that never go together.
        ("identity.user_id == 5", Some(Settled::Fails)),
        ("identity.roles == \"admin\"", Some(Settled::Fails)),
        ("identity.roles.contains(\"admin\")", Some(Settled::Fails)),
        ("\"admin\" in identity.user_id", Some(Settled::Fails)),
        ("identity.verified == \"true\"", Some(Settled::Fails)),
        ("identity.issued_at > \"2026\"", Some(Settled::Fails)),
        ("!identity.user_id", Some(Settled::Fails)),
        ("identity.user_id == 5 && claims.a == 1", Some(Settled::False)),
        ("identity.user_id && claims.a == 1", Some(Settled::False)),
        ("identity.user_id == 5 || identity.verified == \"true\"", Some(Settled::False)),
        ("identity.user_id == 5 || claims.a == 1", None),
        ("!(identity.user_id == 5 && claims.a == 1)", None),
        ("identity.roles == null", None),
        ("\"admin\" in identity.roles", None),
        ("size(identity.roles) > 0", None),
        ("claims.a == identity.user_id", None),
        ("profile.data.plan == \"pro\"", None),
        ("identity.issued_at > claims.a", None),
        ("string(identity.issued_at) == \"1\"", None),
        ("claims.a == 1 ? identity.verified : identity.anonymous", None),
        ("request.path.startsWith(\"/a\")", None),
        ("path.id == identity.user_id", None),
    ] {
        let expression =
            Expression::parse_condition(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(expression.settled(), expected, "{text}");
    }
}
