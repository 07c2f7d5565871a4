//! The section `key_snapshots`: where key sets are kept over a restart.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{findings::Findings, owner::check_directory, section::Section, span::Span};

/// Key sets on disk: a process that starts while an issuer cannot be reached verifies with the
/// last good ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySnapshots {
    /// An absolute path. The directory is made with mode 0700 if only its last part is missing;
    /// else it has to belong to the user of the process or to root, and no other user may write to
    /// it: a user who can write here decides which tokens are trusted.
    pub directory: String,
    /// An older key set is not used. `issuers[].keys.max_stale` bounds its age as well.
    #[serde(default = "default_max_age")]
    #[schemars(extend("x-duration-range" = ["1m", "30days"]))]
    pub max_age: Span,
}

impl Section for KeySnapshots {
    type Checked = Self;

    fn check(self, at: &str, found: &mut Findings) -> Self {
        let directory = Path::new(&self.directory);
        let at = format!("{at}/directory");
        if directory.is_absolute() {
            found.keep(at, check_directory(directory));
        } else {
            let message = format!("`{}` is not an absolute path", self.directory);
            found.add(at, format!("{message}; write /var/lib/rownd-authz/keys"));
        }
        self
    }
}

const fn default_max_age() -> Span {
    Span::from_secs(86_400)
}
