//! The marks by which well-known providers tell the tokens of machines from those of users, beside
//! that of the standards: the subject is the client.
//!
//! In: the claims of an access token. Out: whether a machine got it by credentials of its own.

use crate::verify::{
    claims::profile::{CLIENT_ID, SCP, subject_is_client},
    json::Json,
    token::Claims,
};

/// The user of a service account is named after its client, in lower case.
pub(super) fn of_keycloak(claims: &Claims<'_>) -> bool {
    let account = text(claims, "preferred_username");
    let account = account.and_then(|name| name.strip_prefix("service-account-"));
    let is_account_of = |name| match (account, text(claims, name)) {
        (Some(account), Some(client)) => account.eq_ignore_ascii_case(client),
        (None, _) | (_, None) => false,
    };
    is_account_of("azp") || is_account_of(CLIENT_ID) || subject_is_client(claims)
}

/// `idtyp` is optional; without it, a token that acts for no user has no scopes, and its subject is
/// the object of the application.
pub(super) fn of_entra(claims: &Claims<'_>) -> bool {
    match text(claims, "idtyp") {
        Some(kind) => kind == "app",
        None => {
            !claims.other.contains(SCP)
                && claims.sub.is_some()
                && text(claims, "oid") == claims.sub.as_deref()
        }
    }
}

/// Every user has a name.
pub(super) fn of_cognito(claims: &Claims<'_>) -> bool {
    !claims.other.contains("username") || subject_is_client(claims)
}

/// In Auth0's own profile the grant stands in the token; in both, the subject is named after the
/// client.
pub(super) fn of_auth0(claims: &Claims<'_>) -> bool {
    let client = claims.sub.as_deref().and_then(|subject| subject.strip_suffix("@clients"));
    let is_client = |name| client.is_some() && text(claims, name) == client;
    text(claims, "gty") == Some("client-credentials")
        || is_client("azp")
        || is_client(CLIENT_ID)
        || subject_is_client(claims)
}

fn text<'a>(claims: &'a Claims<'_>, name: &str) -> Option<&'a str> {
    claims.other.get(name).and_then(Json::text)
}
