//! The data of the emulator: apps, users, groups, links, grants and sessions.
//!
//! In: the apps of the seed, then the writes of the routes. Out: the data, or a [`DataError`]. Nothing here knows of HTTP, of keys or of locks.

pub(crate) mod apps;
pub(crate) mod bounded;
pub(crate) mod clients;
mod error;
pub(crate) mod fields;
pub(crate) mod grants;
pub(crate) mod groups;
pub(crate) mod ids;
mod invitations;
pub(crate) mod invites;
pub(crate) mod links;
pub(crate) mod lookup;
pub(crate) mod merge;
pub(crate) mod oidc_clients;
pub(crate) mod oidc_config;
pub(crate) mod outbox;
pub(crate) mod people;
pub(crate) mod profile;
pub(crate) mod records;
pub(crate) mod sessions;
pub(crate) mod time;
pub(crate) mod users;
pub(crate) mod validators;

pub(crate) use error::DataError;
