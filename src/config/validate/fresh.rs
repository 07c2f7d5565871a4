//! Rules that ask for a user's profile need somebody who has profiles, and what opens them; and
//! the control listener is a Unix socket that whoever is named can open.

use std::path::Path;

use crate::config::{
    Auth, Config, Freshness, IssuerKind, document::readable, findings::Findings,
    sections::WrittenIssuer,
};

/// All problems of `freshness: profile`.
pub(super) fn profiles(config: &Config, issuers: &[WrittenIssuer], found: &mut Findings) {
    let routes = config.routes.iter().enumerate();
    let rules = routes
        .map(|(index, route)| (format!("/routes/{index}"), route.auth, route.freshness))
        .chain([("/default".to_owned(), config.default.auth, config.default.freshness)]);
    let rules: Vec<_> = rules.filter(|(.., freshness)| *freshness == Freshness::Profile).collect();
    for (at, ..) in rules.iter().filter(|(_, auth, _)| *auth == Auth::None) {
        found.add(
            format!("{at}/freshness"),
            "asks for a profile where no credential is read; write auth: required",
        );
    }
    let Some((first, ..)) = rules.iter().find(|(_, auth, _)| *auth != Auth::None) else { return };
    let rule = readable(&format!("{first}/freshness"));
    let mut any = false;
    for (index, issuer) in issuers.iter().enumerate() {
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
        found.add(format!("{first}/freshness"), "no issuer has profiles");
    }
}

/// All problems of the control listener.
pub(super) fn control(config: &Config, found: &mut Findings) {
    let Some(control) = &config.listeners.control else { return };
    let path = control.address.strip_prefix("unix:").filter(|path| Path::new(path).is_absolute());
    if path.is_none() {
        let message = "commands are taken on a Unix socket only; write \
                       unix:/run/rownd-authz/control.sock";
        found.add("/listeners/control/address", message);
    } else if control.address == config.listeners.grpc.address {
        let message = "is the address of the grpc listener too; write another path";
        found.add("/listeners/control/address", message);
    }
    // To connect is to write (unix(7)): the last digits are for the group and for the rest.
    let digits: Vec<u32> = control.socket_mode.chars().filter_map(|c| c.to_digit(8)).collect();
    let open = digits.iter().rev().take(2).any(|digit| digit & 2 != 0);
    let others = !control.allowed_uids.is_empty() || !control.allowed_gids.is_empty();
    if others && !open {
        found.add(
            "/listeners/control/socket_mode",
            format!(
                "{} keeps those out whom allowed_uids and allowed_gids let in; write \"0660\"",
                control.socket_mode
            ),
        );
    }
}
