//! The section `hooks`: services of the operator that are asked before something happens.

mod check;
mod schema;

pub(in crate::config) use schema::WrittenHooks;
pub use schema::{ExchangeHook, HookReceiver, HookService, HookedGrant, Hooks, OnHookFailure};
