//! The issuer that judges a token: the one of its `iss`; of two with that `iss`, the one whose kind
//! of token and whose audience it has.
//!
//! In: a token of good shape, nothing of it verified. Out: one issuer, with the ring of keys for the
//! `iss`. The claims only choose who judges: that issuer then judges all of them, behind its own
//! key. A token that fits both issuers is refused.

use std::{collections::HashMap, sync::Arc};

use super::{
    issuer::{Fit, Issuer},
    key_ring::{KeyRing, RingIndex},
    token::Token,
};
use crate::model::{DenyReason, IssuerIndex};

/// The issuer that judges a token.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChosenIssuer<'a> {
    pub(super) index: RingIndex,
    pub(super) issuer: &'a Issuer,
    pub(super) ring: &'a KeyRing,
    /// Another issuer would judge it as well, so that it must be refused.
    pub(super) ambiguous: bool,
}

/// The issuers of one configuration, in its order, found by the `iss` of a token.
#[derive(Debug)]
pub(super) struct IssuersByIss {
    pub(super) issuers: Vec<Arc<Issuer>>,
    /// The rings of each `iss`, in the order of the configuration.
    places: HashMap<String, Vec<RingIndex>>,
}

impl IssuersByIss {
    pub(super) fn new(issuers: Vec<Arc<Issuer>>) -> Self {
        let mut places: HashMap<String, Vec<RingIndex>> = HashMap::new();
        for (index, issuer) in issuers.iter().enumerate() {
            for (place, ring) in issuer.rings.iter().enumerate() {
                let index = RingIndex { issuer: IssuerIndex::new(index), place };
                places.entry(ring.iss.clone()).or_default().push(index);
            }
        }
        Self { issuers, places }
    }

    /// The ring at this place, and its issuer.
    pub(super) fn ring_at(&self, index: RingIndex) -> Option<(&Issuer, &KeyRing)> {
        let issuer = index.issuer.of(&self.issuers)?;
        Some((issuer, issuer.rings.get(index.place)?))
    }

    /// The places of the rings of this `iss`, byte for byte, in the order of the configuration.
    pub(super) fn places_of(&self, iss: &str) -> &[RingIndex] {
        self.places.get(iss).map_or(&[], Vec::as_slice)
    }

    /// The issuer that judges a token: of those with its `iss`, the one that it fits best. Where it
    /// fits two equally, the first of the configuration says why it is refused.
    ///
    /// # Errors
    ///
    /// [`DenyReason::IssuerUntrusted`], if no issuer has the `iss`.
    pub(super) fn choose(&self, token: &Token<'_>) -> Result<ChosenIssuer<'_>, DenyReason> {
        let places = self.places_of(token.claims.iss.as_ref());
        let mut found = places.iter().filter_map(|index| self.chosen(*index));
        let first = found.next().ok_or(DenyReason::IssuerUntrusted)?;
        if places.len() == 1 {
            return Ok(first);
        }
        let (mut best, mut fit) = (first, first.issuer.fit(token));
        for other in found {
            let theirs = other.issuer.fit(token);
            if theirs > fit {
                (best, fit) = (other, theirs);
            } else if theirs == Fit::Fits {
                best.ambiguous = true;
            }
        }
        Ok(best)
    }

    fn chosen(&self, index: RingIndex) -> Option<ChosenIssuer<'_>> {
        let (issuer, ring) = self.ring_at(index)?;
        Some(ChosenIssuer { index, issuer, ring, ambiguous: false })
    }
}
