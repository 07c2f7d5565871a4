//! The commands of operators to a verifier: forget keys, revoke, take a revocation back.
//!
//! In: the name of an issuer, or none for all of them, and what the command is about. Out: how
//! much has changed.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    issuer::Issuer,
    issuer_build::predecessor,
    key_ring::{KeyRing, KeyStoreId},
    revocation::{RevokeError, RevokedSubject, RevokingIssuer},
    unix_time::unix_seconds,
    verifier::Verifier,
};

impl Verifier {
    /// Ends all trust in the keys of this issuer, or of all issuers, and has them fetched again.
    /// Returns the number of issuers; until their keys come, no token of theirs can be verified.
    pub fn forget_keys(&self, issuer: Option<&str>) -> usize {
        let named: Vec<&Arc<Issuer>> = self
            .issuers()
            .iter()
            .filter(|known| issuer.is_none_or(|n| known.name() == n))
            .collect();
        let mut done = HashSet::new();
        for issuer in &named {
            for ring in &issuer.rings {
                // Two issuers may have one store.
                if done.insert(KeyStoreId::of(&ring.keys)) {
                    self.forget_keys_of(issuer, ring, true);
                }
            }
        }
        named.len()
    }

    /// Forgets the keys that a command made `before` forget while this verifier was being built.
    /// Must be called once this verifier is in force.
    pub fn forget_as(&self, before: &Self) {
        // A store is asked about by the issuer that it was made for.
        for issuer in self.issuers().iter().filter(|issuer| issuer.leader.is_none()) {
            for ring in &issuer.rings {
                let known = predecessor(before.issuers(), issuer.name(), &ring.iss);
                if let Some((old_issuer, old)) = known
                    && !Arc::ptr_eq(&old.keys, &ring.keys)
                    && ring.keys.missed_forget_of(&old.keys)
                {
                    // Keys that were put in place since are not those that the command was about.
                    self.forget_keys_of(issuer, ring, issuer.has_keys_in_place_of(old_issuer));
                }
            }
        }
    }

    fn forget_keys_of(&self, issuer: &Issuer, ring: &KeyRing, in_place: bool) {
        tracing::warn!(issuer = issuer.name(), "the keys are forgotten, by command");
        if let Err(error) = ring.keys.forget(in_place) {
            tracing::error!(
                issuer = issuer.name(),
                %error,
                "the snapshot of the keys could not be removed: remove it by hand before a restart"
            );
        }
        if !ring.keys.fetches {
            // No task reports the change.
            ring.keys.report(&self.metrics, issuer.label);
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
        let named = self.issuers().iter().filter(|issuer| name.is_none_or(|n| n == issuer.name()));
        let mut found: Vec<RevokingIssuer<'_>> = Vec::new();
        for issuer in named {
            for ring in &issuer.rings {
                match found.iter_mut().find(|known| known.iss == ring.iss) {
                    // Two issuers may have one `iss`.
                    Some(known) => known.takes_endless_tokens |= issuer.allow_missing_exp,
                    None => found.push(RevokingIssuer {
                        iss: &ring.iss,
                        takes_endless_tokens: issuer.allow_missing_exp,
                    }),
                }
            }
        }
        (!found.is_empty()).then_some(found)
    }
}
