//! The sections `roles` and `role_sources`: what each role may do, and how it is known who has one.

mod names;
mod roles;
mod source;
mod source_check;

pub use names::{MAX_NAME_BYTES, is_wildcard, permission_problem, role_problem};
pub use roles::Role;
pub(in crate::config) use source::WrittenRoleSource;
pub use source::{RoleNaming, RolePlace, RoleSource};
