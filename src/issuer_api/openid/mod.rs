//! An OpenID provider as its client sees it: where to send a browser, and tokens for the code that
//! comes back (RFC 6749 section 4.1, RFC 7636, OpenID Connect Core section 3.1).
//!
//! In: a client's settings and a request. Out: a URL with what to keep until the browser is back;
//! or tokens.

pub(super) mod id_token;
mod metadata;
mod provider;
mod token_control;
mod token_endpoint;

use std::sync::Arc;

use super::{api::Api, capabilities::IssuerApi};
use provider::OpenIdProvider;

/// The capabilities of an OpenID provider.
pub(super) fn table(api: Api, iss: String) -> IssuerApi {
    let provider = Arc::new(OpenIdProvider::new(api, iss));
    IssuerApi {
        app_ids: None,
        third_party_tokens: None,
        refresh_tokens: None,
        migration: None,
        guests: None,
        user_profiles: None,
        own_profiles: None,
        code_flow: Some(provider.clone()),
        user_info: Some(provider.clone()),
        token_control: Some(provider),
        magic_links: None,
        oidc_clients: None,
        users: None,
        groups: None,
        apps: None,
        accounts: None,
    }
}
