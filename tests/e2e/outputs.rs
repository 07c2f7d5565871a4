//! The outputs of rules behind the real Envoy: hostile values arrive as values, no spelling of a
//! configured header or parameter is a client's, and the credential stays away where a rule says so.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::{
    echo::{Echo, Echoed},
    envoy::{Envoy, EnvoyBuilder},
    gate::Gate,
    product::{Product, Until},
    raw::{Answer, Raw},
    rownd::{KeyService, Rownd, USER},
};

const GATES: [&str; 4] = ["joined", "raw", "checked", "allowed"];
/// The bytes of a header name other than letters and digits (RFC 9110 section 5.6.2).
const SEPARATORS: &str = "!#$%&'*+-.^_`|~";
/// The headers that some rule sets.
const NAMES: [&str; 4] = ["x-user-email", "x-context", "x-own", "x-plan"];

struct Stack {
    _echo: Echo,
    issuer: Rownd,
    _product: Product,
    envoy: Envoy,
}

fn config(issuer: &Rownd) -> Value {
    let prefix = |path: &str| json!({ "path": { "prefix": path } });
    let mut trusted = issuer.config();
    trusted["claims"] = json!({ "groups": "groups" });
    json!({
        "issuers": [trusted],
        "credentials": [{ "header": "authorization" }, { "cookie": "s" }, { "query": "token" }],
        "headers": [
            { "name": "x-user-email", "from": { "claim": "email" } },
            { "name": "x-context", "from": { "claim": "context" }, "format": "json" },
        ],
        "response_headers": [{ "name": "x-who", "from": { "identity": "user_id" } }],
        "routes": [
            { "id": "none", "match": prefix("/none"), "auth": "none" },
            { "id": "optional", "match": prefix("/optional"), "auth": "optional" },
            { "id": "own", "match": { "path": { "template": "/own/{id}" } },
              "headers": [
                { "name": "x-own", "from": { "path": "id" } },
                { "name": "x-context", "from": { "claim": "context" }, "format": "base64url" },
              ] },
            { "id": "plan", "match": prefix("/plan"), "auth": "optional",
              "headers": [{ "name": "x-plan",
                "from": { "cel": "has(claims.plan) ? claims.plan.lowerAscii() : \"free\"" } }] },
            { "id": "needed", "match": prefix("/needed"),
              "headers": [{ "name": "x-plan", "from": { "claim": "plan" }, "on_missing": "deny" }] },
            { "id": "query", "match": prefix("/query"), "auth": "optional",
              "query": {
                "set": [{ "name": "user_id", "from": { "claim": "email" } }],
                "remove": ["debug"],
              } },
            { "id": "strip", "match": prefix("/strip"), "auth": "optional",
              "strip_credential": true },
            { "id": "legacy", "match": prefix("/legacy"),
              "headers": [{ "name": "authorization", "from": { "constant": "Basic c3ZjOnB3" },
                "replaces_credential": true }] },
        ],
        "check": { "timeout": "4s" },
    })
}

async fn stack() -> &'static Stack {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK
        .get_or_init(|| async {
            let issuer = Rownd::start(KeyService::Works).await;
            let echo = Echo::start().await;
            let product = Product::start(config(&issuer), Until::Ready).await;
            let raw = |name| Gate { raw_headers: true, ..Gate::new(name) };
            let mut builder =
                EnvoyBuilder::new(echo.address()).authz("authz", &[product.endpoint()]);
            for gate in [
                Gate::new("joined"),
                raw("raw"),
                Gate { validate_mutations: true, mutation_rules: true, ..raw("checked") },
                Gate {
                    allowed_headers: Some(&[
                        "authorization",
                        "cookie",
                        "x[^a-z0-9](user|context|own|plan)([^a-z0-9].*)?",
                    ]),
                    ..raw("allowed")
                },
                // Envoy sends no header of ours: the exact names are removed anyway.
                Gate { allowed_headers: Some(&["authorization"]), ..raw("few") },
            ] {
                builder = builder.gate(gate);
            }
            let envoy = builder.start().await;
            Stack { _echo: echo, issuer, _product: product, envoy }
        })
        .await
}

impl Stack {
    async fn ask(&self, gate: &str, request: &Raw) -> Answer {
        request.send(self.envoy.gate(gate)).await
    }

    async fn pass(&self, gate: &str, request: &Raw) -> Echoed {
        let answer = self.ask(gate, request).await;
        assert_eq!(answer.status, 200, "@ {gate}: {}", answer.text());
        answer.echo()
    }
}

/// A request with each configured name in each spelling.
fn forged(path: &str) -> Raw {
    SEPARATORS.chars().fold(Raw::get(path), |request, separator| {
        NAMES.iter().fold(request, |request, name| {
            let name = name.replace('-', &separator.to_string());
            request.header(name.to_uppercase(), "evil").header(name, "evil")
        })
    })
}

