//! Access tokens, and for each what the same provider signs besides them with the same keys.
//!
//! Where a document shows another `aud` for such a token, that of the access token stands here, so
//! that nothing but the kind of the token can refuse it.

use rownd_authz::model::DenyReason::{
    self, AudienceMismatch, ClaimsInvalid, IssuerUntrusted, TokenKindRefused,
};
use serde_json::{Value, json};

use super::shape::{Shape, Shapes, plain, typed, with};

pub(super) fn tables() -> Vec<Shapes> {
    vec![keycloak(), entra(), entra_of_version_1(), auth0(), okta(), zitadel(), kubernetes()]
}

pub(super) fn table(issuer: &'static str) -> Shapes {
    Shapes { issuer, settings: json!({}), takes_id: false, taken: Vec::new(), refused: Vec::new() }
}

/// An access token of Keycloak 22: it repeats the `nonce` of the sign-in.
pub(super) fn keycloak_access() -> Value {
    json!({"auth_time": 1_700_000_000, "jti": "3c6a1f6e-0d0f-4b7d-8b0a-5a3f5f0f2a11",
        "aud": ["my-api", "account"], "sub": "0a1b2c3d-e29b-41d4-a716-446655440000",
        "typ": "Bearer", "azp": "my-app", "nonce": "a3f1", "session_state": "s-1", "acr": "1",
        "allowed-origins": ["https://app.example.com"],
        "realm_access": {"roles": ["editor", "offline_access"]},
        "resource_access": {"account": {"roles": ["view-profile"]}},
        "scope": "openid email profile", "sid": "s-1", "email_verified": true,
        "preferred_username": "jane", "email": "jane@example.com"})
}

fn keycloak() -> Shapes {
    let access = |change: Value| with(keycloak_access(), &change);
    let new = json!({"nonce": null, "session_state": null, "auth_time": null});
    let machine = json!({"nonce": null, "session_state": null, "sid": null, "auth_time": null,
        "sub": "77777777-e29b-41d4-a716-446655440000", "client_id": "my-job",
        "azp": "my-job", "clientHost": "10.0.0.7", "clientAddress": "10.0.0.7",
        "preferred_username": "service-account-my-job"});
    Shapes {
        taken: vec![
            (
                plain("of version 22, with a nonce", access(json!({}))),
                &[
                    ("x-rownd-user-id", Some("0a1b2c3d-e29b-41d4-a716-446655440000")),
                    ("x-rownd-roles", Some("editor,offline_access")),
                    ("x-rownd-session-id", Some("s-1")),
                ],
            ),
            (plain("of version 26", access(new.clone())), &[]),
            (typed("of version 26, by RFC 9068", "at+jwt", access(new.clone())), &[]),
            (plain("a service account", access(machine)), &[]),
        ],
        refused: keycloak_others(&new),
        ..table("keycloak")
    }
}

