//! A cookie as the credential: where it may stand, from where it may come, and what
//! an expired one means.

use super::stack::{GATES, No, stack};
use crate::support::{raw::Raw, rownd::USER};

#[tokio::test]
async fn a_cookie_is_a_credential_wherever_it_stands() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    let cookie = format!("app_session={token}");
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
    let post = || Raw::new("POST", "/orders").header("cookie", format!("app_session={token}"));
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
    let cookie = format!("app_session={token}");
    let echoed = stack.pass("raw", &Raw::get("/relaxed").header("cookie", &cookie)).await;
    assert!(echoed.names(|name| name.starts_with("x-rownd-")).is_empty());
    let denied = |request: Raw| async move { stack.ask("raw", &request).await };
    let answer = denied(Raw::get("/optional").header("cookie", &cookie)).await;
    No::BadCredential.check(&answer, "token_expired", "an expired cookie on another route");
    let answer = denied(Raw::get("/relaxed").bearer(&token)).await;
    No::BadCredential.check(&answer, "token_expired", "an expired token in the header");
    let forged = stack.issuer.token("verified").forged().sign();
    let answer =
        denied(Raw::get("/relaxed").header("cookie", format!("app_session={forged}"))).await;
    No::BadCredential.check(&answer, "signature_invalid", "a forged cookie");
}

/// A cookie as Rownd's server-side rendering writes it.
fn rownd_session(token: &str) -> String {
    format!("rownd-session=%7B%22accessToken%22%3A%22{token}%22%7D")
}

#[tokio::test]
async fn the_cookie_of_rownds_server_side_rendering_is_a_credential_until_the_sign_out() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in GATES {
        let with = |path: &str, cookie: String| Raw::get(path).header("cookie", cookie);
        let echoed = stack.pass(gate, &with("/orders", rownd_session(&token))).await;
        assert_eq!(echoed.all("x-rownd-user-id"), [USER], "@ {gate}");
        assert_eq!(echoed.all("cookie"), [rownd_session(&token)], "@ {gate}");
        for signed_out in [
            rownd_session("invalid"),
            "rownd-session=".to_owned(),
            "rownd-session=deleted".to_owned(),
        ] {
            let echoed = stack.pass(gate, &with("/optional", signed_out.clone())).await;
            assert!(echoed.names(|name| name.starts_with("x-rownd-")).is_empty(), "{signed_out}");
            let answer = stack.ask(gate, &with("/orders", signed_out.clone())).await;
            No::Anonymous.check(&answer, "credential_missing", &format!("{signed_out} @ {gate}"));
        }
        for bad in [token.clone(), "%7B%7D".to_owned(), "%7B%22accessToken%22%3Anull%7D".to_owned()]
        {
            let answer = stack.ask(gate, &with("/optional", format!("rownd-session={bad}"))).await;
            No::BadCredential.check(&answer, "token_malformed", gate);
        }
        let post = Raw::new("POST", "/orders").header("cookie", rownd_session(&token));
        let answer = stack.ask(gate, &post).await;
        No::Forbidden.check(&answer, "cookie_cross_site", gate);
        stack.pass(gate, &post.header("origin", "https://api.example.com")).await;
    }
    let expired = stack.issuer.token("verified").expired().sign();
    let request = Raw::get("/relaxed").header("cookie", rownd_session(&expired));
    let echoed = stack.pass("raw", &request).await;
    assert!(echoed.names(|name| name.starts_with("x-rownd-")).is_empty());
}

#[tokio::test]
async fn a_session_cookie_that_differs_from_its_twin_is_a_401_on_every_route() {
    let stack = stack().await;
    let tokens = ["verified", "guest"].map(|user| stack.issuer.token(user).sign());
    let [one, two] = tokens.each_ref().map(|token| rownd_session(token));
    let expired = rownd_session(&stack.issuer.token("verified").expired().sign());
    for gate in GATES {
        for path in ["/orders", "/optional", "/relaxed"] {
            for (name, first, second) in [
                ("two good ones", &one, &two),
                ("a good one and garbage", &one, &"rownd-session=x".to_owned()),
                ("garbage and a good one", &"rownd-session=x".to_owned(), &one),
                ("an expired one and a good one", &expired, &one),
                ("a good one and an emptied one", &one, &"rownd-session=".to_owned()),
            ] {
                let what = format!("{name} @ {gate} {path}");
                let line = Raw::get(path).header("cookie", format!("{first}; {second}"));
                let lines = Raw::get(path).header("cookie", first).header("cookie", second);
                for request in [line, lines] {
                    let answer = stack.ask(gate, &request).await;
                    No::BadCredential.check(&answer, "session_cookie_repeated", &what);
                }
            }
            let same = Raw::get(path).header("cookie", &one).header("cookie", &one);
            assert_eq!(stack.pass(gate, &same).await.all("x-rownd-user-id"), [USER]);
            let header =
                Raw::get(path).bearer(&tokens[0]).header("cookie", format!("{one}; {two}"));
            let answer = stack.ask(gate, &header).await;
            No::Conflict.check(&answer, "credentials_ambiguous", gate);
        }
        let public = Raw::get("/public").header("cookie", format!("{one}; {two}"));
        stack.pass(gate, &public).await;
    }
}
