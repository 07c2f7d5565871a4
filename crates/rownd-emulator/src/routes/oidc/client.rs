//! Authenticates the clients of an app's provider.
//!
//! In: the credentials of a request. Out: the client, or `invalid_client`.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::protocol::{OAuthError, Parameters};
use crate::{
    data::{
        oidc_clients::{OidcClient, Presented},
        records::AppRecords,
    },
    routes::access,
};

/// Authenticates a client: by Basic, by the body, or by its name alone, as its configuration has it.
pub(crate) fn authenticate<'a>(
    app: &'a AppRecords,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<&'a OidcClient, OAuthError> {
    let wrong = || {
        OAuthError::unauthorized("invalid_client", "the client is unknown or its secret is wrong")
    };
    let basic = basic(headers)?;
    let (id, presented) = match (&basic, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => {
            let why = "credentials in the header and in the body";
            return Err(OAuthError::new("invalid_request", why));
        }
        (Some((id, _)), Some(named), None) if id != named => return Err(wrong()),
        (Some((id, secret)), _, None) => (id.as_str(), Presented::Basic(secret)),
        (None, Some(id), Some(secret)) => (id, Presented::Body(secret)),
        (None, Some(id), None) => (id, Presented::Nothing),
        (None, None, _) => return Err(wrong()),
    };
    let client = app.client(id).ok_or_else(wrong)?;
    if client.admits(presented) { Ok(client) } else { Err(wrong()) }
}

/// The id and the secret of the Basic credentials, in which both are form-encoded (RFC 6749
/// section 2.3.1).
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, OAuthError> {
    let wrong =
        || OAuthError::unauthorized("invalid_client", "the Basic credentials cannot be read");
    let Some(text) = access::header_text(headers, header::AUTHORIZATION.as_str()) else {
        return Ok(None);
    };
    let (scheme, code) = text.split_once(' ').ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let bytes = BASE64.decode(code.trim()).map_err(|_| wrong())?;
    let pair = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (id, secret) = pair.split_once(':').ok_or_else(wrong)?;
    let plain = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced)
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| wrong())
    };
    Ok(Some((plain(id)?, plain(secret)?)))
}
