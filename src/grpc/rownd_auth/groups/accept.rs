//! `AcceptGroupInvite`: the user of a token becomes a member of the group that invites them.

use std::sync::Arc;

use tonic::Status;

use super::{checks, group::shown, listing::fitting, place::GroupCall, refused};
use crate::{
    authz::TokenQuery,
    config::{Right, Secret},
    grpc::{
        pb::rownd::auth::v1::{AcceptGroupInviteRequest, AcceptGroupInviteResponse},
        rownd_auth::{
            call::ServiceCall,
            fault::{Fault, is_undecided},
            verify,
            writes::Write,
        },
    },
    issuer_api::{AppCredentials, administration::groups::GroupAdministration},
    model::IssuerIndex,
    verify::{Identity, Issuer},
};

const RIGHTS: &[Right] = &[Right::GetOwnUser];

pub(super) async fn accept(
    call: &GroupCall,
    request: AcceptGroupInviteRequest,
) -> Result<AcceptGroupInviteResponse, Status> {
    call.may(RIGHTS)?;
    checks::id("group_id", &request.group_id)?;
    checks::id("invite_id", &request.invite_id)?;
    let who = user_of(call, &request).await?;
    let (issuer, api) = groups_of(call, &who)?;
    let (issuer, token) = (issuer.clone(), Secret::new(&request.token));
    let (group, invite) = (request.group_id.clone(), request.invite_id.clone());
    let write = Write {
        method: "AcceptGroupInvite",
        subject: format!("group {group}: invite {invite}, as user {}", who.user_id),
        request_id: "",
        request: &request,
    };
    let owned = call.clone();
    call.write(write, async move {
        let credentials = who.app_id.as_deref().and_then(|app| credentials_of(&issuer, app));
        let place = (group.as_str(), invite.as_str());
        let accepted = api.accept(credentials, &token, place, owned.issuer_timeout()).await;
        owned.forget(|profiles| profiles.forget_user(issuer.name(), &who.user_id));
        let accepted = accepted.map_err(refused::change)?;
        let (group, omitted) = shown(&accepted.group);
        let accepted_by = accepted.by.unwrap_or_else(|| who.user_id.clone());
        fitting(AcceptGroupInviteResponse { group, accepted_by, omitted })
    })
    .await
}

/// The user of the token, which is verified as any other.
async fn user_of(
    call: &GroupCall,
    request: &AcceptGroupInviteRequest,
) -> Result<Arc<Identity>, Fault> {
    let token = verify::required_token(request.token.clone())?;
    let app = call.app_of(RIGHTS, &token, None)?;
    let question = TokenQuery { app_id: app.as_deref(), ..TokenQuery::of(&token) };
    let answer = verify::ask(&call.authorizer, call, &question).await.map_err(|denial| {
        if is_undecided(&denial) { call.undecided(denial) } else { Fault::Token(denial) }
    })?;
    let who = answer.identity;
    call.may_for(RIGHTS, &who.issuer, who.app_id.as_deref())?;
    Ok(who)
}

/// The issuer of the user, and its groups.
fn groups_of<'a>(
    call: &'a ServiceCall,
    who: &Identity,
) -> Result<(&'a Arc<Issuer>, Arc<dyn GroupAdministration>), Fault> {
    let all = call.service.verifier().issuers().iter().enumerate();
    let found = all.map(|(place, issuer)| (IssuerIndex::new(place), issuer));
    let found = found.into_iter().find(|(_, issuer)| issuer.name() == who.issuer.as_ref());
    let (index, issuer) = found.ok_or(Fault::Internal)?;
    let groups = call.service.api(index).and_then(|api| api.groups.clone());
    Ok((issuer, groups.ok_or_else(|| Fault::NotOfIssuer(issuer.name().to_owned()))?))
}

/// The app with its key and secret, where the configuration has both.
fn credentials_of<'a>(issuer: &'a Issuer, app: &'a str) -> Option<AppCredentials<'a>> {
    issuer.apps_of(app).find_map(|slot| {
        Some(AppCredentials { id: slot.id()?, key: slot.key()?, secret: slot.secret()? })
    })
}
