//! Why the service cannot start.

use std::io;

use super::open_files;

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A listener's address cannot be bound.
    #[error("cannot listen on {address} (setting {setting}): {}", open_files::told(.error))]
    Listen {
        /// The setting, for example `listeners.grpc.address`.
        setting: &'static str,
        /// Its value.
        address: String,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A part cannot be built, for this reason.
    #[error("{0}")]
    Part(String),
}
