//! The keys of the emulator, made at the start and gone with the process; and the check of tokens.
//!
//! In: rotations, claims to sign, tokens to check. Out: key sets, signed tokens, claims. Nothing
//! here knows of HTTP or of users.

pub(crate) mod ed25519;
pub(crate) mod jws;
pub(crate) mod provider;
pub(crate) mod rotation;
pub(crate) mod rsa;
pub(crate) mod session;
