//! Texts that are refused when the configuration is read, each with what to write instead.

use crate::expression::Expression;

/// Texts, and a part of what is said about each.
const MISTAKES: &[(&str, &str)] = &[
    ("identity.auth_level >= \"guest\"", "write auth_level: verified beside `cel`"),
    ("\"guest\" < profile.auth_level", "write auth_level: verified beside `cel`"),
    ("", "is empty"),
    ("  \n", "is empty"),
    ("true", "reads nothing of the request"),
    ("1 + 1 == 2", "reads nothing of the request"),
    // Signs of other languages.
    ("claims.x = 1", "column 10: `=` is no operator of expressions; write `==`"),
    ("claims.x === 1", "write `==`"),
    ("claims.x !== 1", "write `!=`"),
    ("claims.x <> 1", "write `!=`"),
    ("claims.x == 1 & claims.y == 2", "write `&&`"),
    ("claims.x == 1 | claims.y == 2", "write `||`"),
    ("claims.x == 1 and claims.y == 2", "write `&&`"),
    ("claims.x == 1 OR claims.y == 2", "write `||`"),
    ("not claims.x", "write `!`"),
    ("claims.x.exists(x, @result)", "`@` is no sign of an expression"),
    ("claims.x == $plan", "`$` is no sign of an expression"),
    ("claims.x == 1;", "`;` is no sign of an expression"),
    ("has(request.headers[\"x\"])", "\"x\" in request.headers"),
    ("claims.x.exists(1, true)", "the name of its variable"),
    // Names.
    ("claim.plan == 1", "unknown name `claim`; there are request, identity, claims, profile, path"),
    ("claims.plan == pro", "unknown name `pro`"),
    ("claims.plan == `pro`", "column"),
    ("identity.usr == 1", "`identity` has no field `usr`; its fields: user_id, issuer,"),
    (
        "request.url == \"\"",
        "`request` has no field `url`; its fields: method, host, path, scheme, headers, query",
    ),
    ("profile.email == \"\"", "`profile` has no field `email`"),
    ("claims == {}", "`claims` is read by a fixed name; write claims.NAME"),
    ("size(claims) > 0", "`claims` is read by a fixed name"),
    ("identity != null", "`identity` is read by a fixed name"),
    ("claims[path.id] == 1", "`claims` is read by a fixed name"),
    ("path.id in claims", "`claims` is read by a fixed name"),
    ("claims.exists(c, c == \"x\")", "`claims` is read by a fixed name"),
    ("claims[0] == 1", "`claims` is read by a fixed name"),
    ("has(claims)", "column"),
    ("request.headers == {}", "`request.headers` is read by a fixed name"),
    ("request.headers[request.path] == \"\"", "`request.headers` is read by a fixed name"),
    ("request.query.all(q, q == \"\")", "`request.query` is read by a fixed name"),
    ("has(request.headers)", "`request.headers` is read by a fixed name"),
    ("request.headers[\"X-Plan\"] == \"\"", "write request.headers[\"x-plan\"]"),
    ("claims[\"/realm_access/roles\"] == 1", "write claims.realm_access.roles"),
    ("claims[\"\"] == 1", "a name of `claims` is empty"),
    (".claims.plan == 1", "unknown name `.claims`"),
    // Functions.
    ("exec(claims.plan)", "unknown function `exec`; there are size, contains,"),
    ("claims.plan.matches(claims.form)", "`matches` takes a pattern in quotes"),
    ("claims.plan.matches(\"pro\")", "write \"^(?:pro)$\""),
    ("claims.plan.matches(\"^a|b$\")", "write \"^(?:^a|b$)$\""),
    ("claims.plan.matches(\"^(\")", "not a regular expression"),
    ("claims.plan.matches(\"^(a{1000}){1000}$\")", "not a regular expression"),
    ("timestamp(claims.plan) > claims.x", "unknown function `timestamp`"),
    ("type(claims.plan) == claims.x", "unknown function `type`"),
    ("dyn(claims.plan) == 1", "unknown function `dyn`"),
    ("optional.of(claims.plan) == 1", "unknown function `of`"),
    ("claims.?plan == 1", "unsupported syntax"),
    ("startsWith(claims.plan, \"p\")", "`startsWith` is written as x.startsWith(y)"),
    ("claims.plan.string() == \"\"", "`string` is written as string(x)"),
    ("size(claims.plan, 1) == 1", "`size` is written as x.size()"),
    ("claims.groups.all(g) == 1", "`all` is written as"),
    ("has(claims.plan, 1)", "`has` is written as"),
    ("claims.plan == b\"x\"", "has bytes"),
    ("claims.level == 1u", "has an unsigned number"),
    ("Msg{a: claims.plan} == 1", "messages"),
    ("claims.level == 99999999999999999999", "column"),
    // Macros.
    ("[1].all(claims, claims == 1)", "the variable `claims` of a macro hides another"),
    ("claims.a.all(x, claims.b.all(x, x == 1))", "the variable `x` of a macro hides another"),
    ("claims.a.all(x, x.all(y, y.all(z, z == 1)))", "macros inside macros more than 2 deep"),
    (
        "claims.a.map(x, x.map(y, y.filter(z, z == 1))) == []",
        "macros inside macros more than 2 deep",
    ),
    ("claims.a.all(x, true) && x == 1", "unknown name `x`"),
    ("claims.a.all(1, true)", "first argument of a macro is the name of its variable"),
    // Syntax.
    ("claims.plan ==", "column"),
    ("claims.plan = \"pro\"", "column"),
    ("claims.plan == \"pro", "column"),
    ("claims.plan == 'pro' and claims.x", "column"),
    ("(claims.plan", "column"),
];

#[test]
fn a_mistake_is_refused_with_what_to_write() {
    for (text, problem) in MISTAKES {
        let got = Expression::parse(text).map(|_| ());
        assert!(got.as_ref().is_err_and(|got| got.contains(problem)), "{text}: {got:?}");
    }
}

#[test]
fn a_condition_that_is_never_true_or_false_is_refused() {
    for text in [
        "claims.level + 1",
        "size(claims.plan)",
        "[claims.plan]",
        "{\"a\": claims.plan}",
        "claims.a.map(x, x)",
        "-claims.level",
        "string(claims.level)",
        "identity.user_id",
        "request.path",
        "identity.roles",
        "identity.verified ? request.host : path.id",
    ] {
        assert!(Expression::parse(text).is_ok(), "{text}");
        let got = Expression::parse_condition(text).unwrap_err();
        assert!(got.contains("is never `true` or `false`"), "{text}: {got}");
    }
}

/// The signs that are refused may stand in quotes, in names and in comments.
#[test]
fn signs_in_quotes_and_comments_are_no_operators() {
    for text in [
        "claims.x == \"a = b & c | d @ e; not f\"",
        "claims.x == 'a = \\' = b'",
        "claims.x == r'\\' || claims.y == 1",
        "claims.x == \"\"\"a \" = b\"\"\"",
        "claims.x == 1 // = and or @",
        "claims.or == 1 && claims.and == 2 && claims.not == 3",
        "claims.android == 1 || claims.order != 2 && claims.x >= 3 && claims.y <= 4",
        "!(!(claims.x == 1))",
    ] {
        let found = Expression::parse(text).map(drop);
        assert_eq!(found, Ok(()), "{text}");
    }
}
