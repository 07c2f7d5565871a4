//! Rownd's own access tokens.

use super::{
    kind::{FactsOf, KeySetPlace, Kind},
    rownd_claims::{APP_USER_ID, level},
};
use crate::{
    config::Accepts,
    model::{DenyReason, IdentityFacts},
    verify::{
        claims::{
            map::DefaultClaims,
            profile::may_be_rownd_access,
            read::{APP, AcceptedApp, app_variant, user_id},
        },
        json::Json,
        token::Claims,
    },
};

pub(super) const KIND: Kind = Kind {
    metadata_path: Some("/hub/auth/.well-known/oauth-authorization-server"),
    key_set: KeySetPlace::Below("/hub/auth/keys"),
    kid_optional: false,
    accepts: Accepts::Access,
    // A customer's own claims may have any name, so no other claim tells profiles apart.
    has_profile: |token, _| may_be_rownd_access(&token.claims.other),
    // A customer may name a claim as he likes, and `scope` is then his.
    default_claims: DefaultClaims::NONE,
    facts,
    needs_app: true,
};

fn facts(of: &FactsOf<'_>) -> Result<IdentityFacts, DenyReason> {
    let (app_id, app_variant) = audience(of.claims, of.apps)?;
    let other = &of.claims.other;
    let (auth_level, anonymous) = level(other)?;
    let id = other.get(APP_USER_ID).and_then(Json::text).ok_or(DenyReason::ClaimsInvalid)?;
    let known = IdentityFacts::new(user_id(id)?, of.issuer.clone(), auth_level);
    Ok(IdentityFacts { anonymous, app_id: Some(app_id), app_variant, ..known })
}

/// The first app that the token is made for and that takes its variant, and the variant.
pub(in crate::verify) fn audience(
    claims: &Claims<'_>,
    apps: &[AcceptedApp<'_>],
) -> Result<(String, Option<String>), DenyReason> {
    let is_named = |id: &str| claims.aud.iter().any(|aud| aud.strip_prefix(APP) == Some(id));
    let mut refused = None;
    for app in apps {
        let Some(id) = app.id.filter(|id| is_named(id)) else { continue };
        match app_variant(claims, app.variants) {
            Ok(variant) => return Ok((id.to_owned(), variant)),
            Err(reason) => refused = refused.or(Some(reason)),
        }
    }
    if let Some(reason) = refused {
        return Err(reason);
    }
    // While an app id is still being asked for, "another audience" may be our own fault.
    let all_known = apps.iter().all(|app| app.id.is_some());
    let names_an_app = claims.aud.iter().any(|aud| aud.starts_with(APP));
    Err(if all_known || !names_an_app {
        DenyReason::AudienceMismatch
    } else {
        DenyReason::AppUnknown
    })
}
