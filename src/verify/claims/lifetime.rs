//! The time in which a token holds.
//!
//! In: the registered times of a token. Out: whether it holds at a time, or why it does not.

use crate::{model::DenyReason, verify::token::Claims};

/// The end of a token without one. No token says it: see `token`.
const NEVER: u64 = u64::MAX;

/// The time in which a token holds, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) struct Lifetime {
    /// The later of `nbf` and `iat`; 0 without either.
    start: u64,
    end: u64,
}

impl Lifetime {
    pub(in crate::verify) fn of(claims: &Claims<'_>) -> Self {
        Self::new(claims.nbf, claims.iat, claims.exp)
    }

    pub(in crate::verify) fn new(nbf: Option<u64>, iat: Option<u64>, exp: Option<u64>) -> Self {
        Self { start: nbf.max(iat).unwrap_or(0), end: exp.unwrap_or(NEVER) }
    }

    /// The token holds at this time, give or take the leeway. Asked again on every use.
    pub(in crate::verify) fn check(&self, now: u64, leeway: u64) -> Result<(), DenyReason> {
        if self.end != NEVER && now >= self.end.saturating_add(leeway) {
            return Err(DenyReason::TokenExpired);
        }
        if self.start > now.saturating_add(leeway) {
            return Err(DenyReason::TokenNotYetValid);
        }
        Ok(())
    }
}
