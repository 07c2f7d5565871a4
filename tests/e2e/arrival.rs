//! The shapes a check arrives in, one test a row: joined or raw headers, few headers,
//! ids, named routes, bodies, a network filter, and what the access log says after.

use super::stack::{GATES, No, stack};
use crate::support::{
    raw::{Raw, exchange},
    rownd::{APP, USER},
};

#[tokio::test]
async fn odd_bytes_in_a_token_make_it_a_bad_token_and_elsewhere_do_no_harm() {
    let stack = stack().await;
    let mut value = b"Bearer ".to_vec();
    value.extend_from_slice(stack.issuer.token("verified").sign().as_bytes());
    value.push(0xff);
    for gate in GATES {
        let answer = stack.ask(gate, &Raw::get("/orders").header("authorization", &value)).await;
        No::BadCredential.check(&answer, "token_malformed", gate);
        let token = stack.issuer.token("verified").sign();
        let request = Raw::get("/orders").bearer(&token).header("x-odd", b"\xff\xfe");
        assert_eq!(stack.pass(gate, &request).await.all("x-rownd-user-id"), [USER]);
    }
}

#[tokio::test]
async fn the_request_id_is_the_clients_if_it_is_short_and_plain_else_that_of_the_proxy() {
    let stack = stack().await;
    let ask = |gate: &'static str, id: String| async move {
        let request = Raw::get("/orders").header("x-request-id", id);
        let answer = stack.ask(gate, &request).await;
        answer.json()["request_id"].as_str().expect("a request id").to_owned()
    };
    for gate in ["joined", "raw"] {
        let longest = "i".repeat(64);
        assert_eq!(ask(gate, longest.clone()).await, longest);
        for bad in ["i".repeat(65), "with space".to_owned(), "caf\u{e9}".to_owned()] {
            let id = ask(gate, bad.clone()).await;
            assert_ne!(id, bad);
            assert!(id.bytes().all(|byte| byte.is_ascii_digit()), "{id:?} is Envoy's stream id");
        }
    }
    // Where Envoy does not show us the header there is only its own id.
    let id = ask("few", "mine".to_owned()).await;
    assert!(id.bytes().all(|byte| byte.is_ascii_digit()), "{id:?}");
}

#[tokio::test]
async fn fields_count_where_the_headers_are_few() {
    let stack = stack().await;
    let token = stack.issuer.token("guest").sign();
    let answer = stack.ask("few", &Raw::get("/verified").bearer(&token)).await;
    No::Forbidden.check(&answer, "auth_level_too_low", "the path comes from its own field");
    stack.pass("few", &Raw::get("/orders").host("public.example.org")).await;
    stack.pass("few", &Raw::get("/method")).await;
}

#[tokio::test]
async fn a_route_named_by_envoy_is_the_one_that_counts() {
    let stack = stack().await;
    let guest = stack.issuer.token("guest").sign();
    let verified = stack.issuer.token("verified").sign();
    for path in ["/named", "/public/named"] {
        let answer = stack.ask("routes", &Raw::get(path)).await;
        No::Anonymous.check(&answer, "credential_missing", path);
        let answer = stack.ask("routes", &Raw::get(path).bearer(&guest)).await;
        No::Forbidden.check(&answer, "auth_level_too_low", path);
        stack.pass("routes", &Raw::get(path).bearer(&verified)).await;
    }
    stack.pass("routes", &Raw::get("/opened")).await;
    let answer = stack.ask("routes", &Raw::get("/unknown").bearer(&verified)).await;
    No::Unavailable.check(&answer, "route_unknown", "a name that is not configured");
    // No header of a client can name a route.
    let request = Raw::get("/named").header("route", "public").header("x-route", "public");
    No::Anonymous.check(&stack.ask("routes", &request).await, "credential_missing", "spoofed");
}

#[tokio::test]
async fn an_annotated_route_is_the_one_that_counts() {
    let stack = stack().await;
    let guest = stack.issuer.token("guest").sign();
    let verified = stack.issuer.token("verified").sign();
    for path in ["/named", "/public/named"] {
        let answer = stack.ask("annotated", &Raw::get(path)).await;
        No::Anonymous.check(&answer, "credential_missing", path);
        let answer = stack.ask("annotated", &Raw::get(path).bearer(&guest)).await;
        No::Forbidden.check(&answer, "auth_level_too_low", path);
        stack.pass("annotated", &Raw::get(path).bearer(&verified)).await;
    }
    for path in ["/opened", "/agreed", "/public"] {
        stack.pass("annotated", &Raw::get(path)).await;
    }
    for path in ["/unknown", "/differs"] {
        let answer = stack.ask("annotated", &Raw::get(path).bearer(&verified)).await;
        No::Unavailable.check(&answer, "route_unknown", path);
    }
    // Shown to nobody, it says nothing: the rules go by what they match.
    stack.pass("unshown", &Raw::get("/named").bearer(&guest)).await;
    No::Anonymous.check(
        &stack.ask("unshown", &Raw::get("/opened")).await,
        "credential_missing",
        "",
    );
    stack.pass("unshown", &Raw::get("/differs")).await;
}

