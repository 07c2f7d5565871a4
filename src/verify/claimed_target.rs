//! The issuer and the apps that a token names before it is verified, and the identity of a
//! verified token at another of the apps that it was made for.
//!
//! In: a raw token, or a verified identity with its claims and an app. Out: names, or an identity.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    claims::{profile::may_be_rownd_access, read::APP},
    identity::Identity,
    issuer::Issuer,
    kinds::rownd,
    token,
    verifier::Verifier,
};
use crate::model::DenyReason;

/// The issuer and the apps that a token names. Nothing of it is verified: it may limit what a
/// caller learns of a token, and never lets anybody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedTarget {
    /// The configured name of the issuer.
    pub issuer: Arc<str>,
    /// The apps of the issuer that it is made for, in the order of the configuration.
    pub apps: Vec<String>,
}

impl Verifier {
    /// The issuer and the apps that a token names. `None`: it names no configured issuer, so that
    /// it is never good.
    #[must_use]
    pub fn claimed_target(&self, token: &[u8]) -> Option<ClaimedTarget> {
        self.check_length(token).ok()?;
        let mut scratch = Vec::new();
        let token = token::parse(token, &mut scratch).ok()?;
        let issuer = self.issuers.choose(&token).ok()?.issuer;
        let apps = if issuer.names_apps_in_audience() {
            let is_named = |id: &&str| token.claims.aud.iter().any(|aud| is_app(aud, id));
            issuer.app_ids().filter(is_named).map(str::to_owned).collect()
        } else {
            issuer.claimed_facts(&token).and_then(|facts| facts.app_id).into_iter().collect()
        };
        Some(ClaimedTarget { issuer: issuer.shared_name(), apps })
    }

    /// The user that a token names, of an issuer that is configured. Nothing of it is verified.
    #[must_use]
    pub fn claimed_user(&self, token: &[u8]) -> Option<String> {
        self.check_length(token).ok()?;
        let mut scratch = Vec::new();
        let token = token::parse(token, &mut scratch).ok()?;
        Some(self.issuers.choose(&token).ok()?.issuer.claimed_facts(&token)?.user_id)
    }

    /// The identity of a verified token, of which these are the claims, at this app: any app of
    /// its issuer that stands in its `aud`.
    ///
    /// # Errors
    ///
    /// [`DenyReason::AudienceMismatch`], or [`DenyReason::VariantRefused`] if the app does not take
    /// the token's app variant.
    pub fn for_app(
        &self,
        identity: &Arc<Identity>,
        claims: &Map<String, Value>,
        app: &str,
    ) -> Result<Arc<Identity>, DenyReason> {
        if identity.app_id.as_deref() == Some(app) {
            return Ok(identity.clone());
        }
        let issuer = self.issuers().iter().find(|issuer| issuer.name() == &*identity.issuer);
        let slot = issuer
            .filter(|issuer| issuer.names_apps_in_audience() && audience_has(claims, app))
            .and_then(|issuer| issuer.apps().iter().find(|slot| slot.id() == Some(app)))
            .ok_or(DenyReason::AudienceMismatch)?;
        if identity.app_variant.as_ref().is_some_and(|variant| !slot.takes(variant)) {
            return Err(DenyReason::VariantRefused);
        }
        Ok(Arc::new(identity.at_app(app)))
    }
}

impl Issuer {
    /// Its tokens name their apps in `aud`, any number of them, and no configured claim does.
    fn names_apps_in_audience(&self) -> bool {
        self.kind().needs_app && self.settings().claims.app_id.is_none()
    }

    /// Whether a refresh token of Rownd is for one of the apps of this issuer, as far as the token
    /// says. Nothing of it is verified: the question is whether Rownd is to see it, because it is
    /// used up by that. A text that cannot be read as a token is left to Rownd.
    ///
    /// # Errors
    ///
    /// The reason why tokens that Rownd gave for it would be denied here; and
    /// [`DenyReason::TokenKindRefused`] for an access token, which Rownd would take for a refresh
    /// token that is used up.
    pub fn check_refresh_token(&self, token: &[u8]) -> Result<(), DenyReason> {
        let mut scratch = Vec::new();
        let Ok(token) = token::parse(token, &mut scratch) else { return Ok(()) };
        if self.ring_of(&token.claims.iss).is_none() {
            return Err(DenyReason::IssuerUntrusted);
        }
        let apps: Vec<_> = self.apps().iter().map(|app| app.accepted()).collect();
        rownd::audience(&token.claims, &apps)?;
        if may_be_rownd_access(&token.claims.other) {
            return Err(DenyReason::TokenKindRefused);
        }
        Ok(())
    }

    fn app_ids(&self) -> impl Iterator<Item = &str> {
        self.apps().iter().filter_map(|slot| slot.id())
    }
}

/// An audience is the id of an app with a mark before it.
fn is_app(audience: &str, app: &str) -> bool {
    audience.strip_prefix(APP) == Some(app)
}

/// `aud` is one text or a list (RFC 7519 section 4.1.3); a verified token has one of these shapes.
fn audience_has(claims: &Map<String, Value>, app: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(aud)) => is_app(aud, app),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(|aud| is_app(aud, app)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    }
}