#[track_caller]
fn nothing_evil(echoed: &Echoed, context: &str) {
    let evil: Vec<_> = echoed.headers.iter().filter(|(_, value)| value.contains("evil")).collect();
    assert!(evil.is_empty(), "{context}: {evil:?} reached the service");
}

#[tokio::test]
async fn no_spelling_of_a_configured_header_arrives() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").claim("email", "ann@example.com").sign();
    for gate in GATES {
        for (path, token) in [
            ("/none", None),
            ("/optional", None),
            ("/optional", Some(&token)),
            ("/own/7", Some(&token)),
            ("/", Some(&token)),
        ] {
            let mut request = forged(path);
            if let Some(token) = token {
                request = request.bearer(token);
            }
            let echoed = stack.pass(gate, &request).await;
            let context = format!("{path} @ {gate}");
            nothing_evil(&echoed, &context);
            let email: &[&str] = if token.is_some() { &["ann@example.com"] } else { &[] };
            assert_eq!(echoed.all("x-user-email"), email, "{context}");
            let own: &[&str] = if path == "/own/7" { &["7"] } else { &[] };
            assert_eq!(echoed.all("x-own"), own, "{context}");
        }
    }
}

#[tokio::test]
async fn the_exact_name_goes_also_where_envoy_does_not_show_it() {
    let stack = stack().await;
    for name in NAMES {
        let request = Raw::get("/none").header(name, "evil");
        nothing_evil(&stack.pass("few", &request).await, name);
    }
}

#[tokio::test]
async fn hostile_values_arrive_as_values() {
    let stack = stack().await;
    let long = "x".repeat(4096);
    for (name, value, text, json) in [
        (
            "a line end",
            json!("a\r\nx-rownd-user-id: evil"),
            "a%0D%0Ax-rownd-user-id:%20evil",
            "\"a\\r\\nx-rownd-user-id: evil\"",
        ),
        ("NUL", json!("a\0b"), "a%00b", "\"a\\u0000b\""),
        (
            "UTF-8",
            json!("\u{fc}\u{202e}\u{1f600}"),
            "%C3%BC%E2%80%AE%F0%9F%98%80",
            "\"\\u00fc\\u202e\\ud83d\\ude00\"",
        ),
        ("a number", json!(-1.5), "-1.5", "-1.5"),
        ("a truth value", json!(true), "true", "true"),
        ("an object", json!({"a": ["\n"]}), "", "{\"a\":[\"\\n\"]}"),
        ("a list", json!(["a", "b"]), "", "[\"a\",\"b\"]"),
        ("nothing", json!(null), "", ""),
        ("commas", json!("a,b; c=\"d\""), "a,b;%20c=\"d\"", "\"a,b; c=\\\"d\\\"\""),
    ] {
        let token = stack.issuer.token("verified").claim("email", value.clone());
        let token = token.claim("context", value).sign();
        for gate in GATES {
            let echoed = stack.pass(gate, &forged("/").bearer(&token)).await;
            nothing_evil_but(&echoed, text, json, name);
            let all = |text: &'static str| if text.is_empty() { vec![] } else { vec![text] };
            assert_eq!(echoed.all("x-user-email"), all(text), "{name} @ {gate}");
            assert_eq!(echoed.all("x-context"), all(json), "{name} @ {gate}");
            assert_eq!(echoed.all("x-rownd-user-id"), [USER], "{name} @ {gate}");
        }
    }
    let token = stack.issuer.token("verified").claim("context", long.clone()).sign();
    let echoed = stack.pass("raw", &Raw::get("/").bearer(&token)).await;
    assert_eq!(echoed.all("x-context"), [format!("\"{long}\"")]);
    let token = stack.issuer.token("verified").claim("email", long).sign();
    let answer = stack.ask("raw", &Raw::get("/").bearer(&token)).await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (403, Some("output_too_large")));
    assert!(answer.text().contains("x-user-email"), "{}", answer.text());
}

/// The only header with the word `evil` is the one whose value it is.
#[track_caller]
fn nothing_evil_but(echoed: &Echoed, text: &str, json: &str, context: &str) {
    let mut evil = echoed.headers.iter().filter(|(_, value)| value.contains("evil"));
    assert!(evil.all(|(_, value)| value == text || value == json), "{context}: {echoed:?}");
}

