//! The tokens of machines, which cannot sign in, by the marks of each provider.

use serde_json::{Value, json};

use super::{OIDC, access_token, judge};
use crate::verify::tests::with;

const AUTH0: &str =
    "kind: oidc, preset: auth0, issuer: 'https://example.eu.auth0.com/', audiences: [my-api]";
const OKTA: &str = "kind: oidc, preset: okta, issuer: 'https://example.okta.com/oauth2/default', \
                    audiences: [my-api], claims: { user_id: sub }";
const ENTRA: &str = "kind: oidc, preset: entra, issuer: 'https://login.microsoftonline.com/t/v2.0', \
                     audiences: [my-api]";
const COGNITO: &str = "kind: oidc, preset: cognito, \
                       issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_a', \
                       audience: { claim: client_id, values: [c] }";
const KEYCLOAK: &str =
    "kind: oidc, preset: keycloak, issuer: 'https://id.test/realms/main', audiences: [my-api]";
const KUBERNETES: &str =
    "kind: oidc, preset: kubernetes, issuer: 'https://kubernetes.default.svc', audiences: [my-api]";
const GOOGLE: &str = "kind: oidc, preset: google, audiences: [my-api]";

fn base() -> Value {
    json!({"iss": "https://id.test", "sub": "u1", "aud": "my-api", "iat": 1, "exp": 2})
}

#[test]
#[rustfmt::skip] // one case a line
fn the_marks_of_a_machine() {
    let account = json!({"namespace": "shop", "serviceaccount": {"name": "cart"}});
    for (name, yaml, change, expected) in [
        ("a user", OIDC, json!({"client_id": "c"}), false),
        ("the client itself", OIDC, json!({"client_id": "u1"}), true),
        ("the client itself, by azp", OIDC, json!({"client_id": null, "azp": "u1"}), true),
        ("no client", OIDC, json!({"client_id": null}), false),
        ("a client that is no text", OIDC, json!({"client_id": null, "azp": ["u1"]}), false),
        ("another client in azp", OIDC, json!({"client_id": "c", "azp": "d"}), false),
        ("Auth0, a user", AUTH0, json!({"azp": "c", "sub": "auth0|1"}), false),
        ("Auth0, by its grant", AUTH0, json!({"azp": "c", "gty": "client-credentials"}), true),
        ("Auth0, another grant", AUTH0, json!({"azp": "c", "gty": "password"}), false),
        ("Auth0, by its subject", AUTH0, json!({"client_id": "c", "azp": null, "sub": "c@clients"}), true),
        ("Auth0, another client's name", AUTH0, json!({"azp": "c", "sub": "d@clients"}), false),
        ("Okta, a user", OKTA, json!({"cid": "c", "uid": "u"}), false),
        ("Okta, a machine", OKTA, json!({"cid": "c", "sub": "c"}), true),
        ("Entra, a user", ENTRA, json!({"azp": "c", "oid": "o", "scp": "a"}), false),
        ("Entra, by its mark", ENTRA, json!({"azp": "c", "oid": "o", "roles": ["r"], "idtyp": "app"}), true),
        ("Entra, a user by the mark", ENTRA, json!({"azp": "c", "oid": "u1", "roles": ["r"], "idtyp": "user"}), false),
        ("Entra, without the mark", ENTRA, json!({"azp": "c", "oid": "u1", "roles": ["r"]}), true),
        ("Entra, a user with roles alone", ENTRA, json!({"azp": "c", "oid": "o", "roles": ["r"]}), false),
        ("Cognito, a user", COGNITO, json!({"aud": null, "token_use": "access", "client_id": "c", "username": "u"}), false),
        ("Cognito, a machine", COGNITO, json!({"aud": null, "token_use": "access", "client_id": "c", "sub": "c"}), true),
        ("Cognito, without a name", COGNITO, json!({"aud": null, "token_use": "access", "client_id": "c"}), true),
        ("Keycloak, a user", KEYCLOAK, json!({"typ": "Bearer", "azp": "c", "preferred_username": "jane"}), false),
        ("Keycloak, an account", KEYCLOAK, json!({"typ": "Bearer", "azp": "My-Job", "preferred_username": "service-account-my-job"}), true),
        ("Keycloak, by client_id", KEYCLOAK, json!({"typ": "Bearer", "client_id": "job", "preferred_username": "service-account-job"}), true),
        ("Keycloak, a user of such a name", KEYCLOAK, json!({"typ": "Bearer", "azp": "c", "preferred_username": "service-account-d"}), false),
        ("Kubernetes", KUBERNETES, json!({"sub": "system:serviceaccount:shop:cart", "kubernetes.io": account}), true),
        ("Google, a user", GOOGLE, json!({"azp": "my-api", "iss": "https://accounts.google.com"}), false),
    ] {
        let claims = if yaml == OIDC { access_token() } else { base() };
        let claims = with(claims, &change);
        let facts = judge(yaml, &claims).unwrap_or_else(|reason| panic!("{name}: {reason:?}"));
        assert_eq!(facts.machine, expected, "{name}");
    }
}
