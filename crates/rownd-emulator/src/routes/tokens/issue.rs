//! A pair of tokens for a user of an app, by the app's rules.
//!
//! In: the owner. Out: access and refresh token, signed with the current key.

use std::sync::Arc;

use crate::{
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
    // A minter makes tokens for everybody; these are for users of the app alone.
    state.records().app(&holder.app)?.user(&holder.user)?;
    let access = TokenOrder {
        user: holder.user.clone(),
        app: Some(holder.app.clone()),
        variant: holder.variant.clone(),
        ..TokenOrder::default()
    };
    let refresh = access.clone().refresh();
    let minter = Minter::new(Arc::clone(state));
    let mint = |order: &TokenOrder| minter.mint(order).map_err(|error| ApiError::internal(&error));
    Ok(TokenPair { access: mint(&access)?, refresh: mint(&refresh)? })
}