#[tokio::test]
async fn values_come_from_the_path_and_from_expressions() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").claim("plan", "PRO").claim("context", "c").sign();
    let echoed = stack.pass("raw", &Raw::get("/own/a%20b").bearer(&token)).await;
    assert_eq!(echoed.all("x-own"), ["a%20b"]);
    assert_eq!(echoed.all("x-context"), ["Yw"], "the route's form replaces the common one");
    let echoed = stack.pass("raw", &Raw::get("/plan").bearer(&token)).await;
    assert_eq!(echoed.all("x-plan"), ["pro"]);
    let token = stack.issuer.token("verified").sign();
    let echoed = stack.pass("raw", &Raw::get("/plan").bearer(&token)).await;
    assert_eq!(echoed.all("x-plan"), ["free"]);
    // Of nobody nothing is known, not even that there is no plan.
    assert_eq!(stack.pass("raw", &Raw::get("/plan")).await.all("x-plan"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_missing_value_denies_where_the_setting_says_so() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let answer = stack.ask("raw", &Raw::get("/needed").bearer(&token)).await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (403, Some("output_missing")));
    let token = stack.issuer.token("verified").claim("plan", "pro").sign();
    assert_eq!(stack.pass("raw", &Raw::get("/needed").bearer(&token)).await.all("x-plan"), ["pro"]);
}

#[tokio::test]
async fn the_client_gets_its_headers_with_an_allow_alone() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let answer = stack.ask("raw", &Raw::get("/").bearer(&token)).await;
    assert_eq!(answer.all("x-who"), [USER]);
    for request in [Raw::get("/none"), Raw::get("/")] {
        assert_eq!(stack.ask("raw", &request).await.all("x-who"), [""; 0]);
    }
}

#[tokio::test]
async fn the_query_is_changed_and_no_spelling_of_a_name_stays() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").claim("email", "a&admin=1#\u{fc}").sign();
    let plain = stack.issuer.token("verified").claim("email", "ann-1").sign();
    for gate in GATES {
        let path = "/query?z=1&user_id=7&USER_ID=9&user.id=10&debug=1&DEBUG=2&a=2;user_id=3";
        let echoed = stack.pass(gate, &Raw::get(path).bearer(&plain)).await;
        assert_eq!(echoed.path, "/query?user_id=ann-1&z=1", "@ {gate}");
        // These cannot be removed by an Envoy that validates.
        for name in ["user_id[]", "user%5Fid", "%64ebug", "user+id"] {
            let request = Raw::get(format!("/query?{name}=11")).bearer(&plain);
            let answer = stack.ask(gate, &request).await;
            let reason = answer.json()["reason"].clone();
            assert_eq!(
                (answer.status, reason),
                (400, json!("output_ambiguous")),
                "{name} @ {gate}"
            );
        }
        if gate == "checked" {
            // Such an Envoy refuses the escapes of a value, too.
            let answer = stack.ask(gate, &Raw::get("/query").bearer(&token)).await;
            assert_eq!(answer.status, 500, "@ {gate}");
        } else {
            let echoed = stack.pass(gate, &Raw::get("/query?z=1").bearer(&token)).await;
            assert_eq!(echoed.path, "/query?user_id=a%26admin%3D1%23%C3%BC&z=1", "@ {gate}");
        }
        let echoed = stack.pass(gate, &Raw::get("/query?z=1&user_id=7&User-Id=8")).await;
        assert_eq!(echoed.path, "/query?z=1", "@ {gate}");
        // Other routes leave it alone.
        let path = "/optional?user_id=7&user%5Fid=8&debug=1";
        assert_eq!(stack.pass(gate, &Raw::get(path)).await.path, path, "@ {gate}");
    }
}

#[tokio::test]
async fn the_credential_stays_away_where_a_rule_says_so() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in GATES {
        let echoed = stack.pass(gate, &Raw::get("/strip").bearer(&token)).await;
        assert_eq!(echoed.all("authorization"), [""; 0], "@ {gate}");
        assert_eq!(echoed.all("x-rownd-user-id"), [USER], "@ {gate}");
        let cookie = format!("a=1; s={token}; b=2");
        let request = Raw::get("/strip").header("cookie", &cookie).header("sec-fetch-site", "none");
        let echoed = stack.pass(gate, &request).await;
        assert_eq!(echoed.all("cookie"), ["a=1; b=2"], "@ {gate}");
        let echoed = stack.pass(gate, &Raw::get(format!("/strip?b=1&token={token}&a=2"))).await;
        assert_eq!(echoed.path, "/strip?a=2&b=1", "@ {gate}");
        // Elsewhere it passes, and a route may replace it.
        let echoed = stack.pass(gate, &Raw::get("/").bearer(&token)).await;
        assert_eq!(echoed.all("authorization"), [format!("Bearer {token}")], "@ {gate}");
        let echoed = stack.pass(gate, &Raw::get("/legacy").bearer(&token)).await;
        assert_eq!(echoed.all("authorization"), ["Basic c3ZjOnB3"], "@ {gate}");
    }
}
