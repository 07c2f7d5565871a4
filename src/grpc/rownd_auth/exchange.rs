//! `Exchange` and `BuildAuthorizationUrl`: tokens of an issuer for a grant, and the URL where a
//! sign-in begins.

use std::sync::Arc;

use bytes::Bytes;
use prost_types::Struct;

use super::{
    bounds::own_app,
    call::ServiceCall,
    convert,
    fault::{Asked, Fault},
    target::{choose_app, choose_issuer},
    verify,
};
use crate::{
    authz::{Authorizer, TokenQuery},
    config::{IssuerKind, Right, Secret},
    grpc::pb::rownd::auth::v1::{
        AuthorizationCodeGrant, BuildAuthorizationUrlRequest, BuildAuthorizationUrlResponse,
        ExchangeRequest, ExchangeResponse, GuestGrant, MigrationGrant, NoTokens, RefreshTokenGrant,
        SignInIntent, ThirdPartyTokenGrant, Tokens as WireTokens, UserType as WireUserType,
        exchange_request::Grant, exchange_response::Outcome,
    },
    issuer_api::{
        AppAndKey, AuthorizationChoices, CodeGrant, ExchangeError, Granted, GuestLevel, Intent,
        OpenIdClient, OpenIdRefresh, ThirdPartyToken, Tokens, UserType,
    },
    model::{AuthLevel, DenyReason},
};

/// The longest text of a request beside its tokens, in bytes.
const MAX_TEXT: usize = 2048;
/// The longest token or code: it may have to travel in a header.
const MAX_SECRET: usize = 16 * 1024;

pub(super) async fn exchange(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: ExchangeRequest,
) -> Result<ExchangeResponse, Fault> {
    let ExchangeRequest { issuer, app_id, grant } = request;
    let target = NamedTarget { issuer: issuer.as_deref(), app_id: app_id.as_deref() };
    let right = match &grant {
        Some(Grant::Guest(_)) => Right::CreateGuest,
        _ => Right::Exchange,
    };
    call.may(&[right])?;
    refuse_passport(authorizer, grant.as_ref())?;
    let (asked, granted) = match grant {
        None => return Err(Fault::field("grant", "is missing")),
        Some(Grant::ThirdPartyToken(grant)) => {
            (Asked::ThirdParty, third_party(call, target, grant).await?)
        }
        Some(Grant::RefreshToken(grant)) => {
            let openid = grant.oidc_client.is_some();
            let asked = if openid { Asked::OpenIdRefresh } else { Asked::Refresh };
            (asked, refresh(call, target, grant).await?)
        }
        Some(Grant::AuthorizationCode(grant)) => (Asked::Code, code(call, target, grant).await?),
        Some(Grant::Migration(grant)) => (Asked::Migration, migrate(call, target, grant).await?),
        Some(Grant::Guest(grant)) => (Asked::Guest, guest(call, target, &grant).await?),
    };
    let outcome = match granted.map_err(|error| Fault::exchange(asked, error))? {
        Granted::Tokens(tokens) => {
            let user = owner_of(authorizer, call, asked, &tokens).await?;
            Outcome::Tokens(wire_tokens(*tokens, user))
        }
        Granted::Nothing(user_type) => {
            Outcome::NoTokens(NoTokens { user_type: wire_user_type(user_type).into() })
        }
    };
    Ok(ExchangeResponse { outcome: Some(outcome) })
}

