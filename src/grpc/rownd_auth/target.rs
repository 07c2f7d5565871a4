//! The issuer and the app that a request is about: by name, or the only one within the bounds of its
//! caller.

use std::sync::Arc;

use super::{call::ServiceCall, fault::Fault};
use crate::{
    authz::CallerError,
    config::{IssuerKind, Right},
    model::{DenyReason, IssuerIndex},
    verify::{AppSlot, Issuer},
};

const OUT_OF_BOUNDS: Fault = Fault::Caller(CallerError::NotGranted);

/// An issuer of one of these kinds, and its index in the configuration.
///
/// # Errors
///
/// Fails where there is none, where several fit and none is named, and where the caller is not
/// allowed to use it.
pub(super) fn choose_issuer<'a>(
    call: &'a ServiceCall,
    right: Right,
    kinds: &[IssuerKind],
    name: Option<&str>,
) -> Result<(IssuerIndex, &'a Arc<Issuer>), Fault> {
    let may = |name: &str| call.caller.may_at(&[right], name);
    if let Some(name) = name {
        may(name).map_err(Fault::Caller)?;
    }
    let all = call.service.verifier().issuers().iter().enumerate();
    let all = all.map(|(place, issuer)| (IssuerIndex::new(place), issuer));
    let mut fitting =
        all.filter(|(_, issuer)| kinds.contains(&issuer.settings().kind())).peekable();
    if let Some(name) = name {
        let found = fitting.find(|(_, issuer)| issuer.name() == name);
        return found.ok_or_else(|| {
            Fault::field(
                "issuer",
                "is not the name of an issuer that supports this; see the configuration",
            )
        });
    }
    if fitting.peek().is_none() {
        return Err(Fault::field("issuer", "no configured issuer supports this"));
    }
    let mut within = fitting.filter(|(_, issuer)| may(issuer.name()).is_ok());
    match (within.next(), within.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(OUT_OF_BOUNDS),
        (Some(_), Some(_)) => Err(Fault::field("issuer", "several issuers support this; name one")),
    }
}

/// An app of an issuer, by its id.
///
/// # Errors
///
/// Fails where there is none, where several fit and none is named, and where the caller is not
/// allowed to use it. An app whose id Rownd has not told yet may be found later.
pub(super) fn choose_app<'a>(
    call: &ServiceCall,
    right: Right,
    issuer: &'a Issuer,
    id: Option<&str>,
) -> Result<(&'a str, &'a AppSlot), Fault> {
    let unbounded = call.caller.is_unbounded(&[right]);
    let may = |id: &str| call.may_for(&[right], issuer.name(), Some(id));
    let known = |slot: &'a Arc<AppSlot>| Some((slot.id()?, slot.as_ref()));
    let unknown = || Fault::Undecided(DenyReason::AppUnknown.into(), call.retry_after());
    if let Some(id) = id {
        may(id)?;
        let found = issuer.apps().iter().filter_map(known).find(|(known, _)| *known == id);
        return found.ok_or_else(|| {
            if issuer.apps().iter().all(|slot| slot.id().is_some()) {
                Fault::field("app_id", "is not the id of an app of this issuer")
            } else {
                unknown()
            }
        });
    }
    // A bound names apps by their ids.
    let within = |slot: &&Arc<AppSlot>| slot.id().map_or(unbounded, |id| may(id).is_ok());
    let mut within = issuer.apps().iter().filter(within);
    match (within.next(), within.next()) {
        (Some(one), None) => known(one).ok_or_else(unknown),
        (None, _) if !issuer.apps().is_empty() => Err(OUT_OF_BOUNDS),
        _ => Err(Fault::field("app_id", "this issuer has several apps; name one")),
    }
}
