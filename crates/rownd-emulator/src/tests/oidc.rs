//! The OpenID provider: the code flow with and without PKCE, and what it refuses.

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::digest;
use axum::{
    body::Body,
    http::{Request, Response, StatusCode, header},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::{get, json_of, members, send, state, tokens::claims};
use crate::{keys::jws, state::State};

const CALLBACK: &str = "http://127.0.0.1:5555/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123";
pub(super) const PUBLIC: &str = "oc_demo_public";
const CONFIDENTIAL: &str = "key_demooidc000000000000000001";

pub(super) type Pairs<'a> = &'a [(&'a str, &'a str)];

fn encode(pairs: Pairs<'_>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(super) fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, VERIFIER.as_bytes()))
}

pub(super) fn at(state: &State, below: &str) -> String {
    format!("/oidc/{}{below}", state.settings.app_id)
}

pub(super) async fn post_form(
    state: &Arc<State>,
    below: &str,
    pairs: Pairs<'_>,
    headers: Pairs<'_>,
) -> Response<Body> {
    let mut request = Request::post(at(state, below))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(state, request.body(Body::from(encode(pairs))).unwrap()).await
}

/// Opens the page, and gives its request id and cookie.
async fn open(state: &Arc<State>, pairs: Pairs<'_>) -> (String, String, String) {
    let path = format!("{}?{}", at(state, "/auth"), encode(pairs));
    let answer = send(state, Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = answer.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    let id = page.split("name=\"request\" value=\"").nth(1).unwrap();
    (id.split('"').next().unwrap().to_owned(), cookie, page)
}

fn parameters(answer: &Response<Body>) -> BTreeMap<String, String> {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = answer.headers()[header::LOCATION].to_str().unwrap();
    assert!(to.starts_with(CALLBACK), "{to}");
    url::Url::parse(to).unwrap().query_pairs().into_owned().collect()
}

/// The request of a client that does everything right.
pub(super) fn good<'a>(client: &'a str, challenge: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email offline_access"),
        ("state", "st"),
        ("nonce", "no"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ]
}

/// Through the page to a code.
pub(super) async fn code(state: &Arc<State>, pairs: Pairs<'_>, user: &str) -> String {
    let (id, cookie, _) = open(state, pairs).await;
    let form = [("request", id.as_str()), ("user", user), ("decision", "allow")];
    let answer = post_form(state, "/auth/decision", &form, &[("cookie", &cookie)]).await;
    let back = parameters(&answer);
    assert_eq!(back["state"], "st");
    assert_eq!(back["iss"], format!("http://127.0.0.1:8787{}", at(state, "")));
    back["code"].clone()
}

pub(super) async fn redeem(
    state: &Arc<State>,
    pairs: Pairs<'_>,
    headers: Pairs<'_>,
) -> (u16, Value) {
    let answer = post_form(state, "/token", pairs, headers).await;
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let (status, body) = json_of(answer).await;
    if !status.is_success() {
        assert_eq!(members(&body), ["error", "error_description"].into());
    }
    (status.as_u16(), body)
}

pub(super) fn by_code<'a>(client: &'a str, code: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

async fn user_info(state: &Arc<State>, token: &Value) -> (StatusCode, Value) {
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    get(state, &at(state, "/me"), &[("authorization", &bearer)]).await
}

#[tokio::test]
async fn discovery_names_this_emulator() {
    let state = state();
    let (status, body) = get(&state, &at(&state, "/.well-known/openid-configuration"), &[]).await;
    assert_eq!(status, StatusCode::OK);
    let base = format!("http://127.0.0.1:8787{}", at(&state, ""));
    assert_eq!(body["issuer"], base);
    for (member, path) in [
        ("authorization_endpoint", "/auth"),
        ("token_endpoint", "/token"),
        ("userinfo_endpoint", "/me"),
        ("jwks_uri", "/jwks"),
        ("introspection_endpoint", "/token/introspection"),
        ("revocation_endpoint", "/token/revocation"),
        ("end_session_endpoint", "/session/end"),
    ] {
        assert_eq!(body[member], format!("{base}{path}"), "{member}");
    }
    assert_eq!(body["id_token_signing_alg_values_supported"], json!(["RS256"]));
    let (_, keys) = get(&state, &at(&state, "/jwks"), &[]).await;
    let (_, own) = get(&state, "/hub/auth/keys", &[]).await;
    assert_ne!(keys["keys"][0]["kid"], own["keys"][0]["kid"], "keys of its own");
    let other = "/oidc/app_x/.well-known/openid-configuration";
    assert_eq!(get(&state, other, &[]).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_public_client_completes_the_flow_with_pkce() {
    let state = state();
    let challenge = challenge();
    let code = code(&state, &good(PUBLIC, &challenge), "user_verified").await;
    let (status, first) = redeem(&state, &by_code(PUBLIC, &code), &[]).await;
    assert_eq!(status, 200, "{first}");
    let issuer = format!("http://127.0.0.1:8787{}", at(&state, ""));
    let keys = get(&state, &at(&state, "/jwks"), &[]).await.1;
    let id = jws::verify(first["id_token"].as_str().unwrap(), &keys, &issuer).unwrap();
    assert_eq!((&id["sub"], &id["aud"]), (&json!("user_verified"), &json!(PUBLIC)));
    assert_eq!(id["nonce"], "no");
    let (_, info) = user_info(&state, &first["access_token"]).await;
    assert_eq!(
        info,
        json!({
            "sub": "user_verified", "name": "Demo verified", "given_name": "Demo",
            "family_name": "verified", "email": "vera@example.com", "email_verified": true,
        })
    );

    // A refresh token of a public client works once; used twice, all is over.
    let refresh = |token: &Value| {
        [("grant_type", "refresh_token"), ("client_id", PUBLIC)]
            .map(|(name, value)| (name, value.to_owned()))
            .into_iter()
            .chain([("refresh_token", token.as_str().unwrap().to_owned())])
            .collect::<Vec<_>>()
    };
    let ask = async |token: &Value| {
        let pairs = refresh(token);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_str())).collect();
        redeem(&state, &pairs, &[]).await
    };
    let (status, second) = ask(&first["refresh_token"]).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(user_info(&state, &second["access_token"]).await.0, StatusCode::OK);
    assert_eq!(ask(&first["refresh_token"]).await.1["error"], "invalid_grant");
    assert_eq!(ask(&second["refresh_token"]).await.1["error"], "invalid_grant");
    assert_eq!(user_info(&state, &second["access_token"]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_client_with_a_secret_needs_no_pkce_and_keeps_its_refresh_token() {
    let state = state();
    let secret = state.settings.app_secret.clone();
    let asked: Vec<(&str, &str)> = good(CONFIDENTIAL, "")
        .into_iter()
        .filter(|(name, _)| !name.contains("challenge"))
        .collect();
    let basic = format!("Basic {}", STANDARD.encode(format!("{CONFIDENTIAL}:{secret}")));
    let wrong = format!("Basic {}", STANDARD.encode(format!("{CONFIDENTIAL}:x")));
    // How it proves itself; whether that is enough.
    let cases: [(&str, Pairs<'_>, Pairs<'_>, u16); 6] = [
        ("basic", &[("authorization", &basic)], &[], 200),
        ("post", &[], &[("client_id", CONFIDENTIAL), ("client_secret", &secret)], 200),
        ("configuration id", &[], &[("client_id", "oc_demo"), ("client_secret", &secret)], 200),
        ("wrong secret", &[("authorization", &wrong)], &[], 401),
        ("no secret", &[], &[("client_id", CONFIDENTIAL)], 401),
        ("twice", &[("authorization", &basic)], &[("client_secret", &secret)], 400),
    ];
    for (case, headers, more, expected) in cases {
        let code = code(&state, &asked, "user_unverified").await;
        let pairs = [
            &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)],
            more,
        ]
        .concat();
        let (status, body) = redeem(&state, &pairs, headers).await;
        assert_eq!(status, expected, "{case}: {body}");
        if status != 200 {
            continue;
        }
        assert_eq!(claims(&body["id_token"])["aud"], CONFIDENTIAL, "{case}");
        assert_eq!(user_info(&state, &body["access_token"]).await.1["email_verified"], false);
        let token = body["refresh_token"].as_str().unwrap();
        for _ in 0..2 {
            let pairs =
                [&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat();
            let (status, body) = redeem(&state, &pairs, headers).await;
            assert_eq!(status, 200, "{case}: {body}");
            assert!(body.get("refresh_token").is_none(), "{case}");
        }
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_for_one_client() {
    let state = state();
    let challenge = challenge();
    let asked = good(PUBLIC, &challenge);
    let swap = |pairs: Vec<(&'static str, String)>, name: &'static str, value: Option<&str>| {
        pairs
            .into_iter()
            .filter(|(known, _)| *known != name)
            .chain(value.map(|value| (name, value.to_owned())))
            .collect::<Vec<_>>()
    };
    let cases = [
        ("no verifier", "code_verifier", None),
        ("wrong verifier", "code_verifier", Some("x")),
        ("other address", "redirect_uri", Some("http://127.0.0.1:1/callback")),
        ("no address", "redirect_uri", None),
        ("unknown code", "code", Some("x")),
    ];
    for (case, name, value) in cases {
        let code = code(&state, &asked, "user_verified").await;
        let pairs: Vec<(&'static str, String)> = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", PUBLIC.to_owned()),
            ("code", code.clone()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ];
        let pairs = swap(pairs, name, value);
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let (status, body) = redeem(&state, &pairs, &[]).await;
        assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")), "{case}");
    }
    let code = code(&state, &asked, "user_verified").await;
    let (_, first) = redeem(&state, &by_code(PUBLIC, &code), &[]).await;
    let (status, _) = redeem(&state, &by_code(PUBLIC, &code), &[]).await;
    assert_eq!(status, 400, "a code works once");
    assert_eq!(user_info(&state, &first["access_token"]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_request_that_is_not_good_is_told_to_the_right_one() {
    let state = state();
    let challenge = challenge();
    let with = |name: &'static str, value: &'static str| {
        let mut pairs = good(PUBLIC, &challenge);
        pairs.retain(|(known, _)| *known != name);
        pairs.push((name, value));
        pairs
    };
    // Where nobody knows the way back, the browser stays.
    for pairs in [
        with("client_id", "nobody"),
        with("redirect_uri", "https://evil.example.com/callback"),
        with("redirect_uri", "http://127.0.0.1:5555/other"),
        with("redirect_uri", "http://127.0.0.1@evil.example.com/callback"),
        with("redirect_uri", ""),
        [good(PUBLIC, &challenge), vec![("state", "twice")]].concat(),
    ] {
        let path = format!("{}?{}", at(&state, "/auth"), encode(&pairs));
        let answer = send(&state, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{pairs:?}");
        assert!(answer.headers().get(header::LOCATION).is_none(), "{pairs:?}");
    }
    for (pairs, error) in [
        (with("response_type", "token"), "unsupported_response_type"),
        (with("scope", "email"), "invalid_scope"),
        (with("prompt", "none"), "login_required"),
        (with("code_challenge", ""), "invalid_request"),
        (with("code_challenge_method", "plain"), "invalid_request"),
        (with("resource", "app:other"), "invalid_target"),
        (with("request", "x"), "request_not_supported"),
    ] {
        let path = format!("{}?{}", at(&state, "/auth"), encode(&pairs));
        let answer = send(&state, Request::get(path).body(Body::empty()).unwrap()).await;
        let back = parameters(&answer);
        assert_eq!((&*back["error"], &*back["state"]), (error, "st"), "{pairs:?}");
        assert!(back.contains_key("iss"), "{pairs:?}");
    }
}

#[tokio::test]
async fn consent_needs_the_browser_that_was_asked() {
    let state = state();
    let challenge = challenge();
    let mut asked = good(PUBLIC, &challenge);
    asked.push(("login_hint", "uma@example.com"));
    let (id, cookie, page) = open(&state, &asked).await;
    let first = page.split("<option value=\"").nth(1);
    assert!(first.is_none_or(|first| !first.starts_with("user_unverified")), "no proof, no hint");
    assert!(!page.contains("user_disabled"), "{page}");
    let form = [("request", id.as_str()), ("user", "user_verified"), ("decision", "allow")];
    for headers in [&[][..], &[("cookie", "rownd_emulator_x=1")], &[("cookie", "x")]] {
        let answer = post_form(&state, "/auth/decision", &form, headers).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    let deny = [("request", id.as_str()), ("decision", "deny")];
    let answer = post_form(&state, "/auth/decision", &deny, &[("cookie", &cookie)]).await;
    assert_eq!(parameters(&answer)["error"], "access_denied");
    let answer = post_form(&state, "/auth/decision", &form, &[("cookie", &cookie)]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "once only");
    for user in ["user_disabled", "nobody"] {
        let (id, cookie, _) = open(&state, &asked).await;
        let form = [("request", id.as_str()), ("user", user), ("decision", "allow")];
        let answer = post_form(&state, "/auth/decision", &form, &[("cookie", &cookie)]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{user}");
    }
}

#[tokio::test]
async fn what_comes_from_outside_is_escaped() {
    let state = state();
    let challenge = challenge();
    let evil = "<script>alert('1')</script>\"&";
    let path = format!("/applications/{}/users/user_verified/data", state.settings.app_id);
    let headers = [
        ("x-rownd-app-key", state.settings.app_key.as_str()),
        ("x-rownd-app-secret", &state.settings.app_secret),
    ];
    let id = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect::<String>();
    let path = path.replace("user_verified", &id);
    let body = json!({ "data": { "email": "a<b>@example.com" } });
    let (status, _) = super::ask(&state, ("PUT", &path), &headers, Some(body)).await;
    assert_eq!(status, StatusCode::OK);
    let (_, _, page) = open(&state, &good(PUBLIC, &challenge)).await;
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"), "{page}");
    assert!(page.contains("a&lt;b&gt;@example.com") && !page.contains("<script"), "{page}");
}
