//! `Exchange`: tokens of an issuer for a grant.
//!
//! In: a call and its message. Out: tokens with the id of their user, where that is certain.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    call::ServiceCall,
    fault::Fault,
    grants, openid_client,
    refusal::Asked,
    sign_in_hook::{Owner, ask_hook},
    target::{AnsweredGrant, NamedTarget},
    tokens, verify,
};
use crate::{
    authz::{Authorizer, TokenQuery},
    config::{HookedGrant, Right, Secret},
    grpc::pb::rownd::auth::v1::{
        ExchangeRequest, ExchangeResponse, NoTokens, Tokens as WireTokens,
        UserType as WireUserType, exchange_request::Grant, exchange_response::Outcome,
    },
    issuer_api::{Granted, Tokens, UserType},
    model::{DenyReason, Event, EventType},
};

pub(super) async fn exchange(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: ExchangeRequest,
) -> Result<ExchangeResponse, Fault> {
    let ExchangeRequest { issuer, app_id, app_variant_id, grant } = request;
    let target = NamedTarget {
        issuer: issuer.as_deref(),
        app_id: app_id.as_deref(),
        app_variant_id: app_variant_id.as_deref(),
    };
    let right = match &grant {
        Some(Grant::Guest(_)) => Right::CreateGuest,
        _ => Right::Exchange,
    };
    call.may(&[right])?;
    refuse_passport(authorizer, grant.as_ref())?;
    let kind = grant.as_ref().map(kind_of);
    let (asked, answered) = match grant {
        None => return Err(Fault::field("grant", "is missing")),
        Some(Grant::ThirdPartyToken(grant)) => {
            (Asked::ThirdParty, grants::third_party(call, target, grant).await?)
        }
        Some(Grant::RefreshToken(grant)) => {
            let openid = grant.oidc_client.is_some();
            let asked = if openid { Asked::OpenIdRefresh } else { Asked::Refresh };
            (asked, grants::refresh(call, target, grant).await?)
        }
        Some(Grant::AuthorizationCode(grant)) => {
            (Asked::Code, openid_client::code(call, target, grant).await?)
        }
        Some(Grant::Migration(grant)) => {
            (Asked::Migration, grants::migrate(call, target, &grant).await?)
        }
        Some(Grant::Guest(grant)) => (Asked::Guest, grants::guest(call, target, &grant).await?),
        Some(Grant::MagicLink(grant)) => {
            (Asked::MagicLink, tokens::magic_link(call, target, &grant).await?)
        }
        Some(Grant::SessionRefresh(grant)) => {
            (Asked::SessionRefresh, grants::session_refresh(call, target, &grant).await?)
        }
    };
    let AnsweredGrant { issuer, granted, app } = answered;
    let outcome = match granted.map_err(|error| Fault::exchange(asked, error))? {
        Granted::Tokens(tokens) => {
            let owner = owner_of(authorizer, call, (asked, app.as_deref()), &tokens).await?;
            let owner = Owner { app_id: owner.app_id.or(app), ..owner };
            ask_hook(authorizer, call, (&issuer, kind), &owner, tokens.user_type).await?;
            tell(authorizer, call, (asked, &issuer), &owner, tokens.user_type);
            Outcome::Tokens(wire_tokens(*tokens, owner.user_id))
        }
        Granted::Nothing(user_type) => {
            Outcome::NoTokens(NoTokens { user_type: wire_user_type(user_type).into() })
        }
    };
    Ok(ExchangeResponse { outcome: Some(outcome) })
}

