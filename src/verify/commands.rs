//! The commands of operators to a verifier: forget keys, revoke, take a revocation back.
//!
//! In: the name of an issuer, or none for all of them, and what the command is about. Out: how
//! much has changed.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    issuer::Issuer,
    revocation::{RevokeError, RevokedSubject, RevokingIssuer},
    unix_time::unix_seconds,
    verifier::Verifier,
};

impl Verifier {
    /// Ends all trust in the keys of this issuer, or of all issuers, and has them fetched again.
    /// Returns the number of issuers; until their keys come, no token of theirs can be verified.
    pub fn forget_keys(&self, issuer: Option<&str>) -> usize {
        let named =
            self.issuers.iter().filter(|known| issuer.is_none_or(|name| known.name() == name));
        named.map(|issuer| self.forget_keys_of(issuer, true)).count()
    }

    /// Forgets the keys that a command made `before` forget while this verifier was being built.
    /// Must be called once this verifier is in force.
    pub fn forget_as(&self, before: &Self) {
        for issuer in &self.issuers {
            let known = Issuer::predecessor(&before.issuers, issuer.name(), &issuer.iss);
            if let Some(old) = known
                && !Arc::ptr_eq(&old.keys, &issuer.keys)
                && issuer.keys.missed_forget_of(&old.keys)
            {
                // Keys that were put in place since are not those that the command was about.
                self.forget_keys_of(issuer, issuer.has_keys_in_place_of(old));
            }
        }
    }

    fn forget_keys_of(&self, issuer: &Issuer, in_place: bool) {
        tracing::warn!(issuer = issuer.name(), "the keys are forgotten, by command");
        if let Err(error) = issuer.keys.forget(in_place) {
            tracing::error!(
                issuer = issuer.name(),
                %error,
                "the snapshot of the keys could not be removed: remove it by hand before a restart"
            );
        }
        if !issuer.keys.fetches {
            // No task reports the change.
            issuer.keys.report(&self.metrics, issuer.label);
        }
    }

    /// Revokes the subject of a command, at one issuer or at all. `keep` is how long from now on;
    /// without it, for as long as a token can live. Returns the number of new entries.
    ///
    /// # Errors
    ///
    /// [`RevokeError`]. Nothing is revoked then.
    pub fn revoke(
        &self,
        issuer: Option<&str>,
        subject: RevokedSubject<'_>,
        keep: Option<Duration>,
        now: SystemTime,
    ) -> Result<usize, RevokeError> {
        let issuers = self.named_issuers(issuer).ok_or(RevokeError::IssuerUnknown)?;
        self.revocations.revoke(&issuers, subject, keep, unix_seconds(now))
    }

    /// Takes a revocation back. Returns the number of entries that were removed.
    ///
    /// # Errors
    ///
    /// [`RevokeError::IssuerUnknown`].
    pub fn restore(
        &self,
        issuer: Option<&str>,
        subject: RevokedSubject<'_>,
    ) -> Result<usize, RevokeError> {
        let issuers = self.named_issuers(issuer).ok_or(RevokeError::IssuerUnknown)?;
        Ok(self.revocations.restore(&issuers, subject))
    }

    /// The issuer of a name, or all; `None` if there is no issuer of this name.
    fn named_issuers(&self, name: Option<&str>) -> Option<Vec<RevokingIssuer<'_>>> {
        let named = self.issuers.iter().filter(|issuer| name.is_none_or(|n| n == issuer.name()));
        let found: Vec<RevokingIssuer<'_>> = named
            .map(|issuer| RevokingIssuer {
                iss: &issuer.iss,
                takes_endless_tokens: issuer.allow_missing_exp,
            })
            .collect();
        (!found.is_empty()).then_some(found)
    }
}
