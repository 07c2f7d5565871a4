//! The setting `require` of routes and guards: the conditions beside a credential.
//!
//! In: nested maps, as they are written. Out: a [`Requirement`], whose tree holds together, or every
//! problem.

mod check;
mod reach;
mod texts;
mod tree;
mod value_test;
mod words;
mod written;

pub use reach::IssuerNames;
pub use texts::Texts;
pub use tree::{Requirement, RequirementLeaf, RequirementNode, ValuePlace};
pub use value_test::{TextRegex, ValueTest, ValueTests};
pub use words::{PathIdentity, Scalar};
pub(in crate::config) use written::{REQUIREMENT, WrittenRequire, WrittenRequirement};