/// The other tokens of Keycloak, and access tokens of others. `new` are the changes of version 26.
fn keycloak_others(new: &Value) -> Vec<(Shape, DenyReason)> {
    let access = |change: Value| with(keycloak_access(), &change);
    let id = json!({"typ": "ID", "at_hash": "x", "scope": null, "realm_access": null,
        "resource_access": null, "allowed-origins": null});
    let refresh = json!({"realm_access": null, "resource_access": null, "allowed-origins": null});
    vec![
        (plain("an ID token", access(id.clone())), TokenKindRefused),
        (
            plain("an ID token without a hash", access(with(id, &json!({"at_hash": null})))),
            TokenKindRefused,
        ),
        (
            plain("a refresh token", access(with(refresh.clone(), &json!({"typ": "Refresh"})))),
            TokenKindRefused,
        ),
        (
            plain("an offline token", access(with(refresh, &json!({"typ": "Offline"})))),
            TokenKindRefused,
        ),
        (
            plain(
                "a logout token",
                json!({"aud": "my-api", "sub": "u", "typ": "Logout", "jti": "j", "sid": "s-1",
                    "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
            ),
            TokenKindRefused,
        ),
        (plain("no typ, with a nonce", access(json!({"typ": null}))), TokenKindRefused),
        (
            plain("no typ, without a nonce", with(access(new.clone()), &json!({"typ": null}))),
            TokenKindRefused,
        ),
        (plain("another client's", access(json!({"aud": "account"}))), AudienceMismatch),
        (plain("no audience", access(json!({"aud": null}))), AudienceMismatch),
        (
            plain("another realm", access(json!({"iss": "https://id.example.com/realms/other"}))),
            IssuerUntrusted,
        ),
        (
            plain("a realm below", access(json!({"iss": "https://id.example.com/realms/main/"}))),
            IssuerUntrusted,
        ),
    ]
}

const ENTRA_APP: &str = "11111111-2222-3333-4444-555555555555";
const ENTRA_TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

fn entra() -> Shapes {
    let user = json!({"aud": ENTRA_APP, "nbf": 1_700_000_000, "aio": "AXQAi/8", "azp": "client-guid",
        "azpacr": "0", "name": "Abe Lincoln", "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        "preferred_username": "abeli@example.com", "rh": "I", "scp": "access_as_user read",
        "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", "tid": ENTRA_TENANT,
        "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0", "roles": ["Admin"],
        "groups": ["7fdc982b-c0c8-4c17-a9aa-5ac91815326f"]});
    let access = |change: Value| with(user.clone(), &change);
    let app = json!({"scp": null, "name": null, "preferred_username": null, "groups": null,
        "azpacr": "1", "idtyp": "app", "oid": "013f9e69-d867-42bd-9ea1-6b3dda3dd2df",
        "sub": "013f9e69-d867-42bd-9ea1-6b3dda3dd2df", "roles": ["Reader"]});
    let id = json!({"azp": null, "azpacr": null, "scp": null, "nonce": "12345"});
    let overage = json!({"groups": null, "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://graph.example.com/getMemberObjects"}}});
    Shapes {
        taken: vec![
            (
                plain("of a user", access(json!({}))),
                &[
                    ("x-rownd-user-id", Some("690222be-ff1a-4d56-abd1-7e4f7d38e474")),
                    ("x-rownd-roles", Some("Admin")),
                    ("x-rownd-groups", Some("7fdc982b-c0c8-4c17-a9aa-5ac91815326f")),
                ],
            ),
            (plain("of a user with too many groups", access(overage)), &[("x-rownd-groups", None)]),
            (plain("of an application with a role", access(app.clone())), &[]),
        ],
        refused: vec![
            (plain("an ID token", access(id.clone())), TokenKindRefused),
            (
                plain("an ID token without a nonce", access(with(id, &json!({"nonce": null})))),
                TokenKindRefused,
            ),
            (
                plain("an application without a role", with(access(app), &json!({"roles": null}))),
                TokenKindRefused,
            ),
            (
                plain(
                    "for another application",
                    access(json!({"aud": "00000003-0000-0000-c000-000000000000"})),
                ),
                AudienceMismatch,
            ),
            (
                plain(
                    "another tenant",
                    access(json!({"iss": "https://login.microsoftonline.com/other/v2.0"})),
                ),
                IssuerUntrusted,
            ),
            (plain("no object id", access(json!({"oid": null}))), ClaimsInvalid),
        ],
        ..table("entra")
    }
}

fn entra_of_version_1() -> Shapes {
    let user = json!({"aud": "api://my-api", "nbf": 1_700_000_000, "acr": "1", "aio": "AXQAi/8",
        "amr": ["pwd"], "appid": "client-guid", "appidacr": "0", "ipaddr": "192.0.2.7",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "rh": "I", "scp": "user_impersonation",
        "sub": "HKZpfaHyWadeOouYlitjrI", "tid": ENTRA_TENANT, "unique_name": "abeli@example.com",
        "uti": "x", "ver": "1.0"});
    let id = json!({"appid": null, "appidacr": null, "scp": null, "nonce": "n"});
    Shapes {
        settings: json!({"issuer": format!("https://sts.windows.net/{ENTRA_TENANT}/"),
            "audiences": ["api://my-api"]}),
        taken: vec![(plain("of a user", user.clone()), &[])],
        refused: vec![
            (plain("an ID token", with(user.clone(), &id)), TokenKindRefused),
            (plain("no client", with(user, &json!({"appid": null}))), TokenKindRefused),
        ],
        ..table("entra")
    }
}

