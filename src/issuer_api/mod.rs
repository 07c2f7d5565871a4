//! The clients of issuers' APIs: Rownd's, SuperTokens' with Rownd's plugin, OpenID providers'.
//!
//! In: an issuer's settings and a question, or something to exchange. Out: a typed answer, or why
//! there is none. A client talks to its own issuer and no other, so a key or secret goes nowhere
//! else.
//!
//! Each kind of issuer has a folder or file of its own, with the table of what it can do
//! ([`IssuerApi`]). How a request is sent, and whether it may be repeated, stands in one table of
//! operations.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod api;
mod breaker;
mod capabilities;
mod error;
mod exchange;
mod grants;
mod openid;
mod operation;
mod refreshes;
mod rownd;
mod supertokens;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

use url::Url;

use crate::{
    config::{Issuer, IssuerKind},
    metrics::Metrics,
    upstream::Client as Upstream,
};
use api::{Api, Hosts};
pub use breaker::{Pause, PauseCause};
pub use capabilities::{
    AppIds, Asked, CodeFlow, Guests, IssuerApi, Migration, OwnProfiles, RefreshTokens,
    ThirdPartyTokens, UserProfiles,
};
pub use error::{ApiError, ExchangeError, Rejection};
pub use exchange::{AuthorizationChoices, Exchange, OpenIdClient};
pub use grants::{
    AppAndKey, AppCredentials, Authorization, AuthorizationRequest, ClientAuth, CodeGrant,
    GuestLevel, Intent, OpenIdClientProof, OpenIdRefresh, ThirdPartyToken,
};
pub use refreshes::{RefreshKey, RefreshRunner, Refreshes, refreshes};
pub use tokens::{Granted, Tokens, UserType};

/// The API of each issuer, in the order of the configuration. `None`: issuers of this kind have no
/// API, or its base URL cannot be used.
#[must_use]
pub fn build(
    issuers: &[Issuer],
    upstream: &Upstream,
    metrics: &Arc<Metrics>,
) -> Vec<Option<IssuerApi>> {
    let mut hosts = Hosts::default();
    let mut build = |issuer: &Issuer| {
        let base_url = base_url(issuer)?;
        let base_url = Url::parse(base_url.trim_end_matches('/')).ok()?;
        let api = Api {
            label: metrics.issuer(&issuer.name)?,
            upstream: upstream.clone(),
            host: hosts.of(&base_url),
            base_url,
            metrics: metrics.clone(),
        };
        match issuer.kind {
            IssuerKind::Rownd => Some(rownd::table(api)),
            IssuerKind::Supertokens => Some(supertokens::table(api)),
            IssuerKind::Oidc => Some(openid::table(api, issuer.issuer.clone()?)),
            IssuerKind::Firebase | IssuerKind::Static => None,
        }
    };
    issuers.iter().map(&mut build).collect()
}

/// Where the API of an issuer begins.
fn base_url(issuer: &Issuer) -> Option<&str> {
    match issuer.kind {
        IssuerKind::Rownd | IssuerKind::Supertokens => issuer.base_url.as_deref(),
        // The metadata are below it (OpenID Connect Discovery section 4).
        IssuerKind::Oidc => issuer.base_url.as_deref().or(issuer.issuer.as_deref()),
        IssuerKind::Firebase | IssuerKind::Static => None,
    }
}
