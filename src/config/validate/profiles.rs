//! Rules with `freshness: profile`: an issuer has profiles, and its apps have the key and the secret
//! that open them.

use crate::config::{
    document::readable,
    findings::Findings,
    sections::{Auth, Freshness, IssuerKind, WrittenConfig},
};

/// Adds the problems of rules with `freshness: profile`.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    let routes = config.routes.iter().enumerate();
    let rules = routes
        .map(|(index, route)| (format!("/routes/{index}"), route.auth, route.freshness))
        .chain([("/default".to_owned(), config.default.auth, config.default.freshness)]);
    let rules: Vec<_> = rules.filter(|(.., freshness)| *freshness == Freshness::Profile).collect();
    for (at, ..) in rules.iter().filter(|(_, auth, _)| *auth == Auth::None) {
        found.add(
            format!("{at}/freshness"),
            "a profile is asked for where no credential is read; write auth: required",
        );
    }
    let Some((first, ..)) = rules.iter().find(|(_, auth, _)| *auth != Auth::None) else { return };
    let rule = readable(&format!("{first}/freshness"));
    let mut any = false;
    for (index, issuer) in config.issuers.iter().enumerate() {
        if issuer.kind != IssuerKind::Rownd {
            continue;
        }
        any = true;
        for (app, settings) in issuer.apps.iter().enumerate() {
            for (name, there) in
                [("key", settings.key.is_some()), ("secret", settings.secret.is_some())]
            {
                if !there {
                    found.add(
                        format!("/issuers/{index}/apps/{app}"),
                        format!(
                            "has no {name}, which {rule} needs to read profiles; write \
                             `{name}:` here or set ROWND_APP_{}",
                            name.to_uppercase(),
                        ),
                    );
                }
            }
        }
    }
    if !any {
        found.add(
            format!("{first}/freshness"),
            "needs an issuer of kind `rownd`, which has profiles; add one, or write token",
        );
    }
}
