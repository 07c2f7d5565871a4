//! The marks that distinguish the kinds of token of each well-known provider.
//!
//! In: the preset of an issuer, if any, and the kind of token that it takes. Out: its marks.
//! Without a preset they are those of the standards. A preset lets a claim pass that the standards take
//! for a mark of another kind only where a mark that the provider always sets says otherwise; no
//! preset takes a token that says by itself to be of another kind.

use super::machine;
use crate::{
    config::{Accepts, Preset},
    verify::{
        claims::profile::{
            AT_HASH, AzpRule, C_HASH, CLIENT_ID, KindMarks, S_HASH, SCOPE, SCP, Words,
        },
        json::{Json, Object},
        token::Claims,
    },
};

/// The marks of the tokens that an issuer takes.
pub(in crate::verify) const fn marks(
    preset: Option<Preset>,
    accepts: Accepts,
) -> &'static KindMarks {
    match (preset, accepts) {
        (None, Accepts::Access) => &KindMarks::ACCESS,
        (None, Accepts::Id) => &KindMarks::ID,
        (Some(Preset::Keycloak), Accepts::Access) => &KEYCLOAK_ACCESS,
        (Some(Preset::Keycloak), Accepts::Id) => &KEYCLOAK_ID,
        (Some(Preset::Entra), Accepts::Access) => &ENTRA_ACCESS,
        (Some(Preset::Entra), Accepts::Id) => &ENTRA_ID,
        (Some(Preset::Cognito), Accepts::Access) => &COGNITO_ACCESS,
        (Some(Preset::Cognito), Accepts::Id) => &COGNITO_ID,
        (Some(Preset::Auth0), Accepts::Access) => &AUTH0_ACCESS,
        (Some(Preset::Auth0 | Preset::Clerk | Preset::Kubernetes), Accepts::Id) => &ID,
        (Some(Preset::Okta), Accepts::Access) => &OKTA_ACCESS,
        (Some(Preset::Okta), Accepts::Id) => &OKTA_ID,
        (Some(Preset::Clerk), Accepts::Access) => &CLERK_SESSION,
        (Some(Preset::Google), Accepts::Access) => &ACCESS,
        (Some(Preset::Google), Accepts::Id) => &GOOGLE_ID,
        (Some(Preset::Zitadel), Accepts::Access) => &ZITADEL_ACCESS,
        (Some(Preset::Zitadel), Accepts::Id) => &ZITADEL_ID,
        (Some(Preset::Kubernetes), Accepts::Access) => &KUBERNETES_ACCOUNT,
    }
}

/// Claims that no access token of these providers has: those of logout tokens and security events,
/// of ID tokens, and of others' refresh tokens.
const FOREIGN_TO_ACCESS: &[&str] = &["events", "nonce", AT_HASH, C_HASH, S_HASH, "jwt_type"];
/// Claims that no ID token of these providers has.
const FOREIGN_TO_ID: &[&str] = &["events", SCOPE, SCP, CLIENT_ID, "jwt_type", "gty"];

const ACCESS: KindMarks = KindMarks { foreign: FOREIGN_TO_ACCESS, ..KindMarks::ACCESS };
/// Where an ID token names a client in `azp`, it is one of ours (OpenID Connect Core section 3.1.3.7).
const ID: KindMarks =
    KindMarks { foreign: FOREIGN_TO_ID, azp: AzpRule::OursWherePresent, ..KindMarks::ID };

/// `typ` is in every token of Keycloak, and `Bearer` in access tokens alone: ID, refresh, offline
/// and logout tokens say so. Before version 24, and with the mapper "Nonce backwards compatible",
/// access tokens repeat the `nonce` of the sign-in.
const KEYCLOAK_ACCESS: KindMarks = KindMarks {
    typ: Words::Needed(&["bearer"]),
    foreign: &["events", AT_HASH, C_HASH, S_HASH, "jwt_type"],
    is_machine: machine::of_keycloak,
    ..ACCESS
};
const KEYCLOAK_ID: KindMarks = KindMarks { typ: Words::Needed(&["id"]), ..ID };

