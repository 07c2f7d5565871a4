//! Request headers that say nothing a rule could rely on are refused, wherever a rule reads them.

use super::{bad, good};

const TOP: &str = "issuers:
- { name: rownd, kind: rownd, apps: [{ id: x }] }
credentials: [{ header: authorization }, { header: x-token }, { websocket_protocol: bearer }]
headers: [{ name: x-user-email, from: { claim: email } }]
";

/// The name of a header, and a part of the message about it in an expression and in `match.headers`.
#[rustfmt::skip] // one case a line
const REFUSED: &[(&str, &str, &str)] = &[
    (":path", "request.path", "match.path"),
    (":authority", "request.host", "match.hosts"),
    ("host", "request.host", "match.hosts"),
    (":method", "request.method", "match.methods"),
    (":scheme", "request.scheme", "client's own word"),
    (":protocol", "a field of the protocol", "a field of the protocol"),
    ("authorization", "holds a credential", "holds a credential"),
    ("proxy-authorization", "holds a credential", "holds a credential"),
    ("cookie", "all cookies in one line", "all cookies in one line"),
    ("connection", "about one connection", "about one connection"),
    ("x-rownd-user-id", "identity headers", "identity headers"),
    ("x_rownd_roles", "identity headers", "identity headers"),
    ("txn-token", "the name of a passport", "the name of a passport"),
    ("txn_token", "the name of a passport", "the name of a passport"),
    ("a b", "not a header name", "not a header name"),
    ("x-user-email", "a header that `headers` sets", "a header that `headers` sets"),
    ("x_user_email", "a header that `headers` sets", "a header that `headers` sets"),
    ("x-of-a-route", "a header that `headers` sets", "a header that `headers` sets"),
    ("x-rownd-passport-shop", "identity headers", "identity headers"),
    ("x-token", "holds a credential", "holds a credential"),
    ("sec-websocket-protocol", "holds a credential", "holds a credential"),
];

/// Places that read a header, each with the setting of its problem.
const READERS: [(&str, &str); 8] = [
    (
        "guards: [{ id: g, match: any, require: { not: [{ cel: CEL }] } }]",
        "guards[0].require.not[0].cel",
    ),
    (
        "guards: [{ id: g, match: { headers: [{ name: 'NAME', present: true }] }, require: never }]",
        "guards[0].match.headers[0].name",
    ),
    ("routes: [OF, { id: a, match: any, require: { cel: CEL } }]", "routes[1].require.cel"),
    (
        "routes: [OF, { id: a, match: { headers: [{ name: 'NAME', exact: b }] } }]",
        "routes[1].match.headers[0].name",
    ),
    (
        "routes: [OF, { id: a, match: any, headers: [{ name: x-a, from: { cel: CEL } }] }]",
        "routes[1].headers[0].from.cel",
    ),
    (
        "routes: [OF, { id: a, match: any, response_headers: [{ name: x-a, from: { cel: CEL } }] }]",
        "routes[1].response_headers[0].from.cel",
    ),
    (
        "routes: [OF, { id: a, match: any, query: { set: [{ name: a, from: { cel: CEL } }] } }]",
        "routes[1].query.set[0].from.cel",
    ),
    ("default: { require: { cel: CEL } }", "default.require.cel"),
];

fn rules(reader: &str, name: &str) -> String {
    let of = "{ id: of, match: { path: { exact: /of } }, headers: [{ name: x-of-a-route, from: { claim: a } }] }";
    let routes = if reader.contains("OF") { String::new() } else { format!("routes: [{of}]\n") };
    let cel = format!("'request.headers[\"{name}\"] == \"boss\"'");
    format!("{TOP}{routes}{}", reader.replace("OF", of).replace("CEL", &cel).replace("NAME", name))
}

#[test]
fn a_header_that_no_client_may_say_is_read_nowhere() {
    for (reader, setting) in READERS {
        for (name, by_expression, by_match) in REFUSED {
            let problems = bad(&rules(reader, name), &[]);
            let said = if setting.contains("match") { by_match } else { by_expression };
            let told: Vec<_> = problems.iter().filter(|it| it.setting == setting).collect();
            assert!(
                told.len() == 1 && told[0].message.contains(said),
                "{reader} {name}: {problems:#?}"
            );
        }
        good(&rules(reader, "x-region"), &[]);
    }
}