/// A passport is for the services behind: it is no credential here, and is sent to no issuer.
fn refuse_passport(authorizer: &Authorizer, grant: Option<&Grant>) -> Result<(), Fault> {
    let (field, token) = match grant {
        Some(Grant::ThirdPartyToken(grant)) => ("third_party_token.token", &grant.token),
        Some(Grant::RefreshToken(grant)) => ("refresh_token.refresh_token", &grant.refresh_token),
        Some(Grant::Migration(grant)) => ("migration.token", &grant.token),
        Some(Grant::AuthorizationCode(_) | Grant::Guest(_)) | None => return Ok(()),
    };
    match authorizer.snapshot().passports() {
        Some(passports) if passports.is_own(token) => {
            Err(Fault::field(field, "is a passport, which is no credential"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The id of the user that the tokens are for, where it is certain: by the ID token, or by the access
/// token, which is verified as any other. Tokens of an app that is not configured are refused: a
/// user of that app could pass for a user with the same id of a configured one. Where the token
/// cannot be judged now, the tokens are handed on without a user id: the refresh token that brought
/// them may be used up.
async fn owner_of(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    asked: Asked,
    tokens: &Tokens,
) -> Result<Option<String>, Fault> {
    if matches!(asked, Asked::Code | Asked::OpenIdRefresh) {
        return Ok(tokens.subject.clone());
    }
    let token = Bytes::copy_from_slice(tokens.access.expose().as_bytes());
    match verify::ask(authorizer, call, &TokenQuery::of(&token)).await {
        Ok(answer) => Ok(Some(answer.identity.user_id.clone())),
        Err(denial) => match denial.reason() {
            reason @ (DenyReason::AudienceMismatch | DenyReason::VariantRefused) => {
                Err(Fault::Foreign(reason))
            }
            _ => Ok(None),
        },
    }
}

/// The issuer and the app that a request names.
#[derive(Clone, Copy)]
struct NamedTarget<'a> {
    issuer: Option<&'a str>,
    app_id: Option<&'a str>,
}

/// The grant or the refusal of the issuer; or why it was not asked.
type Grants = Result<Result<Granted, ExchangeError>, Fault>;

async fn third_party(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    grant: ThirdPartyTokenGrant,
) -> Grants {
    let ThirdPartyTokenGrant { token, intent, user_data, group_to_join, instant_user_id } = grant;
    let intent = match SignInIntent::try_from(intent) {
        Ok(SignInIntent::Unspecified) => None,
        Ok(SignInIntent::SignIn) => Some(Intent::SignIn),
        Ok(SignInIntent::SignUp) => Some(Intent::SignUp),
        Err(_) => return Err(Fault::field("third_party_token.intent", "is not a known value")),
    };
    let asked = ThirdPartyToken {
        token: secret_text("third_party_token.token", &token)?,
        intent,
        user_data: convert::from_struct(
            "third_party_token.user_data",
            user_data.unwrap_or_else(|| Struct { fields: Default::default() }),
        )?,
        group_to_join: plain_text("third_party_token.group_to_join", group_to_join)?,
        instant_user_id: plain_text("third_party_token.instant_user_id", instant_user_id)?,
    };
    let right = Right::Exchange;
    let (index, issuer) = choose_issuer(call, right, &[IssuerKind::Rownd], target.issuer)?;
    let (app, slot) = choose_app(call, right, issuer, target.app_id)?;
    let app = AppAndKey { id: app, key: slot.key() };
    let exchange = call.service.exchange();
    let traded = exchange.third_party(index, app, &asked, call.issuer_timeout()).await;
    call.within(&[right], issuer, traded)
}

async fn refresh(call: &ServiceCall, target: NamedTarget<'_>, grant: RefreshTokenGrant) -> Grants {
    let RefreshTokenGrant { refresh_token, oidc_client, scopes } = grant;
    let token = secret_text("refresh_token.refresh_token", &refresh_token)?;
    let exchange = call.service.exchange();
    if let Some(name) = oidc_client {
        check_no_target(target)?;
        let client = client(call, "refresh_token.oidc_client", &name)?;
        check_scopes("refresh_token.scopes", &scopes)?;
        let refresh = OpenIdRefresh { token: &token, scopes: &scopes };
        return Ok(exchange.refresh_openid(client, refresh, call.deadline).await);
    }
    if !scopes.is_empty() {
        return Err(Fault::field("refresh_token.scopes", "can only be given with `oidc_client`"));
    }
    let right = Right::Exchange;
    let (index, issuer) = choose_issuer(call, right, &[IssuerKind::Rownd], target.issuer)?;
    if target.app_id.is_some() {
        return Err(Fault::field("app_id", "cannot be given: the refresh token names the app"));
    }
    // Checked before the token is sent, because sending may use it up.
    call.may_trade(token.expose().as_bytes(), issuer)?;
    let traded = exchange.refresh(index, &token, call.deadline).await;
    call.within(&[right], issuer, traded)
}

async fn code(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    grant: AuthorizationCodeGrant,
) -> Grants {
    let AuthorizationCodeGrant { oidc_client, code, redirect_uri, code_verifier, nonce } = grant;
    check_no_target(target)?;
    let client = client(call, "authorization_code.oidc_client", &oidc_client)?;
    let redirect_uri =
        redirect(client, "authorization_code.redirect_uri", redirect_uri.as_deref())?;
    let at = "authorization_code.code_verifier";
    let verifier = code_verifier.map(|verifier| secret_text(at, &verifier)).transpose()?;
    if client.pkce() && verifier.is_none() {
        return Err(Fault::field(at, "is missing: the client uses PKCE"));
    }
    let grant = CodeGrant {
        code: secret_text("authorization_code.code", &code)?,
        redirect_uri: redirect_uri.to_owned(),
        verifier,
        nonce: plain_text("authorization_code.nonce", nonce)?,
    };
    Ok(call.service.exchange().code(client, &grant, call.issuer_timeout()).await)
}

async fn migrate(call: &ServiceCall, target: NamedTarget<'_>, grant: MigrationGrant) -> Grants {
    let token = secret_text("migration.token", &grant.token)?;
    let right = Right::Exchange;
    let (index, issuer) = choose_issuer(call, right, &[IssuerKind::Supertokens], target.issuer)?;
    if target.app_id.is_some() {
        return Err(Fault::field("app_id", "cannot be given: the Rownd token names the app"));
    }
    call.may_trade(token.expose().as_bytes(), issuer)?;
    let traded = call.service.exchange().migrate(index, &token, call.issuer_timeout()).await;
    call.within(&[right], issuer, traded)
}

async fn guest(call: &ServiceCall, target: NamedTarget<'_>, grant: &GuestGrant) -> Grants {
    let level = match grant.auth_level {
        0 => GuestLevel::Instant,
        number => match convert::asked_level("guest.auth_level", number)? {
            AuthLevel::Instant => GuestLevel::Instant,
            AuthLevel::Guest => GuestLevel::Guest,
            AuthLevel::Unverified | AuthLevel::Verified => {
                return Err(Fault::field("guest.auth_level", "must be `instant` or `guest`"));
            }
        },
    };
    let kinds = [IssuerKind::Rownd, IssuerKind::Supertokens];
    let right = Right::CreateGuest;
    let (index, issuer) = choose_issuer(call, right, &kinds, target.issuer)?;
    let app = if issuer.settings().kind() == IssuerKind::Rownd {
        Some(choose_app(call, right, issuer, target.app_id)?)
    } else if target.app_id.is_some() {
        return Err(Fault::field("app_id", "cannot be given: a SuperTokens issuer has one app"));
    } else {
        call.may_for(&[right], issuer.name(), own_app(issuer))?;
        None
    };
    let app = app.map(|(id, slot)| AppAndKey { id, key: slot.key() });
    let traded = call.service.exchange().guest(index, app, level, call.issuer_timeout()).await;
    call.within(&[right], issuer, traded)
}

pub(super) async fn authorization_url(
    call: &ServiceCall,
    request: BuildAuthorizationUrlRequest,
) -> Result<BuildAuthorizationUrlResponse, Fault> {
    call.may(&[Right::Exchange])?;
    let BuildAuthorizationUrlRequest {
        oidc_client,
        redirect_uri,
        scopes,
        resource,
        login_hint,
        prompt,
    } = request;
    let client = client(call, "oidc_client", &oidc_client)?;
    let redirect_uri = redirect(client, "redirect_uri", redirect_uri.as_deref())?;
    check_scopes("scopes", &scopes)?;
    let more = [
        ("resource", plain_text("resource", resource)?),
        ("login_hint", plain_text("login_hint", login_hint)?),
        ("prompt", plain_text("prompt", prompt)?),
    ];
    let more: Vec<_> =
        more.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    let exchange = call.service.exchange();
    let choices = AuthorizationChoices { redirect_uri, scopes: &scopes, parameters: &more };
    let made = exchange.authorization(client, choices, call.issuer_timeout()).await;
    let made = made.map_err(|error| Fault::exchange(Asked::AuthorizationUrl, error))?;
    Ok(BuildAuthorizationUrlResponse {
        url: made.url,
        state: made.state,
        code_verifier: made.verifier.map(|verifier| verifier.expose().to_owned()),
        nonce: made.nonce,
        redirect_uri: redirect_uri.to_owned(),
    })
}

fn client<'a>(
    call: &'a ServiceCall,
    at: &'static str,
    name: &str,
) -> Result<&'a OpenIdClient, Fault> {
    let known = call.service.exchange().client(name);
    let known = known.ok_or_else(|| {
        Fault::field(at, "is not the name of a client in rownd_auth.oidc_clients")
    })?;
    // The tokens of an OpenID client belong to no app.
    call.may_for(&[Right::Exchange], known.issuer(), None)?;
    Ok(known)
}

fn redirect<'a>(
    client: &'a OpenIdClient,
    at: &'static str,
    asked: Option<&str>,
) -> Result<&'a str, Fault> {
    let known = client.redirect_uri(asked);
    known.ok_or_else(|| Fault::field(at, "is not one of the redirect_uris of the client"))
}

