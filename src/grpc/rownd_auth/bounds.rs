//! What a caller may do for which app and issuer.
//!
//! In: a call and what it is about, as a token or a request says it. Out: the app to go on with, or
//! a refusal. What is out of a caller's bounds is refused before anything is known of it, so that
//! the refusal tells nothing about tokens and users that are none of the caller's.

use super::{call::Call, fault::Fault};
use crate::{
    authz::{Refusal, Scope},
    config::{IssuerKind, Right},
    issuer_api::{ExchangeError, Granted},
    verify::Issuer,
};

/// The outcome of an exchange that was made.
type Traded = Result<Granted, ExchangeError>;

impl Call {
    /// The caller may do one of these for this app and issuer.
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
        // A token of no issuer of ours is told so: that says nothing about anybody's.
        let Some(about) = self.snapshot.verifier().about(token) else { return Ok(asked) };
        let fits = |app: Option<&str>| self.may_for(rights, &about.issuer, app);
        match asked {
            Some(app) => fits(Some(&app)).map(|()| Some(app)),
            None if about.apps.is_empty() => fits(None).map(|()| None),
            None => match about.apps.into_iter().find(|app| fits(Some(app)).is_ok()) {
                Some(app) => Ok(Some(app)),
                None => Err(Fault::Caller(Refusal::NotGranted)),
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
        let about = self.snapshot.verifier().about(token);
        if about.is_some() {
            self.app_of(RIGHTS, token, None)?;
        }
        match about {
            // A session is for the one app of its issuer, whoever made the token.
            _ if at.settings().kind == IssuerKind::Supertokens => {
                self.may_for(RIGHTS, at.name(), own_app(at))
            }
            Some(about) if *about.issuer == *at.name() => Ok(()),
            // Of which app it is, nobody can say.
            _ => self.may_for(RIGHTS, at.name(), None),
        }
    }

    /// The tokens that came are within the bounds too.
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
        match self.snapshot.verifier().about(token) {
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
