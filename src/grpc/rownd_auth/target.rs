//! The issuer, the app and the app variant that a request is about: by name, or the only one within
//! the bounds of its caller.

use std::sync::Arc;

use super::{call::ServiceCall, fault::Fault};
use crate::{
    authz::CallerError,
    config::{IssuerKind, Right},
    issuer_api::{ExchangeError, Granted},
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

/// The issuer and the app that a request names.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedTarget<'a> {
    pub(super) issuer: Option<&'a str>,
    pub(super) app_id: Option<&'a str>,
    pub(super) app_variant_id: Option<&'a str>,
}

/// The answer of an issuer to a grant.
#[derive(Debug)]
pub(super) struct AnsweredGrant {
    /// The name of the issuer.
    pub(super) issuer: String,
    pub(super) granted: Result<Granted, ExchangeError>,
    /// The app that the tokens are to be for, where the request and not a token of it decides that.
    pub(super) app: Option<String>,
}

/// The answer of the issuer; or why it was not asked.
pub(super) type Grants = Result<AnsweredGrant, Fault>;

impl AnsweredGrant {
    /// The answer of this issuer to a grant whose token decides for which app its tokens are.
    pub(super) fn of(issuer: &str, granted: Result<Granted, ExchangeError>) -> Self {
        Self { issuer: issuer.to_owned(), granted, app: None }
    }
}

impl NamedTarget<'_> {
    /// Checks that no app is named.
    ///
    /// # Errors
    ///
    /// Fails with `why` where one is.
    pub(super) fn without_app(self, why: &str) -> Result<(), Fault> {
        let refuse = |field| Err(Fault::field(field, format!("cannot be given: {why}")));
        match self {
            Self { app_id: Some(_), .. } => refuse("app_id"),
            Self { app_variant_id: Some(_), .. } => refuse("app_variant_id"),
            Self { .. } => Ok(()),
        }
    }

    /// Checks that neither issuer nor app is named.
    ///
    /// # Errors
    ///
    /// Fails where one is: an OpenID client has an issuer of its own, and no app.
    pub(super) fn without_issuer(self) -> Result<(), Fault> {
        if self.issuer.is_some() {
            return Err(Fault::field(
                "issuer",
                "cannot be given: the OpenID client names the issuer",
            ));
        }
        self.without_app("an OpenID client has no app")
    }
}

/// The key of an app: of its variant of this name; without a name of the base brand, or of the only
/// variant that there is a key of.
///
/// # Errors
///
/// Fails where the configuration has no key of the variant, or keys of several variants and none is
/// named.
pub(super) fn choose_key<'a>(
    slots: &[&'a AppSlot],
    variant: Option<&str>,
) -> Result<&'a AppSlot, Fault> {
    const AT: &str = "app_variant_id";
    let of = |variant: Option<&str>| {
        let fitting = || slots.iter().filter(move |slot| slot.variant() == variant);
        fitting().find(|slot| slot.key().is_some()).or_else(|| fitting().next()).copied()
    };
    if let Some(variant) = variant {
        let found = of(Some(variant)).filter(|slot| slot.key().is_some());
        let why = "is not a variant of the app whose key is in the configuration";
        return found.ok_or_else(|| Fault::field(AT, why));
    }
    if let Some(base) = of(None) {
        return Ok(base);
    }
    let mut variants = slots.iter().filter_map(|slot| slot.variant());
    match (variants.next(), slots.first()) {
        (Some(one), Some(slot)) if variants.all(|other| other == one) => Ok(slot),
        _ => Err(Fault::field(AT, "the app has keys of several variants; name one")),
    }
}

/// An app of an issuer, by its id, and its entries in the configuration: each may have a key of its
/// own.
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
) -> Result<(&'a str, Vec<&'a AppSlot>), Fault> {
    let unbounded = call.caller.is_unbounded(&[right]);
    let may = |id: &str| call.may_for(&[right], issuer.name(), Some(id));
    let unknown = || Fault::Undecided(DenyReason::AppUnknown.into(), call.retry_after());
    let of = |id: &'a str| (id, issuer.apps_of(id).collect());
    let mut known: Vec<&str> = issuer.apps().iter().filter_map(|slot| slot.id()).collect();
    let all_known = known.len() == issuer.apps().len();
    if let Some(id) = id {
        may(id)?;
        return match known.iter().find(|known| **known == id) {
            Some(found) => Ok(of(found)),
            None if all_known => {
                Err(Fault::field("app_id", "is not the id of an app of this issuer"))
            }
            None => Err(unknown()),
        };
    }
    // A bound names apps by their ids. Several keys of one app are one app.
    known.retain(|id| may(id).is_ok());
    known.sort_unstable();
    known.dedup();
    match known.as_slice() {
        [_, _, ..] => Err(Fault::field("app_id", "this issuer has several apps; name one")),
        _ if !all_known && unbounded => Err(unknown()),
        [one] => Ok(of(one)),
        [] => Err(OUT_OF_BOUNDS),
    }
}
