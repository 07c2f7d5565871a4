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

pub mod administration;
mod api;
mod app_watch;
mod asked;
mod breaker;
mod capabilities;
mod error;
mod error_form;
mod exchange;
mod grants;
mod openid;
mod operation;
mod refreshes;
mod rejection;
mod rownd;
mod shared_answer;
mod shared_refreshes;
mod supertokens;
mod supertokens_core;
#[cfg(test)]
mod tests;
mod token_control;
mod tokens;

use std::sync::Arc;

use crate::{
    config::{Issuer, IssuerDetails, WebAddress},
    metrics::{LabelValues, Labels, Metrics},
    upstream::Client as Upstream,
};
use api::{Api, Hosts};
pub use app_watch::AppWatch;
pub use breaker::{Pause, PauseCause};
pub use capabilities::{
    AppIds, Asked, CodeFlow, Guests, IssuerApi, Migration, OwnProfiles, OwnUser, RefreshTokens,
    ThirdPartyTokens, UserProfiles,
};
use error::ApiResult;
pub use error::{ApiError, ExchangeError};
pub use exchange::{AuthorizationChoices, Exchange, OpenIdClient};
pub use grants::{
    AppAndKey, AppCredentials, Authorization, AuthorizationRequest, CodeGrant, GuestLevel, Intent,
    OpenIdClientProof, OpenIdRefresh, ThirdPartyToken,
};
use operation::ApiEndpoint;
pub use refreshes::{RefreshFault, RefreshKey, RefreshRunner, Refreshes, refreshes};
pub use rejection::{RefusedField, RefusedPart, Rejection};
pub use rownd::{UserIdProblem, user_id_problem};
use shared_refreshes::SharedRefresh;
pub use shared_refreshes::SharedRefreshes;
use supertokens_core::CoreClient;
pub use token_control::{
    IssuedToken, Logout, LogoutRequest, MagicLinks, TokenControl, TokenHint, UserClaims, UserInfo,
};
pub use tokens::{Granted, Tokens, UserType};

/// The endpoints whose refusals the alert `RowndAuthzAppKeyRefused` counts: those that are asked with the
/// app's own key, at the start and for each profile.
const ALERTED: [ApiEndpoint; 2] = [ApiEndpoint::AppConfig, ApiEndpoint::User];

/// Adds the labels of this room.
pub fn add_labels(labels: &mut Labels) {
    labels.api_endpoints = LabelValues::of::<ApiEndpoint>();
    labels.api_results = LabelValues::of::<ApiResult>();
    labels.shared_refreshes = LabelValues::of::<SharedRefresh>();
}

/// The API of each issuer, in the order of the configuration. `None`: issuers of this kind have no
/// API.
#[must_use]
pub fn build(
    issuers: &[Issuer],
    upstream: &Upstream,
    metrics: &Arc<Metrics>,
) -> Vec<Option<IssuerApi>> {
    build_watched(issuers, upstream, metrics, |_| AppWatch::default())
}

/// The same, with somebody who is told which apps an issuer refuses, by the place of the issuer.
#[must_use]
pub fn build_watched(
    issuers: &[Issuer],
    upstream: &Upstream,
    metrics: &Arc<Metrics>,
    watch: impl Fn(usize) -> AppWatch,
) -> Vec<Option<IssuerApi>> {
    let mut hosts = Hosts::default();
    let mut build = |(place, issuer): (usize, &Issuer)| {
        let mut api_at = |address: &WebAddress| {
            let base_url = address.url();
            Some(Api {
                label: metrics.issuer(&issuer.name)?,
                upstream: upstream.for_issuer(issuer),
                host: hosts.of(base_url),
                base_url: base_url.clone(),
                metrics: metrics.clone(),
                apps: watch(place),
            })
        };
        let api = api_at(base_url(issuer)?)?;
        match &issuer.details {
            IssuerDetails::Rownd(rownd) => {
                for endpoint in ALERTED {
                    metrics.issuer_api_counted(api.label, endpoint);
                }
                Some(rownd::table(api, rownd.api_answers))
            }
            IssuerDetails::Supertokens(supertokens) => {
                let core = supertokens.core.as_ref().and_then(|core| {
                    Some(CoreClient { api: api_at(&core.base_url)?, key: core.api_key.clone() })
                });
                Some(supertokens::table(api, core))
            }
            IssuerDetails::Oidc(_) => Some(openid::table(api, issuer.iss.clone())),
            IssuerDetails::Firebase(_) | IssuerDetails::Static(_) => None,
        }
    };
    issuers.iter().enumerate().map(&mut build).collect()
}

/// The URL that the API of an issuer is below; `None`: issuers of this kind have no API.
const fn base_url(issuer: &Issuer) -> Option<&WebAddress> {
    match &issuer.details {
        IssuerDetails::Rownd(rownd) => Some(&rownd.base_url),
        IssuerDetails::Supertokens(supertokens) => Some(&supertokens.base_url),
        // Each tenant has an API of its own, and nothing says which is meant.
        IssuerDetails::Oidc(_) if !issuer.tenants.is_empty() => None,
        // The metadata are below it (OpenID Connect Discovery section 4).
        IssuerDetails::Oidc(oidc) => oidc.base_url.as_ref(),
        IssuerDetails::Firebase(_) | IssuerDetails::Static(_) => None,
    }
}
