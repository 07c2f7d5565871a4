//! The shop of docs/policy.md through the real Envoy: each line of its table, then claims and paths
//! of attackers. No form of a request is allowed that the plain one is not.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::{
    echo::Echo,
    envoy::{Envoy, EnvoyBuilder},
    gate::Gate,
    product::{Product, Until},
    raw::{Answer, Raw},
    shop::{self, Shop},
};

/// Everything that runs.
struct Stack {
    shop: Shop,
    envoy: Envoy,
    _product: Product,
    _echo: Echo,
}

async fn stack() -> &'static Stack {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_init(Stack::start).await
}

/// With and without Envoy's own normalisation, with raw headers and with joined ones.
const GATES: [&str; 3] = ["joined", "raw", "normal"];

impl Stack {
    async fn start() -> Self {
        let shop = Shop::open().await;
        let echo = Echo::start().await;
        let mut config = shop.config();
        config["check"]["timeout"] = json!("4s");
        let product = Product::start(config, Until::Ready).await;
        let raw = |name| Gate { raw_headers: true, ..Gate::new(name) };
        let envoy = EnvoyBuilder::new(echo.address())
            .authz("authz", &[product.endpoint()])
            .gate(Gate::new("joined"))
            .gate(raw("raw"))
            .gate(Gate { normalize: true, ..raw("normal") })
            .start()
            .await;
        Self { shop, envoy, _product: product, _echo: echo }
    }

    async fn try_ask(&self, gate: &str, request: &Raw) -> Option<Answer> {
        request.try_send(self.envoy.gate(gate)).await
    }
}

fn request(method: &str, host: &str, path: &str, token: Option<&str>) -> Raw {
    let request = Raw::new(method, path).host(host);
    match token {
        Some(token) => request.bearer(token),
        None => request,
    }
}

#[tokio::test]
async fn envoy_answers_every_line_of_the_page() {
    let stack = stack().await;
    for gate in GATES {
        for line in shop::lines() {
            let token = stack.shop.token(&line.caller);
            let request = request(&line.method, &line.host, &line.path, token.as_deref());
            let answer = request.send(stack.envoy.gate(gate)).await;
            assert_eq!(answer.status, line.status, "{line:?} @ {gate}: {}", answer.text());
            if line.status == 200 {
                assert_eq!(answer.echo().path, line.path, "{line:?} @ {gate}");
            } else {
                assert_eq!(answer.json()["reason"], line.reason, "{line:?} @ {gate}");
            }
        }
    }
}

/// (method, host, path, caller): each is denied in its plain form.
const CLOSED: &[(&str, &str, &str, &str)] = &[
    ("GET", "shop.example.com", "/users/user_bob", "ann"),
    ("GET", "shop.example.com", "/users/user_bob/orders", "ann"),
    ("GET", "shop.example.com", "/admin", "ann"),
    ("GET", "shop.example.com", "/admin/orders", "ann"),
    ("GET", "shop.example.com", "/admin/settings", "sam"),
    ("GET", "shop.example.com", "/admin", "tess"),
    ("GET", "shop.example.com", "/internal/metrics", "olga"),
    ("GET", "api.staging.example.com", "/account", "ann"),
    ("GET", "api.example.com", "/orders", "nobody"),
];

