//! `GetUserInfo`: the claims of an issuer about the user of an access token.

use std::sync::Arc;

use super::{fault, judged, sent_token};
use crate::{
    authz::Authorizer,
    config::{IssuerKind, Right, Secret},
    grpc::{
        pb::rownd::auth::v1::{GetUserInfoRequest, GetUserInfoResponse},
        rownd_auth::{
            call::ServiceCall,
            fault::{Fault, is_undecided},
            refusal::Asked,
            structure::Structures,
            target::choose_issuer,
        },
    },
    issuer_api::UserClaims,
    model::{DenyReason, IssuerIndex},
    profile,
    verify::{Identity, Issuer},
};

const RIGHTS: &[Right] = &[Right::GetOwnUser];

/// The issuer that is asked, and the user of a token that it has signed.
struct Question<'a> {
    index: IssuerIndex,
    issuer: &'a Issuer,
    who: Option<Arc<Identity>>,
    /// The user as the answer has to name it.
    user: Option<String>,
}

pub(in crate::grpc::rownd_auth) async fn user_info(
    authorizer: &Arc<Authorizer>,
    call: &ServiceCall,
    request: GetUserInfoRequest,
) -> Result<GetUserInfoResponse, Fault> {
    call.may(RIGHTS)?;
    let token = sent_token(authorizer, &request.token)?;
    let question = question(authorizer, call, &token, request.issuer.as_deref()).await?;
    let name = question.issuer.name();
    let api = call.service.api(question.index).and_then(|api| api.user_info.as_ref());
    let api = api.ok_or_else(|| Fault::NotOfIssuer(name.to_owned()))?;
    let asked = api.user_info(question.user.as_deref(), &token, call.issuer_timeout()).await;
    let UserClaims { subject, members, profile } =
        asked.map_err(|error| fault(Asked::UserInfo, name, error))?;
    if let Some(profile) = profile {
        if !profile.enabled() {
            return Err(Fault::Disabled);
        }
        let issued_at = question.who.as_ref().and_then(|who| who.issued_at);
        profile::issued_after_cutoff(&profile, issued_at)
            .map_err(|reason| Fault::Token(reason.into()))?;
    }
    let mut structures = Structures::default();
    let claims = structures.make("claims", &members);
    Ok(GetUserInfoResponse {
        subject,
        issuer: name.to_owned(),
        claims: Some(claims),
        omitted: structures.omitted(),
    })
}

/// The issuer that is asked. A JWT of a configured issuer is verified first and goes to that issuer
/// alone; any other JWT goes nowhere, and a text that is no JWT to the issuer that is named.
async fn question<'a>(
    authorizer: &Arc<Authorizer>,
    call: &'a ServiceCall,
    token: &Secret,
    named: Option<&str>,
) -> Result<Question<'a>, Fault> {
    let app = call.app_of(RIGHTS, token.expose().as_bytes(), None)?;
    let answer = match judged(authorizer, call, token, app.as_deref()).await {
        Ok(answer) => answer,
        Err(denial) if denial.reason() == DenyReason::TokenMalformed => {
            let (index, issuer) =
                choose_issuer(call, Right::GetOwnUser, &[IssuerKind::Oidc], named)?;
            // The app of an opaque token is unknown.
            call.may_for(RIGHTS, issuer.name(), None)?;
            return Ok(Question { index, issuer, who: None, user: None });
        }
        Err(denial) if is_undecided(&denial) => return Err(call.undecided(denial)),
        Err(denial) => return Err(Fault::Token(denial)),
    };
    let who = answer.identity;
    call.may_for(RIGHTS, &who.issuer, who.app_id.as_deref())?;
    if named.is_some_and(|named| *named != *who.issuer) {
        return Err(Fault::field("issuer", "is not the issuer of the token"));
    }
    let mut issuers = call.service.verifier().issuers().iter().enumerate();
    let found = issuers.find(|(_, issuer)| issuer.name() == &*who.issuer);
    let (place, issuer) = found.ok_or(Fault::Internal)?;
    let user = match issuer.settings().kind() {
        // The claim map may read another claim as the id of the user.
        IssuerKind::Oidc => {
            answer.claims.get("sub").and_then(|sub| sub.as_str()).map(str::to_owned)
        }
        IssuerKind::Rownd | IssuerKind::Supertokens | IssuerKind::Firebase | IssuerKind::Static => {
            Some(who.user_id.clone())
        }
    };
    Ok(Question { index: IssuerIndex::new(place), issuer, who: Some(who), user })
}
