//! What a token says it is about, before anything of it is verified, and what it is to another of
//! the apps it was made for.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Issuer, Verifier, claims::read::APP, identity::Identity, token};
use crate::model::DenyReason;

/// What a token names. Nothing of it is verified: it may bound what is told of a token, and never
/// lets anybody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The configured name of the issuer.
    pub issuer: Arc<str>,
    /// The apps of the issuer that it is made for, in the order of the configuration.
    pub apps: Vec<String>,
}

impl Verifier {
    /// What a token names. `None`: it names no issuer of ours, so that it is never good.
    #[must_use]
    pub fn about(&self, token: &[u8]) -> Option<About> {
        self.fits(token).ok()?;
        let mut scratch = Vec::new();
        let token = token::parse(token, &mut scratch).ok()?;
        let (_, issuer) = self.picked(&token).ok()?;
        let apps = if issuer.tells_apps_by_audience() {
            let named = |id: &&str| token.claims.aud.iter().any(|aud| names(aud, id));
            issuer.app_ids().filter(named).map(str::to_owned).collect()
        } else {
            issuer.app_of(&token).into_iter().collect()
        };
        Some(About { issuer: issuer.shared_name(), apps })
    }

    /// The identity of a verified token, of which these are the claims, for this app: any app of
    /// its issuer that stands in its `aud`.
    pub fn for_app(
        &self,
        who: &Arc<Identity>,
        claims: &Map<String, Value>,
        app: &str,
    ) -> Result<Arc<Identity>, DenyReason> {
        if who.app_id.as_deref() == Some(app) {
            return Ok(who.clone());
        }
        let issuer = self.issuers.iter().find(|issuer| issuer.name() == &*who.issuer);
        let slot = issuer
            .filter(|issuer| issuer.tells_apps_by_audience() && audience_names(claims, app))
            .and_then(|issuer| issuer.apps().iter().find(|slot| slot.id() == Some(app)))
            .ok_or(DenyReason::AudienceMismatch)?;
        if who.app_variant.as_ref().is_some_and(|variant| !slot.takes(variant)) {
            return Err(DenyReason::VariantRefused);
        }
        Ok(Arc::new(who.at_app(app)))
    }
}

impl Issuer {
    /// Its tokens name their apps in `aud`, any number of them, and no claim says otherwise.
    fn tells_apps_by_audience(&self) -> bool {
        self.kind().needs_app && self.settings().claims.app_id.is_none()
    }

    fn app_ids(&self) -> impl Iterator<Item = &str> {
        self.apps().iter().filter_map(|slot| slot.id())
    }
}

/// An audience is the name of an app with a mark before it.
fn names(audience: &str, app: &str) -> bool {
    audience.strip_prefix(APP) == Some(app)
}

/// `aud` is one text or a list (RFC 7519 section 4.1.3); that it has that shape is verified.
fn audience_names(claims: &Map<String, Value>, app: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(aud)) => names(aud, app),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(|aud| names(aud, app)),
        _ => false,
    }
}
