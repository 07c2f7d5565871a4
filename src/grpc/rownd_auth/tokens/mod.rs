//! The methods about a token that is there already: whose it is, whether it is active, its end; and
//! the end of the user's session in a browser.
//!
//! In: a call and its message. Out: the answer of the issuer that the configuration names. A token is
//! sent to no other.

mod introspect;
mod logout;
mod magic_link;
mod revoke;
mod user_info;

use bytes::Bytes;

use super::{call::ServiceCall, fault::Fault, text_fields::secret_text, verify};
use crate::{
    authz::{Authorizer, CallerError, TokenQuery, VerifiedToken},
    config::{Right, Secret},
    grpc::pb::rownd::auth::v1::TokenKind,
    issuer_api::{ApiError, ExchangeError, OpenIdClient, TokenHint},
    model::Denial,
    upstream::discovery::MetadataError,
};
pub(super) use introspect::introspect;
pub(super) use logout::logout_url;
pub(super) use magic_link::magic_link;
pub(super) use revoke::revoke;
pub(super) use user_info::user_info;

/// The OpenID client of this name; without a name the only one within the bounds of the caller.
///
/// # Errors
///
/// Fails where there is none, where several fit and none is named, and where the caller is not
/// allowed to use it.
fn client<'a>(
    call: &'a ServiceCall,
    right: Right,
    name: Option<&str>,
) -> Result<&'a OpenIdClient, Fault> {
    const AT: &str = "oidc_client";
    // The tokens of an OpenID client belong to no app.
    let may = |client: &OpenIdClient| call.may_for(&[right], client.issuer(), None);
    let exchange = call.service.exchange();
    if let Some(name) = name {
        let unknown = "is not the name of a client in rownd_auth.oidc_clients";
        let known = exchange.client(name).ok_or_else(|| Fault::field(AT, unknown))?;
        return may(known).map(|()| known);
    }
    if exchange.clients().next().is_none() {
        return Err(Fault::field(AT, "the configuration has none: rownd_auth.oidc_clients"));
    }
    let mut within = exchange.clients().filter(|client| may(client).is_ok());
    match (within.next(), within.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Fault::Caller(CallerError::NotGranted)),
        (Some(_), Some(_)) => Err(Fault::field(AT, "there are several clients; name one")),
    }
}

/// A token of a request that is sent to an issuer: not empty, fit for a header, and no passport.
///
/// # Errors
///
/// Fails for any other text.
fn sent_token(authorizer: &Authorizer, token: &str) -> Result<Secret, Fault> {
    let secret = secret_text("token", token)?;
    match authorizer.snapshot().passports() {
        Some(passports) if passports.is_own(token) => {
            Err(Fault::field("token", "is a passport, which is no credential"))
        }
        Some(_) | None => Ok(secret),
    }
}

/// Checks that a token is not one that another configured issuer has signed: it is sent to nobody
/// else.
///
/// # Errors
///
/// Fails where it is.
fn refuse_foreign(call: &ServiceCall, token: &Secret, issuer: &str) -> Result<(), Fault> {
    let verifier = call.service.verifier();
    let about = verifier.claimed_target(token.expose().as_bytes());
    // Two issuers of the configuration may have one `iss`, for two kinds of tokens.
    let iss = |name: &str| {
        let mut issuers = verifier.issuers().iter();
        issuers.find(|known| known.name() == name).map(|known| known.settings().iss.as_str())
    };
    match about {
        Some(about) if iss(&about.issuer) != iss(issuer) => Err(Fault::field(
            "token",
            "is of another issuer than the client, and is not sent to it",
        )),
        Some(_) | None => Ok(()),
    }
}

/// Has the token judged, as for a check.
async fn judged(
    authorizer: &std::sync::Arc<Authorizer>,
    call: &ServiceCall,
    token: &Secret,
    app: Option<&str>,
) -> Result<VerifiedToken, Denial> {
    let token = Bytes::copy_from_slice(token.expose().as_bytes());
    let question = TokenQuery { app_id: app, ..TokenQuery::of(&token) };
    verify::ask(authorizer, call, &question).await
}

/// The kind of a token in a request.
///
/// # Errors
///
/// Fails for an unknown number.
fn hint(kind: i32) -> Result<Option<TokenHint>, Fault> {
    match TokenKind::try_from(kind) {
        Ok(TokenKind::Unspecified) => Ok(None),
        Ok(TokenKind::AccessToken) => Ok(Some(TokenHint::AccessToken)),
        Ok(TokenKind::RefreshToken) => Ok(Some(TokenHint::RefreshToken)),
        Err(_) => Err(Fault::field("token_kind", "is not a known value")),
    }
}

/// The fault of a request to an issuer; one without the endpoint cannot do this.
fn fault(asked: super::refusal::Asked, issuer: &str, error: ApiError) -> Fault {
    match error {
        ApiError::Metadata(MetadataError::Missing(_)) => Fault::NotOfIssuer(issuer.to_owned()),
        error => Fault::exchange(asked, ExchangeError::Api(error)),
    }
}
