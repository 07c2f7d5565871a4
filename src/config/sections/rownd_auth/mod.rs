//! The section `rownd_auth`: the service for backends, its callers and its OpenID clients.

mod check;
mod oidc_client;
mod schema;

pub use oidc_client::{ClientAuth, OidcClient};
pub(in crate::config) use schema::WrittenRowndAuth;
pub use schema::{Caller, Right, RowndAuth};
