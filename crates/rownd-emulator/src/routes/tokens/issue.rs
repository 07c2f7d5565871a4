//! A pair of tokens for a user of an app, by the app's rules.
//!
//! In: the owner. Out: access and refresh token, signed with the current key.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    data::{
        apps::{App, ClaimSource, CustomClaim},
        users::User,
    },
    mint::{Minter, TokenOrder},
    routes::request::ApiError,
    state::State,
};

/// The user for whom a pair of tokens is issued.
pub(crate) struct TokenOwner {
    pub(crate) app: String,
    pub(crate) variant: Option<String>,
    pub(crate) user: String,
}

/// An access token and a refresh token.
pub(crate) struct TokenPair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Issues both tokens. The caller must not hold a guard of the records: that would be a deadlock.
pub(crate) fn issue(state: &Arc<State>, holder: &TokenOwner) -> Result<TokenPair, ApiError> {
    let (access, refresh) = {
        let records = state.records();
        let app_records = records.app(&holder.app)?;
        orders(&app_records.app, app_records.user(&holder.user)?, holder)
    };
    let minter = Minter::new(Arc::clone(state));
    let mint = |order: &TokenOrder| minter.mint(order).map_err(|error| ApiError::internal(&error));
    Ok(TokenPair { access: mint(&access)?, refresh: mint(&refresh)? })
}

fn orders(app: &App, user: &User, holder: &TokenOwner) -> (TokenOrder, TokenOrder) {
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

/// The claims that the app's configuration adds. A field without a value adds no claim.
pub(crate) fn custom_claims(app: &App, user: &User) -> Vec<(String, Value)> {
    let value = |claim: &CustomClaim| match claim.source {
        ClaimSource::StaticValue => Some(claim.value.clone()),
        ClaimSource::UserProfile => user.shown_data().get(claim.value.as_str()?).cloned(),
    };
    app.custom_claims
        .iter()
        .filter_map(|(name, claim)| Some((name.clone(), value(claim)?)))
        .collect()
}
