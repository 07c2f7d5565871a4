//! A passport for one request: the one that was signed before for the same content, or a new one.
//!
//! In: a permit and the time. Out: the header for the service behind. A permit comes after the
//! verification of the token, its revocations included, so nothing is handed out for a token that is
//! no longer good, from the cache no more than new.

use std::{sync::Arc, time::SystemTime};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{
    Passports,
    cache::{PassportKey, PassportLifetime, SignedPassport},
    claims::Caller,
    key::SigningFailed,
    labels::PassportResult,
};
use crate::{
    config::{PassportFormat, RulePassport},
    digest::sha256,
    model::{Denial, DenyReason, NameValue, RequestContext},
    policy::Permit,
    verify::Identity,
};

/// The header of a transaction token (draft-ietf-oauth-transaction-tokens).
pub(super) const TXN_TOKEN: &str = "txn-token";

impl Passports {
    /// The header with the passport of the rule that lets this request pass; `None` where no rule
    /// has one, or where the caller is not known.
    ///
    /// # Errors
    ///
    /// The denial, if there should be a passport and none can be made: the rules of several readings
    /// state different things, the caller's token ends now, or signing fails.
    pub fn hand_over(
        &self,
        request: &RequestContext,
        permit: &Permit,
        now: SystemTime,
    ) -> Result<Option<NameValue>, Denial> {
        let Some(identity) = permit.identity() else { return Ok(None) };
        let made = self.for_identity(request, permit, identity, seconds(now));
        made.map_err(|denial| {
            self.metrics.passport(PassportResult::Failed);
            denial.judged_by(&identity.issuer)
        })
    }

    fn for_identity(
        &self,
        request: &RequestContext,
        permit: &Permit,
        identity: &Identity,
        now: u64,
    ) -> Result<Option<NameValue>, Denial> {
        let profile = permit.profile().map(|profile| &**profile);
        let mut rules = permit.granted().iter().filter_map(|granted| {
            let passport = granted.outputs().passport.as_deref()?;
            Some((passport, Caller { identity, profile, granted, request }))
        });
        let Some((passport, caller)) = rules.next() else { return Ok(None) };
        for (other, its_caller) in rules {
            // One header cannot hold what two readings of the request say.
            let same = other.format == passport.format
                && other.ttl == passport.ttl
                && self.content(other, its_caller)? == self.content(passport, caller)?;
            if !same {
                return Err(DenyReason::PassportAmbiguous.into());
            }
        }
        let header = match passport.format {
            PassportFormat::Jwt => ((&self.header).into(), self.jwt(passport, caller, now)?.into()),
            PassportFormat::TxnToken => {
                // Each transaction has a token of its own.
                let content = self.content(passport, caller)?;
                (TXN_TOKEN.into(), self.mint(passport, identity, content, now)?.0.into())
            }
        };
        Ok(Some(header))
    }

    /// The passport as a JWT: a young one with the same content, or a new one.
    fn jwt(
        &self,
        passport: &RulePassport,
        caller: Caller<'_>,
        now: u64,
    ) -> Result<Arc<str>, Denial> {
        let of_token_alone = self.is_of_token_alone(passport, caller.identity);
        let content = if of_token_alone { None } else { Some(self.content(passport, caller)?) };
        let key = key_of(caller, content.as_ref());
        if let Some(known) = self.cache.get(&key, now) {
            self.metrics.passport(PassportResult::Reused);
            return Ok(known.token);
        }
        let content = match content {
            Some(content) => content,
            None => self.content(passport, caller)?,
        };
        let (token, lifetime) = self.mint(passport, caller.identity, content, now)?;
        let token: Arc<str> = token.into();
        self.cache.insert(key, SignedPassport { token: token.clone(), lifetime });
        self.metrics.passport_cache_size(self.cache.bytes());
        Ok(token)
    }

    /// Everything that it states follows from the token and the configuration.
    fn is_of_token_alone(&self, passport: &RulePassport, identity: &Identity) -> bool {
        !passport.reads_profile()
            && passport.path_variables().next().is_none()
            && !(passport.states_rights() && self.rights.reads_profile(&identity.issuer))
    }

    fn content(
        &self,
        passport: &RulePassport,
        caller: Caller<'_>,
    ) -> Result<Map<String, Value>, DenyReason> {
        let rights = self.rights_of(passport, caller.identity, caller.profile);
        self.fixed.state(passport, caller, &rights)
    }

    /// A new token with this content.
    pub(super) fn mint(
        &self,
        passport: &RulePassport,
        identity: &Identity,
        mut content: Map<String, Value>,
        now: u64,
    ) -> Result<(String, PassportLifetime), Denial> {
        let lifetime = self.lifetime(passport, identity, now)?;
        let id = URL_SAFE_NO_PAD.encode(rand::random::<u128>().to_be_bytes());
        let id_name = match passport.format {
            PassportFormat::Jwt => "jti",
            PassportFormat::TxnToken => "txn",
        };
        content.insert(id_name.to_owned(), id.into());
        content.insert("iat".to_owned(), lifetime.issued_at.into());
        content.insert("exp".to_owned(), lifetime.expires_at.into());
        let token = self.sign(passport.format, &content).map_err(|error| {
            if let Some(suppressed) = self.throttle.admit() {
                tracing::error!(%error, suppressed, "a passport could not be signed");
            }
            Denial::from(DenyReason::PassportUnavailable)
        })?;
        if token.len() > self.max_bytes {
            return Err(Denial::identity_too_large("x-rownd-passport"));
        }
        self.metrics.passport(PassportResult::Minted);
        Ok((token, lifetime))
    }

    /// The life of a passport that is made now: it ends with the caller's token at the latest.
    fn lifetime(
        &self,
        passport: &RulePassport,
        identity: &Identity,
        now: u64,
    ) -> Result<PassportLifetime, DenyReason> {
        let ttl = passport.ttl.unwrap_or(self.ttl).get().as_secs();
        let end = identity.expires_at.map_or(u64::MAX, seconds);
        let expires_at = end.min(now.saturating_add(ttl));
        // The leeway for clocks lets a token pass that has ended; a passport would begin dead.
        if expires_at <= now {
            return Err(DenyReason::TokenExpired);
        }
        Ok(PassportLifetime { issued_at: now, expires_at })
    }

    /// A compact JWS (RFC 7515 section 7.1) by the first key.
    fn sign(
        &self,
        format: PassportFormat,
        claims: &Map<String, Value>,
    ) -> Result<String, SigningFailed> {
        let signer = self.keys.first().ok_or(SigningFailed)?;
        let payload = serde_json::to_vec(claims).map_err(|_| SigningFailed)?;
        let header = signer.header(format);
        let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 100);
        token.push_str(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = signer.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

fn key_of(caller: Caller<'_>, content: Option<&Map<String, Value>>) -> PassportKey {
    let digest = |it: &Map<String, Value>| sha256(&serde_json::to_vec(it).unwrap_or_default());
    PassportKey {
        token: *caller.identity.fingerprint(),
        rule: caller.granted.outputs().id.clone(),
        content: content.map(digest),
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
