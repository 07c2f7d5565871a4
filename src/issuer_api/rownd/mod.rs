//! Rownd's API.
//!
//! In: app keys and secrets, tokens, user ids. Out: tokens, profiles, app ids.

mod answers;
mod apps;
mod client;
mod exchange;
mod groups;
mod magic;
mod oidc_clients;
mod user;
mod user_id;
mod users;

use std::sync::Arc;

use super::{api::Api, capabilities::IssuerApi};
use crate::config::ApiAnswers;
use client::RowndClient;
pub(super) use user::{read_profile, read_profile_of};
pub use user_id::{UserIdProblem, user_id_problem};

/// The capabilities of Rownd's API.
pub(super) fn table(api: Api, answers: ApiAnswers) -> IssuerApi {
    let client = Arc::new(RowndClient::new(api, answers));
    IssuerApi {
        app_ids: Some(client.clone()),
        third_party_tokens: Some(client.clone()),
        refresh_tokens: Some(client.clone()),
        migration: None,
        guests: Some(client.clone()),
        user_profiles: Some(client.clone()),
        own_profiles: Some(client.clone()),
        code_flow: None,
        user_info: Some(client.clone()),
        token_control: None,
        magic_links: Some(client.clone()),
        users: Some(client.clone()),
        oidc_clients: Some(client.clone()),
        groups: Some(client.clone()),
        apps: Some(client),
        accounts: None,
    }
}
