//! The section `denial`, of the whole file and of a rule; and all settings by which denials are told.

mod form;
mod settings;

pub use form::DenialTemplate;
pub(in crate::config) use form::WrittenDenial;
pub(super) use form::page_url;
pub use settings::DenialSettings;