#[tokio::test]
async fn where_envoy_does_not_ask_we_have_no_say() {
    let stack = stack().await;
    let echoed = stack.pass("routes", &Raw::get("/off").header("x-rownd-user-id", "evil")).await;
    // The reason to strip at the edge, and to disable the check nowhere.
    assert_eq!(echoed.all("x-rownd-user-id"), ["evil"]);
}

#[tokio::test]
async fn a_body_in_the_check_changes_nothing() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for body in [vec![], vec![b'x'; 100], vec![0xff; 100_000]] {
        let post = || Raw::new("POST", "/orders").body(body.clone());
        let answer = stack.ask("body", &post()).await;
        No::Anonymous.check(&answer, "credential_missing", "no token");
        let echoed = stack.pass("body", &post().bearer(&token)).await;
        assert_eq!(echoed.body_length, body.len());
        assert_eq!(echoed.method, "POST");
    }
}

#[tokio::test]
async fn a_network_filter_is_denied_because_there_is_no_request() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let request = Raw::get("/public").bearer(&token).bytes();
    let denials = || stack.product.metric("rownd_authz_checks_total", &["request_missing"]);
    let before = denials().await;
    let answer = exchange(stack.envoy.gate("network"), &request, false).await;
    assert!(answer.is_none(), "the connection is closed: {answer:?}");
    assert!(denials().await > before, "the denial is counted by its reason");
}

#[tokio::test]
async fn a_head_request_is_denied_without_a_body() {
    let stack = stack().await;
    for gate in GATES {
        let answer = stack.ask(gate, &Raw::new("HEAD", "/orders")).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"rownd\""));
        assert!(answer.header("content-length").is_some_and(|length| length != "0"));
    }
}

#[tokio::test]
async fn the_access_log_says_why_on_allow() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let id = "allow-in-the-log";
    let request = Raw::get("/orders").bearer(&token).header("x-request-id", id);
    stack.pass("raw", &request).await;
    let line = stack.envoy.access(id).await;
    for (key, value) in [
        ("outcome", "allow"),
        ("reason", "authenticated"),
        ("rule", "default"),
        ("user_id", USER),
        ("auth_level", "verified"),
        ("app_id", APP),
        ("issuer", "rownd"),
        ("request_id", id),
    ] {
        assert_eq!(line["authz"][key], value, "{key} in {line}");
    }
    assert!(!line.to_string().contains(&token));
}

#[tokio::test]
async fn the_access_log_says_why_on_deny() {
    let stack = stack().await;
    let guest = stack.issuer.token("guest").sign();
    let old = stack.issuer.token("guest").expired().sign();
    let old = Raw::get("/orders").bearer(&old);
    let whose = Some("rownd");
    for (id, request, rule, reason, issuer) in [
        ("deny-nobody", Raw::get("/orders"), "default", "credential_missing", None),
        (
            "deny-guest",
            Raw::get("/verified").bearer(&guest),
            "verified",
            "auth_level_too_low",
            whose,
        ),
        ("deny-bad", Raw::get("/optional").bearer("bad"), "optional", "token_malformed", None),
        ("deny-old", old.clone(), "default", "token_expired", whose),
        ("deny-old-again", old, "default", "token_expired", whose),
    ] {
        stack.ask("raw", &request.header("x-request-id", id)).await;
        let line = stack.envoy.access(id).await;
        assert_eq!(line["details"], "ext_authz_denied", "{line}");
        for (key, value) in
            [("outcome", "deny"), ("reason", reason), ("rule", rule), ("request_id", id)]
        {
            assert_eq!(line["authz"][key], value, "{key} in {line}");
        }
        let user = if id == "deny-guest" { Some(USER) } else { None };
        assert_eq!(line["authz"]["user_id"].as_str(), user, "{line}");
        assert_eq!(line["authz"]["issuer"].as_str(), issuer, "{line}");
    }
}
