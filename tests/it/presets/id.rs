//! ID tokens, for issuers that accept those, and the access tokens of the same provider.

use rownd_authz::model::DenyReason::{AudienceMismatch, IssuerUntrusted, TokenKindRefused};
use serde_json::{Value, json};

use super::shape::{Shapes, plain, typed, with};

pub(super) fn tables() -> Vec<Shapes> {
    vec![keycloak(), entra(), cognito(), auth0(), okta(), zitadel()]
}

fn table(issuer: &'static str, settings: &Value) -> Shapes {
    let settings = with(json!({"accepts": "id", "audience": null}), settings);
    Shapes { issuer, settings, takes_id: true, taken: Vec::new(), refused: Vec::new() }
}

/// An ID token by OpenID Connect Core section 2.
fn id_token(aud: &str) -> Value {
    json!({"sub": "u1", "aud": aud, "nonce": "n", "at_hash": "x", "auth_time": 1_700_000_000})
}

fn keycloak() -> Shapes {
    let id =
        with(id_token("my-app"), &json!({"typ": "ID", "azp": "my-app", "sid": "s", "acr": "1"}));
    let access = json!({"typ": "Bearer", "at_hash": null, "scope": "openid"});
    Shapes {
        taken: vec![(plain("an ID token", id.clone()), &[("x-rownd-user-id", Some("u1"))])],
        refused: vec![
            (plain("an access token", with(id.clone(), &access)), TokenKindRefused),
            (plain("no typ", with(id.clone(), &json!({"typ": null}))), TokenKindRefused),
            (typed("under another header", "at+jwt", id.clone()), TokenKindRefused),
            (plain("of another client", with(id, &json!({"aud": "other-app"}))), AudienceMismatch),
        ],
        ..table("keycloak", &json!({"audiences": ["my-app"]}))
    }
}

fn entra() -> Shapes {
    let id = with(
        id_token("my-app"),
        &json!({"oid": "o1", "tid": "t1", "ver": "2.0", "rh": "I",
        "preferred_username": "jane@example.com", "roles": ["Admin"]}),
    );
    Shapes {
        taken: vec![(plain("an ID token", id.clone()), &[("x-rownd-user-id", Some("o1"))])],
        refused: vec![
            (
                plain(
                    "an access token",
                    with(id.clone(), &json!({"scp": "read", "azp": "my-app"})),
                ),
                TokenKindRefused,
            ),
            (
                plain("an application", with(id.clone(), &json!({"azp": "my-app", "azpacr": "1"}))),
                TokenKindRefused,
            ),
            (
                plain("an application of version 1", with(id.clone(), &json!({"appid": "my-app"}))),
                TokenKindRefused,
            ),
            (plain("one that says so", with(id, &json!({"idtyp": "app"}))), TokenKindRefused),
        ],
        ..table("entra", &json!({"audiences": ["my-app"]}))
    }
}

fn cognito() -> Shapes {
    let id = with(
        id_token("my-app"),
        &json!({"token_use": "id", "cognito:username": "jane",
        "cognito:groups": ["admin"], "origin_jti": "o-1", "event_id": "e"}),
    );
    Shapes {
        taken: vec![(plain("an ID token", id.clone()), &[("x-rownd-groups", Some("admin"))])],
        refused: vec![
            (
                plain(
                    "an access token",
                    with(
                        id.clone(),
                        &json!({"token_use": "access",
                "client_id": "my-app"}),
                    ),
                ),
                TokenKindRefused,
            ),
            (plain("no use", with(id, &json!({"token_use": null}))), TokenKindRefused),
        ],
        ..table("cognito", &json!({"audiences": ["my-app"]}))
    }
}

fn auth0() -> Shapes {
    let id = with(id_token("my-app"), &json!({"sid": "s", "nickname": "jane"}));
    Shapes {
        taken: vec![(plain("an ID token", id.clone()), &[])],
        refused: vec![
            (
                plain("an access token", with(id.clone(), &json!({"scope": "openid"}))),
                TokenKindRefused,
            ),
            (
                plain("a machine's", with(id.clone(), &json!({"gty": "client-credentials"}))),
                TokenKindRefused,
            ),
            (
                plain("for another client", with(id.clone(), &json!({"azp": "other"}))),
                AudienceMismatch,
            ),
            (
                plain(
                    "for several, and no azp",
                    with(id.clone(), &json!({"aud": ["my-app", "x"]})),
                ),
                AudienceMismatch,
            ),
            (plain("of another client", with(id, &json!({"aud": "other"}))), AudienceMismatch),
        ],
        ..table("auth0", &json!({"audiences": ["my-app"]}))
    }
}

