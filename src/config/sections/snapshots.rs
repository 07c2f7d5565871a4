//! Where key sets are kept over a restart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::span::Span;

/// Key sets on disk: a process that starts while an issuer cannot be reached verifies with the
/// last good ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySnapshots {
    /// An absolute path. Made with mode 0700 if only its last part is missing; else it has to be
    /// ours (or root's) and writable by nobody else. Who can write here decides whose tokens are
    /// trusted.
    pub directory: String,
    /// What is older is not used. `issuers[].keys.max_stale` bounds it as well.
    #[serde(default = "default_max_age")]
    #[schemars(extend("x-duration-range" = ["1m", "30days"]))]
    pub max_age: Span,
}

const fn default_max_age() -> Span {
    Span::from_secs(86_400)
}