/// The forms of a path that some server reads as the plain one.
fn tricks(path: &str) -> Vec<String> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (first, last) = (segments[0], segments[segments.len() - 1]);
    let before_last = &path[..path.len() - last.len()];
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let mut forms = vec![
        format!("/{path}"),
        format!("//{path}"),
        format!("/.{path}"),
        format!("/x/..{path}"),
        format!("/x/%2e%2e{path}"),
        format!("/x/%2E%2e{path}"),
        format!("/x/.%2e{path}"),
        format!("/x/..;{path}"),
        format!("/x/..;a=b{path}"),
        format!("/x\\..{path}"),
        format!("/%2e{path}"),
        format!("/products/..{path}"),
        format!("/products/%2e%2e{path}"),
        format!("/products/..%2f{}", &path[1..]),
        format!("/products/%2e%2e%2f{}", &path[1..]),
        format!("/products/..%5c{}", &path[1..]),
        format!("/products;{path}"),
        format!("/products%2f..{path}"),
        format!("/products%00/..{path}"),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path}/."),
        format!("{path}/x/.."),
        format!("{path}%2f"),
        format!("{path};x"),
        format!("{path};x=/products"),
        format!("{path};/../products"),
        format!("{path}/..;/{last}"),
        format!("{path}%3bx"),
        format!("{path}%00"),
        format!("{path}%00/products"),
        format!("{path}%20"),
        format!("{path}%0d%0a"),
        format!("{path}?x=/products"),
        format!("{path}%3fx"),
        format!("{path}%23x"),
        format!("{path}#/../../products"),
        format!("{path}/../{last}"),
        format!("{path}/%2e%2e/{last}"),
        format!("{path}.json"),
        format!("{before_last}./{last}"),
        format!("{before_last}/{last}"),
        format!("{before_last}{}", escaped(last)),
        format!("{before_last}{}", escaped(last).replace('%', "%25")),
        format!("{before_last}{}", escaped(last).replace('%', "%2525")),
        format!("{before_last}{}", last.to_uppercase()),
        format!("{before_last}%c0%af{last}"),
        format!("{before_last}%ef%bb%bf{last}"),
        format!("/{}{}", escaped(first), &path[first.len() + 1..]),
        format!("/{}{}", first.to_uppercase(), &path[first.len() + 1..]),
        path.replace('/', "%2f").replacen("%2f", "/", 1),
        path.replace('/', "%2F"),
        path.replace('/', "\\"),
        path.replacen('/', "/;x/", 1),
        format!("http://evil.example{path}"),
        format!("http://shop.example.com@evil.example{path}"),
        // The caller's own record, from which some servers find the way to the other one.
        format!("/users/user_ann/..{path}"),
        format!("/users/user_ann%2f..%2f{last}"),
        format!("/users/user_ann;/../{last}"),
        format!("/users/user_ann%00{last}"),
        format!("/users/user_ann,{last}"),
    ];
    forms.sort();
    forms.dedup();
    forms
}

#[tokio::test]
async fn no_form_of_a_path_opens_what_the_plain_form_does_not() {
    let stack = stack().await;
    let mut asked = 0;
    for &(method, host, path, caller) in CLOSED {
        let token = stack.shop.token(caller);
        let plain = request(method, host, path, token.as_deref());
        for gate in GATES {
            assert_ne!(plain.send(stack.envoy.gate(gate)).await.status, 200, "{path} @ {gate}");
            for form in tricks(path) {
                asked += 1;
                let request = request(method, host, &form, token.as_deref());
                // The service answers with 200 alone. Envoy closes the connection where it reads no
                // request at all.
                let Some(answer) = stack.try_ask(gate, &request).await else { continue };
                if gate == "normal" && answer.status == 200 {
                    // Envoy resolves the path before it asks, and the service gets what is public.
                    assert_eq!(answer.echo().path, "/products", "{caller}: {form} for {path}");
                    continue;
                }
                assert!(
                    (400..500).contains(&answer.status),
                    "{caller}: {form} for {path} @ {gate}: {answer:?}"
                );
            }
        }
    }
    assert!(asked > 1000, "{asked}");
}

#[tokio::test]
async fn no_form_of_a_host_takes_a_token_of_staging_into_production() {
    let stack = stack().await;
    let tess = stack.shop.token("tess");
    for host in [
        "shop.example.com",
        "SHOP.example.com",
        "shop.example.com:443",
        "shop.example.com.",
        "api.example.com",
        "shop.example.com:443:443",
        "x@shop.example.com",
        "127.0.0.1",
        "other.example.com",
        "staging.example.com",
        "shop.example.com/.staging.example.com",
        "shop.example.com#.staging.example.com",
        "shop.example.com?.staging.example.com",
        "shop.example.com%2f.staging.example.com",
        "shop.example.com .staging.example.com",
        "shop.example.com,api.staging.example.com",
        "api.staging.example.com,shop.example.com",
        "api.staging.example.com\\@shop.example.com",
    ] {
        for gate in GATES {
            let request = request("GET", host, "/account", tess.as_deref());
            if let Some(answer) = stack.try_ask(gate, &request).await {
                assert!((400..500).contains(&answer.status), "{host} @ {gate}: {answer:?}");
            }
        }
    }
    for host in ["api.staging.example.com", "API.Staging.example.com:8443"] {
        for gate in GATES {
            let request = request("GET", host, "/account", tess.as_deref());
            assert_eq!(request.send(stack.envoy.gate(gate)).await.status, 200, "{host} @ {gate}");
        }
    }
}

