//! `GetUser`: the profile of a user.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use prost::Message as _;
use tokio::time::Instant;

use super::{
    call::ServiceCall,
    convert,
    fault::{Fault, MAX_RESPONSE_BYTES, is_undecided},
    structure::Structures,
    target::{choose_app, choose_issuer},
    text_fields::user_id,
    user_view::UserMask,
    users::AccountsOfIssuer,
    verify,
};
use crate::{
    authz::{Authorizer, TokenQuery},
    config::{IssuerKind, Right, Secret},
    grpc::pb::rownd::auth::v1::{GetUserRequest, GetUserResponse, get_user_request::Subject},
    model::IssuerIndex,
    profile::{self, KnownProfile, MaxAge, UserOfApp},
    verify::{Identity, Issuer},
};

pub(super) async fn get_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: GetUserRequest,
) -> Result<GetUserResponse, Fault> {
    let mask = UserMask::of(request.read_mask)?;
    let max_age = request.max_age.map(Duration::try_from).transpose();
    let max_age =
        max_age.map_err(|_| Fault::field("max_age", "is not a duration of zero or more"))?;
    let may_fetch = || call.caller.read_fresh();
    let younger = max_age.map(|max_age| MaxAge { max_age, may_fetch: &may_fetch });
    let (known, fallback) = match request.subject {
        None => return Err(Fault::field("subject", "is missing: give `token` or `user_id`")),
        Some(Subject::Token(token)) => {
            call.may(&[Right::GetOwnUser, Right::GetUser])?;
            if request.issuer.is_some() || request.app_id.is_some() {
                return Err(Fault::field(
                    "issuer",
                    "can only be given with `user_id`: a token names its issuer",
                ));
            }
            own_user(authorizer, call, token, younger).await?
        }
        Some(Subject::UserId(user)) => {
            call.may(&[Right::GetUser])?;
            user_id("user_id", &user)?;
            let at = (request.issuer.as_deref(), request.app_id.as_deref());
            (user_by_id(call, at, &user, younger).await?, user)
        }
    };
    if !known.profile.enabled() && !request.allow_disabled {
        return Err(Fault::Disabled);
    }
    let mut structures = Structures::default();
    let response = GetUserResponse {
        user: Some(mask.user(&known.profile, &fallback, &mut structures)),
        age: convert::wire_duration(Instant::now().saturating_duration_since(known.asked)),
        stale: known.stale,
        omitted: structures.omitted(),
    };
    // The structures keep to a bound of their own; groups and the names of what is left out do not.
    match response.encoded_len() {
        bytes if bytes > MAX_RESPONSE_BYTES => Err(Fault::UserTooLarge(bytes)),
        _ => Ok(response),
    }
}

/// The profile of any user: by the key and secret of an app of Rownd, or of SuperTokens' core.
async fn user_by_id(
    call: &ServiceCall,
    (issuer, app): (Option<&str>, Option<&str>),
    user: &str,
    younger: Option<MaxAge<'_>>,
) -> Result<KnownProfile, Fault> {
    if is_in_a_core(call, issuer) {
        let (issuer, app) = (issuer.unwrap_or_default(), app.unwrap_or_default());
        let accounts = AccountsOfIssuer::of(call, Right::GetUser, issuer, app)?;
        let asked = Instant::now();
        let profile = Arc::new(accounts.user(user).await?);
        return Ok(KnownProfile { profile, asked, stale: false });
    }
    let (_, issuer) = choose_issuer(call, Right::GetUser, &[IssuerKind::Rownd], issuer)?;
    let (app, _) = choose_app(call, Right::GetUser, issuer, app)?;
    let whose = UserOfApp { issuer: issuer.name(), app, user };
    let known = call.service.profiles().look_up(whose, younger, call.deadline).await;
    known.map_err(Fault::profile)
}

/// Whether a request for a user by id is about an issuer whose core is configured: it names one, or
/// there is no issuer of Rownd.
fn is_in_a_core(call: &ServiceCall, named: Option<&str>) -> bool {
    let all = || call.service.verifier().issuers().iter().enumerate();
    let has_core =
        |place| call.service.api(IssuerIndex::new(place)).is_some_and(|api| api.accounts.is_some());
    match named {
        Some(name) => all().any(|(place, issuer)| issuer.name() == name && has_core(place)),
        None => {
            let is_rownd =
                |(_, issuer): (usize, &Arc<Issuer>)| issuer.settings().kind() == IssuerKind::Rownd;
            !all().any(is_rownd) && all().any(|(place, _)| has_core(place))
        }
    }
}

/// The profile of the user of a token. The token is verified first, and then checked against the
/// profile.
async fn own_user(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    token: String,
    younger: Option<MaxAge<'_>>,
) -> Result<(KnownProfile, String), Fault> {
    const RIGHTS: &[Right] = &[Right::GetOwnUser, Right::GetUser];
    let token = verify::required_token(token)?;
    let app = call.app_of(RIGHTS, &token, None)?;
    let question = TokenQuery { app_id: app.as_deref(), ..TokenQuery::of(&token) };
    let answer = verify::ask(authorizer, call, &question).await.map_err(|denial| {
        if is_undecided(&denial) { call.undecided(denial) } else { Fault::Token(denial) }
    })?;
    let who = &answer.identity;
    call.may_for(RIGHTS, &who.issuer, who.app_id.as_deref())?;
    let known = profile_of(call, who, &token, younger).await.map_err(Fault::profile)?;
    // A disabled account is judged by the caller of this function: a request may allow it.
    match profile::issued_after_cutoff(&known.profile, who.issued_at) {
        Ok(()) => Ok((known, who.user_id.clone())),
        Err(reason) => Err(Fault::Token(reason.into())),
    }
}

/// The profile by the key and secret of the app, where they are configured, so that it is cached; else
/// by the token itself.
async fn profile_of(
    call: &ServiceCall,
    who: &Identity,
    token: &Bytes,
    younger: Option<MaxAge<'_>>,
) -> Result<KnownProfile, profile::ProfileError> {
    let profiles = call.service.profiles();
    match profiles.get(who, younger, call.deadline).await {
        Err(profile::ProfileError::Unsupported) => {
            let token =
                std::str::from_utf8(token).map_err(|_| profile::ProfileError::Unsupported)?;
            profiles.of_token(who, &Secret::new(token), call.issuer_timeout()).await
        }
        known => known,
    }
}
