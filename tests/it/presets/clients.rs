//! Access tokens that usually have no `aud`, so that another claim names the client, and what the
//! same provider signs besides them.

use rownd_authz::model::DenyReason::{
    AudienceMismatch, ClaimsInvalid, IssuerUntrusted, TokenKindRefused,
};
use serde_json::{Value, json};

use super::{
    access::{keycloak_access, table},
    shape::{Shape, Shapes, plain, typed, with},
};

pub(super) fn tables() -> Vec<Shapes> {
    vec![keycloak(), cognito(), clerk(), workos(), hydra()]
}

fn keycloak() -> Shapes {
    let access = |change: Value| with(with(keycloak_access(), &json!({"aud": null})), &change);
    Shapes {
        taken: vec![
            (plain("of a client without an audience mapper", access(json!({}))), &[]),
            (plain("with an empty list", access(json!({"aud": []}))), &[]),
        ],
        refused: vec![
            (plain("of another client", access(json!({"azp": "other-app"}))), AudienceMismatch),
            (plain("of no client", access(json!({"azp": null}))), AudienceMismatch),
            (plain("for another service", access(json!({"aud": "account"}))), AudienceMismatch),
            (plain("an ID token", access(json!({"typ": "ID"}))), TokenKindRefused),
        ],
        ..table("keycloak-by-client")
    }
}

fn cognito_user() -> Value {
    json!({"sub": "c27a05a2-4ce1-4173-be51-9bbc3fe65a0a", "device_key": "d",
        "cognito:groups": ["admin"], "client_id": "1234567890abcdefghijklmnop",
        "origin_jti": "o-1", "event_id": "e-1", "token_use": "access",
        "scope": "openid phone", "auth_time": 1_700_000_000, "jti": "j-1", "version": 2,
        "username": "jane"})
}

fn cognito() -> Shapes {
    let access = |change: Value| with(cognito_user(), &change);
    let machine = json!({"sub": "1234567890abcdefghijklmnop", "username": null, "origin_jti": null,
        "event_id": null, "cognito:groups": null, "device_key": null, "scope": "my-api/read"});
    let id = json!({"token_use": "id", "aud": "1234567890abcdefghijklmnop", "client_id": null,
        "scope": null, "username": null, "cognito:username": "jane", "at_hash": "x",
        "email_verified": true});
    Shapes {
        taken: vec![
            (
                plain("of a user", access(json!({}))),
                &[
                    ("x-rownd-user-id", Some("c27a05a2-4ce1-4173-be51-9bbc3fe65a0a")),
                    ("x-rownd-groups", Some("admin")),
                    ("x-rownd-session-id", Some("o-1")),
                ],
            ),
            (plain("of a machine", access(machine)), &[("x-rownd-session-id", None)]),
        ],
        refused: vec![
            (plain("an ID token", access(id.clone())), TokenKindRefused),
            (
                plain(
                    "an ID token that names a client",
                    access(with(
                        id,
                        &json!({
                "at_hash": null, "aud": null, "client_id": "1234567890abcdefghijklmnop"}),
                    )),
                ),
                TokenKindRefused,
            ),
            (plain("no use", access(json!({"token_use": null}))), TokenKindRefused),
            (plain("of another client", access(json!({"client_id": "zzz"}))), AudienceMismatch),
            (plain("no client", access(json!({"client_id": null}))), TokenKindRefused),
            (plain("a client that is no text", access(json!({"client_id": 7}))), ClaimsInvalid),
            (
                plain(
                    "bound to another resource",
                    access(json!({"aud": "https://other.example.com"})),
                ),
                AudienceMismatch,
            ),
            (
                plain(
                    "another pool",
                    access(
                        json!({"iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_other"}),
                    ),
                ),
                IssuerUntrusted,
            ),
        ],
        ..table("cognito")
    }
}

