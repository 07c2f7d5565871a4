//! The auth levels that the users of an issuer can have, held against what rules ask for.
//!
//! In: the configuration. Out: a warning for each rule whose level no user of any issuer that can reach
//! it has.

use crate::{
    config::{Config, Issuer, IssuerDetails, IssuerNames, Requirement},
    model::{AuthLevel, Warning},
};

/// The cause, and the setting to write, for messages.
pub(super) const TOO_LOW: &str = "the users of no issuer that can reach it have this level; write \
                                  `auth_level` or `claims.auth_level` in the issuer";

/// The highest level that a user of this issuer can have.
pub(super) fn highest(issuer: &Issuer) -> AuthLevel {
    match &issuer.details {
        IssuerDetails::Rownd(_) | IssuerDetails::Supertokens(_) | IssuerDetails::Firebase(_) => {
            AuthLevel::Verified
        }
        IssuerDetails::Oidc(_) | IssuerDetails::Static(_) => {
            written(issuer).unwrap_or(AuthLevel::Verified)
        }
    }
}

/// Whether a user of this issuer can be a guest.
pub(super) fn may_be_guest(issuer: &Issuer) -> bool {
    written(issuer).is_none_or(|level| level <= AuthLevel::Guest)
}

/// The one level of all users, where no claim says it.
fn written(issuer: &Issuer) -> Option<AuthLevel> {
    let tokens = issuer.accepted_tokens().filter(|_| issuer.claims.auth_level.is_none());
    tokens.map(|tokens| tokens.auth_level)
}

/// The warnings about the levels of routes and of the default.
pub(super) fn warnings(config: &Config) -> Vec<Warning> {
    let all: IssuerNames<'_> = config.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    let routes = config.routes.iter().enumerate().map(|(index, route)| {
        (format!("/routes/{index}"), route.auth_level, route.require.as_ref())
    });
    let default = &config.default;
    let default = ("/default".to_owned(), default.auth_level, default.require.as_ref());
    let warning = |(at, level, require): (String, Option<AuthLevel>, Option<&Requirement>)| {
        let level = level?;
        let left = require.map_or_else(|| all.clone(), |require| require.issuers_left(&all));
        let mut issuers = config.issuers.iter().filter(|i| left.contains(i.name.as_str()));
        let is_too_high = !left.is_empty() && issuers.all(|issuer| highest(issuer) < level);
        let text = format!("no user can fulfil it: {TOO_LOW}");
        is_too_high.then(|| Warning::of("condition_never_met", format!("{at}/auth_level"), text))
    };
    routes.chain([default]).filter_map(warning).collect()
}
