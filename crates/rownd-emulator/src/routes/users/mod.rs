//! The users of an app: accounts, profiles and lists.
//!
//! In: requests of a backend (key and secret) or of a user (bearer token). Out: profiles and lists in
//! Rownd's shapes.

pub(crate) mod account;
pub(crate) mod data;
pub(crate) mod lists;
pub(crate) mod me;