fn okta() -> Shapes {
    let id = with(id_token("my-app"), &json!({"ver": 1, "amr": ["pwd"], "idp": "00o1"}));
    Shapes {
        taken: vec![(plain("an ID token", id.clone()), &[("x-rownd-user-id", Some("u1"))])],
        refused: vec![
            (
                plain("an access token", with(id.clone(), &json!({"scp": ["openid"]}))),
                TokenKindRefused,
            ),
            (
                plain("one that names the client", with(id.clone(), &json!({"cid": "0oa"}))),
                TokenKindRefused,
            ),
            (plain("one that names the user", with(id, &json!({"uid": "00u"}))), TokenKindRefused),
        ],
        ..table("okta", &json!({"audiences": ["my-app"]}))
    }
}

fn zitadel() -> Shapes {
    let id = with(
        id_token("my-app"),
        &json!({"aud": ["my-app", "69234237810729019"],
        "azp": "my-app", "client_id": "my-app", "amr": ["pwd"]}),
    );
    Shapes {
        taken: vec![
            (plain("an ID token", id.clone()), &[]),
            (plain("of an older version", with(id.clone(), &json!({"client_id": null}))), &[]),
        ],
        refused: vec![
            (
                plain("an access token", with(id.clone(), &json!({"jti": "j", "azp": null}))),
                TokenKindRefused,
            ),
            (plain("one with an id", with(id.clone(), &json!({"jti": "j"}))), TokenKindRefused),
            (plain("of no party", with(id.clone(), &json!({"azp": null}))), TokenKindRefused),
            (
                plain("of two clients", with(id.clone(), &json!({"client_id": "other"}))),
                TokenKindRefused,
            ),
            (
                plain("of another client", with(id, &json!({"azp": "other", "client_id": null}))),
                AudienceMismatch,
            ),
        ],
        ..table("zitadel", &json!({"audiences": ["my-app"]}))
    }
}

const CLIENT: &str = "1234987819200.apps.googleusercontent.com";

/// Google has ID tokens only.
pub(super) fn google() -> Shapes {
    let id = with(
        id_token(CLIENT),
        &json!({"azp": CLIENT, "sub": "10769150350006150715113082367",
        "email": "jane@example.com", "email_verified": true, "hd": "example.com"}),
    );
    let account = json!({"azp": "106502839203945873205", "sub": "106502839203945873205",
        "email": "job@other-project.iam.gserviceaccount.com", "nonce": null, "at_hash": null,
        "hd": null});
    Shapes {
        takes_id: true,
        settings: json!({}),
        taken: vec![
            (
                plain("of a sign-in", id.clone()),
                &[("x-rownd-user-id", Some("10769150350006150715113082367"))],
            ),
            (plain("without a party", with(id.clone(), &json!({"azp": null}))), &[]),
        ],
        refused: vec![
            (
                plain(
                    "of another client",
                    with(id.clone(), &json!({"aud": "other", "azp": "other"})),
                ),
                AudienceMismatch,
            ),
            (
                plain("of a service account of anybody", with(id.clone(), &account)),
                AudienceMismatch,
            ),
            (
                plain(
                    "of another client of the project",
                    with(id.clone(), &json!({"azp": "android"})),
                ),
                AudienceMismatch,
            ),
            (plain("no audience", with(id.clone(), &json!({"aud": null}))), AudienceMismatch),
            (
                plain(
                    "the issuer without a scheme",
                    with(id.clone(), &json!({"iss": "accounts.google.com"})),
                ),
                IssuerUntrusted,
            ),
            (typed("an access token", "at+jwt", id), TokenKindRefused),
        ],
        ..table("google", &json!({}))
    }
}
