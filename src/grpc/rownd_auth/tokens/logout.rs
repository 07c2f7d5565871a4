//! `BuildLogoutUrl`: the URL that ends a user's session at an OpenID provider.

use super::{client, fault};
use crate::{
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{BuildLogoutUrlRequest, BuildLogoutUrlResponse},
        rownd_auth::{
            call::ServiceCall,
            fault::Fault,
            refusal::Asked,
            text_fields::{plain_text, secret_text},
        },
    },
    issuer_api::LogoutRequest,
};

pub(in crate::grpc::rownd_auth) async fn logout_url(
    call: &ServiceCall,
    request: BuildLogoutUrlRequest,
) -> Result<BuildLogoutUrlResponse, Fault> {
    call.may(&[Right::Exchange])?;
    let BuildLogoutUrlRequest {
        oidc_client,
        post_logout_redirect_uri,
        id_token_hint,
        state,
        logout_hint,
        ui_locales,
    } = request;
    let client = client(call, Right::Exchange, Some(&oidc_client))?;
    let redirect_uri = client.post_logout_redirect_uri(post_logout_redirect_uri.as_deref());
    if redirect_uri.is_none() && post_logout_redirect_uri.is_some() {
        let why = "is not one of the post_logout_redirect_uris of the client";
        return Err(Fault::field("post_logout_redirect_uri", why));
    }
    let state = plain_text("state", state)?;
    if state.is_some() && redirect_uri.is_none() {
        let why = "can only come back with the browser, and the client has no \
                   post_logout_redirect_uris";
        return Err(Fault::field("state", why));
    }
    let id_token = id_token_hint.map(|token| secret_text("id_token_hint", &token)).transpose()?;
    let more = [
        ("logout_hint", plain_text("logout_hint", logout_hint)?),
        ("ui_locales", plain_text("ui_locales", ui_locales)?),
    ];
    let more: Vec<_> =
        more.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
    let asked = LogoutRequest {
        client_id: client.client_id(),
        redirect_uri,
        id_token: id_token.as_ref(),
        state: state.as_deref(),
        parameters: &more,
    };
    let made = client.control().logout(asked, call.issuer_timeout()).await;
    let made = made.map_err(|error| fault(Asked::TokenControl, client.issuer(), error))?;
    Ok(BuildLogoutUrlResponse {
        url: made.url.expose().to_owned(),
        state: made.state,
        post_logout_redirect_uri: redirect_uri.map(str::to_owned),
    })
}
