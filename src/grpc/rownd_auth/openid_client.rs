//! OpenID clients: the URL where a sign-in begins, tokens for the code that comes back, and their
//! renewal.
//!
//! In: a call and the name of a client. Out: a URL, or the answer of the provider.

use super::{
    call::ServiceCall,
    fault::Fault,
    refusal::Asked,
    target::{AnsweredGrant, Grants, NamedTarget},
    text_fields::{check_scopes, plain_text, secret_text},
};
use crate::{
    config::{Right, Secret},
    grpc::pb::rownd::auth::v1::{
        AuthorizationCodeGrant, BuildAuthorizationUrlRequest, BuildAuthorizationUrlResponse,
    },
    issuer_api::{AuthorizationChoices, CodeGrant, OpenIdClient, OpenIdRefresh},
};

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
    if !scopes.is_empty() && !scopes.iter().any(|scope| scope == "openid") {
        // Without it no ID token comes, and the code could not be traded.
        return Err(Fault::field("scopes", "has no `openid`; add it"));
    }
    let more = [
        ("resource", plain_text("resource", resource)?),
        ("login_hint", plain_text("login_hint", login_hint)?),
        ("prompt", prompt_of(prompt)?),
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

/// The values of `prompt` (OpenID Connect Core section 3.1.2.1).
const PROMPTS: [&str; 4] = ["login", "consent", "none", "select_account"];

/// The things that the provider is to ask the user for: some of the known values with blanks between them, or
/// `none` alone.
fn prompt_of(prompt: Option<String>) -> Result<Option<String>, Fault> {
    let prompt = plain_text("prompt", prompt)?;
    let Some(asked) = &prompt else { return Ok(None) };
    let each: Vec<&str> = asked.split(' ').collect();
    let known = each.iter().all(|one| PROMPTS.contains(one));
    if known && (each.len() == 1 || !each.contains(&"none")) {
        return Ok(prompt);
    }
    let why = "is not `login`, `consent`, `select_account`, several of these with blanks between \
               them, or `none`";
    Err(Fault::field("prompt", why))
}

pub(super) async fn code(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    grant: AuthorizationCodeGrant,
) -> Grants {
    let AuthorizationCodeGrant { oidc_client, code, redirect_uri, code_verifier, nonce } = grant;
    target.without_issuer()?;
    let client = client(call, "authorization_code.oidc_client", &oidc_client)?;
    let nonce = plain_text("authorization_code.nonce", nonce)?.ok_or_else(|| {
        Fault::field("authorization_code.nonce", "is missing: give that of BuildAuthorizationUrl")
    })?;
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
        nonce,
    };
    let granted = call.service.exchange().code(client, grant, call.deadline).await;
    Ok(AnsweredGrant::of(client.issuer(), granted))
}

pub(super) async fn refresh(
    call: &ServiceCall,
    target: NamedTarget<'_>,
    client_name: &str,
    token: &Secret,
    scopes: &[String],
) -> Grants {
    target.without_issuer()?;
    let client = client(call, "refresh_token.oidc_client", client_name)?;
    check_scopes("refresh_token.scopes", scopes)?;
    let refresh = OpenIdRefresh { token, scopes };
    let granted = call.service.exchange().refresh_openid(client, refresh, call.deadline).await;
    Ok(AnsweredGrant::of(client.issuer(), granted))
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

#[cfg(test)]
mod tests {
    use super::prompt_of;

    #[test]
    fn a_prompt_is_one_that_openid_connect_knows() {
        for (prompt, good) in [
            (None, true),
            (Some("login"), true),
            (Some("consent"), true),
            (Some("none"), true),
            (Some("select_account"), true),
            (Some("login consent"), true),
            (Some("zz"), false),
            (Some("Login"), false),
            (Some("login none"), false),
            (Some("login  consent"), false),
            (Some("login "), false),
            (Some("login zz"), false),
        ] {
            assert_eq!(prompt_of(prompt.map(str::to_owned)).is_ok(), good, "{prompt:?}");
        }
    }
}
