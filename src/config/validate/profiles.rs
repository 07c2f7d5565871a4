//! Rules that need the user's profile, by `freshness: profile`, by a claim of a passport or by an output: an issuer
//! has profiles, and its apps have the key and the secret that open them.

use crate::config::{
    document::readable,
    environment::app_variable,
    findings::Findings,
    sections::{
        Auth, Freshness, IssuerKind, RulePassport, WrittenConfig, WrittenHeader, WrittenQuery,
    },
};

/// A setting that needs the profile, and whether its rule reads a credential.
struct NeedsProfile {
    at: String,
    auth: Auth,
}

/// Adds the problems of rules that need the profile.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    let all = needs(config);
    // A passport has a message of its own there.
    let is_fresh = |needs: &&NeedsProfile| needs.at.ends_with("/freshness");
    for needs in all.iter().filter(|needs| needs.auth == Auth::None).filter(is_fresh) {
        found.add(
            needs.at.as_str(),
            "a profile is asked for where no credential is read; write auth: required",
        );
    }
    let Some(first) = all.iter().find(|needs| needs.auth != Auth::None) else { return };
    let rule = readable(&first.at);
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
                    let at = format!("/issuers/{index}/apps/{app}");
                    let variable = app_variable(&at, settings.from_variables, name);
                    let message = format!(
                        "has no {name}, which {rule} needs to read profiles; write `{name}:` here or \
                         set {variable}"
                    );
                    found.add(at, message);
                }
            }
        }
    }
    if !any {
        let instead = if is_fresh(&first) { "write token" } else { "leave it out" };
        found.add(
            first.at.as_str(),
            format!("needs an issuer of kind `rownd`, which has profiles; add one, or {instead}"),
        );
    }
}

fn needs(config: &WrittenConfig) -> Vec<NeedsProfile> {
    let mut found = Vec::new();
    let first = |list: &str, headers: &[WrittenHeader]| {
        let index = headers.iter().position(WrittenHeader::reads_profile)?;
        Some(format!("{list}/{index}/from"))
    };
    let mut add = |at: String, auth: Auth| found.push(NeedsProfile { at, auth });
    for (index, route) in config.routes.iter().enumerate() {
        if route.freshness == Freshness::Profile {
            add(format!("/routes/{index}/freshness"), route.auth);
        }
        let set = route.query.as_ref().and_then(WrittenQuery::reads_profile);
        let told = [
            first("headers", &route.headers),
            first("response_headers", &route.response_headers),
            set.map(|set| format!("query/set/{set}/from")),
        ];
        for at in told.into_iter().flatten() {
            add(format!("/routes/{index}/{at}"), route.auth);
        }
        if route.passport.as_ref().is_some_and(RulePassport::reads_profile) {
            add(format!("/routes/{index}/passport/claims"), route.auth);
        }
    }
    if config.default.freshness == Freshness::Profile {
        add("/default/freshness".to_owned(), config.default.auth);
    }
    let common =
        [first("headers", &config.headers), first("response_headers", &config.response_headers)];
    for at in common.into_iter().flatten() {
        add(format!("/{at}"), Auth::Required);
    }
    found
}
