//! The effect of an event on this process, and on the other replicas: revocations and profiles.
//!
//! In: whom an event is about, and since when. Out: a next check that knows of it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::answer::Refusal;
use crate::{
    authz::{Authorizer, Snapshot},
    log_throttle::LogThrottle,
    metrics::Metrics,
    verify::{CommandTarget, RevocationReplica, RevokeError, RevokedSubject},
};

/// The wait of a sender whose event finds no room.
const LATER: Duration = Duration::from_secs(60);
/// The wait of a sender whose event the other replicas do not know yet.
const SOON: Duration = Duration::from_secs(1);

/// The answers to a sender, each as a word and a sentence.
const FULL: (&str, &str) = ("revocations_full", "the list of revocations is full");
const NOT_REVOKED: (&str, &str) =
    ("not_revoked", "the subject of the event cannot be revoked by this configuration");
const NOT_SHARED: (&str, &str) = ("not_shared", "the other replicas do not know of the event yet");

/// The parts of the process that events act on. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Effects {
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) metrics: Arc<Metrics>,
    /// The list of revocations as other replicas have it, where replicas share their state.
    pub(super) replica: Option<Arc<RevocationReplica>>,
    /// Of the lines about events that cannot be obeyed now.
    throttle: Arc<LogThrottle>,
}

/// The issuer of the tokens that an event revokes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Revoked<'a> {
    /// The configured name.
    pub(super) issuer: &'a str,
    /// The tenant that signed the event, of an issuer that has tenants.
    pub(super) tenant: Option<&'a str>,
    /// Tokens of a user that were issued before it are revoked, Unix seconds.
    pub(super) not_before: u64,
}

impl Effects {
    pub(super) fn new(
        authorizer: Arc<Authorizer>,
        metrics: Arc<Metrics>,
        replica: Option<Arc<RevocationReplica>>,
    ) -> Self {
        Self { authorizer, metrics, replica, throttle: Arc::new(LogThrottle::per_second(1)) }
    }

    /// Revokes the subject at this issuer, for as long as its tokens can live, at every replica.
    ///
    /// # Errors
    ///
    /// Fails where the list is full, and where the other replicas do not know it yet: the sender is to
    /// send the event again.
    pub(super) async fn revoke(
        &self,
        issuer: &str,
        tenant: Option<&str>,
        subject: RevokedSubject<'_>,
    ) -> Result<(), Refusal> {
        let now = SystemTime::now();
        let target = CommandTarget { issuer: Some(issuer), tenant };
        let revoke = |snapshot: &Snapshot| snapshot.verifier().revoke(target, subject, None, now);
        self.authorizer.command(revoke).map_err(|error| {
            if let Some(dropped) = self.throttle.admit() {
                tracing::error!(issuer, %error, dropped, "an event could not be obeyed");
            }
            let why = match error {
                RevokeError::Full(_) => FULL,
                RevokeError::IssuerUnknown | RevokeError::TooLong(_) => NOT_REVOKED,
            };
            Refusal::NotObeyed(why, LATER)
        })?;
        self.share(issuer).await
    }

    /// Tells the other replicas of everything that is revoked here.
    ///
    /// # Errors
    ///
    /// Fails where they do not know of it yet.
    pub(super) async fn share(&self, issuer: &str) -> Result<(), Refusal> {
        let Some(replica) = &self.replica else { return Ok(()) };
        let shared = replica.share().await;
        shared.map(|_spread| ()).map_err(|error| {
            if let Some(dropped) = self.throttle.admit() {
                let what = "the other replicas do not know of an event yet";
                tracing::error!(issuer, %error, dropped, "{what}");
            }
            Refusal::NotObeyed(NOT_SHARED, SOON)
        })
    }

    /// Revokes the tokens of a user that were issued before a time, and drops the cached profile.
    ///
    /// # Errors
    ///
    /// Those of [`revoke`](Self::revoke).
    pub(super) async fn revoke_user(&self, of: Revoked<'_>, user: &str) -> Result<(), Refusal> {
        self.forget_profiles(of.issuer, user);
        let subject = RevokedSubject::User { id: user, not_before: of.not_before };
        self.revoke(of.issuer, of.tenant, subject).await
    }

    /// Revokes the tokens of a session.
    ///
    /// # Errors
    ///
    /// Those of [`revoke`](Self::revoke).
    pub(super) async fn revoke_session(&self, of: Revoked<'_>, id: &str) -> Result<(), Refusal> {
        self.revoke(of.issuer, of.tenant, RevokedSubject::Session(id)).await
    }

    /// Revokes one token.
    ///
    /// # Errors
    ///
    /// Those of [`revoke`](Self::revoke).
    pub(super) async fn revoke_token(&self, of: Revoked<'_>, id: &str) -> Result<(), Refusal> {
        self.revoke(of.issuer, of.tenant, RevokedSubject::Token(id)).await
    }

    /// Drops what is kept of the profiles of a user.
    pub(super) fn forget_profiles(&self, issuer: &str, user: &str) {
        self.authorizer.command(|now| now.service().profiles().forget_user(issuer, user));
    }
}

/// Seconds since the Unix epoch.
pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
