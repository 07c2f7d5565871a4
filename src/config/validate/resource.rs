//! The metadata of the service behind, held against the listeners: they are served only where there
//! are some.

use crate::config::{
    findings::Findings,
    sections::{HttpGroup, WrittenConfig},
};

/// Adds the problem of metadata that are served and not there.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    const SECTION: &str = "/protected_resource";
    if let Some((http, index)) = config.listeners.serving(HttpGroup::ResourceMetadata)
        && config.protected_resource.is_none()
        && !found.is_left_out(SECTION)
    {
        found.add(
            format!("{}/{index}", http.name.pointer("serve")),
            "there are no metadata to serve; write the section `protected_resource`, or leave this \
             out",
        );
    }
}
