//! Conditions that no user of any configured issuer can fulfil.
//!
//! In: the configuration, a condition, and the issuers whose tokens can reach it. Out: a warning, if it is
//! sure by the text of the file.

use std::borrow::Cow;

use super::{levels, truth::Truth, words};
use crate::{
    config::{
        Config, Issuer, IssuerDetails, IssuerNames, PathIdentity, RequirementLeaf, TokenSource,
    },
    model::{CredentialSource, Warning},
};

/// The warning about a condition that no user of these issuers can fulfil, which stands at `place` in the
/// file: under `not`, that is good for everybody or for nobody.
pub(super) fn warning(
    config: &Config,
    place: &str,
    leaf: &RequirementLeaf,
    reaching: &IssuerNames<'_>,
) -> Option<Warning> {
    let (truth, text) = hopeless(config, leaf, reaching)?;
    let is_denied = place.split('/').filter(|step| *step == "not").count() % 2 == 1;
    if is_denied && matches!(leaf, RequirementLeaf::Claim(..)) && !reaching.is_empty() {
        // A claim with another value is false, and one of another type unknown.
        return None;
    }
    let (code, text) = match (is_denied, truth) {
        (false, _) => ("condition_never_met", format!("no user can fulfil it: {text}")),
        (true, Truth::False) => {
            ("condition_always_met", format!("`not` of it excludes nobody: {text}; leave it out"))
        }
        (true, Truth::Unknown | Truth::True | Truth::NeedsProfile) => (
            "condition_never_met",
            format!("is unknown for every user, and so is `not` of it: {text}"),
        ),
    };
    Some(Warning::of(code, place, text))
}

/// Whether a condition is false for every user or unknown, and why; `None` if somebody may fulfil it.
#[expect(clippy::wildcard_enum_match_arm, reason = "a warning decides nothing")]
fn hopeless(
    config: &Config,
    leaf: &RequirementLeaf,
    reaching: &IssuerNames<'_>,
) -> Option<(Truth, Cow<'static, str>)> {
    let mut issuers = config.issuers.iter().filter(|i| reaching.contains(i.name.as_str()));
    if let RequirementLeaf::Claim(claim, tests) = leaf
        && !reaching.is_empty()
    {
        let issuers: Vec<&Issuer> = issuers.collect();
        let text = words::never_a_claim(&issuers, claim.as_str(), tests)?;
        return Some((Truth::False, text.into()));
    }
    let (truth, text) = match leaf {
        _ if reaching.is_empty() => {
            (Truth::False, "the conditions `issuer` around it leave no issuer")
        }
        RequirementLeaf::GroupRole { .. } | RequirementLeaf::Attribute(..)
            if !issuers.any(|issuer| matches!(issuer.details, IssuerDetails::Rownd(_))) =>
        {
            (Truth::Unknown, "only issuers of kind `rownd` have profiles")
        }
        RequirementLeaf::Group(_)
            if !issuers.any(|issuer| {
                matches!(issuer.details, IssuerDetails::Rownd(_)) || issuer.claims.groups.is_some()
            }) =>
        {
            (Truth::Unknown, "no issuer that can reach it has `claims.groups` or profiles")
        }
        RequirementLeaf::AuthLevel(level)
            if issuers.all(|issuer| levels::highest(issuer) < *level) =>
        {
            (Truth::False, levels::TOO_LOW)
        }
        RequirementLeaf::Anonymous(true) if issuers.all(|issuer| !levels::may_be_guest(issuer)) => {
            (Truth::False, "no issuer that can reach it has guests")
        }
        RequirementLeaf::Tenant(_)
        | RequirementLeaf::PathIsIdentity { field: PathIdentity::Tenant, .. }
            if !issuers.any(has_tenants) =>
        {
            (Truth::Unknown, "no issuer that can reach it has tenants")
        }
        RequirementLeaf::Scope(_) if issuers.all(has_no_scopes) => {
            (Truth::Unknown, "no issuer that can reach it has `claims.scopes`")
        }
        RequirementLeaf::MaxAge(_) if issuers.all(has_no_auth_time) => (
            Truth::Unknown,
            "tokens of Rownd and SuperTokens have no `auth_time`, so that no sign-in is recent enough",
        ),
        RequirementLeaf::Source(sources)
            if !sources.iter().any(|source| {
                config.credentials.0.iter().any(|known| place_of(known) == *source)
            }) =>
        {
            (Truth::False, "no credential is looked for there")
        }
        _ => return None,
    };
    Some((truth, text.into()))
}

/// Where a source finds its credential.
const fn place_of(source: &TokenSource) -> CredentialSource {
    match source {
        TokenSource::Header(_) => CredentialSource::Header,
        TokenSource::Cookie { .. } => CredentialSource::Cookie,
        TokenSource::Query(_) => CredentialSource::Query,
        TokenSource::WebsocketProtocol(_) => CredentialSource::WebsocketProtocol,
    }
}

fn has_tenants(issuer: &Issuer) -> bool {
    issuer.claims.tenant.is_some()
        || matches!(issuer.details, IssuerDetails::Supertokens(_))
        || !issuer.tenants.is_empty()
}

/// No token of the issuer says any.
fn has_no_scopes(issuer: &Issuer) -> bool {
    let is_silent = matches!(issuer.details, IssuerDetails::Rownd(_) | IssuerDetails::Firebase(_));
    issuer.claims.scopes.is_none() && is_silent
}

const fn has_no_auth_time(issuer: &Issuer) -> bool {
    matches!(issuer.details, IssuerDetails::Rownd(_) | IssuerDetails::Supertokens(_))
}
