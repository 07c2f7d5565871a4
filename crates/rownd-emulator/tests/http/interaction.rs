//! The page of an app in place of the OpenID provider's own: the way there, the decision, the way back.

use rownd_emulator::TokenOrder;
use serde_json::{Value, json};
use url::Url;

use super::{Answer, Emulator, text};

const APP: &str = "app_shop";
const PAGE: &str = "http://localhost:3000/auth?theme=dark";

fn shop() -> Emulator {
    Emulator::seeded(Some(&json!({ "apps": [{
        "id": APP, "key": "key_shop", "secret": "ras_shop",
        "oidc_clients": [{
            "id": "oc_shop", "secret": "client-secret", "name": "The shop",
            "redirect_uris": ["http://localhost:4000/callback"],
            "interaction_endpoint": PAGE,
        }],
        "users": [{ "id": "ann" }, { "id": "gone", "state": "disabled" }],
    }] })))
}

/// A request of the client, sent on to the page: the page's parameters and the cookie.
fn begin(emulator: &Emulator) -> (Url, String) {
    let query = "client_id=oc_shop&redirect_uri=http%3A%2F%2Flocalhost%3A4000%2Fcallback\
        &response_type=code&scope=openid%20email&state=st&login_hint=ann";
    let answer = emulator.ask("GET", &format!("/oidc/{APP}/auth?{query}"), &[], None);
    assert_eq!(answer.status, 303);
    let to = Url::parse(answer.header("location")).unwrap();
    assert!(to.as_str().starts_with(PAGE), "{to}");
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
    (to, cookie.split(';').next().unwrap().to_owned())
}

fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("no {name} in {url}")).1.into_owned()
}

fn decide(emulator: &Emulator, page: &Url, user: &str, decision: &str) -> Answer {
    let order = TokenOrder { app: Some(APP.to_owned()), ..TokenOrder::of(user) };
    let bearer = format!("Bearer {}", emulator.token(&order));
    let headers = [("authorization", bearer.as_str()), ("origin", "http://localhost:3000")];
    let url = parameter(page, "interaction_url");
    emulator.ask("POST", emulator.path(&url), &headers, Some(json!({ "decision": decision })))
}

/// The browser comes back from the page.
fn resume(emulator: &Emulator, redirect_to: &Value, cookie: &str) -> Answer {
    emulator.ask("GET", emulator.path(text(redirect_to)), &[("cookie", cookie)], None)
}

#[test]
fn the_page_of_the_app_signs_in_and_the_client_gets_a_code() {
    let emulator = shop();
    let (page, cookie) = begin(&emulator);
    assert_eq!(
        (parameter(&page, "theme"), parameter(&page, "app_id")),
        ("dark".into(), APP.into())
    );
    assert_eq!(parameter(&page, "login_hint"), "ann");
    let url = parameter(&page, "interaction_url");
    let headers = [("origin", "http://localhost:3000")];
    let shown = emulator.ask("GET", emulator.path(&url), &headers, None);
    assert_eq!(shown.header("access-control-allow-origin"), "http://localhost:3000");
    let shown = shown.json();
    assert_eq!(
        (&shown["client_name"], &shown["scopes"]),
        (&json!("The shop"), &json!(["openid", "email"]))
    );

    let decided = decide(&emulator, &page, "ann", "allow");
    assert_eq!(decided.status, 200);
    assert_eq!(decided.header("access-control-allow-origin"), "http://localhost:3000");
    let answer = resume(&emulator, &decided.json()["redirect_to"], &cookie);
    assert_eq!(answer.status, 303);
    let back = Url::parse(answer.header("location")).unwrap();
    assert_eq!(back.path(), "/callback");
    assert_eq!(parameter(&back, "state"), "st");
    let form = format!(
        "grant_type=authorization_code&client_id=oc_shop&client_secret=client-secret&code={}\
         &redirect_uri=http://localhost:4000/callback",
        parameter(&back, "code")
    );
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let tokens = emulator.raw("POST", &format!("/oidc/{APP}/token"), &kind, form.as_bytes());
    assert_eq!(tokens.status, 200);
    let id = super::claims(text(&tokens.json()["id_token"]));
    assert_eq!((&id["sub"], &id["aud"]), (&json!("ann"), &json!("oc_shop")));

    let again = resume(&emulator, &decided.json()["redirect_to"], &cookie);
    assert_eq!(again.status, 403, "a request is finished once");
}

#[test]
fn a_denial_returns_to_the_client() {
    let emulator = shop();
    let (page, cookie) = begin(&emulator);
    let decided = decide(&emulator, &page, "ann", "deny").json();
    let answer = resume(&emulator, &decided["redirect_to"], &cookie);
    let back = Url::parse(answer.header("location")).unwrap();
    assert_eq!(parameter(&back, "error"), "access_denied");
}

#[test]
fn nobody_else_decides_or_comes_back() {
    let emulator = shop();
    let (page, cookie) = begin(&emulator);
    let id = parameter(&page, "interaction");
    let url = parameter(&page, "interaction_url");
    let path = emulator.path(&url).to_owned();
    let body = || Some(json!({ "decision": "allow" }));
    assert_eq!(emulator.ask("POST", &path, &[], body()).status, 401, "no token");
    assert_eq!(decide(&emulator, &page, "gone", "allow").status, 401, "disabled");
    assert_eq!(decide(&emulator, &page, "ann", "perhaps").status, 400);
    assert_eq!(emulator.user("verified", "POST", &path, body()).status, 403, "another app's user");
    // The form of the provider's own page is not open to this client.
    let form = format!("request={id}&user=ann&decision=allow");
    let headers =
        [("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let answer =
        emulator.raw("POST", &format!("/oidc/{APP}/auth/decision"), &headers, form.as_bytes());
    assert_eq!(answer.status, 403);
    let to = json!(format!("{}/oidc/{APP}/auth/{id}", emulator.base_url));
    assert_eq!(resume(&emulator, &to, &cookie).status, 403, "not decided yet");

    let decided = decide(&emulator, &page, "ann", "allow");
    assert_eq!(decided.status, 200);
    assert_eq!(decide(&emulator, &page, "ann", "deny").status, 400, "decided once");
    assert_eq!(resume(&emulator, &to, "").status, 403, "another browser");
    let foreign = [("origin", "https://evil.example.com")];
    let shown = emulator.ask("GET", &path, &foreign, None);
    assert_eq!(shown.header("access-control-allow-origin"), "");
    let preflight = emulator.ask("OPTIONS", &path, &[("origin", "http://localhost:3000")], None);
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-methods")),
        (204, "GET, POST")
    );
    assert_eq!(emulator.ask("GET", &format!("/oidc/{APP}/interaction/x"), &[], None).status, 404);
}

#[test]
fn a_seed_with_a_page_that_cannot_be_opened_is_refused() {
    for wrong in ["/auth", "ftp://example.com/", "https://example.com/#part"] {
        let seed = json!({ "apps": [{
            "id": "a", "key": "k", "secret": "s",
            "oidc_clients": [{ "id": "oc", "redirect_uris": ["http://localhost/"], "interaction_endpoint": wrong }],
        }] });
        let problems = rownd_emulator::Seed::parse("seed.yaml", &seed.to_string()).err().unwrap();
        let said = problems.to_string();
        assert!(said.contains("apps[0].oidc_clients[0].interaction_endpoint"), "{wrong}: {said}");
    }
}
