//! A query about a token itself, without a request behind it: is it good, and does it suffice?
//!
//! In: a token and the requirements on it. Out: the identity with all claims, or a denial that
//! is counted and logged like that of a check. Verification and freshness are those of a check.

use std::{pin::pin, sync::Arc, time::SystemTime};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    facts::VerdictFacts,
    in_flight::{PendingCheck, to_caller},
    protect::protect,
    service::BackendService,
};
use crate::{
    config::Freshness,
    model::{AllowReason, AuthLevel, Denial, DenyReason, Group, Profile},
    policy::rights::{Demand, Rights},
    verify::{self, Identity},
};

/// The requirements on a token. `Debug` shows none of it: the token is in it.
#[derive(Clone, Copy)]
pub struct TokenQuery<'a> {
    /// The token.
    pub token: &'a Bytes,
    /// The app it must be for: any one that stands in its `aud`, and then the app of the answer.
    pub app_id: Option<&'a str>,
    /// A value that its `aud` must have.
    pub audience: Option<&'a str>,
    /// The least auth level.
    pub minimum_level: Option<AuthLevel>,
    /// How much has to be known of the user.
    pub freshness: Freshness,
    /// Whether the groups of the profile are wanted.
    pub memberships: bool,
    /// Permissions that the user must have.
    pub permissions: &'a [String],
    /// Whether all roles and permissions of the user are wanted.
    pub rights: bool,
}

impl std::fmt::Debug for TokenQuery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenQuery").finish_non_exhaustive()
    }
}

impl<'a> TokenQuery<'a> {
    /// Asks whether the token is good, and nothing more.
    #[must_use]
    pub const fn of(token: &'a Bytes) -> Self {
        Self {
            token,
            app_id: None,
            audience: None,
            minimum_level: None,
            freshness: Freshness::Token,
            memberships: false,
            permissions: &[],
            rights: false,
        }
    }
}

/// A token that was found good. `Debug` shows none of it: it is about a person.
#[derive(Clone)]
pub struct VerifiedToken {
    /// The identity that the token proves.
    pub identity: Arc<Identity>,
    /// Everything that the token says.
    pub claims: Map<String, Value>,
    /// The groups of the profile, where they were wanted.
    pub memberships: Vec<Group>,
    /// The roles and permissions of the user, as far as they are known, where they were wanted.
    pub rights: Rights,
}

impl std::fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedToken").finish_non_exhaustive()
    }
}

impl PendingCheck {
    /// Verifies a token, until `deadline` at the longest. The check ends with it.
    ///
    /// # Errors
    ///
    /// The denial, if the token is not good, does not suffice, or cannot be judged in time.
    pub async fn verify_token(
        &self,
        query: &TokenQuery<'_>,
        deadline: Instant,
    ) -> Result<VerifiedToken, Denial> {
        let mut facts = VerdictFacts::unknown();
        let result = if self.overloaded() {
            Err(DenyReason::Overloaded.into())
        } else {
            let judging = self.snapshot.service().verify_token(query, deadline, &mut facts);
            protect(pin!(judging), deadline).await
        };
        let result = result.map_err(|denial| to_caller(denial, &facts));
        self.end(result.as_ref().map(|_| AllowReason::Authenticated), &facts);
        result
    }
}

impl BackendService {
    async fn verify_token(
        &self,
        query: &TokenQuery<'_>,
        deadline: Instant,
        facts: &mut VerdictFacts,
    ) -> Result<VerifiedToken, Denial> {
        let now = SystemTime::now();
        let mut identity =
            self.verifier().verify_recorded(query.token, now, deadline, facts).await?;
        facts.identity = Some(identity.clone());
        let claims = verify::verified_claims(query.token).ok_or(DenyReason::Internal)?;
        if let Some(app) = query.app_id {
            identity = self.verifier().for_app(&identity, &claims, app)?;
            facts.identity = Some(identity.clone());
        }
        if query.audience.is_some_and(|audience| !has_audience(&claims, audience)) {
            return Err(DenyReason::AudienceMismatch.into());
        }
        if let Some(least) = query.minimum_level.filter(|least| identity.auth_level < *least) {
            return Err(Denial::level_too_low(least, false));
        }
        // Permissions that no profile could give are refused before one is read.
        let needs_profile = self.lacks_profile(query, &identity, None)?
            || query.memberships
            || query.freshness == Freshness::Profile;
        // A profile that was looked at is obeyed, whether the query asks for its freshness or not.
        let profile = if needs_profile {
            Some(self.profiles().confirmed(&identity, deadline).await?)
        } else if query.rights && self.rights().reads_profile(&identity.issuer) {
            self.profile_for_lists(&identity, deadline).await?
        } else {
            None
        };
        if self.lacks_profile(query, &identity, profile.as_deref())? {
            // A demand that is not content with the profile it has is a fault of its code.
            return Err(DenyReason::Internal.into());
        }
        let rights = if query.rights {
            self.rights_of(&identity, profile.as_deref())
        } else {
            Rights::default()
        };
        let memberships = profile.filter(|_| query.memberships);
        let memberships = memberships.map(|profile| profile.groups.clone()).unwrap_or_default();
        Ok(VerifiedToken { identity, claims, memberships, rights })
    }

    /// Whether the profile has to be read to know whether the user has the permissions.
    fn lacks_profile(
        &self,
        query: &TokenQuery<'_>,
        identity: &Identity,
        profile: Option<&Profile>,
    ) -> Result<bool, Denial> {
        match self.rights().demand(query.permissions, identity, profile) {
            Demand::Met => Ok(false),
            Demand::NeedsProfile if profile.is_none() => Ok(true),
            Demand::NeedsProfile | Demand::Unknown => Err(DenyReason::RequirementUnknown.into()),
            Demand::Lacking => Err(DenyReason::PermissionMissing.into()),
        }
    }

    /// The profile, where it is read for the lists of roles and permissions alone: without it, they
    /// are unknown and the token is as good. An issuer that does not answer takes half of the time at
    /// the longest, so that there is an answer.
    async fn profile_for_lists(
        &self,
        identity: &Identity,
        deadline: Instant,
    ) -> Result<Option<Arc<Profile>>, Denial> {
        let now = Instant::now();
        let half = now + deadline.saturating_duration_since(now) / 2;
        match self.profiles().confirmed(identity, half).await {
            Ok(profile) => Ok(Some(profile)),
            Err(denial) if is_about_the_profile(denial.reason()) => Ok(None),
            Err(denial) => Err(denial),
        }
    }

    /// All roles and permissions of a user. Without any in the configuration, the roles are those of
    /// the claim map.
    fn rights_of(&self, identity: &Identity, profile: Option<&Profile>) -> Rights {
        let rights = self.rights().rights(identity, profile);
        if self.rights().is_configured() {
            return rights;
        }
        let permissions = rights.permissions.unwrap_or_default();
        Rights { roles: Some(identity.roles.clone()), permissions: Some(permissions) }
    }
}

/// The profile could not be read. The other reasons of a lookup are about the user.
fn is_about_the_profile(reason: DenyReason) -> bool {
    matches!(reason, DenyReason::ProfileUnavailable | DenyReason::ProfileUnsupported)
}

/// `aud` is one text or a list (RFC 7519 section 4.1.3); that it has that shape is verified.
fn has_audience(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(aud)) => aud == audience,
        Some(Value::Array(all)) => all.iter().any(|aud| aud.as_str() == Some(audience)),
        _ => false,
    }
}