fn auth0() -> Shapes {
    let user = json!({"sub": "auth0|123456", "azp": "my_client_id",
        "aud": ["https://api.example.com", "https://example.eu.auth0.com/userinfo"],
        "scope": "openid profile read:patients", "permissions": ["read:patients"],
        "https://example.com/roles": ["nurse"], "org_id": "org_1"});
    let access = |change: Value| with(user.clone(), &change);
    let rfc9068 = json!({"azp": null, "client_id": "my_client_id", "jti": "73Wak"});
    let machine = json!({"sub": "my_job@clients", "azp": "my_job", "aud": "https://api.example.com",
        "gty": "client-credentials", "org_id": null, "permissions": null, "scope": "read:patients"});
    let id = json!({"azp": null, "scope": null, "permissions": null, "nickname": "jane",
        "sid": "s", "nonce": "n"});
    Shapes {
        taken: vec![
            (
                plain("of Auth0's profile", access(json!({}))),
                &[("x-rownd-user-id", Some("auth0|123456"))],
            ),
            (typed("of RFC 9068", "at+jwt", access(rfc9068)), &[]),
            (plain("of a machine", access(machine)), &[]),
        ],
        refused: vec![
            (plain("an ID token", access(id.clone())), TokenKindRefused),
            (
                plain("an ID token without a nonce", access(with(id, &json!({"nonce": null})))),
                TokenKindRefused,
            ),
            (
                plain(
                    "for user info alone",
                    access(json!({"aud": "https://example.eu.auth0.com/userinfo"})),
                ),
                AudienceMismatch,
            ),
            (plain("for the client", access(json!({"aud": "my_client_id"}))), AudienceMismatch),
            (
                plain("without the slash", access(json!({"iss": "https://example.eu.auth0.com"}))),
                IssuerUntrusted,
            ),
        ],
        ..table("auth0")
    }
}

fn okta() -> Shapes {
    let user = json!({"ver": 1, "jti": "AT.0mP4", "aud": "api://default", "cid": "0oa1abc",
        "uid": "00u1abc", "scp": ["openid", "email"], "auth_time": 1_700_000_000,
        "sub": "jane@example.com", "groups": ["Everyone"]});
    let access = |change: Value| with(user.clone(), &change);
    let id = json!({"jti": "ID.0mP4", "cid": null, "uid": null, "scp": null, "sub": "00u1abc",
        "amr": ["pwd"], "idp": "00o1", "nonce": "n", "at_hash": "x"});
    let machine = json!({"uid": null, "sub": "0oa1abc", "groups": null, "auth_time": null});
    Shapes {
        taken: vec![(
            plain("of a user", access(json!({}))),
            &[("x-rownd-user-id", Some("00u1abc")), ("x-rownd-groups", Some("Everyone"))],
        )],
        refused: vec![
            (plain("an ID token", access(id.clone())), TokenKindRefused),
            (
                plain(
                    "an ID token with neither hash nor nonce",
                    access(with(
                        id,
                        &json!({
                "at_hash": null, "nonce": null}),
                    )),
                ),
                TokenKindRefused,
            ),
            (plain("of a machine, which has no user id", access(machine)), ClaimsInvalid),
            (plain("for another service", access(json!({"aud": "api://other"}))), AudienceMismatch),
            (
                plain("of the org server", access(json!({"iss": "https://example.okta.com"}))),
                IssuerUntrusted,
            ),
        ],
        ..table("okta")
    }
}

const PROJECT: &str = "69234237810729019";

