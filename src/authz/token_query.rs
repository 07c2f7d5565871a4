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
    in_flight::{PendingCheck, with_issuer},
    protect::protect,
    service::BackendService,
};
use crate::{
    config::Freshness,
    model::{AllowReason, AuthLevel, Denial, DenyReason, Group},
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
        let result = result.map_err(|denial| with_issuer(denial, &facts));
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
        let mut identity = self.verifier().verify(query.token, now, deadline).await?;
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
        // A profile that was looked at is obeyed, whether the query asks for its freshness or not.
        let memberships = if query.memberships {
            self.profiles().groups(&identity, deadline).await?
        } else {
            if query.freshness == Freshness::Profile {
                self.profiles().still_valid(&identity, deadline).await?;
            }
            Vec::new()
        };
        Ok(VerifiedToken { identity, claims, memberships })
    }
}

/// `aud` is one text or a list (RFC 7519 section 4.1.3); that it has that shape is verified.
fn has_audience(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(aud)) => aud == audience,
        Some(Value::Array(all)) => all.iter().any(|aud| aud.as_str() == Some(audience)),
        _ => false,
    }
}
