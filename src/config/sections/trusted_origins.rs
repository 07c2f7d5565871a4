//! The section `trusted_origins`: sites whose pages may use a cookie credential.

use crate::config::{findings::Findings, origin::OriginPattern, section::Section};

/// The origins as they are written.
pub(super) struct TrustedOrigins(pub(super) Vec<String>);

impl Section for TrustedOrigins {
    type Checked = Vec<OriginPattern>;

    fn check(self, at: &str, found: &mut Findings) -> Vec<OriginPattern> {
        let mut checked: Vec<OriginPattern> = Vec::with_capacity(self.0.len());
        for (index, origin) in self.0.iter().enumerate() {
            let at = format!("{at}/{index}");
            match OriginPattern::parse(origin) {
                Err(message) => found.add(at, message),
                Ok(pattern) if checked.iter().any(|known| known.means(&pattern)) => {
                    found.add(at, "is there twice; leave one out");
                }
                Ok(pattern) => checked.push(pattern),
            }
        }
        checked
    }
}
