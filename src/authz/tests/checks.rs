//! Steps 1 to 6 without a genuine token: sizes, rules, preflights, credentials, ids.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;

use super::{Judged, Lines, judged, request, rig};
use crate::{
    authz::Verdict,
    model::{AllowReason, CallerProtocol, DenyReason},
};

const ROUTES: &str = "
credentials: [{ header: authorization }, { cookie: tok }]
routes:
  - { id: open, match: { path: { prefix: /open } }, auth: none }
  - { id: feed, match: { path: { prefix: /feed } }, auth: optional, expired_cookie: anonymous }
  - { id: cors, match: { path: { prefix: /cors } }, cors_preflight: true }
";

const PUBLIC: Judged = Ok(AllowReason::Public);
const ANONYMOUS: Judged = Ok(AllowReason::Anonymous);
const MISSING: Judged = Err(DenyReason::CredentialMissing);

/// (name, method, path, headers, judgement)
#[rustfmt::skip] // one case a line
const CREDENTIALS: &[(&str, &str, &str, Lines<'_>, Judged)] = &[
    ("none on a public route", "GET", "/open", &[], PUBLIC),
    ("a bad one on a public route is not looked at", "GET", "/open", &[("authorization", "Bearer x")], PUBLIC),
    ("two on a public route are not looked at", "GET", "/open", &[("authorization", "Bearer x"), ("cookie", "tok=y")], PUBLIC),
    ("a foreign cookie on a public route", "POST", "/open", &[("cookie", "tok=x")], PUBLIC),
    ("none on an optional route", "GET", "/feed", &[], ANONYMOUS),
    ("another scheme on an optional route", "GET", "/feed", &[("authorization", "Basic x")], ANONYMOUS),
    ("a bad one on an optional route", "GET", "/feed", &[("authorization", "Bearer x")], Err(DenyReason::TokenMalformed)),
    ("an empty one on an optional route", "GET", "/feed", &[("authorization", "Bearer")], Err(DenyReason::TokenMalformed)),
    ("an emptied cookie on an optional route", "GET", "/feed", &[("cookie", "tok=")], ANONYMOUS),
    ("an emptied cookie on any other route", "GET", "/", &[("cookie", "tok=deleted")], MISSING),
    ("a token without a scheme on an optional route", "GET", "/feed", &[("authorization", "eyJhbGciOiJ4In0.e30.c2ln")], Err(DenyReason::AuthorizationMalformed)),
    ("a token without a scheme on a public route", "GET", "/open", &[("authorization", "eyJhbGciOiJ4In0.e30.c2ln")], PUBLIC),
    ("two on an optional route", "GET", "/feed", &[("authorization", "Bearer x"), ("cookie", "tok=y")], Err(DenyReason::CredentialsAmbiguous)),
    ("none on any other route", "GET", "/", &[], MISSING),
    ("another scheme on any other route", "GET", "/", &[("authorization", "Basic x")], MISSING),
    ("a bad one", "GET", "/", &[("authorization", "Bearer a.b.c")], Err(DenyReason::TokenMalformed)),
    ("two joined", "GET", "/", &[("authorization", "Bearer a,Bearer b")], Err(DenyReason::CredentialsAmbiguous)),
    ("a cookie", "GET", "/", &[("cookie", "tok=x")], Err(DenyReason::TokenMalformed)),
    ("a cookie that changes something", "POST", "/", &[("cookie", "tok=x")], Err(DenyReason::CookieCrossSite)),
    ("a cookie from another site", "POST", "/feed", &[("cookie", "tok=x"), ("origin", "https://evil.com")], Err(DenyReason::CookieCrossSite)),
    ("a cookie from our own site", "POST", "/", &[("cookie", "tok=x"), ("origin", "https://a.com")], Err(DenyReason::TokenMalformed)),
    ("the same token in header and cookie", "POST", "/", &[("authorization", "Bearer x"), ("cookie", "tok=x")], Err(DenyReason::TokenMalformed)),
    ("a method trick", "GET", "/", &[("x-http-method-override", "OPTIONS")], MISSING),
    ("a path trick", "GET", "/", &[("x-envoy-original-path", "/open"), ("x-original-url", "/open"), ("x-rewrite-url", "/open")], MISSING),
    ("a health check's name", "GET", "/", &[("user-agent", "kube-probe/1.30")], MISSING),
    ("no path", "GET", "", &[], Err(DenyReason::PathRefused)),
    ("no method", "", "/open", &[], Err(DenyReason::MethodMissing)),
    ("an odd path", "GET", "/open/../x", &[], Err(DenyReason::PathRefused)),
];

#[tokio::test]
async fn a_credential_is_asked_for_as_the_rule_says() {
    let rig = rig(ROUTES);
    for (name, method, path, lines, expected) in CREDENTIALS {
        assert_eq!(rig.judge(method, path, lines).await, *expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_needs_keys_that_are_not_there_is_our_fault() {
    let rig = rig(ROUTES);
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let token = |iss: &str| {
        let claims = part(&format!(r#"{{"iss":"{iss}","exp":4000000000}}"#));
        format!("Bearer {}.{claims}.{}", part(r#"{"alg":"EdDSA","kid":"k"}"#), "A".repeat(86))
    };
    let verdict =
        rig.check(&request("GET", "/", &[("authorization", &token("https://api.rownd.io"))])).await;
    let Verdict::Deny { denial, facts, .. } = verdict else { panic!("{verdict:?}") };
    assert_eq!(denial.reason(), DenyReason::KeysUnavailable);
    assert!(denial.is_for_everybody());
    assert_eq!((&*facts.rule, facts.identity), ("default", None));
    let foreign = rig.judge("GET", "/", &[("authorization", &token("https://evil.test"))]).await;
    assert_eq!(foreign, Err(DenyReason::IssuerUntrusted));
}

const PREFLIGHT: Judged = Ok(AllowReason::CorsPreflight);
const ORIGIN: (&str, &str) = ("origin", "https://app.a.com");
const ASKS: (&str, &str) = ("access-control-request-method", "POST");

/// (name, method, path, headers, judgement)
#[rustfmt::skip] // one case a line
const PREFLIGHTS: &[(&str, &str, &str, Lines<'_>, Judged)] = &[
    ("as browsers send it", "OPTIONS", "/cors", &[ORIGIN, ASKS, ("access-control-request-headers", "authorization,x-a")], PREFLIGHT),
    ("without asking for headers", "OPTIONS", "/cors", &[ORIGIN, ASKS], PREFLIGHT),
    ("from an opaque origin", "OPTIONS", "/cors", &[("origin", "null"), ASKS], PREFLIGHT),
    ("with another cookie", "OPTIONS", "/cors", &[ORIGIN, ASKS, ("cookie", "theme=dark")], PREFLIGHT),
    ("on a rule that does not say so", "OPTIONS", "/", &[ORIGIN, ASKS], MISSING),
    ("on an optional rule", "OPTIONS", "/feed", &[ORIGIN, ASKS], ANONYMOUS),
    ("another method", "GET", "/cors", &[ORIGIN, ASKS], MISSING),
    ("the method in lower case", "options", "/cors", &[ORIGIN, ASKS], MISSING),
    ("the method in a header", "POST", "/cors", &[ORIGIN, ASKS, ("x-http-method-override", "OPTIONS")], MISSING),
    ("no origin", "OPTIONS", "/cors", &[ASKS], MISSING),
    ("an empty origin", "OPTIONS", "/cors", &[("origin", ""), ASKS], MISSING),
    ("two origins", "OPTIONS", "/cors", &[ORIGIN, ORIGIN, ASKS], MISSING),
    ("two origins joined", "OPTIONS", "/cors", &[("origin", "https://a,https://b"), ASKS], MISSING),
    ("no method asked for", "OPTIONS", "/cors", &[ORIGIN], MISSING),
    ("an empty method asked for", "OPTIONS", "/cors", &[ORIGIN, ("access-control-request-method", "")], MISSING),
    ("two methods asked for", "OPTIONS", "/cors", &[ORIGIN, ASKS, ASKS], MISSING),
    ("two methods joined", "OPTIONS", "/cors", &[ORIGIN, ("access-control-request-method", "GET,POST")], MISSING),
    ("with a token", "OPTIONS", "/cors", &[ORIGIN, ASKS, ("authorization", "Bearer x")], Err(DenyReason::TokenMalformed)),
    ("with another scheme", "OPTIONS", "/cors", &[ORIGIN, ASKS, ("authorization", "Basic x")], MISSING),
    ("with an empty authorization", "OPTIONS", "/cors", &[ORIGIN, ASKS, ("authorization", "")], MISSING),
    ("with our cookie", "OPTIONS", "/cors", &[ORIGIN, ASKS, ("cookie", "tok=x")], Err(DenyReason::TokenMalformed)),
    ("with two of our cookies", "OPTIONS", "/cors", &[ORIGIN, ASKS, ("cookie", "tok=x; tok=y")], Err(DenyReason::CredentialsAmbiguous)),
];

#[tokio::test]
async fn only_a_true_preflight_passes_without_a_credential() {
    let rig = rig(ROUTES);
    for (name, method, path, lines, expected) in PREFLIGHTS {
        assert_eq!(rig.judge(method, path, lines).await, *expected, "{name}");
    }
    let passed = PREFLIGHTS.iter().filter(|case| case.4 == PREFLIGHT).count();
    assert_eq!(rig.ended("allow", "cors_preflight"), passed as f64);
}

#[tokio::test]
async fn what_passes_without_a_credential_carries_no_identity() {
    let rig = rig(ROUTES);
    let spoofs = [("x-rownd-user-id", "admin"), ("x_rownd_verified", "true")];
    for (method, path, more) in [
        ("GET", "/open", vec![]),
        ("GET", "/feed", vec![]),
        ("OPTIONS", "/cors", vec![ORIGIN, ASKS]),
    ] {
        let lines: Vec<(&str, &str)> = spoofs.iter().copied().chain(more).collect();
        let verdict = rig.check(&request(method, path, &lines)).await;
        let Verdict::Allow(allowance) = &verdict else { panic!("{path}: {verdict:?}") };
        let (edits, facts) = (allowance.request(), verdict.facts());
        assert!(edits.identity.set.is_empty() && facts.identity.is_none(), "{path}");
        assert_eq!(edits.identity.remove.len() + edits.spoofed.len(), 13, "{path}");
        assert!(edits.spoofed.iter().any(|name| name == "x_rownd_verified"), "{path}");
    }
}

#[tokio::test]
async fn sizes_are_judged_before_anything_else() {
    let rig = rig(&format!(
        "{ROUTES}\ncheck: {{ max_path_bytes: 64, max_headers: 3, max_headers_bytes: 1024 }}"
    ));
    let too_large = Err(DenyReason::RequestTooLarge);
    let path = |length: usize| format!("/open/{}", "x".repeat(length - 6));
    assert_eq!(rig.judge("GET", &path(64), &[]).await, PUBLIC);
    assert_eq!(rig.judge("GET", &path(65), &[]).await, too_large);
    assert_eq!(
        rig.judge("GET", &format!("/open?{}", "x".repeat(100)), &[]).await,
        too_large,
        "the query counts"
    );
    let one = ("a", "b");
    assert_eq!(rig.judge("GET", "/open", &[one; 3]).await, PUBLIC);
    assert_eq!(rig.judge("GET", "/open", &[one; 4]).await, too_large);
    let value = |length: usize| "x".repeat(length);
    assert_eq!(rig.judge("GET", "/open", &[("name", &value(1_020))]).await, PUBLIC);
    assert_eq!(rig.judge("GET", "/open", &[("name", &value(1_021))]).await, too_large);
    assert_eq!(rig.judge("GET", "/open", &[("name", &value(1_016)), ("name", "")]).await, PUBLIC);
    assert_eq!(
        rig.judge("GET", "/open", &[("name", &value(1_017)), ("name", "")]).await,
        too_large
    );
    let verdict = rig.check(&request("GET", &path(65), &[])).await;
    assert_eq!(&*verdict.facts().rule, "-", "no rule was chosen");
}

#[tokio::test]
async fn a_verdict_names_its_rule() {
    let rig = rig(ROUTES);
    for (path, expected) in
        [("/open", "open"), ("/feed", "feed"), ("/", "default"), ("", "-"), ("/a%00", "-")]
    {
        let verdict = rig.check(&request("GET", path, &[])).await;
        assert_eq!(&*verdict.facts().rule, expected, "{path}");
    }
}

#[tokio::test]
async fn a_request_is_known_by_its_own_id_or_by_that_of_the_proxy() {
    let rig = rig(ROUTES);
    let (longest, too_long) = ("x".repeat(64), "x".repeat(65));
    for (name, lines, expected) in [
        ("its own", vec![("x-request-id", "abc-1")], "abc-1"),
        ("the longest", vec![("x-request-id", longest.as_str())], longest.as_str()),
        ("too long", vec![("x-request-id", too_long.as_str())], "proxy-id"),
        ("none", vec![], "proxy-id"),
        ("an empty one", vec![("x-request-id", "")], "proxy-id"),
        ("a blank in it", vec![("x-request-id", "a b")], "proxy-id"),
        ("a line end in it", vec![("x-request-id", "a\nfake log line")], "proxy-id"),
        ("colours for a terminal", vec![("x-request-id", "\u{1b}[31mred")], "proxy-id"),
        ("letters beyond ASCII", vec![("x-request-id", "\u{fc}")], "proxy-id"),
        ("two", vec![("x-request-id", "a"), ("x-request-id", "b")], "proxy-id"),
    ] {
        let verdict = rig.check(&request("GET", "/", &lines)).await;
        assert_eq!(verdict.facts().request_id, expected, "{name}");
    }
    let mut odd = request("GET", "/", &[]);
    for id in ["", "a b", too_long.as_str(), "\u{fc}"] {
        odd.proxy_request_id = Bytes::copy_from_slice(id.as_bytes());
        assert_eq!(rig.check(&odd).await.facts().request_id, "", "{id:?}");
    }
}

#[tokio::test]
async fn a_trace_id_is_taken_from_a_whole_traceparent() {
    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let rig = rig(ROUTES);
    let good = format!("00-{ID}-00f067aa0ba902b7-01");
    let long = format!("{good}-more");
    for (name, lines, expected) in [
        ("whole", vec![("traceparent", good.as_str())], Some(ID)),
        ("a later version", vec![("traceparent", long.as_str())], Some(ID)),
        ("none", vec![], None),
        ("empty", vec![("traceparent", "")], None),
        ("cut short", vec![("traceparent", &good[..35])], None),
        (
            "another separator",
            vec![("traceparent", "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01")],
            None,
        ),
        (
            "no hexadecimal digits",
            vec![("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01")],
            None,
        ),
        (
            "a line end in it",
            vec![("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e473\n-00f067aa0ba902b7-01")],
            None,
        ),
        ("two", vec![("traceparent", good.as_str()), ("traceparent", good.as_str())], None),
    ] {
        let verdict = rig.check(&request("GET", "/", &lines)).await;
        assert_eq!(verdict.facts().trace_id.as_deref(), expected.map(str::as_bytes), "{name}");
    }
}

#[tokio::test]
async fn a_verdict_says_which_protocol_the_caller_speaks() {
    let rig = rig(ROUTES);
    for (lines, expected) in [
        (vec![], CallerProtocol::Http),
        (vec![("content-type", "application/json")], CallerProtocol::Http),
        (vec![("content-type", "application/grpc+proto")], CallerProtocol::Grpc),
        (vec![("content-type", "application/grpc-web-text")], CallerProtocol::GrpcWeb),
    ] {
        let verdict = rig.check(&request("POST", "/", &lines)).await;
        assert_eq!(verdict.facts().protocol, expected, "{lines:?}");
        assert_eq!(judged(&verdict), MISSING);
    }
}