/// An OpenID client has its own issuer, and no app.
fn check_no_target(target: NamedTarget<'_>) -> Result<(), Fault> {
    match target {
        NamedTarget { issuer: None, app_id: None } => Ok(()),
        NamedTarget { issuer: Some(_), .. } => {
            Err(Fault::field("issuer", "cannot be given: the OpenID client names the issuer"))
        }
        NamedTarget { app_id: Some(_), .. } => {
            Err(Fault::field("app_id", "cannot be given: an OpenID client has no app"))
        }
    }
}

/// A secret text of a request. It must not be empty, and must fit into a header.
fn secret_text(at: &'static str, text: &str) -> Result<Secret, Fault> {
    if text.is_empty() {
        Err(Fault::field(at, "is empty"))
    } else if text.len() > MAX_SECRET {
        Err(Fault::field(at, "is too long"))
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Err(Fault::field(at, "has characters other than visible ASCII"))
    } else {
        Ok(Secret::new(text))
    }
}

fn plain_text(at: &'static str, text: Option<String>) -> Result<Option<String>, Fault> {
    match text {
        Some(text) if text.is_empty() => {
            Err(Fault::field(at, "is empty; leave the field out instead"))
        }
        Some(text) if text.len() > MAX_TEXT => Err(Fault::field(at, "is too long")),
        text => Ok(text),
    }
}

