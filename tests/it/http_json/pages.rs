//! Calls from web pages: CORS.

use serde_json::json;

use super::{JSON, SERVICE, address, bearer, start, with};
use crate::{it::rownd_auth::ADMIN, support::http::request};

const ADMIN_PAGE: &str = "https://admin.example.com";

async fn with_pages() -> crate::it::rownd_auth::Rig {
    with(|settings| {
        settings["listeners"]["http"]["cors"] = json!({
            "allowed_origins": [ADMIN_PAGE, "https://*.pages.test", "http://localhost:3000"],
            "max_age": "5m",
        });
    })
    .await
}

#[tokio::test]
async fn only_pages_of_the_list_may_call() {
    let rig = with_pages().await;
    let body = json!({ "token": rig.token("ann") }).to_string();
    for (origins, expected) in [
        (&[][..], 200),
        (&[ADMIN_PAGE], 200),
        (&["https://a.pages.test"], 200),
        (&["http://localhost:3000"], 200),
        (&["https://pages.test"], 403),
        (&["http://admin.example.com"], 403),
        (&["https://admin.example.com.evil.test"], 403),
        (&["https://evil.test"], 403),
        (&["null"], 403),
        (&["*"], 403),
        (&[""], 403),
        (&[ADMIN_PAGE, "https://evil.test"], 403),
    ] {
        let named: String = origins.iter().map(|one| format!("origin: {one}\r\n")).collect();
        let headers = format!("{JSON}{}{named}", bearer(ADMIN));
        let answer =
            request(address(&rig), &format!("POST {SERVICE}Verify"), &headers, &body).await;
        assert_eq!(answer.status, expected, "{origins:?}: {}", answer.body);
        assert_eq!(answer.body.contains("ann"), expected == 200, "{origins:?}");
        let allowed = answer.head.to_lowercase().contains("access-control-allow-origin");
        assert_eq!(allowed, expected == 200 && !origins.is_empty(), "{}", answer.head);
        assert!(!answer.head.to_lowercase().contains("access-control-allow-credentials"));
        if allowed {
            assert_eq!(answer.header("access-control-allow-origin"), origins[0]);
            assert!(answer.header("vary").contains("origin"), "{}", answer.head);
            assert!(answer.header("access-control-expose-headers").contains("grpc-status"));
        }
    }
    // An error is readable for the page too.
    let headers = format!("{JSON}origin: {ADMIN_PAGE}\r\n");
    let answer = request(address(&rig), &format!("POST {SERVICE}Verify"), &headers, "{}").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, ADMIN_PAGE));
}

#[tokio::test]
async fn a_preflight_is_answered_for_pages_of_the_list() {
    let rig = with_pages().await;
    let ask = "access-control-request-method: POST\r\n\
               access-control-request-headers: authorization,content-type\r\n";
    let line = format!("OPTIONS {SERVICE}Verify");
    let answer = request(address(&rig), &line, &format!("origin: {ADMIN_PAGE}\r\n{ask}"), "").await;
    assert!(matches!(answer.status, 200 | 204), "{}", answer.head);
    assert_eq!(answer.body, "");
    assert_eq!(answer.header("access-control-allow-origin"), ADMIN_PAGE);
    assert_eq!(answer.header("access-control-allow-methods"), "POST");
    assert_eq!(answer.header("access-control-max-age"), "300");
    let headers = answer.header("access-control-allow-headers").to_lowercase();
    for name in ["authorization", "content-type", "connect-protocol-version", "x-grpc-web"] {
        assert!(headers.contains(name), "{headers}");
    }
    assert!(!answer.head.contains('*'), "{}", answer.head);
    let stranger = format!("origin: https://evil.test\r\n{ask}");
    let answer = request(address(&rig), &line, &stranger, "").await;
    assert_eq!(answer.status, 403);
    assert!(!answer.head.to_lowercase().contains("access-control"), "{}", answer.head);
    // It reaches no method, whatever secret comes along.
    let calls = rig.app.metric("rownd_authz_rpcs_total", &[]);
    assert_eq!(calls, 0.0);
}

#[tokio::test]
async fn without_a_list_no_page_may_call() {
    let rig = start().await;
    for origin in [ADMIN_PAGE, "http://127.0.0.1", "null"] {
        for line in [format!("POST {SERVICE}Verify"), format!("OPTIONS {SERVICE}Verify")] {
            let headers = format!(
                "{JSON}{}origin: {origin}\r\naccess-control-request-method: POST\r\n",
                bearer(ADMIN)
            );
            let answer = request(address(&rig), &line, &headers, "{}").await;
            assert_eq!(answer.status, 403, "{origin} {line}");
        }
    }
    // The document is for everybody.
    let answer =
        request(address(&rig), "GET /openapi.json", "origin: https://a.test\r\n", "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
}
