//! Credentials through Envoy: none, good, bad, too many; on required, optional and
//! public routes.

use super::stack::{GATES, No, config, stack};
use crate::support::{
    echo::Echo,
    envoy::EnvoyBuilder,
    eventually,
    gate::Gate,
    product::{Product, Until},
    raw::Raw,
    rownd::{APP, KeyService, Rownd, USER},
};

#[tokio::test]
async fn without_a_token_a_required_route_answers_401_and_a_bare_challenge() {
    let stack = stack().await;
    for gate in GATES {
        let answer = stack.ask(gate, &Raw::get("/orders")).await;
        No::Anonymous.check(&answer, "credential_missing", gate);
    }
}

#[tokio::test]
async fn a_verified_user_reaches_the_service_with_an_identity() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in GATES {
        let echoed = stack.pass(gate, &Raw::get("/orders?page=2").bearer(&token)).await;
        assert_eq!(echoed.path, "/orders?page=2", "@ {gate}");
        for (name, value) in [
            ("x-rownd-user-id", USER),
            ("x-rownd-auth-level", "verified"),
            ("x-rownd-verified", "true"),
            ("x-rownd-app-id", APP),
            ("x-rownd-issuer", "rownd"),
        ] {
            assert_eq!(echoed.all(name), [value], "{name} @ {gate}");
        }
        assert_ne!(echoed.all("x-rownd-anonymous"), ["true"], "@ {gate}");
    }
}

#[tokio::test]
async fn a_guest_is_never_verified() {
    let stack = stack().await;
    let token = stack.issuer.token("guest").sign();
    for gate in GATES {
        let answer = stack.ask(gate, &Raw::get("/verified/x").bearer(&token)).await;
        No::Forbidden.check(&answer, "auth_level_too_low", gate);
        let echoed = stack.pass(gate, &Raw::get("/orders").bearer(&token)).await;
        assert_eq!(echoed.all("x-rownd-auth-level"), ["guest"]);
        assert_eq!(echoed.all("x-rownd-anonymous"), ["true"]);
        assert_ne!(echoed.all("x-rownd-verified"), ["true"]);
    }
}

#[tokio::test]
async fn a_level_that_nobody_knows_is_not_a_high_one() {
    let stack = stack().await;
    for level in ["root", "VERIFIED", ""] {
        let token =
            stack.issuer.token("verified").claim("https://auth.rownd.io/auth_level", level).sign();
        let answer = stack.ask("raw", &Raw::get("/verified").bearer(&token)).await;
        assert!([401, 403].contains(&answer.status), "{level:?}: {answer:?}");
        let answer = stack.ask("raw", &Raw::get("/orders").bearer(&token)).await;
        if answer.status == 200 {
            assert_ne!(answer.echo().all("x-rownd-verified"), ["true"], "{level:?}");
        }
    }
}

#[tokio::test]
async fn a_step_up_route_asks_for_a_stronger_sign_in() {
    let stack = stack().await;
    let token = stack.issuer.token("unverified").sign();
    let answer = stack.ask("raw", &Raw::get("/stepup").bearer(&token)).await;
    No::StepUp.check(&answer, "step_up_required", "raw");
    let challenge = answer.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("acr_values=\"verified\""), "{challenge}");
}

/// Bad credentials, each with the reason it is refused for.
fn bad_tokens(issuer: &Rownd) -> Vec<(&'static str, String, &'static str)> {
    let good = || issuer.token("verified");
    let signed = good().sign();
    let (unsigned, _) = signed.rsplit_once('.').expect("three parts");
    vec![
        ("forged", good().forged().sign(), "signature_invalid"),
        ("without its signature", format!("{unsigned}."), "token_malformed"),
        ("in two parts", unsigned.to_owned(), "token_malformed"),
        ("in four parts", format!("{signed}.x"), "token_malformed"),
        ("expired", good().expired().sign(), "token_expired"),
        (
            "of another app",
            good().claim("aud", ["app:other"].as_slice()).sign(),
            "audience_mismatch",
        ),
        ("of another issuer", good().claim("iss", "https://evil.test").sign(), "issuer_untrusted"),
        (
            "for refreshing",
            good().claim("https://auth.rownd.io/jwt_type", "refresh_token").sign(),
            "token_kind_refused",
        ),
        ("signed by HMAC, it says", good().header("alg", "HS256").sign(), "algorithm_refused"),
        ("signed by nothing, it says", good().header("alg", "none").sign(), "algorithm_refused"),
        (
            "with a critical header",
            good().header("crit", ["exp"].as_slice()).sign(),
            "token_header_refused",
        ),
        ("that is a word", "garbage".to_owned(), "token_malformed"),
        ("with odd characters", format!("{signed}!"), "token_malformed"),
        ("that is two words", format!("{signed} {signed}"), "token_malformed"),
        ("that is nothing", String::new(), "token_malformed"),
        ("of a hundred thousand letters", "a".repeat(100_000), "token_too_large"),
    ]
}

#[tokio::test]
async fn a_bad_credential_is_denied_on_required_and_on_optional_routes() {
    let stack = stack().await;
    for (name, token, reason) in bad_tokens(&stack.issuer) {
        for (gate, path) in [("joined", "/orders"), ("raw", "/orders"), ("raw", "/optional")] {
            let answer = stack.ask(gate, &Raw::get(path).bearer(&token)).await;
            No::BadCredential.check(&answer, reason, &format!("a token {name} @ {gate} {path}"));
            assert!(
                token.len() < 20 || !answer.text().contains(&token),
                "the body holds the token"
            );
        }
    }
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case_and_with_any_white_space() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in GATES {
        for scheme in ["bearer ", "BEARER ", "Bearer    ", "Bearer \t", "\t Bearer "] {
            let value = format!("{scheme}{token}  ");
            let echoed = stack.pass(gate, &Raw::get("/").header("AUTHORIZATION", &value)).await;
            assert_eq!(echoed.all("x-rownd-user-id"), [USER], "{scheme:?} @ {gate}");
        }
    }
}