/// RFC 6749 section 3.3.
fn check_scopes(at: &'static str, scopes: &[String]) -> Result<(), Fault> {
    let odd = |scope: &String| {
        scope.is_empty()
            || !scope.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
    };
    let length: usize = scopes.iter().map(|scope| scope.len() + 1).sum();
    if length > MAX_TEXT || scopes.iter().any(odd) {
        return Err(Fault::field(
            at,
            "has a value that is not a scope (RFC 6749 section 3.3), or too many",
        ));
    }
    Ok(())
}

fn wire_tokens(tokens: Tokens, user_id: Option<String>) -> WireTokens {
    let shown = |secret: Secret| secret.expose().to_owned();
    WireTokens {
        access_token: shown(tokens.access),
        refresh_token: tokens.refresh.map(shown),
        id_token: tokens.id.map(shown),
        front_token: tokens.front.map(shown),
        expire_time: tokens.expires_at.map(Into::into),
        user_id,
        user_type: wire_user_type(tokens.user_type).into(),
        app_variant_user_type: wire_user_type(tokens.variant_user_type).into(),
        scopes: tokens.scopes,
    }
}

const fn wire_user_type(user_type: Option<UserType>) -> WireUserType {
    match user_type {
        None => WireUserType::Unspecified,
        Some(UserType::New) => WireUserType::New,
        Some(UserType::Existing) => WireUserType::Existing,
        Some(UserType::Instant) => WireUserType::Instant,
    }
}
