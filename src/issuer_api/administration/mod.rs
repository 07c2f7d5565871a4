//! The administration of the things that an app has at its issuer: the questions, the writes and
//! their answers.
//!
//! In: an app with its key and secret. Out: traits, one for each group of operations, which the
//! client of an issuer implements.

pub mod accounts;
pub mod apps;
pub mod groups;
pub mod oidc_clients;
pub mod users;
