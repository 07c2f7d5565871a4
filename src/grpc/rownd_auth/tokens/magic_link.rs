//! The grant `magic_link`: tokens for a link that signs its user in.

use crate::{
    config::{IssuerKind, Right},
    grpc::{
        pb::rownd::auth::v1::MagicLinkGrant,
        rownd_auth::{
            call::ServiceCall,
            fault::Fault,
            grants::forget_profiles,
            target::{AnsweredGrant, Grants, NamedTarget, choose_issuer},
        },
    },
    issuer_api::Granted,
};

/// The longest link, in bytes: its query may be long.
const MAX_LINK: usize = 4096;

pub(in crate::grpc::rownd_auth) async fn magic_link(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    grant: &MagicLinkGrant,
) -> Grants {
    const AT: &str = "magic_link.link";
    let right = Right::Exchange;
    let (index, issuer) = choose_issuer(call, right, &[IssuerKind::Rownd], target.issuer)?;
    target.without_app("the link names the app")?;
    let links = call.service.api(index).and_then(|api| api.magic_links.as_ref());
    let links = links.ok_or_else(|| Fault::NotOfIssuer(issuer.name().to_owned()))?;
    if grant.link.len() > MAX_LINK {
        return Err(Fault::field(AT, "is too long"));
    }
    let id = links.id_of(&grant.link).ok_or_else(|| {
        let why =
            "is not a magic link of this issuer: its base_url, then /hub/auth/magic/ and the id";
        Fault::field(AT, why)
    })?;
    let traded = call.service.exchange().magic_link(index, &id, call.deadline).await;
    if let Ok(Granted::Tokens(tokens)) = &traded {
        // The link has proved an address.
        forget_profiles(call, issuer, tokens, None);
    }
    Ok(AnsweredGrant::of(issuer.name(), call.within(&[right], issuer, traded)?))
}
