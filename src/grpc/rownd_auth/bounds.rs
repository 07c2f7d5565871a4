//! The apps and issuers that a caller may act for.
//!
//! In: a call and what it is about, by a token or by a request. Out: the app to use, or a refusal. A
//! call that is out of the bounds of its caller is refused before anything is looked up, so that
//! the refusal tells nothing about the tokens and users of others.

use super::{call::ServiceCall, fault::Fault};
use crate::{
    authz::{CallerError, Scope},
    config::{IssuerKind, Right},
    issuer_api::{ExchangeError, Granted},
    verify::Issuer,
};

/// The result of an exchange at an issuer.
type Traded = Result<Granted, ExchangeError>;

impl ServiceCall {
    /// Checks that the caller has one of these rights for this app and issuer.
    pub(super) fn may_for(
        &self,
        rights: &[Right],
        issuer: &str,
        app: Option<&str>,
    ) -> Result<(), Fault> {
        self.caller.may_for(rights, Scope { issuer, app }).map_err(Fault::Caller)
    }

    /// The caller may do one of these for what this token says it is about, be it genuine or not.
    /// The app to go on with: the one that is asked for, else the first within the bounds.
    pub(super) fn app_of(
        &self,
        rights: &[Right],
        token: &[u8],
        asked: Option<String>,
    ) -> Result<Option<String>, Fault> {
        if self.caller.is_unbounded(rights) {
            return Ok(asked);
        }
        // The verifier refuses a token of an unknown issuer, which tells nothing about others.
        let Some(about) = self.service.verifier().claimed_target(token) else { return Ok(asked) };
        let fits = |app: Option<&str>| self.may_for(rights, &about.issuer, app);
        match asked {
            Some(app) => fits(Some(&app)).map(|()| Some(app)),
            None if about.apps.is_empty() => fits(None).map(|()| None),
            None => match about.apps.into_iter().find(|app| fits(Some(app)).is_ok()) {
                Some(app) => Ok(Some(app)),
                None => Err(Fault::Caller(CallerError::NotGranted)),
            },
        }
    }

    /// The caller may trade this token at this issuer: a refresh token of it, or one that becomes
    /// a session there.
    pub(super) fn may_trade(&self, token: &[u8], at: &Issuer) -> Result<(), Fault> {
        const RIGHTS: &[Right] = &[Right::Exchange];
        if self.caller.is_unbounded(RIGHTS) {
            return Ok(());
        }
        let about = self.service.verifier().claimed_target(token);
        if about.is_some() {
            self.app_of(RIGHTS, token, None)?;
        }
        match about {
            // A session is for the one app of its issuer, whichever issuer signed the token.
            _ if at.settings().kind() == IssuerKind::Supertokens => {
                self.may_for(RIGHTS, at.name(), own_app(at))
            }
            Some(about) if *about.issuer == *at.name() => Ok(()),
            // The app of this token is unknown.
            _ => self.may_for(RIGHTS, at.name(), None),
        }
    }

    /// Checks that the tokens which the issuer sent are within the bounds too.
    pub(super) fn within(
        &self,
        rights: &[Right],
        at: &Issuer,
        traded: Traded,
    ) -> Result<Traded, Fault> {
        let Ok(Granted::Tokens(tokens)) = &traded else { return Ok(traded) };
        if self.caller.is_unbounded(rights) {
            return Ok(traded);
        }
        let token = tokens.access.expose().as_bytes();
        match self.service.verifier().claimed_target(token) {
            Some(_) => self.app_of(rights, token, None).map(|_| ())?,
            None => self.may_for(rights, at.name(), own_app(at))?,
        }
        Ok(traded)
    }
}

/// The app of an issuer whose tokens are for one.
pub(super) fn own_app(issuer: &Issuer) -> Option<&str> {
    match issuer.apps() {
        [one] => one.id(),
        _ => None,
    }
}
