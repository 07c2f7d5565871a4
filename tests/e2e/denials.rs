//! The forms of a denial through Envoy: a browser that navigates is sent to sign in or gets a page, a
//! script gets JSON, a gRPC caller a status.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::stack::No;
use crate::support::{
    echo::Echo,
    envoy::{Envoy, EnvoyBuilder},
    gate::Gate,
    product::{Product, Until},
    raw::{Answer, Raw, h2_path},
    rownd::{KeyService, Rownd},
};

const GATES: [&str; 3] = ["joined", "raw", "allowed"];
const LOGIN: &str = "https://login.example.com/start?app=shop";
const METADATA: &str = "https://api.example.com/.well-known/oauth-protected-resource";
/// Of a browser of today.
const ACCEPT: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

struct Shop {
    issuer: Rownd,
    envoy: Envoy,
    _echo: Echo,
    _product: Product,
}

async fn shop() -> &'static Shop {
    static SHOP: OnceCell<Shop> = OnceCell::const_new();
    SHOP.get_or_init(Shop::start).await
}

fn config(issuer: &Rownd) -> Value {
    let prefix = |path: &str| json!({ "path": { "prefix": path } });
    let pages = json!({ "html": { "title": "The <Shop>" }, "redirect": { "url": LOGIN } });
    json!({
        "issuers": [issuer.config()],
        "credentials": [{ "header": "authorization" }, { "query": "access_token" }],
        "routes": [
            { "id": "pages", "match": prefix("/pages"), "denial": pages },
            { "id": "odd", "match": { "hosts": ["odd.example.com"] }, "denial": pages, "odd_paths": "judge" },
            { "id": "admin", "match": prefix("/admin"), "auth_level": "verified", "denial": pages },
            { "id": "pay", "match": prefix("/pay"), "auth_level": "verified", "step_up": true,
              "denial": { "redirect": { "url": LOGIN } } },
            { "id": "api", "match": prefix("/api"), "denial": { "json": true } },
        ],
        "denial": { "html": {} },
        "protected_resource": { "resource": "https://api.example.com",
            "authorization_servers": ["https://id.example.com"] },
        "check": { "timeout": "4s", "explain_denials": true },
    })
}

impl Shop {
    async fn start() -> Self {
        let issuer = Rownd::start(KeyService::Works).await;
        let echo = Echo::start().await;
        let product = Product::start(config(&issuer), Until::Ready).await;
        let allowed: &[&str] = &[
            "authorization",
            "accept",
            "sec-fetch-mode",
            "x-requested-with",
            "upgrade",
            "content-type",
        ];
        let envoy = EnvoyBuilder::new(echo.address())
            .authz("authz", &[product.endpoint()])
            .gate(Gate::new("joined"))
            .gate(Gate { raw_headers: true, validate_mutations: true, ..Gate::new("raw") })
            .gate(Gate { allowed_headers: Some(allowed), ..Gate::new("allowed") })
            .start()
            .await;
        Self { issuer, envoy, _echo: echo, _product: product }
    }

    async fn ask(&self, gate: &str, request: &Raw) -> Answer {
        request.send(self.envoy.gate(gate)).await
    }
}

/// A browser that navigates.
fn browser(method: &str, target: &str) -> Raw {
    Raw::new(method, target).header("accept", ACCEPT).header("sec-fetch-mode", "navigate")
}

#[track_caller]
fn assert_page(answer: &Answer, status: u16, parts: &[&str], context: &str) {
    let page = answer.text();
    assert_eq!(answer.status, status, "{context}: {page}");
    for (name, expected) in [
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.all(name), [expected], "{context}");
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{context}: {policy}");
    assert!(page.starts_with("<!doctype html>"), "{context}: {page}");
    for part in parts {
        assert!(page.contains(part), "{context}: no {part} in {page}");
    }
}

