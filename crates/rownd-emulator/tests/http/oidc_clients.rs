//! OpenID clients that a backend makes: their configuration, their secret, their logos, and the
//! provider, where each works at once.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use url::Url;

use super::{Answer, Emulator, claims, text};

const CALLBACK: &str = "https://shop.example.com/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n-picture";
const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

fn config() -> Value {
    json!({
        "allowed_origins": ["https://shop.example.com"],
        "redirect_uris": [CALLBACK],
        "post_logout_uris": ["https://shop.example.com/"],
        "allowed_scopes": ["openid", "email", "offline_access"],
        "hub_title": "The shop",
        "hub_dark_mode": "auto",
        "is_pkce_supported": true,
        "x_of_tomorrow": { "deep": [1, null] },
    })
}

fn create(emulator: &Emulator, more: &Value) -> Value {
    let mut config = config();
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    emulator.done("POST", "/oidc-clients", Some(json!({ "name": "Shop", "config": config })))
}

fn client_id(client: &Value) -> &str {
    text(&client["credentials"][0]["client_id"])
}

fn secret(client: &Value) -> &str {
    text(&client["credentials"][0]["secret"])
}

fn form(emulator: &Emulator, below: &str, pairs: &[(&str, &str)], basic: Option<&str>) -> Answer {
    let body: String =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(basic.map(|basic| ("authorization", basic)));
    let path = format!("/oidc/{}{below}", emulator.settings.app_id);
    emulator.raw("POST", &path, &headers, body.as_bytes())
}

/// The request of a browser to `/auth`, with `more` parameters.
fn authorize(emulator: &Emulator, client: &str, more: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid email phone offline_access"),
    ];
    pairs.extend(more);
    let query: String =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let path = format!("/oidc/{}/auth?{query}", emulator.settings.app_id);
    emulator.raw("GET", &path, &[], b"")
}

fn back(answer: &Answer, name: &str) -> String {
    let to = answer.header("location");
    assert!(to.starts_with(CALLBACK), "{} {to}", answer.status);
    let url = Url::parse(to).unwrap();
    let found = url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value);
    found.unwrap_or_else(|| panic!("no {name}: {to}")).into_owned()
}

/// Through the page of the provider to a code.
fn code(emulator: &Emulator, client: &str, more: &[(&str, &str)]) -> String {
    let page = authorize(emulator, client, more);
    let cookie = page.header("set-cookie").split(';').next().unwrap().to_owned();
    let html = String::from_utf8(page.body).unwrap();
    let id = html.split("name=\"request\" value=\"").nth(1).unwrap_or_else(|| panic!("{html}"));
    let id = id.split('"').next().unwrap();
    let decision = format!("request={id}&user=user_verified&decision=allow");
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("cookie", cookie.as_str())];
    let path = format!("/oidc/{}/auth/decision", emulator.settings.app_id);
    back(&emulator.raw("POST", &path, &headers, decision.as_bytes()), "code")
}

fn redeem(
    emulator: &Emulator,
    code: &str,
    more: &[(&str, &str)],
    basic: Option<&str>,
) -> (u16, Value) {
    let mut pairs =
        vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
    pairs.extend(more);
    let answer = form(emulator, "/token", &pairs, basic);
    (answer.status, answer.json())
}

fn challenge() -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

#[test]
fn a_client_is_made_read_changed_and_removed() {
    let emulator = Emulator::start();
    let made = create(&emulator, &json!({}));
    assert_eq!((&made["name"], &made["config"]), (&json!("Shop"), &config()), "all kept");
    let id = text(&made["id"]);
    assert!(id.starts_with("oc_") && client_id(&made).starts_with("key_"), "{made}");
    let credential = &made["credentials"][0];
    assert_eq!(credential["oidc_client_configuration_id"], id);
    assert_eq!(credential["application"], emulator.settings.app_id);
    for member in ["name", "expires", "app_variant_id", "created_at", "updated_at"] {
        assert!(credential.get(member).is_some(), "{member}");
    }
    assert!(!secret(&made).starts_with('$'), "the secret itself");

    let one = format!("/oidc-clients/{id}");
    let read = emulator.done("GET", &one, None);
    assert!(secret(&read).starts_with("$argon2id$v=19$"), "a hash: {read}");
    assert_eq!(read["config"], made["config"]);
    // A client that was read can be written back.
    let mut changed = read.clone();
    changed["description"] = json!("Sells things");
    changed["config"]["redirect_uris"] = json!(["com.example.shop:/back"]);
    let written = emulator.done("PUT", &one, Some(changed));
    assert_eq!(written["description"], "Sells things");
    assert_eq!(written["config"]["x_of_tomorrow"], config()["x_of_tomorrow"]);
    assert_eq!(client_id(&written), client_id(&made), "the credentials stay");
    let bare = emulator.done("PUT", &one, Some(json!({ "name": "Bare" })));
    assert_eq!((&bare["config"], &bare["description"]), (&json!({}), &Value::Null), "replaced");

    let gone = emulator.backend("DELETE", &one, None);
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    for method in ["GET", "DELETE"] {
        let answer = emulator.backend(method, &one, None);
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (404, &json!("E_OIDC_CLIENT_NOT_FOUND"))
        );
    }
}

