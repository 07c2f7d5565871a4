//! Warnings about roles: what is allowed and probably not meant.
//!
//! In: the configuration. Out: roles that no user can have, names that were probably meant otherwise.

use super::RightsBook;
use crate::{
    config::{Claim, Config, IssuerNames, RoleNaming, RolePlace, RoleSource},
    model::Warning,
};

/// The warnings about roles and their sources.
#[must_use]
pub fn warnings(config: &Config) -> Vec<Warning> {
    let book = RightsBook::build(config);
    let sources = config.role_sources.iter().enumerate();
    let of_sources = sources.flat_map(|(index, source)| {
        let near = near_roles(&book, index, source);
        of_source(index, source, config).into_iter().chain(near)
    });
    of_roles(&book, config).into_iter().chain(of_sources).collect()
}

/// A role or a permission that a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedRight<'a> {
    /// A role, by its name.
    Role(&'a str),
    /// A permission, by its name.
    Permission(&'a str),
}

/// One step of a JSON pointer (RFC 6901 section 3).
fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The warning about a role or a permission that a rule asks for: one that no user can have of the issuers
/// that can reach it, or whose name is almost that of a defined role.
#[must_use]
pub fn warning_of_asked(
    book: &RightsBook,
    place: &str,
    asked: AskedRight<'_>,
    reaching: &IssuerNames<'_>,
) -> Option<Warning> {
    let question = match asked {
        AskedRight::Role(role) => book.role_question(role),
        AskedRight::Permission(permission) => book.permission_question(permission),
    };
    // Without an issuer, that itself is told.
    let some = !question.is_hopeless() && !reaching.is_empty();
    let of_some = some && question.is_hopeless_for(reaching);
    let names = || reaching.iter().copied().collect::<Vec<_>>().join(", ");
    let (code, text) = match asked {
        AskedRight::Role(role) => {
            let text = match near_role(book, role) {
                Some(near) => format!("`roles` has no `{role}`; did you mean `{near}`?"),
                None if of_some => format!(
                    "no entry of `role_sources` for the issuers that can reach it ({}) can give it; \
                     add it to an entry for one of them, or correct the name",
                    names()
                ),
                None if question.is_hopeless() => {
                    "no entry of `role_sources` can give it; add it to \
                                                   an entry, or correct the name"
                        .to_owned()
                }
                None => return None,
            };
            ("role_unknown", format!("asks for the role `{role}`, and {text}"))
        }
        AskedRight::Permission(permission) => {
            let whose = match (of_some, question.is_hopeless()) {
                (true, _) => format!("can give users of {}", names()),
                (false, true) => "can give".to_owned(),
                (false, false) => return None,
            };
            let text = format!(
                "asks for the permission `{permission}`, which no user can have: no role that \
                 `role_sources` {whose} has it; add it to a role, or correct the name"
            );
            ("permission_unknown", text)
        }
    };
    Some(Warning::of(code, place, text))
}

/// The defined role that was probably meant, if this one is not defined itself.
fn near_role<'a>(book: &'a RightsBook, role: &str) -> Option<&'a str> {
    let distance = |known: &'a str| (strsim::damerau_levenshtein(known, role), known);
    let near = book.roles.names().map(distance).min()?;
    // A short name is near to many others.
    let is_near = matches!(near, (1..=2, _)) && role.len() > 4;
    is_near.then_some(near.1)
}

/// Roles that no source can give to anybody.
fn of_roles(book: &RightsBook, config: &Config) -> Vec<Warning> {
    if book.issuers.iter().all(|of| of.sources.is_empty()) {
        let cause = if config.issuers.len() > 1 {
            "with several issuers no role counts"
        } else {
            "the issuer has no `claims.roles`"
        };
        let text = format!(
            "is written and `role_sources` is not, and {cause}, so that no user has any of \
             them; write role_sources: [...]"
        );
        let warning = Warning::of("role_sources_missing", "/roles", text);
        return if config.roles.is_empty() { Vec::new() } else { vec![warning] };
    }
    let hopeless = |role: &&str| book.role_question(role).is_hopeless();
    let names = book.roles.names().filter(hopeless);
    let warning = |role: &str| {
        Warning::of(
            "role_without_users",
            format!("/roles/{}", pointer_step(role)),
            "no entry of `role_sources` can give it, nor a role that inherits it, so that no user \
             has it; add it to an entry, or leave it out",
        )
    };
    names.map(warning).collect()
}

/// The roles that an entry gives and whose names are almost those of defined roles.
fn near_roles(book: &RightsBook, index: usize, source: &RoleSource) -> Vec<Warning> {
    let (setting, mut given): (_, Vec<&String>) = match (&source.place, &source.naming) {
        (RolePlace::Users { ids, domains }, _) => {
            ("users", ids.values().chain(domains.values()).flatten().collect())
        }
        (_, RoleNaming::Mapped(map)) => ("map", map.values().collect()),
        (_, RoleNaming::Own | RoleNaming::Prefixed(_)) => return Vec::new(),
    };
    given.sort_unstable();
    given.dedup();
    let warning = |role: &String| {
        let near = near_role(book, role)?;
        let text = format!(
            "gives the role `{role}`, and `roles` has none of this name; did you mean `{near}`?"
        );
        Some(Warning::of("role_unknown", format!("/role_sources/{index}/{setting}"), text))
    };
    given.into_iter().filter_map(warning).collect()
}

fn of_source(index: usize, source: &RoleSource, config: &Config) -> Vec<Warning> {
    match &source.place {
        RolePlace::Claim(name) | RolePlace::PermissionClaim(name) => {
            let claim = Claim::Text(name.clone());
            let Some(dotted) = claim.resembles_path() else { return Vec::new() };
            let pointer = dotted.replace('.', "/");
            let text = format!(
                "names one claim whose name is `{dotted}`; for a claim inside \
                 another write /{pointer}, and if the name is meant, /{dotted}"
            );
            vec![Warning::of("claim_name_dotted", format!("/role_sources/{index}"), text)]
        }
        RolePlace::Users { ids, .. } => {
            let is_meant =
                |name: &String| source.issuers.is_empty() || source.issuers.contains(name);
            let mut issuers = config.issuers.iter().filter(|issuer| is_meant(&issuer.name));
            if issuers.any(|issuer| issuer.claims.user_id.is_some()) {
                return Vec::new();
            }
            let addresses = ids.keys().filter(|id| id.contains('@'));
            let warning = |id: &String| {
                Warning::of(
                    "user_id_is_address",
                    format!("/role_sources/{index}/users"),
                    format!(
                        "`{id}` is compared with user ids, never with e-mail addresses; write the \
                         user's id, or \"@example.com\" for a whole domain"
                    ),
                )
            };
            addresses.map(warning).collect()
        }
        RolePlace::Mapped
        | RolePlace::SupertokensRoles
        | RolePlace::SupertokensPermissions
        | RolePlace::GroupRoles
        | RolePlace::Attribute(_) => Vec::new(),
    }
}
