//! Passports, held against the issuers and the listeners: no issuer may be our own, and keys are
//! served only where there are some.

use crate::config::{
    document::readable,
    findings::Findings,
    sections::{Config, HttpGroup, WrittenConfig},
};

/// Adds the problems of what is served and not there.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    let groups = config.listeners.http.as_ref().map_or(&[][..], |http| &http.serve);
    for (index, group) in groups.iter().enumerate() {
        match group {
            HttpGroup::PassportKeys
                if config.passport.is_none() && !found.is_left_out("/passport") =>
            {
                found.add(
                    format!("/listeners/http/serve/{index}"),
                    "there are no keys to serve; write the section `passport`, or leave this out",
                );
            }
            HttpGroup::PassportKeys | HttpGroup::ResourceMetadata => {}
        }
    }
}

/// Adds the problem of each issuer that is ourselves: a passport is for the services behind, and
/// must never come back as the credential of a client.
pub(super) fn check_issuers(config: &Config, found: &mut Findings) {
    let Some(passport) = &config.passport else { return };
    let own = passport.issuer.as_str();
    for issuer in &config.issuers {
        let of_tenant = |tenant: &String| issuer.of_tenant(tenant).ok().map(|own| own.iss);
        let tenants = issuer.tenants.iter().filter_map(of_tenant);
        let mut each = tenants.chain([issuer.iss.clone()]);
        if each.any(|iss| iss.trim_end_matches('/') == own) {
            found.add(
                format!("{}/issuer", issuer.pointer()),
                format!(
                    "`{own}` is {}: a passport of ours would be taken as a credential; write \
                     another issuer there, or leave this one out",
                    readable("/passport/issuer")
                ),
            );
        }
    }
}