fn zitadel() -> Shapes {
    let user = json!({"sub": "77776025198584418", "aud": ["69234237810729234@shop", PROJECT],
        "nbf": 1_700_000_000, "jti": "69234237813329048", "client_id": "69234237810729234@shop",
        "urn:zitadel:iam:user:resourceowner:id": "org-1",
        "urn:zitadel:iam:org:project:roles": {"admin": {"org-1": "acme.zitadel.cloud"}}});
    let access = |change: Value| with(user.clone(), &change);
    let id = json!({"jti": null, "azp": "69234237810729234@shop", "at_hash": "x", "amr": ["pwd"],
        "auth_time": 1_700_000_000, "nonce": "n", "preferred_username": "jane"});
    Shapes {
        taken: vec![
            (
                plain("of a user", access(json!({}))),
                &[
                    ("x-rownd-user-id", Some("77776025198584418")),
                    ("x-rownd-roles", Some("admin")),
                    ("x-rownd-tenant", Some("org-1")),
                ],
            ),
            (
                plain(
                    "of a service user",
                    access(json!({"urn:zitadel:iam:org:project:roles": null})),
                ),
                &[],
            ),
        ],
        refused: vec![
            (plain("an ID token", access(id.clone())), TokenKindRefused),
            (
                plain(
                    "an ID token of few words",
                    access(with(
                        id.clone(),
                        &json!({
                "at_hash": null, "nonce": null, "amr": null, "auth_time": null}),
                    )),
                ),
                TokenKindRefused,
            ),
            (
                plain(
                    "an ID token with an id",
                    access(with(
                        id,
                        &json!({
                "at_hash": null, "nonce": null, "jti": "j"}),
                    )),
                ),
                TokenKindRefused,
            ),
            (
                plain(
                    "for another project",
                    access(json!({"aud": ["69234237810729234@shop", "1"]})),
                ),
                AudienceMismatch,
            ),
        ],
        ..table("zitadel")
    }
}

fn kubernetes() -> Shapes {
    let pod = json!({"aud": ["my-api"], "nbf": 1_700_000_000, "jti": "ea28ed49-2e11-4280-9ec5-bc3d1d84661a",
        "sub": "system:serviceaccount:shop:cart", "kubernetes.io": {"namespace": "shop",
            "node": {"name": "n1", "uid": "u"}, "pod": {"name": "cart-7d", "uid": "u"},
            "serviceaccount": {"name": "cart", "uid": "u"}, "warnafter": 1_900_000_000}});
    let account = |change: Value| with(pod.clone(), &change);
    let none = |claims: Value| Shape { name: "of a pod", header: json!({}), claims };
    Shapes {
        taken: vec![
            (
                none(account(json!({}))),
                &[("x-rownd-user-id", Some("system:serviceaccount:shop:cart"))],
            ),
            (
                plain(
                    "by kubectl create token",
                    account(json!({"kubernetes.io": {"namespace": "shop",
                "serviceaccount": {"name": "cart", "uid": "u"}}})),
                ),
                &[],
            ),
        ],
        refused: vec![
            (
                plain(
                    "for the API server",
                    account(json!({"aud": ["https://kubernetes.default.svc.cluster.local"]})),
                ),
                AudienceMismatch,
            ),
            (plain("no audience", account(json!({"aud": null}))), AudienceMismatch),
            (plain("of a Secret, without an end", account(json!({"exp": "none"}))), ClaimsInvalid),
            (
                plain("no claim of Kubernetes", account(json!({"kubernetes.io": null}))),
                TokenKindRefused,
            ),
            (
                plain(
                    "another account",
                    account(json!({"sub": "system:serviceaccount:shop:admin"})),
                ),
                TokenKindRefused,
            ),
            (
                plain(
                    "another namespace",
                    account(json!({"sub": "system:serviceaccount:other:cart"})),
                ),
                TokenKindRefused,
            ),
            (plain("no account", account(json!({"sub": "system:node:n1"}))), TokenKindRefused),
            (
                typed("under the header of an OAuth token", "at+jwt", account(json!({}))),
                TokenKindRefused,
            ),
        ],
        ..table("kubernetes")
    }
}
