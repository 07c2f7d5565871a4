//! A question about a token itself, without a request behind it: is it good, and does it suffice?
//!
//! In: a token and what it has to fulfil. Out: the identity with all it claims, or a denial that
//! is counted and logged like that of a check. Verification and freshness are those of a check.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{Snapshot, Ticket, VerdictFacts, named, protected};
use crate::{
    config::Freshness,
    model::{AllowReason, AuthLevel, Denial, DenyReason, Group},
    verify::{self, Identity},
};

/// What is asked of a token. `Debug` shows none of it: the token is in it.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The token.
    pub token: &'a Bytes,
    /// The app it must be for: any one that stands in its `aud`, and then the app of the answer.
    pub app_id: Option<&'a str>,
    /// What must stand in its `aud`.
    pub audience: Option<&'a str>,
    /// The least auth level.
    pub minimum_level: Option<AuthLevel>,
    /// How much has to be known of the user.
    pub freshness: Freshness,
    /// Whether the groups of the profile are wanted.
    pub memberships: bool,
}

impl std::fmt::Debug for Question<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Question").finish_non_exhaustive()
    }
}

impl<'a> Question<'a> {
    /// Is it good, and nothing more.
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

/// Whose token it is. `Debug` shows none of it: it is about a person.
#[derive(Clone)]
pub struct Answer {
    /// Who.
    pub identity: Arc<Identity>,
    /// Everything that the token says.
    pub claims: Map<String, Value>,
    /// The groups of the profile, where they were wanted.
    pub memberships: Vec<Group>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

impl Ticket {
    /// Answers a question about a token, until `deadline` at the longest.
    pub async fn answer(
        &self,
        question: &Question<'_>,
        deadline: Instant,
    ) -> Result<Answer, Denial> {
        let mut facts = VerdictFacts::unknown();
        let judged = if self.overloaded {
            Err(DenyReason::Overloaded.into())
        } else {
            let judgement = self.snapshot.answer(question, deadline, &mut facts);
            protected(judgement, deadline).await
        };
        let judged = judged.map_err(|denial| named(denial, &facts));
        self.record(judged.as_ref().map(|_| AllowReason::Authenticated), &facts);
        judged
    }
}

impl Snapshot {
    async fn answer(
        &self,
        question: &Question<'_>,
        deadline: Instant,
        facts: &mut VerdictFacts,
    ) -> Result<Answer, Denial> {
        let now = SystemTime::now();
        let mut identity = self.verifier().verify(question.token, now, deadline).await?;
        facts.identity = Some(identity.clone());
        let claims = verify::claims(question.token).ok_or(DenyReason::Internal)?;
        if let Some(app) = question.app_id {
            identity = self.verifier().for_app(&identity, &claims, app)?;
            facts.identity = Some(identity.clone());
        }
        if question.audience.is_some_and(|audience| !names(&claims, audience)) {
            return Err(DenyReason::AudienceMismatch.into());
        }
        if let Some(least) = question.minimum_level.filter(|least| identity.auth_level < *least) {
            return Err(Denial::level_too_low(least, false));
        }
        // Whoever looks at a profile obeys it.
        let memberships = if question.memberships {
            self.profiles().groups(&identity, deadline).await?
        } else {
            if question.freshness == Freshness::Profile {
                self.profiles().still_valid(&identity, deadline).await?;
            }
            Vec::new()
        };
        Ok(Answer { identity, claims, memberships })
    }
}

/// `aud` is one text or a list (RFC 7519 section 4.1.3); that it has that shape is verified.
fn names(claims: &Map<String, Value>, audience: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(aud)) => aud == audience,
        Some(Value::Array(all)) => all.iter().any(|aud| aud.as_str() == Some(audience)),
        _ => false,
    }
}
