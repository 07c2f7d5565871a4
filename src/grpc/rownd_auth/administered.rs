//! The app whose users, groups and clients a call is about, and what proves the app to its issuer.

use std::sync::Arc;

use super::{call::ServiceCall, fault::Fault, target::choose_app};
use crate::{
    authz::CallerError,
    config::Right,
    issuer_api::{AppCredentials, IssuerApi},
    model::IssuerIndex,
    verify::Issuer,
};

/// The app that a call is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Administered<'a, A> {
    /// Its issuer.
    pub(super) issuer: &'a Arc<Issuer>,
    /// The part of the issuer's API.
    pub(super) api: &'a A,
    /// Its id, key and secret.
    pub(super) app: AppCredentials<'a>,
}

/// The issuer, the app and the part of the API that a call is about: by name, or the only ones within
/// the bounds of its caller.
///
/// # Errors
///
/// Fails where there is none, where several fit and none is named, where the caller is not allowed to
/// use it, where the issuer's API has no such part (`UNIMPLEMENTED`), and where the configuration has
/// no secret of the app.
pub(super) fn administered<'a, A>(
    call: &'a ServiceCall,
    right: Right,
    (issuer, app): (&str, &str),
    part: impl Fn(&'a IssuerApi) -> Option<&'a A>,
) -> Result<Administered<'a, A>, Fault> {
    let (issuer, api) = choose(call, right, issuer, part)?;
    let (id, slots) = choose_app(call, right, issuer, named(app))?;
    let proof = slots.iter().find_map(|slot| {
        let (key, secret) = (slot.key()?, slot.secret()?);
        Some(AppCredentials { id, key, secret })
    });
    Ok(Administered { issuer, api, app: proof.ok_or(Fault::NoSecret)? })
}

/// An issuer whose users are administered without the key and the secret of an app.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdministeredIssuer<'a, A> {
    /// The issuer.
    pub(super) issuer: &'a Arc<Issuer>,
    /// The part of its API.
    pub(super) api: &'a A,
}

/// The issuer that a call is about, whose API needs no app: by name, or the only one within the bounds
/// of its caller. Where its sessions are for an app, that app has to be within the bounds, too.
///
/// # Errors
///
/// Fails where there is none, where several fit and none is named, where the caller is not allowed to
/// use it, and where the issuer's API has no such part (`UNIMPLEMENTED`).
pub(super) fn administered_issuer<'a, A>(
    call: &'a ServiceCall,
    right: Right,
    (issuer, app): (&str, &str),
    part: impl Fn(&'a IssuerApi) -> Option<&'a A>,
) -> Result<AdministeredIssuer<'a, A>, Fault> {
    let (issuer, api) = choose(call, right, issuer, part)?;
    if !issuer.apps().is_empty() {
        choose_app(call, right, issuer, named(app))?;
    } else if named(app).is_some() {
        return Err(Fault::field("app_id", "cannot be given: the issuer has no app"));
    } else {
        call.may_for(&[right], issuer.name(), None)?;
    }
    Ok(AdministeredIssuer { issuer, api })
}

/// The text, unless it is empty, as the field of a request without a value is.
pub(super) fn named(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The issuer that is named, or the only one within the bounds whose API has this part.
///
/// # Errors
///
/// Fails where there is none, where several fit and none is named, where the caller is not allowed to
/// use it, and where the issuer's API has no such part.
pub(super) fn choose<'a, A>(
    call: &'a ServiceCall,
    right: Right,
    issuer: &str,
    part: impl Fn(&'a IssuerApi) -> Option<&'a A>,
) -> Result<(&'a Arc<Issuer>, &'a A), Fault> {
    let may = |name: &str| call.caller.may_at(&[right], name);
    let all = call.service.verifier().issuers().iter().enumerate();
    let all = all.map(|(place, issuer)| (IssuerIndex::new(place), issuer));
    let part_of = |index| call.service.api(index).and_then(&part);
    if let Some(name) = named(issuer) {
        may(name).map_err(Fault::Caller)?;
        let mut all = all;
        let (index, found) = all.find(|(_, issuer)| issuer.name() == name).ok_or_else(|| {
            Fault::field("issuer", "is not the name of an issuer of the configuration")
        })?;
        let api = part_of(index).ok_or_else(|| Fault::NotOfIssuer(found.name().to_owned()))?;
        return Ok((found, api));
    }
    let fitting: Vec<_> =
        all.filter_map(|(index, issuer)| Some((issuer, part_of(index)?))).collect();
    if fitting.is_empty() {
        let issuers = call.service.verifier().issuers();
        let names: Vec<&str> = issuers.iter().map(|issuer| issuer.name()).collect();
        return Err(Fault::NotOfIssuer(names.join(", ")));
    }
    let mut within = fitting.into_iter().filter(|(issuer, _)| may(issuer.name()).is_ok());
    match (within.next(), within.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Fault::Caller(CallerError::NotGranted)),
        (Some(_), Some(_)) => Err(Fault::field("issuer", "several issuers support this; name one")),
    }
}