#[tokio::test]
async fn a_browser_without_a_good_token_is_sent_to_sign_in() {
    let shop = shop().await;
    let odd = |target| browser("GET", target).host("odd.example.com");
    let back = "https://login.example.com/start?app=shop&return_to=";
    for gate in GATES {
        for (name, request, path) in [
            ("nobody", browser("GET", "/pages/a?b=c"), "%2Fpages%2Fa%3Fb%3Dc"),
            ("HEAD", browser("HEAD", "/pages"), "%2Fpages"),
            ("a bad token", browser("GET", "/pages").bearer("bad"), "%2Fpages"),
            ("a bad token in the query", browser("GET", "/pages?a&access_token=x"), "%2Fpages%3Fa"),
            ("another host", browser("GET", "/pages").host("evil.test"), "%2Fpages"),
            ("a path of another host", odd("//evil.test"), "%2F"),
            ("dots before one", odd("/a/..//evil.test"), "%2F"),
            ("the same, encoded", odd("/%2e%2e%2f%2fevil.test"), "%2F"),
            ("a backslash", odd("/%5cevil.test"), "%2F"),
            ("a path that is odd no more", odd("/a/b"), "%2Fa%2Fb"),
            ("an old browser", Raw::get("/pages").header("accept", "text/html"), "%2Fpages"),
        ] {
            let answer = shop.ask(gate, &request).await;
            let context = format!("{name} @ {gate}: {answer:?}");
            assert_eq!(answer.status, 303, "{context}");
            assert_eq!(answer.all("location"), [format!("{back}{path}")], "{context}");
            assert_eq!(answer.all("cache-control"), ["no-store"], "{context}");
            assert_eq!(answer.header("www-authenticate"), None, "{context}");
            assert_eq!(answer.text(), "", "{context}");
        }
    }
}

#[tokio::test]
async fn a_low_level_is_sent_to_sign_in_where_that_mends_it() {
    let shop = shop().await;
    let guest = shop.issuer.token("guest").sign();
    for gate in GATES {
        let answer = shop.ask(gate, &browser("GET", "/pay").bearer(&guest)).await;
        assert_eq!(answer.status, 303, "@ {gate}: {answer:?}");
        let answer = shop.ask(gate, &browser("POST", "/pay").bearer(&guest)).await;
        No::StepUp.check(&answer, "step_up_required", &format!("a POST @ {gate}"));
        // 403: another sign-in would not help, and could go on for ever.
        let answer = shop.ask(gate, &browser("GET", "/admin").bearer(&guest)).await;
        assert_page(
            &answer,
            403,
            &["The &lt;Shop&gt;", "auth_level_too_low", "<dd>admin</dd>", "auth_level: verified"],
            &format!("a guest @ {gate}"),
        );
    }
}

#[tokio::test]
async fn scripts_get_json() {
    let shop = shop().await;
    let guest = shop.issuer.token("guest").sign();
    for gate in GATES {
        for (name, request) in [
            ("a program", Raw::get("/pages")),
            ("fetch", Raw::get("/pages").header("sec-fetch-mode", "cors").header("accept", "*/*")),
            ("JSON", Raw::get("/pages").header("accept", "application/json")),
            ("a rule of JSON", browser("GET", "/api")),
        ] {
            let answer = shop.ask(gate, &request).await;
            let context = format!("{name} @ {gate}");
            assert_eq!((answer.status, answer.header("location")), (401, None), "{context}");
            assert_eq!(answer.json()["reason"], "credential_missing", "{context}");
            let challenge = format!("Bearer realm=\"rownd\", resource_metadata=\"{METADATA}\"");
            assert_eq!(answer.all("www-authenticate"), [challenge], "{context}");
        }
        let answer = shop.ask(gate, &Raw::get("/admin").bearer(&guest)).await;
        No::Forbidden.check(&answer, "auth_level_too_low", gate);
        let body = answer.json();
        assert_eq!(
            (&body["rule"], &body["required"]),
            (&json!("admin"), &json!("auth_level: verified"))
        );
    }
}

#[tokio::test]
async fn browsers_that_do_not_navigate_get_the_page() {
    let shop = shop().await;
    for gate in GATES {
        for (name, request, status, reason) in [
            ("a form", browser("POST", "/pages"), 401, "credential_missing"),
            (
                "an old script",
                browser("GET", "/pages").header("x-requested-with", "XMLHttpRequest"),
                401,
                "credential_missing",
            ),
            ("before a rule", browser("GET", "/pages/%zz"), 400, "path_refused"),
        ] {
            let answer = shop.ask(gate, &request).await;
            assert_page(&answer, status, &["<h1>", reason], &format!("{name} @ {gate}"));
        }
    }
}

#[tokio::test]
async fn no_grpc_caller_is_redirected() {
    let shop = shop().await;
    let headers = [("accept", ACCEPT), ("sec-fetch-mode", "navigate")];
    for gate in GATES {
        let to = shop.envoy.gate(gate);
        let answer =
            h2_path(to, "api.example.com", "/pages/Get", "application/grpc", &headers).await;
        assert_eq!(answer.trailer("grpc-status").as_deref(), Some("16"), "{answer:?}");
        assert_eq!(answer.trailer("location"), None, "{answer:?}");
        let message = answer.trailer("grpc-message").unwrap_or_default();
        assert!(message.starts_with("credential_missing"), "{message}");
    }
}
