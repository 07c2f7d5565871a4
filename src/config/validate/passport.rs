//! Passports, held against the issuers and the listeners: no issuer may be our own, and keys are
//! served only where there are some.

use crate::config::{
    document::readable,
    findings::Findings,
    sections::{AppliesTo, Auth, Config, HttpGroup, PassportFormat, WrittenConfig},
};

/// Adds the problems of what is served and not there.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    if let Some((http, index)) = config.listeners.serving(HttpGroup::PassportKeys)
        && config.passport.is_none()
        && !found.is_left_out("/passport")
    {
        found.add(
            format!("{}/{index}", http.name.pointer("serve")),
            "there are no keys to serve; write the section `passport`, or leave this out",
        );
    }
}

/// Adds the problems of rules whose passport cannot be made.
pub(super) fn check_rules(config: &WrittenConfig, found: &mut Findings) {
    for (index, route) in config.routes.iter().enumerate() {
        let Some(passport) = &route.passport else { continue };
        let at = format!("/routes/{index}/passport");
        if route.auth == Auth::None {
            found.add(
                &at,
                "is never made where no credential is read: a passport says who calls; write auth: \
                 required or optional",
            );
        }
        match &config.passport {
            None if found.is_left_out("/passport") => {}
            None => found
                .add(&at, "needs an issuer and a key to sign with; write the section `passport`"),
            Some(signer)
                if passport.format == PassportFormat::TxnToken && signer.trust_domain.is_none() =>
            {
                found.add(
                    format!("{at}/format"),
                    "needs an audience; write passport.trust_domain: shop.example.com",
                );
            }
            Some(_) => {}
        }
    }
    if let Some(passport) = &config.passport
        && passport.subject.is_none()
        && config.issuers.len() > 1
        && config.routes.iter().any(|route| route.passport.is_some())
    {
        found.add(
            "/passport",
            "users of several issuers may have the same id; write subject: issuer_and_user_id, or \
             subject: user_id if every service looks at the claim `idp` too",
        );
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

/// Adds the problem of each claim that states a variable that the rule's path does not have.
pub(super) fn check_variables(config: &Config, found: &mut Findings) {
    for (index, route) in config.routes.iter().enumerate() {
        let Some(passport) = &route.passport else { continue };
        let at = format!("/routes/{index}");
        if found.has_within(&format!("{at}/match")) {
            continue;
        }
        let known: Vec<&str> = match &route.applies_to {
            AppliesTo::Matching(parts) => {
                parts.path.iter().flat_map(|path| path.variables()).collect()
            }
            AppliesTo::NamedRequests | AppliesTo::AllRequests => Vec::new(),
        };
        for name in passport.path_variables().filter(|name| !known.contains(name)) {
            let choice = if known.is_empty() {
                "the path of this rule has no variables; write match: { path: { template: \
                 /orders/{id} } }"
                    .to_owned()
            } else {
                format!("write one of: {}", known.join(", "))
            };
            found.add(format!("{at}/passport"), format!("there is no variable `{name}`; {choice}"));
        }
    }
}
