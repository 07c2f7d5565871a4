//! The commands of operators to a verifier: forget keys, revoke, take a revocation back.
//!
//! In: the name of an issuer and a tenant of it, or none for all of them, and what the command is about. Out: how
//! much has changed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{
    issuer::Issuer,
    issuer_build::predecessor,
    key_ring::{KeyRing, KeyStoreId},
    revocation::{RevokeError, RevokedSubject, RevokingIssuer, app_of_user},
    unix_time::unix_seconds,
    verifier::Verifier,
};
use crate::model::{Event, EventType};

/// The issuers that a command is about: all of them, one, or one tenant of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommandTarget<'a> {
    /// The configured name; `None` for every issuer.
    pub issuer: Option<&'a str>,
    /// The tenant; `None` for every tenant.
    pub tenant: Option<&'a str>,
}

impl<'a> CommandTarget<'a> {
    /// The issuer of this name, or every issuer; with all tenants.
    #[must_use]
    pub const fn of(issuer: Option<&'a str>) -> Self {
        Self { issuer, tenant: None }
    }
}

impl Verifier {
    /// Ends all trust in the keys of this issuer or tenant, or of all issuers, and has them fetched
    /// again. Returns the number of issuers; until their keys come, no token of theirs can be
    /// verified.
    pub fn forget_keys(&self, target: CommandTarget<'_>) -> usize {
        let (mut stores, mut issuers) = (HashSet::new(), HashSet::new());
        for (issuer, ring) in self.named_rings(target) {
            issuers.insert(issuer.name());
            // Two issuers may have one store.
            if stores.insert(KeyStoreId::of(&ring.keys)) {
                self.forget_keys_of(issuer, ring, true);
            }
        }
        issuers.len()
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
        let tenant = ring.tenant.as_deref();
        tracing::warn!(issuer = issuer.name(), tenant, "the keys are forgotten, by command");
        if let Err(error) = ring.keys.forget(in_place) {
            tracing::error!(
                issuer = issuer.name(),
                tenant,
                %error,
                "the snapshot of the keys could not be removed: remove it by hand before a restart"
            );
        }
        if !ring.keys.fetches {
            // No task reports the change.
            ring.keys.report(&self.metrics, issuer.label);
        }
    }

    /// Revokes the subject of a command, at one issuer or tenant or at all. `keep` is how long from
    /// now on; without it, for as long as a token can live. Returns the number of new entries.
    ///
    /// # Errors
    ///
    /// [`RevokeError`]. Nothing is revoked then.
    pub fn revoke(
        &self,
        target: CommandTarget<'_>,
        subject: RevokedSubject<'_>,
        keep: Option<Duration>,
        now: SystemTime,
    ) -> Result<usize, RevokeError> {
        let issuers = self.revoking(target).ok_or(RevokeError::IssuerUnknown)?;
        let new = self.revocations.revoke(&issuers, subject, keep, unix_seconds(now))?;
        self.tell_revoked(target, subject);
        Ok(new)
    }

    /// The event of a revocation. Of one at several issuers there is one event without an issuer.
    fn tell_revoked(&self, target: CommandTarget<'_>, subject: RevokedSubject<'_>) {
        if !self.events.wants(EventType::SessionRevoked) {
            return;
        }
        let mut event = Event::new(EventType::SessionRevoked);
        let mut meant = self.named_rings(target).map(|(issuer, _)| issuer);
        let first = meant.next();
        let issuer = first.filter(|first| meant.all(|other| Arc::ptr_eq(first, other)));
        if let Some(issuer) = issuer {
            event = event.at_issuer(issuer.shared_name());
        }
        // A revocation that names no app is one of the issuer's only app.
        let apps = issuer.map(|issuer| issuer.apps()).unwrap_or_default();
        let first = apps.first().and_then(|app| app.id());
        let only_app = first.filter(|first| apps.iter().all(|app| app.id() == Some(*first)));
        event = event.text("tenant", target.tenant);
        self.events.record(match subject {
            RevokedSubject::Token(id) => {
                event.word("kind", "token").of_app(only_app).text("token_id", Some(id))
            }
            RevokedSubject::Session(id) => {
                event.word("kind", "session").of_app(only_app).text("session_id", Some(id))
            }
            RevokedSubject::User { id, not_before } => {
                let (app, user) = match app_of_user(id) {
                    Some((app, user)) => (Some(app), user),
                    None => (only_app, id),
                };
                let event = event.word("kind", "user").of_app(app).of_user(Some(user));
                event.number("not_before", not_before)
            }
        });
    }

    /// Takes a revocation back. Returns the number of entries that were removed.
    ///
    /// # Errors
    ///
    /// [`RevokeError::IssuerUnknown`].
    pub fn restore(
        &self,
        target: CommandTarget<'_>,
        subject: RevokedSubject<'_>,
    ) -> Result<usize, RevokeError> {
        let issuers = self.revoking(target).ok_or(RevokeError::IssuerUnknown)?;
        Ok(self.revocations.restore(&issuers, subject))
    }

    /// The rings of the issuers of a name, or of all.
    fn named_rings<'a>(
        &'a self,
        CommandTarget { issuer: name, tenant }: CommandTarget<'a>,
    ) -> impl Iterator<Item = (&'a Arc<Issuer>, &'a KeyRing)> {
        let is_meant =
            move |ring: &KeyRing| tenant.is_none_or(|t| ring.tenant.as_deref() == Some(t));
        let named =
            self.issuers().iter().filter(move |known| name.is_none_or(|n| n == known.name()));
        named.flat_map(move |issuer| {
            issuer.rings.iter().filter(move |ring| is_meant(ring)).map(move |ring| (issuer, ring))
        })
    }

    /// Each `iss` that a command is about, once; `None` if there is none.
    #[must_use]
    pub fn revoking<'a>(&'a self, target: CommandTarget<'a>) -> Option<Vec<RevokingIssuer<'a>>> {
        let mut found: HashMap<&str, bool> = HashMap::new();
        for (issuer, ring) in self.named_rings(target) {
            // Two issuers may have one `iss`.
            *found.entry(&ring.iss).or_default() |= issuer.allow_missing_exp;
        }
        let revoking = found.into_iter();
        let revoking: Vec<_> = revoking
            .map(|(iss, takes_endless_tokens)| RevokingIssuer { iss, takes_endless_tokens })
            .collect();
        (!revoking.is_empty()).then_some(revoking)
    }
}
