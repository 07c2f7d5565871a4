//! The grants of `Exchange`: each chooses its issuer and app, checks the bounds of its caller, and asks
//! the issuer.
//!
//! In: a call, the issuer and app that it names, and a grant. Out: the answer of the issuer, or why it
//! was not asked. An authorization code is in a file of its own, with the OpenID clients.

use prost_types::Struct;

use super::{
    bounds::own_app,
    call::ServiceCall,
    convert,
    fault::Fault,
    openid_client,
    target::{AnsweredGrant, Grants, NamedTarget, choose_app, choose_issuer, choose_key},
    text_fields::{plain_text, secret_text},
};
use crate::{
    config::{IssuerKind, Right},
    grpc::pb::rownd::auth::v1::{
        GuestGrant, MigrationGrant, RefreshTokenGrant, SessionRefreshGrant, SignInIntent,
        ThirdPartyTokenGrant,
    },
    issuer_api::{AppAndKey, Granted, GuestLevel, Intent, ThirdPartyToken, Tokens},
    model::{AuthLevel, DenyReason},
    verify::Issuer,
};

pub(super) async fn third_party(
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
    let app = app_and_key(call, right, issuer, target)?;
    let exchange = call.service.exchange();
    let traded = exchange.third_party(index, app, &asked, call.issuer_timeout()).await;
    if let Ok(Granted::Tokens(tokens)) = &traded {
        forget_profiles(call, issuer, tokens, asked.instant_user_id.as_deref());
    }
    let granted = call.within(&[right], issuer, traded)?;
    Ok(AnsweredGrant { app: Some(app.id.to_owned()), ..AnsweredGrant::of(issuer.name(), granted) })
}

pub(super) async fn refresh(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    grant: RefreshTokenGrant,
) -> Grants {
    let RefreshTokenGrant { refresh_token, oidc_client, scopes } = grant;
    let token = secret_text("refresh_token.refresh_token", &refresh_token)?;
    if let Some(name) = oidc_client {
        return openid_client::refresh(call, target, &name, &token, &scopes).await;
    }
    if !scopes.is_empty() {
        return Err(Fault::field("refresh_token.scopes", "can only be given with `oidc_client`"));
    }
    let right = Right::Exchange;
    let (index, issuer) = choose_issuer(call, right, &[IssuerKind::Rownd], target.issuer)?;
    target.without_app("the refresh token names the app")?;
    // Checked before the token is sent, because sending uses it up: tokens of an app that is not
    // configured could not be handed on, and its user would be signed out.
    call.may_trade(token.expose().as_bytes(), issuer)?;
    issuer.check_refresh_token(token.expose().as_bytes()).map_err(|reason| match reason {
        DenyReason::AppUnknown => call.undecided(reason.into()),
        DenyReason::TokenKindRefused => Fault::field(
            "refresh_token.refresh_token",
            "is an access token, not a refresh token; it was not sent",
        ),
        _ => Fault::ForeignRefresh(reason),
    })?;
    let traded = call.service.exchange().refresh(index, &token, call.deadline).await;
    Ok(AnsweredGrant::of(issuer.name(), call.within(&[right], issuer, traded)?))
}

pub(super) async fn session_refresh(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    grant: &SessionRefreshGrant,
) -> Grants {
    let token = secret_text("session_refresh.refresh_token", &grant.refresh_token)?;
    let right = Right::Exchange;
    let (index, issuer) = choose_issuer(call, right, &[IssuerKind::Supertokens], target.issuer)?;
    target.without_app("a SuperTokens issuer has one app")?;
    call.may_for(&[right], issuer.name(), own_app(issuer))?;
    let traded = call.service.exchange().refresh(index, &token, call.deadline).await;
    Ok(AnsweredGrant::of(issuer.name(), call.within(&[right], issuer, traded)?))
}

pub(super) async fn migrate(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    grant: &MigrationGrant,
) -> Grants {
    let token = secret_text("migration.token", &grant.token)?;
    let right = Right::Exchange;
    let (index, issuer) = choose_issuer(call, right, &[IssuerKind::Supertokens], target.issuer)?;
    target.without_app("the Rownd token names the app")?;
    call.may_trade(token.expose().as_bytes(), issuer)?;
    let traded = call.service.exchange().migrate(index, &token, call.issuer_timeout()).await;
    Ok(AnsweredGrant::of(issuer.name(), call.within(&[right], issuer, traded)?))
}

pub(super) async fn guest(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    grant: &GuestGrant,
) -> Grants {
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
        Some(app_and_key(call, right, issuer, target)?)
    } else {
        target.without_app("a SuperTokens issuer has one app")?;
        call.may_for(&[right], issuer.name(), own_app(issuer))?;
        None
    };
    let traded = call.service.exchange().guest(index, app, level, call.issuer_timeout()).await;
    let granted = call.within(&[right], issuer, traded)?;
    let app = app.map(|app| app.id.to_owned());
    Ok(AnsweredGrant { app, ..AnsweredGrant::of(issuer.name(), granted) })
}

/// Forgets what is cached of the user whose profile an exchange has changed: the user of the new
/// tokens, and the instant user who became this user. It does not matter here whether the tokens can
/// be verified now.
pub(super) fn forget_profiles(
    call: &ServiceCall,
    issuer: &Issuer,
    tokens: &Tokens,
    instant: Option<&str>,
) {
    let owner = call.service.verifier().claimed_user(tokens.access.expose().as_bytes());
    for user in owner.as_deref().into_iter().chain(instant) {
        call.service.profiles().forget_user(issuer.name(), user);
    }
}

/// The app that a request names, with the key of the variant that it names.
fn app_and_key<'a>(
    call: &ServiceCall,
    right: Right,
    issuer: &'a Issuer,
    target: NamedTarget<'_>,
) -> Result<AppAndKey<'a>, Fault> {
    let (id, slots) = choose_app(call, right, issuer, target.app_id)?;
    let slot = choose_key(&slots, target.app_variant_id).map_err(|fault| {
        // Rownd has not told yet which app and variant a key belongs to.
        let pending = issuer.apps().iter().any(|slot| slot.id().is_none());
        if pending { call.undecided(DenyReason::AppUnknown.into()) } else { fault }
    })?;
    Ok(AppAndKey { id, key: slot.key() })
}