#[tokio::test]
async fn a_scheme_that_is_not_ours_is_no_credential_and_stays() {
    let stack = stack().await;
    for gate in GATES {
        for value in ["Basic dXNlcjpwYXNz", "Bearerx", "BearerToken abc", "DPoP x.y.z", "x"] {
            let request = |path| Raw::get(path).header("authorization", value);
            let echoed = stack.pass(gate, &request("/optional")).await;
            assert_eq!(echoed.all("authorization"), [value], "@ {gate}");
            assert!(echoed.names(|name| name.starts_with("x-rownd-")).is_empty());
            let answer = stack.ask(gate, &request("/orders")).await;
            No::Anonymous.check(&answer, "credential_missing", value);
        }
    }
}

#[tokio::test]
async fn a_token_without_its_scheme_is_told_so() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in GATES {
        for value in [
            token.clone(),
            format!("Bearer: {token}"),
            format!("Bearer{token}"),
            format!("\"Bearer {token}\""),
            format!("Authorization: Bearer {token}"),
        ] {
            for path in ["/orders", "/optional"] {
                let request = Raw::get(path).header("authorization", &value);
                let answer = stack.ask(gate, &request).await;
                No::BadCredential.check(&answer, "authorization_malformed", gate);
                assert!(!answer.text().contains(&token), "the body holds the token");
            }
            let public = Raw::get("/public").header("authorization", &value);
            assert_eq!(stack.pass(gate, &public).await.all("authorization"), [value]);
        }
    }
}

#[tokio::test]
async fn a_public_route_never_reads_a_credential() {
    let stack = stack().await;
    let token = stack.issuer.token("verified").sign();
    for gate in GATES {
        for value in [format!("Bearer {token}"), "Bearer garbage".to_owned()] {
            let echoed =
                stack.pass(gate, &Raw::get("/public").header("authorization", &value)).await;
            assert_eq!(echoed.all("authorization"), [value]);
            assert!(echoed.names(|name| name.starts_with("x-rownd-")).is_empty());
        }
        stack.pass(gate, &Raw::get("/orders").host("public.example.org")).await;
        stack.pass(gate, &Raw::get("/method")).await;
        let answer = stack.ask(gate, &Raw::new("POST", "/method")).await;
        No::Anonymous.check(&answer, "credential_missing", "a method that no rule opens");
    }
}

#[tokio::test]
async fn two_credentials_are_refused_also_where_they_are_the_same() {
    let stack = stack().await;
    let (one, two) = (stack.issuer.token("verified").sign(), stack.issuer.token("guest").sign());
    let bearer = |token: &str| format!("Bearer {token}");
    let cookie = |token: &str| format!("app_session={token}");
    for gate in GATES {
        for path in ["/orders", "/optional"] {
            let get = || Raw::get(path);
            for (name, request) in [
                ("two lines", get().bearer(&one).header("Authorization", bearer(&two))),
                ("the same twice", get().bearer(&one).bearer(&one)),
                (
                    "joined by hand",
                    get().header("authorization", format!("Bearer {one},Bearer {two}")),
                ),
                ("joined to nothing", get().header("authorization", format!("Bearer {one},"))),
                ("Basic and Bearer", get().header("authorization", "Basic eA==").bearer(&one)),
                ("Bearer and Basic", get().bearer(&one).header("authorization", "Basic eA==")),
                ("header and cookie", get().bearer(&one).header("cookie", cookie(&two))),
                (
                    "two cookies in one line",
                    get().header("cookie", format!("{}; {}", cookie(&one), cookie(&two))),
                ),
                (
                    "two cookies in two lines",
                    get().header("cookie", cookie(&one)).header("cookie", cookie(&two)),
                ),
            ] {
                let answer = stack.ask(gate, &request).await;
                let context = format!("{name} @ {gate} {path}");
                No::Conflict.check(&answer, "credentials_ambiguous", &context);
            }
        }
    }
}

#[tokio::test]
async fn the_first_checks_after_a_rotation_end_in_a_yes() {
    // A stack of its own: others need their key.
    let issuer = Rownd::start(KeyService::Works).await;
    let echo = Echo::start().await;
    let product = Product::start(config(&issuer), Until::Ready).await;
    let envoy = EnvoyBuilder::new(echo.address())
        .authz("authz", &[product.endpoint()])
        .gate(Gate::new("rotation"))
        .start()
        .await;
    let to = envoy.gate("rotation");
    let old = issuer.token("verified").sign();
    assert_eq!(Raw::get("/").bearer(&old).send(to).await.status, 200);
    issuer.rotate("sig-2");
    let new = issuer.token("verified").sign();
    eventually("the new key to be known", || async {
        let answer = Raw::get("/").bearer(&new).send(to).await;
        assert!([200, 401, 503].contains(&answer.status), "{}", answer.text());
        (answer.status == 200).then_some(())
    })
    .await;
    assert!(issuer.key_requests() <= 4, "{} fetches for one new key", issuer.key_requests());
}
