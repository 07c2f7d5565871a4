//! The check of the whole configuration: every section checks itself; here is what spans sections.

mod asked_headers;
mod callers;
mod events;
mod hooks;
mod http;
mod inbound;
mod methods;
mod outputs;
mod passport;
mod profiles;
mod requirements;
mod resource;
mod rights;
mod written_paths;

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
    http::check(&written, found);
    hooks::check(&written, found);
    written_paths::check(&written, found);
    passport::check(&written, found);
    resource::check(&written, found);
    passport::check_rules(&written, found);
    let names: Vec<String> = written.issuers.iter().map(|issuer| issuer.name.clone()).collect();
    let role_sources = written.role_sources.clone();
    let config = written.check(found);
    // By the issuers as they hold: a preset may have filled in the claims with their roles.
    let with_name = |name: String| {
        let issuer = config.issuers.iter().find(|issuer| issuer.name == name);
        (name, issuer)
    };
    let issuers: Vec<_> = names.into_iter().map(with_name).collect();
    rights::check(&role_sources, &issuers, found);
    outputs::check(&config, found);
    asked_headers::check(&config, found);
    requirements::check(&config, found);
    inbound::check(&config, found);
    events::check(&config, found);
    passport::check_issuers(&config, found);
    passport::check_variables(&config, found);
    config
}
