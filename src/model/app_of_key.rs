//! The app that an app key belongs to.

/// The app and the app variant that a key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppOfKey {
    /// The id of the app; of the base app if the key is a variant's.
    pub id: String,
    /// The id of the app variant; `None` for the app itself.
    pub variant: Option<String>,
}
