//! Credentials are judged before the body and the query: without them, nothing is said about either.

use super::Emulator;

/// Each endpoint that takes a body or a query and needs credentials.
const ENDPOINTS: [(&str, &str); 29] = [
    ("PUT", "/applications/{app}/users/u/data"),
    ("PATCH", "/applications/{app}/users/u/data"),
    ("PUT", "/applications/{app}/users/u/data/fields/email"),
    ("PUT", "/applications/{app}/users/data"),
    ("GET", "/applications/{app}/users/data?page_size=x"),
    ("POST", "/applications/{app}/users/actions"),
    ("POST", "/applications/{app}/users/u/state"),
    ("POST", "/applications/{app}/users/u/signout"),
    ("PUT", "/applications/{app}/schema"),
    ("POST", "/applications/{app}/groups"),
    ("GET", "/applications/{app}/groups?page_size=x"),
    ("PUT", "/applications/{app}/groups/g"),
    ("POST", "/applications/{app}/groups/g/members"),
    ("PUT", "/applications/{app}/groups/g/members/m"),
    ("POST", "/applications/{app}/groups/g/invites"),
    ("PUT", "/applications/{app}/groups/g/invites/i"),
    ("POST", "/hub/auth/magic"),
    ("POST", "/me/auth/magic"),
    ("PUT", "/me/meta"),
    ("PUT", "/me/applications/{app}/data"),
    ("PUT", "/me/applications/{app}/data/fields/email"),
    ("POST", "/me/applications/{app}/signout"),
    ("POST", "/me/groups"),
    ("POST", "/me/groups/g/members"),
    ("POST", "/me/groups/g/invites"),
    ("PUT", "/auth/plugin/rownd/user"),
    ("PUT", "/auth/plugin/rownd/user/meta"),
    ("PUT", "/auth/plugin/rownd/user/field"),
    ("POST", "/oidc/{app}/interaction/i"),
];

#[test]
fn a_bad_body_without_good_credentials_is_a_401() {
    let emulator = Emulator::start();
    let (key, app) = (emulator.settings.app_key.clone(), emulator.settings.app_id.clone());
    let wrong = [
        ("x-rownd-app-key", key.as_str()),
        ("x-rownd-app-secret", "ras_wrong"),
        ("authorization", "Bearer x"),
    ];
    for (method, path) in ENDPOINTS {
        let path = path.replace("{app}", &app);
        for credentials in [&wrong[..0], &wrong] {
            for (kind, body) in [
                ("application/json", "{\"data\": "),
                ("application/json", "[]"),
                ("application/json", ""),
                ("text/plain", "x"),
                ("multipart/form-data", "x"),
                ("multipart/form-data; boundary=b", "--b\r\nno part"),
            ] {
                let mut headers = vec![("content-type", kind)];
                headers.extend(credentials);
                let answer = emulator.raw(method, &path, &headers, body.as_bytes());
                assert_eq!(answer.status, 401, "{method} {path}: {kind} {body:?}");
            }
        }
    }
}

#[test]
fn a_bad_body_with_good_credentials_is_a_400() {
    let emulator = Emulator::start();
    for (method, path) in ENDPOINTS.iter().filter(|(_, path)| path.starts_with("/applications/")) {
        let path = path.replace("{app}", &emulator.settings.app_id);
        let headers = [
            ("x-rownd-app-key", emulator.settings.app_key.as_str()),
            ("x-rownd-app-secret", emulator.settings.app_secret.as_str()),
            ("content-type", "application/json"),
        ];
        let answer = emulator.raw(method, &path, &headers, b"{\"data\": ");
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &"E_BAD_REQUEST".into()),
            "{path}"
        );
    }
}

#[test]
fn a_wrong_key_is_a_401_at_the_token_endpoint_whatever_the_body() {
    let emulator = Emulator::start();
    let headers = [("x-rownd-app-key", "key_wrong"), ("content-type", "application/json")];
    for body in ["", "{", "{\"refresh_token\": \"x\"}", "{\"access_token_type\": \"anonymous\"}"] {
        let answer = emulator.raw("POST", "/hub/auth/token", &headers, body.as_bytes());
        assert_eq!(answer.status, 401, "{body}");
    }
}
