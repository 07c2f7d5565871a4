//! Which issuer and which app a request means: by name, or the only one there is.

use std::{sync::Arc, time::Duration};

use super::fault::Fault;
use crate::{
    authz::Snapshot,
    config::IssuerKind,
    model::DenyReason,
    verify::{AppSlot, Issuer},
};

/// An issuer of one of these kinds, and its place in the configuration.
pub(super) fn issuer<'a>(
    snapshot: &'a Snapshot,
    kinds: &[IssuerKind],
    name: Option<&str>,
) -> Result<(usize, &'a Arc<Issuer>), Fault> {
    let all = snapshot.verifier().issuers().iter().enumerate();
    let fits = |issuer: &Issuer| kinds.contains(&issuer.settings().kind);
    let mut fitting = all.filter(|(_, issuer)| fits(issuer));
    if let Some(name) = name {
        let found = fitting.find(|(_, issuer)| issuer.name() == name);
        return found.ok_or_else(|| {
            Fault::field("issuer", "no issuer of this name can do this; see the configuration")
        });
    }
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Fault::field("issuer", "no issuer in the configuration can do this")),
        (Some(_), Some(_)) => Err(Fault::field("issuer", "several can do this; name one")),
    }
}

/// An app of an issuer whose id is known. One whose id has not been told yet may be known after
/// `retry`.
pub(super) fn app<'a>(
    issuer: &'a Issuer,
    id: Option<&str>,
    retry: Duration,
) -> Result<(&'a str, &'a AppSlot), Fault> {
    let known = |slot: &'a Arc<AppSlot>| Some((slot.id()?, slot.as_ref()));
    match (id, issuer.apps()) {
        (Some(id), all) => {
            let found = all.iter().filter_map(known).find(|(known, _)| *known == id);
            found.ok_or_else(|| {
                if all.iter().all(|slot| slot.id().is_some()) {
                    Fault::field("app_id", "no app of the issuer has this id")
                } else {
                    Fault::Undecided(DenyReason::AppUnknown.into(), retry)
                }
            })
        }
        (None, [one]) => {
            let unknown = Fault::Undecided(DenyReason::AppUnknown.into(), retry);
            known(one).ok_or(unknown)
        }
        (None, _) => Err(Fault::field("app_id", "the issuer has several apps; name one")),
    }
}
