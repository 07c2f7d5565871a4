//! Browsers and gRPC callers: preflights, CORS around a denial, gRPC and gRPC-Web.

use super::stack::{GATES, No, stack};
use crate::support::{
    raw::{Raw, h2_path, h2_request},
    rownd::USER,
};

const HOST: &str = "api.example.com";

fn preflight(path: &str) -> Raw {
    Raw::new("OPTIONS", path)
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
}

#[tokio::test]
async fn a_strict_preflight_passes_where_the_route_says_so_and_is_counted() {
    let stack = stack().await;
    let counted = || stack.product.metric("rownd_authz_checks_total", &["cors_preflight"]);
    for gate in GATES {
        let before = counted().await;
        let request = preflight("/browser").header("x-rownd-user-id", "evil");
        let echoed = stack.pass(gate, &request).await;
        assert!(echoed.names(|name| name.starts_with("x-rownd-")).is_empty(), "@ {gate}");
        assert!(counted().await > before, "@ {gate}");
    }
}

#[tokio::test]
async fn anything_less_than_a_preflight_does_not_pass() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let options = || Raw::new("OPTIONS", "/browser");
    for gate in GATES {
        for (name, request) in [
            ("no headers", options()),
            ("no method asked for", options().header("origin", "https://app.example.com")),
            ("no origin", options().header("access-control-request-method", "POST")),
            ("another method", preflight("/browser").method("GET")),
            ("another route", preflight("/orders")),
            (
                "an override",
                Raw::new("DELETE", "/browser")
                    .header("x-http-method-override", "OPTIONS")
                    .header("origin", "https://app.example.com")
                    .header("access-control-request-method", "POST"),
            ),
            ("a Basic credential", preflight("/browser").header("authorization", "Basic eA==")),
        ] {
            let answer = stack.ask(gate, &request).await;
            No::Anonymous.check(&answer, "credential_missing", &format!("{name} @ {gate}"));
        }
        let answer = stack.ask(gate, &preflight("/browser").bearer("bad")).await;
        No::BadCredential.check(&answer, "token_malformed", "a preflight with a bad credential");
        stack.pass(gate, &preflight("/browser").bearer(&token)).await;
    }
}

#[tokio::test]
async fn envoys_cors_filter_answers_preflights_and_decorates_denials() {
    let stack = stack().await;
    let answer = stack.ask("cors", &preflight("/orders")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.is_empty(), "Envoy answers by itself");
    let answer =
        stack.ask("cors", &Raw::get("/orders").header("origin", "https://app.example.com")).await;
    No::Anonymous.check(&answer, "credential_missing", "behind the CORS filter");
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.com"));
}

#[tokio::test]
async fn a_grpc_caller_gets_a_status_and_a_plain_message() {
    let stack = stack().await;
    let cases: [(&str, &[(&str, &str)]); 3] = [
        ("nobody", &[]),
        ("a bad token", &[("authorization", "Bearer bad")]),
        ("two tokens", &[("authorization", "Bearer a"), ("authorization", "Bearer b")]),
    ];
    for gate in GATES {
        for content_type in ["application/grpc", "application/grpc+proto"] {
            for (name, headers) in cases {
                let answer = h2_request(stack.envoy.gate(gate), HOST, content_type, headers).await;
                let context = format!("{name} @ {gate}: {answer:?}");
                assert_eq!(answer.status, 200, "{context}");
                assert_eq!(answer.trailer("grpc-status").as_deref(), Some("16"), "{context}");
                let message = answer.trailer("grpc-message").unwrap_or_default();
                assert!(!message.is_empty() && !message.contains('{'), "{context}");
                assert!(answer.data.is_empty(), "{context}");
            }
        }
    }
}

