//! Which claims become which part of the identity, as configured.

use crate::{
    config::{Issuer as Settings, IssuerKind},
    model::{AuthLevel, DenyReason, IdentityFacts},
    verify::json::{Json, Object},
};

/// Where a value is: a claim's name, or the names on the way to one inside another.
#[derive(Debug)]
struct Source(Vec<String>);

impl Source {
    /// A name, or a JSON pointer (RFC 6901) where it starts with a slash.
    fn new(text: &str) -> Self {
        Self(match text.strip_prefix('/') {
            None => vec![text.to_owned()],
            Some(path) => {
                let unescaped = |name: &str| name.replace("~1", "/").replace("~0", "~");
                path.split('/').map(unescaped).collect()
            }
        })
    }

    /// What is there; `null` counts as nothing.
    fn find<'a, 'b>(&self, claims: &'a Object<'b>) -> Option<&'a Json<'b>> {
        let (last, way) = self.0.split_last()?;
        let mut object = claims;
        for name in way {
            let Json::Object(inner) = object.get(name)? else { return None };
            object = inner;
        }
        object.get(last).filter(|value| **value != Json::Null)
    }
}

/// The compiled claim map of one issuer.
#[derive(Debug)]
pub(super) struct Map {
    user_id: Option<Source>,
    auth_level: Option<Source>,
    app_id: Option<Source>,
    app_variant: Option<Source>,
    session_id: Option<Source>,
    tenant: Option<Source>,
    roles: Option<Source>,
    groups: Option<Source>,
    scopes: Option<Source>,
}

impl Map {
    pub(super) fn build(settings: &Settings) -> Self {
        let map = &settings.claims;
        let or = |configured: &Option<String>, default: Option<&str>| {
            configured.as_deref().or(default).map(Source::new)
        };
        // Only those that the kind itself gives a meaning: a customer may name a claim of Rownd's
        // tokens as he likes, and `scope` there is his.
        let (session, tenant, roles, scopes) = match settings.kind {
            IssuerKind::Rownd => (None, None, None, None),
            IssuerKind::Supertokens => (None, None, Some("/st-role/v"), Some("/st-perm/v")),
            IssuerKind::Oidc | IssuerKind::Static => (Some("sid"), None, None, Some("scope")),
            IssuerKind::Firebase => (None, Some("/firebase/tenant"), None, None),
        };
        Self {
            user_id: or(&map.user_id, None),
            auth_level: or(&map.auth_level, None),
            app_id: or(&map.app_id, None),
            app_variant: or(&map.app_variant, None),
            session_id: or(&map.session_id, session),
            tenant: or(&map.tenant, tenant),
            roles: or(&map.roles, roles),
            groups: or(&map.groups, None),
            scopes: or(&map.scopes, scopes),
        }
    }

    /// The user id, if another claim than `sub` says it.
    pub(super) fn user_id<'a>(
        &self,
        claims: &'a Object<'_>,
    ) -> Result<Option<&'a str>, DenyReason> {
        match &self.user_id {
            None => Ok(None),
            Some(Source(path)) if path.as_slice() == ["sub"] => Ok(None),
            Some(source) => match source.find(claims) {
                Some(Json::Text(id)) => Ok(Some(id)),
                // Where another claim is the user id, `sub` is not its stand-in.
                _ => Err(DenyReason::ClaimsInvalid),
            },
        }
    }

    /// The auth level, if a claim says it. A word we do not know proves nothing to us.
    pub(super) fn auth_level(&self, claims: &Object<'_>) -> Result<Option<AuthLevel>, DenyReason> {
        let word = text(self.auth_level.as_ref(), claims)?;
        Ok(word.map(|word| AuthLevel::parse(&word).unwrap_or(AuthLevel::Instant)))
    }

    /// Lays what is mapped over what the kind itself says.
    pub(super) fn fill(
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
        for (source, target) in texts {
            if let Some(found) = text(source.as_ref(), claims)? {
                *target = Some(found);
            }
        }
        let lists = [
            (&self.roles, &mut facts.roles, false),
            (&self.groups, &mut facts.groups, false),
            (&self.scopes, &mut facts.scopes, true),
        ];
        for (source, target, parted) in lists {
            if let Some(value) = source.as_ref().and_then(|source| source.find(claims)) {
                *target = list(value, parted)?;
            }
        }
        Ok(())
    }
}

fn text(source: Option<&Source>, claims: &Object<'_>) -> Result<Option<String>, DenyReason> {
    match source.and_then(|source| source.find(claims)) {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text.as_ref().to_owned())),
        Some(_) => Err(DenyReason::ClaimsInvalid),
    }
}

/// A list of texts, or one text: one item, or several with blanks between them.
fn list(value: &Json<'_>, parted: bool) -> Result<Vec<String>, DenyReason> {
    let own = |text: &str| text.to_owned();
    match value {
        Json::Text(text) if parted => Ok(text.split_ascii_whitespace().map(own).collect()),
        Json::Text(text) => Ok(vec![own(text)]),
        Json::List(items) => {
            items.iter().map(|item| item.text().map(own).ok_or(DenyReason::ClaimsInvalid)).collect()
        }
        _ => Err(DenyReason::ClaimsInvalid),
    }
}
