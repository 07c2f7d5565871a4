//! A cookie as the credential: where it may stand, from where it may come, and what
//! an expired one means.

use super::stack::{GATES, No, stack};
use crate::support::{raw::Raw, rownd::USER};

#[tokio::test]
async fn a_cookie_is_a_credential_wherever_it_stands() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let cookie = format!("rownd_token={token}");
    for gate in GATES {
        for (name, request) in [
            ("alone", Raw::get("/").header("cookie", &cookie)),
            ("between others", Raw::get("/").header("cookie", format!("a=1; {cookie}; b=2"))),
            ("in the second line", Raw::get("/").header("cookie", "a=1").header("cookie", &cookie)),
            ("in the first line", Raw::get("/").header("cookie", &cookie).header("cookie", "a=1")),
            ("as the header has it", Raw::get("/").bearer(&token).header("cookie", &cookie)),
        ] {
            let answer = stack.ask(gate, &request).await;
            assert_eq!(answer.status, 200, "{name} @ {gate}: {}", answer.text());
            assert_eq!(answer.echo().all("x-rownd-user-id"), [USER], "{name} @ {gate}");
        }
    }
}

#[tokio::test]
async fn a_cookie_that_changes_state_needs_the_same_site() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let post = || Raw::new("POST", "/orders").header("cookie", format!("rownd_token={token}"));
    for gate in GATES {
        for (name, request) in [
            ("no proof", post()),
            ("another origin", post().header("origin", "https://evil.test")),
            ("a null origin", post().header("origin", "null")),
            ("another site", post().header("sec-fetch-site", "cross-site")),
            (
                "a site that contradicts the origin",
                post()
                    .header("sec-fetch-site", "same-origin")
                    .header("origin", "https://evil.test"),
            ),
        ] {
            let answer = stack.ask(gate, &request).await;
            No::Forbidden.check(&answer, "cookie_cross_site", &format!("{name} @ {gate}"));
        }
        stack.pass(gate, &post().header("origin", "https://api.example.com")).await;
        stack.pass(gate, &post().header("sec-fetch-site", "same-origin")).await;
    }
}

#[tokio::test]
async fn an_expired_cookie_is_nobody_where_the_route_says_so() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").expired().sign();
    let cookie = format!("rownd_token={token}");
    let echoed = stack.pass("raw", &Raw::get("/relaxed").header("cookie", &cookie)).await;
    assert!(echoed.names(|name| name.starts_with("x-rownd-")).is_empty());
    let denied = |request: Raw| async move { stack.ask("raw", &request).await };
    let answer = denied(Raw::get("/optional").header("cookie", &cookie)).await;
    No::BadCredential.check(&answer, "token_expired", "an expired cookie on another route");
    let answer = denied(Raw::get("/relaxed").bearer(&token)).await;
    No::BadCredential.check(&answer, "token_expired", "an expired token in the header");
    let forged = stack.issuer.token("verified").forged().sign();
    let answer =
        denied(Raw::get("/relaxed").header("cookie", format!("rownd_token={forged}"))).await;
    No::BadCredential.check(&answer, "signature_invalid", "a forged cookie");
}