#[tokio::test]
async fn a_grpc_caller_without_rights_gets_7_and_one_we_cannot_judge_3() {
    let stack = stack().await;
    let guest = format!("Bearer {}", stack.issuer.token("guest").sign());
    let to = stack.envoy.gate("raw");
    let headers = [("authorization", guest.as_str())];
    let answer = h2_path(to, HOST, "/verified/Buy", "application/grpc", &headers).await;
    assert_eq!(answer.trailer("grpc-status").as_deref(), Some("7"), "{answer:?}");
    let answer = h2_path(to, HOST, "/a/../Buy", "application/grpc", &headers).await;
    assert_eq!(answer.trailer("grpc-status").as_deref(), Some("3"), "{answer:?}");
    let to = stack.envoy.gate("routes");
    let answer = h2_path(to, HOST, "/unknown/Buy", "application/grpc", &headers).await;
    assert_eq!(answer.trailer("grpc-status").as_deref(), Some("14"), "{answer:?}");
}

#[tokio::test]
async fn a_grpc_caller_with_a_token_reaches_the_service() {
    let stack = stack().await;
    let bearer = format!("Bearer {}", stack.issuer.token("verified").sign());
    for gate in GATES {
        let headers = [("authorization", bearer.as_str()), ("x-rownd-user-id", "evil")];
        let answer = h2_request(stack.envoy.gate(gate), HOST, "application/grpc", &headers).await;
        assert_eq!(answer.trailer("grpc-status").as_deref(), Some("0"), "{answer:?}");
        assert_eq!(answer.echo().all("x-rownd-user-id"), [USER], "@ {gate}");
    }
}

#[tokio::test]
async fn a_grpc_web_caller_can_read_the_denial_on_both_sides_of_the_translation() {
    let stack = stack().await;
    let plain = |text: &str| !text.is_empty() && !text.contains('{');
    for content_type in ["application/grpc-web", "application/grpc-web+proto"] {
        let answer = h2_request(stack.envoy.gate("web_before"), HOST, content_type, &[]).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.trailer("grpc-status").as_deref(), Some("16"), "{answer:?}");
        assert!(plain(&answer.trailer("grpc-message").unwrap_or_default()), "{answer:?}");
    }
    // The text form is base64, which only Envoy's filter would look at.
    for content_type in
        ["application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text"]
    {
        let answer = h2_request(stack.envoy.gate("web_after"), HOST, content_type, &[]).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.trailer("grpc-status").as_deref(), Some("16"), "{answer:?}");
        assert!(plain(&String::from_utf8_lossy(&answer.data)), "{answer:?}");
    }
}

#[tokio::test]
async fn http2_cookies_in_crumbs_are_one_cookie_header() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let crumb = format!("app_session={token}");
    for gate in GATES {
        let headers =
            [("cookie", "a=1"), ("cookie", crumb.as_str()), ("origin", "http://api.example.com")];
        let answer = h2_request(stack.envoy.gate(gate), HOST, "application/grpc", &headers).await;
        assert_eq!(answer.trailer("grpc-status").as_deref(), Some("0"), "@ {gate}: {answer:?}");
        let twice = [("cookie", crumb.as_str()), ("cookie", crumb.as_str())];
        let answer = h2_request(stack.envoy.gate(gate), HOST, "application/grpc", &twice).await;
        assert_eq!(answer.trailer("grpc-status").as_deref(), Some("16"), "@ {gate}: {answer:?}");
        let session =
            |token: &str| format!("rownd-session=%7B%22accessToken%22%3A%22{token}%22%7D");
        let (one, two) = (session(&token), session("x"));
        for (second, status) in [(&one, "0"), (&two, "16")] {
            let crumbs = [
                ("cookie", one.as_str()),
                ("cookie", second.as_str()),
                ("origin", "http://api.example.com"),
            ];
            let answer =
                h2_request(stack.envoy.gate(gate), HOST, "application/grpc", &crumbs).await;
            assert_eq!(answer.trailer("grpc-status").as_deref(), Some(status), "{answer:?}");
            let repeated =
                answer.trailer("grpc-message").is_some_and(|text| text.contains("stands in"));
            assert_eq!(repeated, status == "16", "@ {gate}: {answer:?}");
        }
    }
}
