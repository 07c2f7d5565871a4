//! The metadata of the service behind, held against the listeners: they are served only where there
//! are some.

use crate::config::{
    findings::Findings,
    sections::{HttpGroup, WrittenConfig},
};

/// Adds the problem of metadata that are served and not there.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    const SECTION: &str = "/protected_resource";
    let groups = config.listeners.http.as_ref().map_or(&[][..], |http| &http.serve);
    let index = groups.iter().position(|group| *group == HttpGroup::ResourceMetadata);
    if let Some(index) = index
        && config.protected_resource.is_none()
        && !found.is_left_out(SECTION)
    {
        found.add(
            format!("/listeners/http/serve/{index}"),
            "there are no metadata to serve; write the section `protected_resource`, or leave this \
             out",
        );
    }
}
