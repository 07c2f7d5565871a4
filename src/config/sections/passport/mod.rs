//! The section `passport`: the signed tokens by which the service behind knows the caller.

mod check;
mod rule;
mod schema;

pub use rule::{ClaimSource, IdentityPart, PassportFormat, RulePassport};
pub(in crate::config) use schema::WrittenPassport;
pub use schema::{Passport, PassportKey, PassportSubject};