#[test]
fn a_list_has_pages_and_no_secret() {
    let emulator = Emulator::start();
    let made: Vec<Value> = (0..5).map(|_| create(&emulator, &json!({}))).collect();
    let all = emulator.done("GET", "/oidc-clients", None);
    assert_eq!(all["total_results"], 7, "with the two of the demo app");
    let ids = |list: &Value| -> Vec<String> {
        let list = list["results"].as_array().unwrap().iter();
        list.map(|client| text(&client["id"]).to_owned()).collect()
    };
    let known = ids(&all);
    assert!(made.iter().all(|client| known.contains(&text(&client["id"]).to_owned())));
    let shown = all.to_string();
    assert!(made.iter().all(|client| !shown.contains(secret(client))), "no secret");
    assert!(!shown.contains(&emulator.settings.app_secret), "nor the seed's");
    for (sort, mut expected) in [("asc", known.clone()), ("desc", known.clone())] {
        if sort == "desc" {
            expected.reverse();
        }
        let mut seen = Vec::new();
        loop {
            let after = seen.last().map(|id| format!("&after={id}")).unwrap_or_default();
            let path = format!("/oidc-clients?page_size=3&sort={sort}{after}");
            let page = ids(&emulator.done("GET", &path, None));
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen, expected, "{sort}");
    }
    for wrong in ["page_size=0", "page_size=1001", "page_size=x", "sort=up"] {
        assert_eq!(emulator.backend("GET", &format!("/oidc-clients?{wrong}"), None).status, 400);
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused_with_the_member() {
    let emulator = Emulator::start();
    let made = create(&emulator, &json!({}));
    let one = format!("/oidc-clients/{}", text(&made["id"]));
    for (member, value) in [
        ("redirect_uris", json!("https://example.com/")),
        ("redirect_uris", json!(["/callback"])),
        ("redirect_uris", json!(["https://example.com/#part"])),
        ("post_logout_uris", json!([1])),
        ("allowed_scopes", json!({ "openid": true })),
        ("hub_dark_mode", json!("black")),
        ("token_endpoint_auth_method", json!("private_key_jwt")),
        ("is_pkce_required", json!("yes")),
        ("interaction_endpoint", json!("/sign-in")),
        ("logo_uri", json!(7)),
    ] {
        let body = || Some(json!({ "name": "x", "config": { member: value } }));
        for (method, path) in [("POST", "/oidc-clients"), ("PUT", one.as_str())] {
            let answer = emulator.backend(method, path, body());
            let said = answer.json()["message"].to_string();
            assert_eq!(answer.status, 400, "{method} {member}: {said}");
            assert!(said.contains(&format!("`config.{member}`")), "{said}");
        }
    }
    for body in [json!({}), json!({ "name": " " }), json!({ "name": 1 }), json!([])] {
        assert_eq!(
            emulator.backend("POST", "/oidc-clients", Some(body.clone())).status,
            400,
            "{body}"
        );
    }
    let kept = emulator.done("GET", &one, None);
    assert_eq!(kept["config"], made["config"], "nothing was written");
}

#[test]
fn a_seed_may_say_that_a_put_merges() {
    let seed = json!({ "apps": [{
        "id": "app_demo0000000000000000000001", "key": "key_demo0000000000000000000001",
        "secret": "ras_merge", "oidc_client_put": "merge",
    }] });
    let mut emulator = Emulator::seeded(Some(&seed));
    emulator.settings.app_secret = "ras_merge".to_owned();
    let made = create(&emulator, &json!({}));
    let one = format!("/oidc-clients/{}", text(&made["id"]));
    let change = json!({ "config": { "hub_title": "New" } });
    let written = emulator.done("PUT", &one, Some(change));
    assert_eq!(
        (&written["name"], &written["config"]["hub_title"]),
        (&json!("Shop"), &json!("New"))
    );
    assert_eq!(written["config"]["redirect_uris"], json!([CALLBACK]));
}

#[test]
fn only_the_app_itself_manages_its_clients() {
    let emulator = Emulator::start();
    let made = create(&emulator, &json!({}));
    let app = &emulator.settings.app_id;
    let path = format!("/applications/{app}/oidc-clients/{}", text(&made["id"]));
    let key = ("x-rownd-app-key", emulator.settings.app_key.as_str());
    let wrong = ("x-rownd-app-secret", "ras_x");
    for method in ["GET", "PUT", "DELETE"] {
        for headers in [&[][..], &[key], &[key, wrong]] {
            assert_eq!(emulator.ask(method, &path, headers, None).status, 401, "{method}");
        }
        assert_eq!(emulator.user("verified", method, &path, None).status, 401, "{method}");
    }
    let other = path.replace(app, "app_other");
    assert_eq!(emulator.with_secret("GET", &other, None).status, 403);
}

#[test]
fn a_new_client_works_at_the_provider_by_either_name() {
    let emulator = Emulator::start();
    let made = create(&emulator, &json!({}));
    let (id, key) = (text(&made["id"]), client_id(&made));
    for name in [id, key] {
        let code = code(&emulator, name, &[]);
        let basic = format!("Basic {}", STANDARD.encode(format!("{name}:{}", secret(&made))));
        let (status, tokens) = redeem(&emulator, &code, &[], Some(&basic));
        assert_eq!(status, 200, "{tokens}");
        assert_eq!(claims(text(&tokens["id_token"]))["aud"], name, "the name it asked by");
        assert_eq!(tokens["scope"], "openid email offline_access", "`phone` is not allowed");

        let access = text(&tokens["access_token"]);
        assert!(!access.contains('.'), "opaque");
        let bearer = format!("Bearer {access}");
        let me = format!("/oidc/{}/me", emulator.settings.app_id);
        let me = || emulator.ask("GET", &me, &[("authorization", &bearer)], None);
        assert_eq!(me().json()["email"], "vera@example.com");
        let look =
            || form(&emulator, "/token/introspection", &[("token", access)], Some(&basic)).json();
        assert_eq!((&look()["active"], &look()["client_id"]), (&json!(true), &json!(name)));
        let revoked = form(&emulator, "/token/revocation", &[("token", access)], Some(&basic));
        assert_eq!(revoked.status, 200);
        assert_eq!(look(), json!({ "active": false }));
        assert_eq!(me().status, 401);

        let out = format!(
            "/oidc/{}/session/end?client_id={name}&state=s&post_logout_redirect_uri=https://shop.example.com/",
            emulator.settings.app_id
        );
        let out = emulator.raw("GET", &out, &[], b"");
        assert_eq!(
            (out.status, out.header("location")),
            (303, "https://shop.example.com/?state=s")
        );
    }
    let code = code(&emulator, key, &[]);
    let pair = [("client_id", key), ("client_secret", secret(&made))];
    let (_, tokens) = redeem(&emulator, &code, &pair, None);
    emulator.done("DELETE", &format!("/oidc-clients/{id}"), None);
    let bearer = format!("Bearer {}", text(&tokens["access_token"]));
    let me = format!("/oidc/{}/me", emulator.settings.app_id);
    assert_eq!(
        emulator.ask("GET", &me, &[("authorization", &bearer)], None).status,
        401,
        "removed"
    );
    assert_eq!(authorize(&emulator, key, &[]).status, 400, "removed");
}

#[test]
fn a_client_authenticates_as_its_configuration_says() {
    let emulator = Emulator::start();
    let challenge = challenge();
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    // The setting; whether the secret is taken by Basic, in the body, and whether none is needed.
    for (method, by_basic, by_body, by_nothing) in [
        (Value::Null, 200, 200, 401),
        (json!("client_secret_basic"), 200, 401, 401),
        (json!("client_secret_post"), 401, 200, 401),
        (json!("none"), 401, 401, 200),
    ] {
        let made = create(&emulator, &json!({ "token_endpoint_auth_method": method }));
        let key = client_id(&made);
        let basic = format!("Basic {}", STANDARD.encode(format!("{key}:{}", secret(&made))));
        let body = [("client_id", key), ("client_secret", secret(&made))];
        for (case, pairs, basic, expected) in [
            ("basic", &[][..], Some(basic.as_str()), by_basic),
            ("body", &body[..], None, by_body),
            ("nothing", &body[..1], None, by_nothing),
        ] {
            let code = code(&emulator, key, &pkce);
            let pairs = [pairs, &[("code_verifier", VERIFIER)]].concat();
            let (status, answer) = redeem(&emulator, &code, &pairs, basic);
            assert_eq!(status, expected, "{method} {case}: {answer}");
        }
    }
}

#[test]
fn the_flags_of_pkce_hold() {
    let emulator = Emulator::start();
    let challenge = challenge();
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    // The configuration; whether a request without and with a challenge is taken.
    for (config, without, with) in [
        (json!({}), true, true),
        (json!({ "is_pkce_required": true }), false, true),
        (json!({ "is_pkce_supported": false }), true, false),
        (json!({ "token_endpoint_auth_method": "none" }), false, true),
    ] {
        let made = create(&emulator, &config);
        for (more, taken) in [(&[][..], without), (&pkce[..], with)] {
            let answer = authorize(&emulator, client_id(&made), more);
            if taken {
                assert_eq!(answer.status, 200, "{config} {more:?}");
            } else {
                assert_eq!(back(&answer, "error"), "invalid_request", "{config} {more:?}");
            }
        }
    }
}

/// The id of a client beside the one of this id.
fn client_of_the_seed(emulator: &Emulator, made: &str) -> String {
    let list = emulator.done("GET", "/oidc-clients", None);
    let mut ids =
        list["results"].as_array().into_iter().flatten().map(|client| text(&client["id"]));
    ids.find(|known| *known != made).expect("the client of the seed").to_owned()
}

#[test]
fn logos_are_uploaded_by_both_paths_and_read_by_everybody() {
    let emulator = Emulator::start();
    let made = create(&emulator, &json!({}));
    let (app, id) = (&emulator.settings.app_id, text(&made["id"]));
    let put = |path: &str, kind: &str, file: &str, body: &[u8]| {
        let headers = [
            ("x-rownd-app-key", emulator.settings.app_key.as_str()),
            ("x-rownd-app-secret", emulator.settings.app_secret.as_str()),
            ("content-type", kind),
            ("x-rownd-filename", file),
        ];
        emulator.raw("PUT", path, &headers, body)
    };
    let dashed = format!("/applications/{app}/oidc-clients/{id}/logo");
    let manual = format!("/application/{app}/oidc_clients/{id}/logo");
    for (path, shade, kind, body, member, shown) in [
        (&dashed, "light", "image/png", PNG, "logo_uri", "image/png"),
        (&manual, "dark", "image/svg+xml", SVG, "logo_dark_mode_uri", "image/svg+xml"),
        (&dashed, "dark", "image/svg", SVG, "logo_dark_mode_uri", "image/svg+xml"),
    ] {
        let answer = put(&format!("{path}/{shade}"), kind, "my logo\".png", body);
        assert_eq!(answer.status, 200, "{path} {shade}");
        let client = answer.json();
        assert!(secret(&client).starts_with('$'), "no secret");
        let uri = text(&client["config"][member]);
        assert!(uri.ends_with(shade), "{uri}");
        let logo = emulator.raw("GET", emulator.path(uri), &[], b"");
        assert_eq!((logo.status, logo.header("content-type")), (200, shown));
        assert_eq!(logo.body, body);
        assert_eq!(logo.header("content-disposition"), "inline; filename=\"my_logo_.png\"");
        assert!(logo.header("content-security-policy").ends_with("sandbox"), "no script runs");
    }
    let light = format!("{dashed}/light");
    let large = [PNG, &vec![0; 5 * 1024 * 1024]].concat();
    let largest = &large[..5 * 1024 * 1024];
    assert_eq!(put(&light, "image/png", "a.png", largest).status, 200, "5 MiB");
    for (case, path, kind, file, body, expected) in [
        ("one byte more", &light, "image/png", "a.png", &large[..largest.len() + 1], 400),
        ("no name", &light, "image/png", "", PNG, 400),
        ("another kind", &light, "image/jpeg", "a.jpg", PNG, 400),
        ("not what it says", &light, "image/png", "a.png", SVG, 400),
        ("another shade", &format!("{dashed}/grey"), "image/png", "a.png", PNG, 404),
        (
            "no client",
            &dashed.replace(id, "oc_x").replace("logo", "logo/light"),
            "image/png",
            "a.png",
            PNG,
            404,
        ),
    ] {
        assert_eq!(put(path, kind, file, body).status, expected, "{case}");
    }
    let named = [("x-rownd-filename", "a.png")];
    assert_eq!(emulator.ask("PUT", &light, &named, None).status, 401, "without a secret");
    let other = client_of_the_seed(&emulator, id);
    let none =
        emulator.raw("GET", &dashed.replace(id, &other).replace("logo", "logo/light"), &[], b"");
    assert_eq!((none.status, &none.json()["code"]), (404, &json!("E_LOGO_NOT_FOUND")));
}