fn clerk() -> Shapes {
    let header = json!({"typ": "JWT", "cat": "cl_B7d4PD111AAA"});
    let session = json!({"azp": "https://app.example.com", "fva": [7, -1], "nbf": 1_700_000_000,
        "sid": "sess_123", "sts": "active", "sub": "user_123", "v": 2, "fea": "o:articles",
        "pla": "o:free", "o": {"id": "org_1", "rol": "admin", "slg": "acme", "per": "read", "fpm": "3"}});
    let version_1 = json!({"v": null, "sts": null, "o": null, "fea": null, "pla": null,
        "org_id": "org_1", "org_role": "org:admin"});
    let shape = |name, change: Value| Shape {
        name,
        header: header.clone(),
        claims: with(session.clone(), &change),
    };
    let oauth = json!({"sid": null, "sts": null, "v": null, "client_id": "c", "scope": "openid"});
    Shapes {
        taken: vec![
            (
                shape("of version 2", json!({})),
                &[
                    ("x-rownd-user-id", Some("user_123")),
                    ("x-rownd-session-id", Some("sess_123")),
                    ("x-rownd-roles", Some("admin")),
                ],
            ),
            (shape("of version 1", version_1), &[("x-rownd-roles", None)]),
        ],
        refused: vec![
            (
                shape("of another site", json!({"azp": "https://evil.example.com"})),
                AudienceMismatch,
            ),
            (
                shape("of a site in other letters", json!({"azp": "https://App.example.com"})),
                AudienceMismatch,
            ),
            (shape("of no site", json!({"azp": null})), AudienceMismatch),
            (shape("a session with open tasks", json!({"sts": "pending"})), TokenKindRefused),
            (shape("a status that is no text", json!({"sts": 1})), TokenKindRefused),
            (shape("of a template without a session", json!({"sid": null})), TokenKindRefused),
            (
                shape("of a template for another service", json!({"aud": "hasura"})),
                AudienceMismatch,
            ),
            (
                typed("an OAuth access token", "at+jwt", with(session.clone(), &oauth)),
                TokenKindRefused,
            ),
            (
                typed("an OAuth access token with a session", "at+jwt", session.clone()),
                TokenKindRefused,
            ),
        ],
        ..table("clerk")
    }
}

fn workos() -> Shapes {
    let user = json!({"sub": "user_01H", "sid": "session_01H", "jti": "01H", "org_id": "org_01H",
        "role": "member", "permissions": ["posts:read"], "client_id": "client_01H"});
    let access = |change: Value| with(user.clone(), &change);
    Shapes {
        taken: vec![(
            plain("of a user", access(json!({}))),
            &[("x-rownd-user-id", Some("user_01H"))],
        )],
        refused: vec![
            (
                plain("of another client", access(json!({"client_id": "client_02"}))),
                AudienceMismatch,
            ),
            (plain("of no client", access(json!({"client_id": null}))), AudienceMismatch),
            (plain("for a service", access(json!({"aud": "client_01H"}))), AudienceMismatch),
        ],
        ..table("workos")
    }
}

fn hydra() -> Shapes {
    let user = json!({"sub": "u1", "aud": [], "client_id": "my-app", "ext": {}, "jti": "j",
        "nbf": 1_700_000_000, "scp": ["openid"]});
    let access = |change: Value| with(user.clone(), &change);
    Shapes {
        taken: vec![
            (plain("that asked for no audience", access(json!({}))), &[]),
            (plain("without a list", access(json!({"aud": null}))), &[]),
            (plain("of several clients", access(json!({"client_id": ["x", "my-app"]}))), &[]),
        ],
        refused: vec![
            (plain("for a service", access(json!({"aud": ["other-api"]}))), AudienceMismatch),
            (plain("for nobody by name", access(json!({"aud": [""]}))), AudienceMismatch),
            (
                plain("of a client in other letters", access(json!({"client_id": "My-App"}))),
                AudienceMismatch,
            ),
            (
                plain("of a client with a blank", access(json!({"client_id": "my-app "}))),
                AudienceMismatch,
            ),
            (plain("of no client in a list", access(json!({"client_id": []}))), AudienceMismatch),
            (
                plain("of a list with a number", access(json!({"client_id": ["my-app", 1]}))),
                ClaimsInvalid,
            ),
            (
                plain("of a client in a map", access(json!({"client_id": {"my-app": true}}))),
                ClaimsInvalid,
            ),
        ],
        ..table("hydra")
    }
}