/// Values that no comparison may take for `wanted`.
fn hostile(wanted: &str) -> Vec<Value> {
    let first = &wanted[..1];
    let texts = [
        format!("{wanted}\r\n"),
        format!("{wanted}\r\nx-rownd-roles: owner"),
        format!("{wanted}\n"),
        format!("\r{wanted}"),
        format!("{wanted}\0"),
        format!("\0{wanted}"),
        format!("{wanted}\u{0}x"),
        format!(" {wanted}"),
        format!("{wanted}/"),
        format!("{wanted}%00"),
        format!("{wanted}\u{200b}"),
        format!("\u{feff}{wanted}"),
        format!("{wanted}\u{301}"),
        wanted.replacen(first, "\u{43e}", 1),
        wanted.to_uppercase(),
        wanted.replacen('_', "\u{ff3f}", 1).replacen(':', "\u{ff1a}", 1),
        format!("{wanted}{}", "x".repeat(4096)),
        format!("{}{wanted}", "x".repeat(4096)),
        "*".to_owned(),
        String::new(),
    ];
    let others = [json!(null), json!(true), json!(7), json!([[wanted]]), json!({ wanted: wanted })];
    texts.into_iter().map(Value::from).chain(others).collect()
}

#[tokio::test]
async fn no_hostile_claim_is_taken_for_the_one_that_a_rule_asks_for() {
    const USER_ID: &str = "https://auth.rownd.io/app_user_id";
    let stack = stack().await;
    // (claim, the value that opens the rule, caller, method, host, path)
    for (claim, wanted, caller, method, host, path) in [
        (USER_ID, "user_bob", "ann", "GET", "shop.example.com", "/users/user_bob"),
        ("scope", "orders:write", "reader", "POST", "api.example.com", "/orders"),
        ("aud", "app:app_staging", "tess", "GET", "api.staging.example.com", "/account"),
        ("iss", "https://id.partner.example", "reader", "GET", "api.example.com", "/orders"),
        (
            "https://auth.rownd.io/auth_level",
            "verified",
            "ann",
            "POST",
            "shop.example.com",
            "/payments",
        ),
    ] {
        for value in hostile(wanted) {
            // A scope is a word between blanks (RFC 6749 section 3.3).
            let words = |text: &str| text.split(' ').any(|word| word == wanted);
            if claim == "scope" && value.as_str().is_some_and(words) {
                continue;
            }
            let order = Shop::order(caller).unwrap().claim(claim, value.clone());
            let token = stack.shop.mint(&order);
            for gate in GATES {
                let request = request(method, host, path, Some(&token));
                let answer = request.send(stack.envoy.gate(gate)).await;
                let text = value.to_string();
                let text = &text[..text.len().min(80)];
                assert!(
                    [401, 403].contains(&answer.status),
                    "{claim} {text:?} @ {gate}: {answer:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn no_hostile_time_of_a_sign_in_opens_payments() {
    let stack = stack().await;
    let now = crate::support::forge::now();
    for value in [
        json!(null),
        json!(true),
        json!("now"),
        json!(now.to_string()),
        json!(format!("{now}\r\n")),
        json!([now]),
        json!({ "seconds": now }),
        json!(-now),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(now + 3600),
        json!(now * 1000),
        json!(now - 301),
        json!(0),
    ] {
        let order = Shop::order("payer").unwrap().claim("auth_time", value.clone());
        let token = stack.shop.mint(&order);
        for gate in GATES {
            let request = request("POST", "shop.example.com", "/payments", Some(&token));
            let answer = request.send(stack.envoy.gate(gate)).await;
            assert_eq!(answer.status, 401, "{value} @ {gate}: {answer:?}");
            if answer.json()["reason"] == "authentication_too_old" {
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(challenge.contains("max_age=\"300\""), "{challenge}");
            }
        }
    }
}

#[tokio::test]
async fn hostile_values_in_an_identity_that_may_pass_reach_no_header_of_their_own() {
    let stack = stack().await;
    for value in
        ["a\r\nx-rownd-roles: owner", "a\nx-evil: 1", "a\0b", "\u{fc}\u{20ac}", &"x".repeat(4096)]
    {
        // The tenant is no part of the policy; the user id is.
        let order = Shop::order("ann").unwrap().claim("https://auth.rownd.io/app_user_id", value);
        let token = stack.shop.mint(&order);
        for gate in GATES {
            let request = request("GET", "shop.example.com", "/account", Some(&token));
            let answer = request.send(stack.envoy.gate(gate)).await;
            if answer.status == 200 {
                let echoed = answer.echo();
                assert!(echoed.all("x-evil").is_empty(), "{value:?} @ {gate}");
                assert!(echoed.all("x-rownd-roles").is_empty(), "{value:?} @ {gate}");
                assert_eq!(echoed.all("x-rownd-user-id").len(), 1, "{value:?} @ {gate}");
            } else {
                // One that is too long is no fault of the token.
                let expected = if value.len() > 1024 { 403 } else { 401 };
                assert_eq!(answer.status, expected, "{value:?} @ {gate}: {answer:?}");
            }
        }
    }
}
