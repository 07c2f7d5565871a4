//! A Rownd API for development and tests, in the process or as a program of its own.
//!
//! In: [`Settings`], perhaps with a [`Seed`]. Out: an HTTP server that answers as Rownd does (keys,
//! users, groups, tokens, links), as its OpenID provider below `/oidc/` and as SuperTokens below
//! `/auth/`; a [`Minter`] of tokens with any claims; and [`Controls`] that rotate keys and inject
//! faults, also below `/__emulator/`.
//!
//! The package writes Rownd's JSON on its own and shares no type with the code that reads it: a
//! shape that is wrong on both ends would pass every test. The emulator mints tokens for
//! everybody who can reach it, so it listens on loopback unless the settings allow more. Its keys
//! last as long as the process.

pub mod cli;
mod data;
pub mod echo;
mod keys;
mod listen;
mod mint;
mod outbound;
mod routes;
mod seed;
mod server;
mod settings;
mod state;
#[cfg(test)]
mod tests;

pub use data::{apps::Variant, clients::Signing, users::AuthLevel};
pub use keys::rotation::{Rotated, Rotation, SignedBy};
pub use mint::{MintError, Minter, TokenOrder};
pub use routes::{Controls, PLATFORM_APP};
pub use seed::{Problem, Problems, Seed};
pub use server::{Emulator, bind};
pub use settings::{DEFAULT_ADDRESS, Settings, random_secret};
pub use state::{Endpoint, Fault};
