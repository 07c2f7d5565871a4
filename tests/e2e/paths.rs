//! Paths that can be read in several ways. In every reading, no request passes that
//! the strictest of them would stop.

use super::stack::{No, stack};
use crate::support::raw::Raw;

/// From an open prefix into a closed one, or dressed up as the open one.
const AMBIGUOUS: [&str; 34] = [
    "/public/../orders",
    "/public/..",
    "/public/./../orders",
    "/public/%2e%2e/orders",
    "/public/.%2e/orders",
    "/public/%2E./orders",
    "/public%2f..%2forders",
    "/public/..%2forders",
    "/public/%252e%252e/orders",
    "/public/..%252forders",
    "/public/%25252e%25252e/orders",
    "/public\\..\\orders",
    "/public/..\\orders",
    "/public%5c..%5corders",
    "/public/..;/orders",
    "/public/..;x=1/orders",
    "/public/.;/../orders",
    "/public;/../orders",
    "/public;x/%2e%2e/orders",
    "//orders/public",
    "//public",
    "/orders//../public",
    "/./public/../orders",
    "/%70ublic",
    "/publi%63",
    "/%2570ublic",
    "/public%00",
    "/public%0a",
    "/public%zz",
    "/public%",
    "/public/%2e%2e%2forders%3f",
    "/Public",
    "/public%2forders/../../orders",
    "/publicity",
];

#[tokio::test]
async fn no_reading_of_a_path_opens_a_door() {
    let stack = stack().await;
    for gate in ["joined", "raw", "normal"] {
        for path in AMBIGUOUS {
            let answer = stack.ask(gate, &Raw::get(path)).await;
            if answer.status != 200 {
                assert!([400, 401].contains(&answer.status), "{path} @ {gate}: {}", answer.status);
                continue;
            }
            // Let through is right only where the service reads the open path, too.
            let echoed = answer.echo();
            let seen = echoed.path.clone();
            assert!(
                gate == "normal" && (seen == "/public" || seen.starts_with("/public/")),
                "{path} @ {gate} reached the service as {seen}"
            );
            assert!(!seen.contains("..") && !seen.contains('%'), "{path} @ {gate}: {seen}");
        }
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_judged_is_a_400() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in ["joined", "raw"] {
        for path in ["/public/../orders", "/orders%2f..", "/a\\b", "/a%00", "/a%zz", "/a%"] {
            for request in [Raw::get(path), Raw::get(path).bearer(&token)] {
                let answer = stack.ask(gate, &request).await;
                No::Refused.check(&answer, "path_refused", &format!("{path} @ {gate}"));
            }
        }
    }
}

#[tokio::test]
async fn a_route_may_ask_for_odd_paths_to_be_judged() {
    let stack = stack().await;
    for gate in ["joined", "raw"] {
        stack.pass(gate, &Raw::get("/judged/a%2fb")).await;
        stack.pass(gate, &Raw::get("/judged/a/../b")).await;
        for path in ["/judged/../orders", "/judged%2f..%2forders", "/judged/..%2fverified"] {
            let answer = stack.ask(gate, &Raw::get(path)).await;
            assert!([400, 401].contains(&answer.status), "{path} @ {gate}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn plain_paths_and_queries_are_judged_as_they_stand() {
    let stack = stack().await;
    for gate in ["joined", "raw", "normal"] {
        for path in ["/public", "/public/", "/public/x", "/public?a=../orders", "/public?a=%2f%00"]
        {
            let echoed = stack.pass(gate, &Raw::get(path)).await;
            assert_eq!(echoed.path, path, "@ {gate}");
        }
        for path in ["/orders?x=/public", "/?/public", "/x/public", "/publi"] {
            let answer = stack.ask(gate, &Raw::get(path)).await;
            No::Anonymous.check(&answer, "credential_missing", &format!("{path} @ {gate}"));
        }
    }
}

#[tokio::test]
async fn an_absolute_target_is_judged_by_its_own_host_and_path() {
    let stack = stack().await;
    for gate in ["joined", "raw"] {
        let request = Raw::get("http://public.example.org/orders").host("api.example.com");
        let echoed = stack.pass(gate, &request).await;
        assert_eq!(echoed.all("host"), ["public.example.org"], "what was judged is what is served");
        let request = Raw::get("http://api.example.com/orders").host("public.example.org");
        let answer = stack.ask(gate, &request).await;
        No::Anonymous.check(&answer, "credential_missing", "an absolute target");
    }
}

#[tokio::test]
async fn headers_that_claim_another_path_are_not_read() {
    let stack = stack().await;
    let mut request = Raw::get("/orders");
    for name in [
        "x-envoy-original-path",
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
        "x-forwarded-uri",
        "x-forwarded-host",
        "x-http-method-override",
    ] {
        request = request.header(name, "/public");
    }
    for gate in ["joined", "raw"] {
        let answer = stack.ask(gate, &request).await;
        No::Anonymous.check(&answer, "credential_missing", gate);
    }
}

#[tokio::test]
async fn a_host_is_matched_whatever_its_case_and_port_and_nothing_else() {
    let stack = stack().await;
    for gate in ["joined", "raw"] {
        for host in ["public.example.org", "PUBLIC.example.ORG", "public.example.org:8080"] {
            stack.pass(gate, &Raw::get("/orders").host(host)).await;
        }
        for host in ["public.example.org.evil.test", "xpublic.example.org", "a.public.example.org"]
        {
            let answer = stack.ask(gate, &Raw::get("/orders").host(host)).await;
            No::Anonymous.check(&answer, "credential_missing", host);
        }
        for host in
            ["public.example.org@evil.test", "public.example.org/", "evil.test#public.example.org"]
        {
            let answer = stack.ask(gate, &Raw::get("/orders").host(host)).await;
            assert!([400, 401].contains(&answer.status), "{host}: {}", answer.status);
        }
    }
}
