//! A pair of tokens for a user of an app, by the app's rules.
//!
//! In: who it is for. Out: access and refresh token, signed with the current key.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    apps::{App, ClaimSource},
    mint::{Minter, TokenOrder},
    request::Refusal,
    state::State,
    users::User,
};

/// For whom a pair of tokens is.
pub(crate) struct Holder {
    pub(crate) app: String,
    pub(crate) variant: Option<String>,
    pub(crate) user: String,
}

/// What they get.
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Mints both. No guard of the world may be held.
pub(crate) fn issue(state: &Arc<State>, holder: &Holder) -> Result<Pair, Refusal> {
    let (access, refresh) = {
        let world = state.world();
        let tenant = world.tenant(&holder.app)?;
        orders(&tenant.app, tenant.user(&holder.user)?, holder)
    };
    let minter = Minter::new(Arc::clone(state));
    let mint = |order: &TokenOrder| minter.mint(order).map_err(|error| Refusal::broken(&error));
    Ok(Pair { access: mint(&access)?, refresh: mint(&refresh)? })
}

fn orders(app: &App, user: &User, holder: &Holder) -> (TokenOrder, TokenOrder) {
    let mut audience = vec![format!("app:{}", app.id)];
    audience.extend(holder.variant.iter().map(|variant| format!("app_variant:{variant}")));
    audience.extend(app.audience.iter().cloned());
    let plain =
        TokenOrder { user: user.id.clone(), app: Some(app.id.clone()), ..TokenOrder::default() }
            .claim("aud", json!(audience));
    let mut refresh = plain.clone().refresh();
    refresh.ttl_seconds = Some(app.refresh_tokens.seconds());
    let mut access = plain;
    for (name, value) in custom_claims(app, user) {
        access = access.claim(&name, value);
    }
    if user.meta.get("access_token_ttl").and_then(Value::as_str) == Some("never") {
        access = access.without_claim("exp");
    }
    (access, refresh)
}

/// The claims that the app's configuration adds. A field without a value adds none.
pub(crate) fn custom_claims(app: &App, user: &User) -> Vec<(String, Value)> {
    let value = |claim: &crate::apps::CustomClaim| match claim.source {
        ClaimSource::StaticValue => Some(claim.value.clone()),
        ClaimSource::UserProfile => user.shown_data().get(claim.value.as_str()?).cloned(),
    };
    app.custom_claims
        .iter()
        .filter_map(|(name, claim)| Some((name.clone(), value(claim)?)))
        .collect()
}
