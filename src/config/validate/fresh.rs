//! Rules that ask for a user's profile need somebody who has profiles, and what opens them.

use super::{Found, issuers::MAX_ISSUERS};
use crate::config::{Auth, Config, Freshness, IssuerKind, document::readable};

/// All problems of `freshness: profile`.
pub(super) fn profiles(config: &Config, found: &mut Found) {
    let routes = config.routes.iter().enumerate();
    let rules = routes
        .map(|(index, route)| (format!("/routes/{index}"), route.auth, route.freshness))
        .chain([("/default".to_owned(), config.default.auth, config.default.freshness)]);
    let rules: Vec<_> = rules.filter(|(.., freshness)| *freshness == Freshness::Profile).collect();
    for (at, ..) in rules.iter().filter(|(_, auth, _)| *auth == Auth::None) {
        found.push((
            format!("{at}/freshness"),
            "asks for a profile where no credential is read; write auth: required".into(),
        ));
    }
    let Some((first, ..)) = rules.iter().find(|(_, auth, _)| *auth != Auth::None) else { return };
    let rule = readable(&format!("{first}/freshness"));
    let mut any = false;
    for (index, issuer) in config.issuers.iter().enumerate().take(MAX_ISSUERS) {
        if issuer.kind != IssuerKind::Rownd {
            continue;
        }
        any = true;
        for (app, settings) in issuer.apps.iter().enumerate() {
            for (name, there) in
                [("key", settings.key.is_some()), ("secret", settings.secret.is_some())]
            {
                if !there {
                    found.push((
                        format!("/issuers/{index}/apps/{app}"),
                        format!(
                            "has no {name}, which {rule} needs to read profiles; write \
                             `{name}:` here or set ROWND_APP_{}",
                            name.to_uppercase(),
                        ),
                    ));
                }
            }
        }
    }
    if !any {
        found.push((format!("{first}/freshness"), "no issuer has profiles".into()));
    }
}