/// Tells that an issuer gave tokens. None of them is told.
fn tell(
    authorizer: &Authorizer,
    call: &ServiceCall,
    (asked, issuer): (Asked, &str),
    owner: &Owner,
    user_type: Option<UserType>,
) {
    let (kind, grant) = match asked {
        Asked::Refresh | Asked::OpenIdRefresh => (EventType::TokenRefreshed, "refresh_token"),
        Asked::SessionRefresh => (EventType::TokenRefreshed, "session_refresh"),
        Asked::ThirdParty => (EventType::TokenExchanged, "third_party_token"),
        Asked::Code => (EventType::TokenExchanged, "authorization_code"),
        Asked::Migration => (EventType::TokenExchanged, "migration"),
        Asked::Guest => (EventType::TokenExchanged, "guest"),
        Asked::MagicLink => (EventType::TokenExchanged, "magic_link"),
        // No grants.
        Asked::AuthorizationUrl
        | Asked::User
        | Asked::UserInfo
        | Asked::TokenControl
        | Asked::Administration => return,
    };
    let events = authorizer.events();
    if !events.wants(kind) {
        return;
    }
    let event = Event::new(kind)
        .at_issuer(issuer.into())
        .of_app(owner.app_id.as_deref())
        .of_user(owner.user_id.as_deref())
        .word("grant", grant)
        .text("caller", Some(call.caller.name()));
    events.record(match user_type {
        None => event,
        Some(UserType::New) => event.word("user_type", "new"),
        Some(UserType::Existing) => event.word("user_type", "existing"),
        Some(UserType::Instant) => event.word("user_type", "instant"),
    });
}

/// The grant, as a hook is asked about it.
const fn kind_of(grant: &Grant) -> HookedGrant {
    match grant {
        Grant::ThirdPartyToken(_) => HookedGrant::ThirdPartyToken,
        Grant::RefreshToken(_) => HookedGrant::RefreshToken,
        Grant::AuthorizationCode(_) => HookedGrant::AuthorizationCode,
        Grant::Migration(_) => HookedGrant::Migration,
        Grant::Guest(_) => HookedGrant::Guest,
        Grant::MagicLink(_) => HookedGrant::MagicLink,
        Grant::SessionRefresh(_) => HookedGrant::SessionRefresh,
    }
}

/// A passport is for the services behind: it is no credential here, and is sent to no issuer.
fn refuse_passport(authorizer: &Authorizer, grant: Option<&Grant>) -> Result<(), Fault> {
    let (field, token) = match grant {
        Some(Grant::ThirdPartyToken(grant)) => ("third_party_token.token", &grant.token),
        Some(Grant::RefreshToken(grant)) => ("refresh_token.refresh_token", &grant.refresh_token),
        Some(Grant::Migration(grant)) => ("migration.token", &grant.token),
        Some(Grant::SessionRefresh(grant)) => {
            ("session_refresh.refresh_token", &grant.refresh_token)
        }
        Some(Grant::AuthorizationCode(_) | Grant::Guest(_) | Grant::MagicLink(_)) | None => {
            return Ok(());
        }
    };
    match authorizer.snapshot().passports() {
        Some(passports) if passports.is_own(token) => {
            Err(Fault::field(field, "is a passport, which is no credential"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The user that the tokens are for, where it is certain: by the ID token, or by the access
/// token, which is verified as any other. Tokens of another app than the one that was asked for, or
/// of none that is configured, are refused: a user of that app could pass for a user with the same
/// id. Where the token cannot be judged now, the tokens are handed on without a user id: the refresh
/// token that brought them may be used up.
async fn owner_of(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    (asked, app): (Asked, Option<&str>),
    tokens: &Tokens,
) -> Result<Owner, Fault> {
    if matches!(asked, Asked::Code | Asked::OpenIdRefresh) {
        return Ok(Owner { user_id: tokens.subject.clone(), ..Owner::default() });
    }
    let token = Bytes::copy_from_slice(tokens.access.expose().as_bytes());
    let question = TokenQuery { app_id: app, ..TokenQuery::of(&token) };
    match verify::ask(authorizer, call, &question).await {
        Ok(answer) => Ok(Owner {
            user_id: Some(answer.identity.user_id.clone()),
            app_id: answer.identity.app_id.clone(),
            auth_level: Some(answer.identity.auth_level),
        }),
        Err(denial) => match denial.reason() {
            // The key decides which app the tokens of a request are for.
            reason @ DenyReason::AudienceMismatch if app.is_some() => {
                Err(Fault::ForeignKey(reason))
            }
            reason @ (DenyReason::AudienceMismatch | DenyReason::VariantRefused) => {
                Err(Fault::Foreign(reason))
            }
            _ => Ok(Owner::default()),
        },
    }
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
