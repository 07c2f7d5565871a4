//! Signed tokens that tell of an event: security event tokens (RFC 8417) and logout tokens (OpenID
//! Connect Back-Channel Logout). None of them lets anybody in, and no access token is one.
//!
//! In: a raw token, and the issuer and the audience that it has to have. Out: the event's claims, or
//! the reason of a refusal. The parser, the keys and the steps are those of access tokens.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    claims::lifetime::Lifetime,
    issuer::Issuer,
    json::Json,
    key_ring::KeyRing,
    missing_key::MissingKey,
    token::{self, Token, Typ, TypReader, verified_claims},
    unix_time::{Timing, unix_seconds},
    verifier::Verifier,
};
use crate::model::{Denial, DenyReason};

/// The member of `events` that a logout token has.
const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The longest `jti`, in bytes.
const MAX_JTI: usize = 512;
/// A logout token without an end is taken for so long after it was issued, in seconds.
const LOGOUT_LIFE: u64 = 600;

/// The kind of a token that tells of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventTokenKind {
    /// A security event token, `secevent+jwt`.
    SecurityEvent,
    /// A logout token, `logout+jwt`; with `untyped`, also one without `typ`, as older providers send it.
    Logout {
        /// A token without `typ` is taken too.
        untyped: bool,
    },
}

/// The token that is expected.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedEvent<'a> {
    /// Its kind.
    pub kind: EventTokenKind,
    /// The configured name of its issuer.
    pub issuer: &'a str,
    /// The audiences, one of which it has to name.
    pub audiences: &'a [String],
}

/// A token that was found good. `Debug` shows none of it: it is about a person.
#[derive(Clone)]
pub struct EventToken {
    /// Its exact `iss`.
    pub iss: String,
    /// The tenant, of an issuer that has tenants.
    pub tenant: Option<Arc<str>>,
    /// Its id.
    pub jti: String,
    /// When it was issued, in Unix seconds.
    pub issued_at: u64,
    /// All its claims.
    pub claims: Map<String, Value>,
}

impl std::fmt::Debug for EventToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventToken").finish_non_exhaustive()
    }
}

impl EventTokenKind {
    const fn typ_reader(self) -> TypReader {
        match self {
            Self::SecurityEvent => token::security_event_typ,
            Self::Logout { .. } => token::logout_typ,
        }
    }

    /// The token says in its header that it is of this kind.
    const fn takes(self, typ: Typ) -> bool {
        match (self, typ) {
            (Self::SecurityEvent, Typ::SecurityEvent) | (Self::Logout { .. }, Typ::Logout) => true,
            (Self::Logout { untyped }, Typ::Plain) => untyped,
            (Self::SecurityEvent | Self::Logout { .. }, _) => false,
        }
    }
}

impl Verifier {
    /// Verifies a token that tells of an event, at this time. Waits for keys until `deadline` at the
    /// longest.
    ///
    /// # Errors
    ///
    /// The denial, if the token is not good or cannot be judged in time.
    pub async fn verify_event(
        &self,
        raw: &Bytes,
        expected: ExpectedEvent<'_>,
        now: SystemTime,
        deadline: Instant,
    ) -> Result<EventToken, Denial> {
        self.check_length(raw)?;
        let timing = Timing { now: unix_seconds(now), deadline };
        let (mut scratch, mut scratch_again) = (Vec::new(), Vec::new());
        let read_typ = expected.kind.typ_reader();
        let mut token = token::parse_as(raw, &mut scratch, read_typ)?;
        let issuer = self.issuers().iter().find(|issuer| issuer.name() == expected.issuer);
        let issuer = issuer.ok_or(DenyReason::IssuerUntrusted)?;
        // A token of another issuer is not looked at: that one has a source of its own.
        let ring = issuer.ring_of(&token.claims.iss).ok_or(DenyReason::IssuerUntrusted)?;
        if !expected.kind.takes(token.typ) {
            return Err(DenyReason::TokenHeaderRefused.into());
        }
        if let Some(missing) = MissingKey::of(&token, issuer, ring, timing.now) {
            drop(token);
            drop(scratch);
            missing.wait(ring, timing.deadline).await;
            token = token::parse_as(raw, &mut scratch_again, read_typ)?;
        }
        let judged = judge(&token, raw, (issuer, ring), expected, timing).await;
        judged.map_err(|denial| issuer.attribute(denial))
    }
}

/// The signature, then the claims.
async fn judge(
    token: &Token<'_>,
    raw: &Bytes,
    (issuer, ring): (&Issuer, &KeyRing),
    expected: ExpectedEvent<'_>,
    timing: Timing,
) -> Result<EventToken, Denial> {
    issuer.check_signature(token, ring, timing, &mut ()).await?;
    check_claims(token, issuer, expected, timing.now)?;
    let claims = &token.claims;
    let jti = claims.jti.as_deref().ok_or(DenyReason::ClaimsInvalid)?;
    Ok(EventToken {
        iss: claims.iss.clone().into_owned(),
        tenant: ring.tenant.clone(),
        jti: jti.to_owned(),
        issued_at: claims.iat.ok_or(DenyReason::ClaimsInvalid)?,
        claims: verified_claims(raw).ok_or(DenyReason::Internal)?,
    })
}

fn check_claims(
    token: &Token<'_>,
    issuer: &Issuer,
    expected: ExpectedEvent<'_>,
    now: u64,
) -> Result<(), DenyReason> {
    let claims = &token.claims;
    if !claims.aud.iter().any(|aud| expected.audiences.iter().any(|own| own == aud)) {
        return Err(DenyReason::AudienceMismatch);
    }
    Lifetime::of(claims).check(now, issuer.leeway)?;
    let issued_at = claims.iat.ok_or(DenyReason::ClaimsInvalid)?;
    let has_id = claims.jti.as_ref().is_some_and(|jti| !jti.is_empty() && jti.len() <= MAX_JTI);
    let events = claims.other.get("events").and_then(Json::object);
    let events = events.ok_or(DenyReason::ClaimsInvalid)?;
    if !has_id || events.members().next().is_none() {
        return Err(DenyReason::ClaimsInvalid);
    }
    match expected.kind {
        EventTokenKind::SecurityEvent => {
            if events.contains(LOGOUT_EVENT) {
                Err(DenyReason::TokenKindRefused)
            } else {
                Ok(())
            }
        }
        EventTokenKind::Logout { .. } => {
            let is_logout = events.get(LOGOUT_EVENT).is_some_and(|event| event.object().is_some());
            // A nonce is that of an ID token (OpenID Connect Back-Channel Logout section 2.4).
            if !is_logout || claims.other.contains("nonce") {
                return Err(DenyReason::TokenKindRefused);
            }
            let end = claims.exp.unwrap_or_else(|| issued_at.saturating_add(LOGOUT_LIFE));
            if now >= end.saturating_add(issuer.leeway) {
                return Err(DenyReason::TokenExpired);
            }
            Ok(())
        }
    }
}
