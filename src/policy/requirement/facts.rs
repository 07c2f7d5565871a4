//! Where the facts about a user of each issuer come from: the token or the profile.

use std::{collections::HashMap, sync::Arc};

use crate::{
    config::{Config, IssuerDetails, IssuerKind},
    policy::rights::RightsBook,
    verify::Identity,
};

/// The sources of facts, by the configured name of the issuer.
#[derive(Debug, Default)]
pub(in crate::policy) struct FactSources {
    by_issuer: HashMap<String, SourcesOfIssuer>,
    rights: Arc<RightsBook>,
}

/// The sources of one issuer.
#[derive(Debug, Clone, Copy, Default)]
struct SourcesOfIssuer {
    profile: bool,
    groups_claim: bool,
    roles_claim: bool,
    scopes_claim: bool,
}

impl FactSources {
    /// From the configuration.
    pub(in crate::policy) fn build(config: &Config) -> Self {
        let sources = config.issuers.iter().map(|issuer| {
            let profile = match &issuer.details {
                IssuerDetails::Rownd(_) => true,
                IssuerDetails::Supertokens(_)
                | IssuerDetails::Oidc(_)
                | IssuerDetails::Firebase(_)
                | IssuerDetails::Static(_) => false,
            };
            let claims = &issuer.claims;
            let is_supertokens = issuer.kind() == IssuerKind::Supertokens;
            let sources = SourcesOfIssuer {
                profile,
                groups_claim: claims.groups.is_some(),
                roles_claim: claims.roles.is_some() || is_supertokens,
                // Customers name the claims of these as they like.
                scopes_claim: claims.scopes.is_some()
                    || !matches!(issuer.kind(), IssuerKind::Rownd | IssuerKind::Firebase),
            };
            (issuer.name.clone(), sources)
        });
        Self { by_issuer: sources.collect(), rights: Arc::new(RightsBook::build(config)) }
    }

    /// The roles and permissions of users.
    pub(in crate::policy) const fn rights(&self) -> &Arc<RightsBook> {
        &self.rights
    }

    /// The issuer of this identity has profiles.
    pub(in crate::policy) fn has_profile(&self, identity: &Identity) -> bool {
        self.of(identity).profile
    }

    /// The roles or permissions of some issuer's users are in their profiles.
    pub(in crate::policy) fn rights_read_profile(&self) -> bool {
        self.by_issuer.keys().any(|issuer| self.rights.reads_profile(issuer))
    }

    /// All groups of this identity are in a claim of its token.
    pub(in crate::policy) fn groups_in_token(&self, identity: &Identity) -> bool {
        self.of(identity).groups_claim && !identity.elsewhere.groups
    }

    /// All roles of this identity are in a claim of its token.
    pub(in crate::policy) fn roles_in_token(&self, identity: &Identity) -> bool {
        self.of(identity).roles_claim && !identity.elsewhere.roles
    }

    /// All scopes of this identity are in a claim of its token.
    pub(in crate::policy) fn scopes_in_token(&self, identity: &Identity) -> bool {
        self.of(identity).scopes_claim && !identity.elsewhere.scopes
    }

    fn of(&self, identity: &Identity) -> SourcesOfIssuer {
        self.by_issuer.get(identity.issuer.as_ref()).copied().unwrap_or_default()
    }
}
