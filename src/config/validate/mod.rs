//! The check of the whole configuration: every section checks itself; here is what spans sections.

mod callers;
mod methods;
mod passport;
mod profiles;

use super::{
    findings::Findings,
    sections::{Config, WrittenConfig},
};

/// Checks everything that was written. The result may lack the settings that have a problem.
pub(super) fn check(written: WrittenConfig, found: &mut Findings) -> Config {
    // By what was written: a setting that has a problem of its own can still be referred to.
    methods::check(&written, found);
    profiles::check(&written, found);
    callers::check(&written, found);
    passport::check(&written, found);
    let checked = written.check(found);
    passport::check_issuers(&checked, found);
    checked
}
