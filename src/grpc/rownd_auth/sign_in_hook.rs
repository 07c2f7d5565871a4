//! The hook of the operator that decides whether a user may sign in.
//!
//! In: a grant that the issuer has answered with tokens, and what is known of their user. Out: nothing,
//! or the fault because of which nobody gets them.

use super::{call::ServiceCall, fault::Fault};
use crate::{
    authz::Authorizer,
    config::HookedGrant,
    hooks::{ExchangeQuestion, HookVerdict},
    issuer_api::UserType,
    model::AuthLevel,
};

/// The user of new tokens, as far as that is certain.
#[derive(Debug, Default)]
pub(super) struct Owner {
    /// The id.
    pub(super) user_id: Option<String>,
    /// The app that the tokens are for.
    pub(super) app_id: Option<String>,
    /// How strongly the user has proved who they are.
    pub(super) auth_level: Option<AuthLevel>,
}

/// Asks the hook, where one is configured for this grant.
///
/// # Errors
///
/// Fails where the hook denies, and where it has not decided and the configuration denies then.
pub(super) async fn ask_hook(
    authorizer: &Authorizer,
    call: &ServiceCall,
    (issuer, grant): (&str, Option<HookedGrant>),
    owner: &Owner,
    user_type: Option<UserType>,
) -> Result<(), Fault> {
    let snapshot = authorizer.snapshot();
    let (Some(hook), Some(grant)) = (snapshot.exchange_hook(), grant) else { return Ok(()) };
    if !hook.asks_about(grant) {
        return Ok(());
    }
    let question = ExchangeQuestion {
        issuer,
        app_id: owner.app_id.as_deref(),
        grant,
        user_id: owner.user_id.as_deref(),
        auth_level: owner.auth_level.map(AuthLevel::as_str),
        user_type: user_type.map(type_word),
        caller: call.caller.name(),
    };
    match hook.ask(&question, call.deadline).await {
        HookVerdict::Allow => Ok(()),
        HookVerdict::Deny(why) => Err(Fault::SignInDenied(why)),
        HookVerdict::Undecided => Err(Fault::SignInUndecided),
    }
}

const fn type_word(user_type: UserType) -> &'static str {
    match user_type {
        UserType::New => "new",
        UserType::Existing => "existing",
        UserType::Instant => "instant",
    }
}
