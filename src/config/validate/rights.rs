//! The entries of `role_sources`, held against the issuers: each names issuers that exist and that
//! have what it reads.

use crate::config::{
    document::readable,
    environment::app_variable,
    findings::Findings,
    sections::{App, Issuer, IssuerDetails, IssuerKind, WrittenRoleSource},
};

/// The issuers by their names, in the order of the file; `None` for one that has a problem itself.
pub(super) type Issuers<'a> = [(String, Option<&'a Issuer>)];

/// Adds the problems of the entries of `role_sources`.
pub(super) fn check(sources: &[WrittenRoleSource], issuers: &Issuers<'_>, found: &mut Findings) {
    if found.is_left_out("/issuers") {
        return;
    }
    for (index, source) in sources.iter().enumerate() {
        let at = format!("/role_sources/{index}");
        check_names(source, issuers, &at, found);
        let meant = issuers.iter().filter(|(name, _)| {
            source.issuers.is_empty() && issuers.len() == 1 || source.issuers.contains(name)
        });
        for issuer in meant.filter_map(|(_, issuer)| *issuer) {
            check_issuer(source, issuer, &at, found);
        }
    }
}

fn check_names(source: &WrittenRoleSource, issuers: &Issuers<'_>, at: &str, found: &mut Findings) {
    let names: Vec<&str> = issuers.iter().map(|(name, _)| name.as_str()).collect();
    if source.issuers.is_empty() && names.len() > 1 {
        found.add(
            format!("{at}/issuers"),
            format!(
                "is missing: a role of one issuer says nothing about the users of another; write \
                 issuers: [...] with some of: {}",
                names.join(", ")
            ),
        );
    }
    for (index, name) in source.issuers.iter().enumerate() {
        let at = format!("{at}/issuers/{index}");
        if source.issuers.iter().take(index).any(|before| before == name) {
            found.add(at, "stands twice; leave one out");
        } else if !names.contains(&name.as_str()) {
            found.add(
                at,
                format!(
                    "there is no issuer `{name}` under `issuers`; write one of: {}",
                    names.join(", ")
                ),
            );
        }
    }
}

/// Adds what an issuer lacks for this entry.
fn check_issuer(source: &WrittenRoleSource, issuer: &Issuer, at: &str, found: &mut Findings) {
    let (name, kind) = (&issuer.name, issuer.kind().as_str());
    for (setting, is_set) in [("st_role", source.st_role), ("st_perm", source.st_perm)] {
        if is_set && issuer.kind() != IssuerKind::Supertokens {
            found.add(
                format!("{at}/{setting}"),
                format!(
                    "only sessions of an issuer of kind `supertokens` have it, and `{name}` is of \
                     kind `{kind}`; write `claim:` instead"
                ),
            );
        }
    }
    if source.mapped && issuer.claims.roles.is_none() && issuer.kind() != IssuerKind::Supertokens {
        found.add(
            format!("{at}/mapped"),
            format!(
                "issuer `{name}` has no `claims.roles`; write it there, or write `claim:` here"
            ),
        );
    }
    let domains = || source.users.iter().flatten().any(|(name, _)| name.starts_with('@'));
    let reads_profile = [
        ("group_roles", source.group_roles),
        ("attribute", source.attribute.is_some()),
        ("users", issuer.kind() == IssuerKind::Rownd && domains()),
    ];
    for (setting, is_set) in reads_profile {
        if is_set && let Some(problem) = profile_problem(issuer) {
            found.add(format!("{at}/{setting}"), problem);
        }
    }
    if source.users.is_some() && !issuer.tenants.is_empty() {
        found.add(
            format!("{at}/users"),
            format!(
                "issuer `{name}` has tenants, and a user of one may have the id or the e-mail \
                 address of another; write an issuer for that tenant alone and name it here"
            ),
        );
    }
}

/// Why the profiles of an issuer cannot be read; `None` if they can.
fn profile_problem(issuer: &Issuer) -> Option<String> {
    let name = &issuer.name;
    let IssuerDetails::Rownd(rownd) = &issuer.details else {
        return Some(format!(
            "needs the user's profile, which only issuers of kind `rownd` have, and `{name}` is of \
             kind `{}`; name another issuer",
            issuer.kind().as_str()
        ));
    };
    let lacks = |app: &App| app.key().is_none() || app.secret.is_none();
    let (index, app) = rownd.apps.iter().enumerate().find(|(_, app)| lacks(app))?;
    let at = format!("{}/apps/{index}", issuer.pointer());
    let place = readable(&at);
    let [key, secret] = ["key", "secret"].map(|name| app_variable(&at, app.from_variables, name));
    Some(format!(
        "needs the user's profile, and {place} of issuer `{name}` has not both the key and the secret \
         that open it; write `key:` and `secret:` there or set {key} and {secret}"
    ))
}