/// An access token names the client that asked for it (`appid` in version 1, `azp` in version 2),
/// an ID token does not. A token with neither scopes nor roles is one that any application of the
/// tenant may get for any service, by no one's consent.
const ENTRA_ACCESS: KindMarks = KindMarks {
    needed: &[&["azp", "appid"], &[SCP, "roles"]],
    is_machine: machine::of_entra,
    ..ACCESS
};
const ENTRA_ID: KindMarks = KindMarks {
    foreign: &["events", SCOPE, SCP, CLIENT_ID, "jwt_type", "appid", "appidacr", "azpacr", "idtyp"],
    ..ID
};

const COGNITO_ACCESS: KindMarks = KindMarks {
    token_use: Words::Needed(&["access"]),
    needed: &[&[CLIENT_ID]],
    is_machine: machine::of_cognito,
    ..ACCESS
};
const COGNITO_ID: KindMarks = KindMarks { token_use: Words::Needed(&["id"]), ..ID };

/// An access token names the client: `azp` in Auth0's own profile, `client_id` in that of RFC 9068.
const AUTH0_ACCESS: KindMarks =
    KindMarks { needed: &[&["azp", CLIENT_ID]], is_machine: machine::of_auth0, ..ACCESS };

const OKTA_ACCESS: KindMarks = KindMarks { needed: &[&["cid"]], ..ACCESS };
const OKTA_ID: KindMarks =
    KindMarks { foreign: &["events", SCOPE, SCP, CLIENT_ID, "jwt_type", "cid", "uid"], ..ID };

/// A session token names its session. Clerk's OAuth tokens are `at+jwt`; its sessions with open
/// tasks (`sts: pending`) count as signed out in its own libraries.
const CLERK_SESSION: KindMarks =
    KindMarks { may_be_at_jwt: false, needed: &[&["sid"]], further: is_active_session, ..ACCESS };

/// Any service account of any project at Google may get an ID token for any `aud` that it likes.
/// Its `azp` is the service account then, and a client of ours in the tokens of our own sign-in.
const GOOGLE_ID: KindMarks = KindMarks { azp: AzpRule::OursWherePresent, ..ID };

/// Both kinds have the same `aud`; `jti` is in access tokens alone, `amr` and `auth_time` in ID
/// tokens alone.
const ZITADEL_ACCESS: KindMarks = KindMarks {
    foreign: &["events", "nonce", AT_HASH, C_HASH, S_HASH, "jwt_type", "auth_time", "amr"],
    further: |claims| claims.jti.as_deref().is_some_and(|jti| !jti.is_empty()),
    ..ACCESS
};
/// ID tokens repeat the client of `azp` in `client_id`.
const ZITADEL_ID: KindMarks = KindMarks {
    foreign: &["events", SCOPE, SCP, "jwt_type"],
    needed: &[&["azp"]],
    further: |claims| claims.jti.is_none() && client_is_party(&claims.other),
    ..ID
};

/// The name of a service account in `sub`, and again in the claim of Kubernetes.
const KUBERNETES_ACCOUNT: KindMarks =
    KindMarks { may_be_at_jwt: false, further: is_service_account, is_machine: |_| true, ..ACCESS };

fn is_active_session(claims: &Claims<'_>) -> bool {
    match claims.other.get("sts") {
        // Version 1 has no status.
        None => true,
        Some(status) => status.text() == Some("active"),
    }
}

fn client_is_party(claims: &Object<'_>) -> bool {
    claims.get(CLIENT_ID).is_none_or(|client| Some(client) == claims.get("azp"))
}

fn is_service_account(claims: &Claims<'_>) -> bool {
    let Some(kubernetes) = claims.other.get("kubernetes.io").and_then(Json::object) else {
        return false;
    };
    let namespace = kubernetes.get("namespace").and_then(Json::text);
    let account = kubernetes.get("serviceaccount").and_then(Json::object);
    let name = account.and_then(|account| account.get("name")).and_then(Json::text);
    let subject = claims.sub.as_deref().and_then(|sub| sub.strip_prefix("system:serviceaccount:"));
    match (namespace, name) {
        (Some(namespace), Some(name)) => {
            subject.and_then(|subject| subject.split_once(':')) == Some((namespace, name))
        }
        (None, _) | (_, None) => false,
    }
}
