//! The section `shared`: the state that several replicas have in common.

mod check;
mod schema;

pub(in crate::config) use schema::WrittenShared;
pub use schema::{DeploymentKey, OnOutage, Shared};
