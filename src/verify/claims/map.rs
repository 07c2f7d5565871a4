//! The claim map of an issuer: which claims become which part of the identity.
//!
//! In: the issuer's settings and the defaults of its kind; then the claims of a token. Out: the
//! parts of the identity that the map names.

use super::path::ClaimPath;
use crate::{
    config::Issuer as IssuerSettings,
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::json::{Json, Object},
};

/// The claims that a kind of issuer gives a meaning by itself. `None`: only the settings do.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct DefaultClaims {
    pub(in crate::verify) session_id: Option<&'static str>,
    pub(in crate::verify) tenant: Option<&'static str>,
    pub(in crate::verify) roles: Option<&'static str>,
    pub(in crate::verify) scopes: Option<&'static str>,
}

impl DefaultClaims {
    /// No claim has a meaning by itself.
    pub(in crate::verify) const NONE: Self =
        Self { session_id: None, tenant: None, roles: None, scopes: None };
    /// Those of the standards (OpenID Connect, RFC 9068).
    pub(in crate::verify) const STANDARD: Self =
        Self { session_id: Some("sid"), scopes: Some("scope"), ..Self::NONE };
}

/// The compiled claim map of one issuer.
#[derive(Debug)]
pub(in crate::verify) struct CompiledMap {
    user_id: Option<ClaimPath>,
    auth_level: Option<ClaimPath>,
    app_id: Option<ClaimPath>,
    app_variant: Option<ClaimPath>,
    session_id: Option<ClaimPath>,
    tenant: Option<ClaimPath>,
    roles: Option<ClaimPath>,
    groups: Option<ClaimPath>,
    scopes: Option<ClaimPath>,
}

impl CompiledMap {
    pub(in crate::verify) fn build(settings: &IssuerSettings, defaults: DefaultClaims) -> Self {
        let map = &settings.claims;
        let or = |configured: &Option<String>, default: Option<&str>| {
            configured.as_deref().or(default).map(ClaimPath::new)
        };
        Self {
            user_id: or(&map.user_id, None),
            auth_level: or(&map.auth_level, None),
            app_id: or(&map.app_id, None),
            app_variant: or(&map.app_variant, None),
            session_id: or(&map.session_id, defaults.session_id),
            tenant: or(&map.tenant, defaults.tenant),
            roles: or(&map.roles, defaults.roles),
            groups: or(&map.groups, None),
            scopes: or(&map.scopes, defaults.scopes),
        }
    }

    /// The user id, if another claim than `sub` is configured for it.
    pub(in crate::verify) fn user_id<'a>(
        &self,
        claims: &'a Object<'_>,
    ) -> Result<Option<&'a str>, DenyReason> {
        match self.user_id.as_ref().filter(|path| !path.is("sub")) {
            None => Ok(None),
            // Where another claim is the user id, `sub` is not its stand-in.
            Some(path) => {
                let id = path.find(claims).and_then(Json::text);
                id.map(Some).ok_or(DenyReason::ClaimsInvalid)
            }
        }
    }

    /// The auth level, if a claim states it. An unknown word proves nothing: the lowest level.
    pub(in crate::verify) fn auth_level(
        &self,
        claims: &Object<'_>,
    ) -> Result<Option<AuthLevel>, DenyReason> {
        let word = text(self.auth_level.as_ref(), claims)?;
        Ok(word.map(|word| AuthLevel::parse(&word).unwrap_or(AuthLevel::Instant)))
    }

    /// Sets what the map names, over what the kind of issuer has set.
    pub(in crate::verify) fn apply(
        &self,
        facts: &mut IdentityFacts,
        claims: &Object<'_>,
    ) -> Result<(), DenyReason> {
        let texts = [
            (&self.app_id, &mut facts.app_id),
            (&self.app_variant, &mut facts.app_variant),
            (&self.session_id, &mut facts.session_id),
            (&self.tenant, &mut facts.tenant),
        ];
        for (path, target) in texts {
            if let Some(found) = text(path.as_ref(), claims)? {
                *target = Some(found);
            }
        }
        let lists = [
            (&self.roles, &mut facts.roles, false),
            (&self.groups, &mut facts.groups, false),
            (&self.scopes, &mut facts.scopes, true),
        ];
        for (path, target, split_at_blanks) in lists {
            if let Some(value) = path.as_ref().and_then(|path| path.find(claims)) {
                *target = list(value, split_at_blanks)?;
            }
        }
        Ok(())
    }
}

fn text(path: Option<&ClaimPath>, claims: &Object<'_>) -> Result<Option<String>, DenyReason> {
    match path.and_then(|path| path.find(claims)) {
        None => Ok(None),
        Some(value) => {
            value.text().map(|text| Some(text.to_owned())).ok_or(DenyReason::ClaimsInvalid)
        }
    }
}

/// A list of texts, or one text: one item, or several with blanks between them.
fn list(value: &Json<'_>, split_at_blanks: bool) -> Result<Vec<String>, DenyReason> {
    let own = |text: &str| text.to_owned();
    if let Some(items) = value.list() {
        let items = items.iter().map(|item| item.text().map(own));
        return items.map(|item| item.ok_or(DenyReason::ClaimsInvalid)).collect();
    }
    let text = value.text().ok_or(DenyReason::ClaimsInvalid)?;
    if split_at_blanks {
        Ok(text.split_ascii_whitespace().map(own).collect())
    } else {
        Ok(vec![own(text)])
    }
}
