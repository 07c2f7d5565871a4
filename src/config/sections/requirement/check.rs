//! The check of a requirement: what can only be a mistake, wherever it stands.

use std::sync::Arc;

use super::{
    tree::{Requirement, RequirementLeaf, RequirementNode, ValuePlace},
    value_test,
    written::{
        Never, WrittenGroupRole, WrittenPathEquals, WrittenRequire, WrittenRequirement,
        WrittenValueTest,
    },
};
use crate::{
    config::{
        findings::Findings,
        section::Section,
        sections::{
            rights::{permission_problem, role_problem},
            routes::{HeaderReader, read_header},
        },
    },
    expression::{Expression, Place},
    model::CredentialSource,
};

/// `all`, `any` and `not` may stand in each other so many times.
const MAX_DEPTH: usize = 8;
/// The most conditions of one rule.
const MAX_LEAVES: usize = 512;

/// Where a map of conditions stands.
struct At<'a> {
    /// The JSON pointer of the whole requirement.
    rule: &'a str,
    /// The rest of the pointer, below the requirement.
    below: &'a str,
}

impl At<'_> {
    fn pointer(&self) -> String {
        format!("{}{}", self.rule, self.below)
    }
}

impl Section for WrittenRequire {
    type Checked = Requirement;

    fn check(self, at: &str, found: &mut Findings) -> Requirement {
        let mut places = Vec::new();
        let root = match &self {
            Self::Never(Never::Never) => RequirementNode::Never,
            Self::Conditions(conditions) => {
                conditions.checked(&At { rule: at, below: "" }, 1, &mut places, found)
            }
        };
        let requirement = Requirement { written: self, root, places };
        let leaves = requirement.leaves().count();
        if leaves > MAX_LEAVES {
            let message = format!("has {leaves} conditions; write {MAX_LEAVES} or fewer");
            found.add(at, message);
        }
        requirement
    }
}

impl WrittenRequirement {
    fn checked(
        &self,
        place: &At<'_>,
        depth: usize,
        places: &mut Vec<String>,
        found: &mut Findings,
    ) -> RequirementNode {
        let (at, below_rule) = (&place.pointer(), place.below);
        if depth > MAX_DEPTH {
            found.add(at, format!("stands in {depth} others; write {MAX_DEPTH} levels or fewer"));
            return RequirementNode::Never;
        }
        let leaves = self.leaves(at, found);
        places.extend(leaves.iter().map(|leaf| format!("{below_rule}/{}", leaf.setting())));
        let mut nodes: Vec<RequirementNode> =
            leaves.into_iter().map(RequirementNode::Leaf).collect();
        for (name, list, make) in [
            ("all", &self.all, RequirementNode::All as fn(_) -> _),
            ("any", &self.any, RequirementNode::Any),
            ("not", &self.not, RequirementNode::NoneOf),
        ] {
            let part = |(index, below): (usize, &Self)| {
                let below_rule = format!("{below_rule}/{name}/{index}");
                let place = At { rule: place.rule, below: &below_rule };
                below.checked(&place, depth + 1, places, found)
            };
            if !list.is_empty() {
                nodes.push(make(list.iter().enumerate().map(part).collect()));
            }
        }
        if nodes.is_empty() && *self == Self::default() {
            found.add(at, "asks for nothing; write a condition, or leave it out");
        }
        if nodes.len() == 1 { nodes.remove(0) } else { RequirementNode::All(nodes) }
    }

    /// The conditions that stand in this map itself.
    #[expect(clippy::too_many_lines, reason = "a line or two for each setting")]
    fn leaves(&self, at: &str, found: &mut Findings) -> Vec<RequirementLeaf> {
        use RequirementLeaf as Leaf;
        let Self {
            all: _,
            any: _,
            not: _,
            auth_level,
            anonymous,
            verified,
            issuer,
            app,
            app_variant,
            tenant,
            user,
            scope,
            role,
            permission,
            group,
            group_role,
            attribute,
            claim,
            equals,
            max_age,
            token_max_age,
            source,
            cel,
        } = self;
        check_scopes(self, at, found);
        check_rights(self, at, found);
        let texts = [
            (verified, Leaf::Verified as fn(_) -> Leaf),
            (issuer, Leaf::Issuer),
            (app, Leaf::App),
            (app_variant, Leaf::AppVariant),
            (tenant, Leaf::Tenant),
            (user, Leaf::User),
            (scope, Leaf::Scope),
            (role, Leaf::Role),
            (permission, Leaf::Permission),
            (group, Leaf::Group),
        ];
        let texts = texts.into_iter().filter(|(texts, _)| !texts.is_empty());
        let group_role = group_role.clone();
        // The schema knows no other words.
        let sources: Vec<CredentialSource> = source.iter().filter_map(source_of).collect();
        let mut leaves: Vec<Leaf> = Vec::new();
        leaves.extend(auth_level.map(Leaf::AuthLevel));
        leaves.extend(anonymous.map(Leaf::Anonymous));
        leaves.extend(texts.map(|(texts, leaf)| leaf(texts.clone())));
        leaves.extend(
            group_role.map(|WrittenGroupRole { group, role }| Leaf::GroupRole { group, role }),
        );
        leaves.extend(
            value(attribute.as_ref(), "attribute", at, found)
                .map(|(at, all)| Leaf::Attribute(at, all)),
        );
        leaves.extend(
            value(claim.as_ref(), "claim", at, found).map(|(at, all)| Leaf::Claim(at, all)),
        );
        leaves.extend(equals.as_ref().and_then(|equals| path_equals(equals, at, found)));
        leaves.extend(max_age.map(|age| Leaf::MaxAge(age.get())));
        leaves.extend(token_max_age.map(|age| Leaf::TokenMaxAge(age.get())));
        leaves.extend((!sources.is_empty()).then_some(Leaf::Source(sources)));
        leaves.extend(cel.as_deref().and_then(|text| expression(text, at, found)));
        leaves
    }
}

/// A role and a permission can be had only by a name that one can have.
fn check_rights(requirement: &WrittenRequirement, at: &str, found: &mut Findings) {
    for (setting, texts, problem) in [
        ("role", &requirement.role, role_problem as fn(&str) -> Option<String>),
        ("permission", &requirement.permission, permission_problem),
    ] {
        for problem in texts.iter().filter_map(problem) {
            found.add(format!("{at}/{setting}"), problem);
        }
    }
}

/// A scope is one word (RFC 6749 section 3.3).
fn check_scopes(requirement: &WrittenRequirement, at: &str, found: &mut Findings) {
    let is_word =
        |scope: &str| scope.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    for scope in requirement.scope.iter().filter(|scope| !is_word(scope)) {
        let message = if scope.contains(' ') {
            format!(
                "`{scope}` is several scopes; write a list: [{}]",
                scope.split_whitespace().collect::<Vec<_>>().join(", ")
            )
        } else {
            format!("`{scope}` is not a scope; write visible ASCII without quotes and backslashes")
        };
        found.add(format!("{at}/scope"), message);
    }
}

fn expression(text: &str, at: &str, found: &mut Findings) -> Option<RequirementLeaf> {
    let parsed = found.keep(format!("{at}/cel"), Expression::parse_condition(text))?;
    for name in parsed.places().iter().filter_map(Place::header) {
        found.keep(format!("{at}/cel"), read_header(name, HeaderReader::Expression));
    }
    Some(RequirementLeaf::Cel(Arc::new(parsed)))
}

fn value(
    written: Option<&WrittenValueTest>,
    setting: &str,
    at: &str,
    found: &mut Findings,
) -> Option<(ValuePlace, value_test::ValueTests)> {
    let (written, at) = (written?, &format!("{at}/{setting}"));
    let tests = value_test::check(written, at, found);
    let place = match (&written.name, &written.pointer) {
        (Some(name), None) => ValuePlace::of_name(name),
        (None, Some(pointer)) => pointer_place(pointer, &format!("{at}/pointer"), found)?,
        // The schema asks for exactly one.
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some((place, tests))
}

/// A JSON pointer begins with a slash, and `~` stands before 0 or 1 (RFC 6901 section 3).
fn pointer_place(pointer: &str, at: &str, found: &mut Findings) -> Option<ValuePlace> {
    let good_escapes = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if pointer.starts_with('/') && pointer.len() > 1 && good_escapes {
        return Some(ValuePlace::of_pointer(pointer));
    }
    let near = if pointer.starts_with('/') || pointer.contains('~') {
        pointer.trim_start_matches('/').to_owned()
    } else {
        pointer.replace('.', "/")
    };
    found.add(at, format!("`{pointer}` is not a JSON pointer; write it like /{}", escaped(&near)));
    None
}

/// The text with each `~` that begins no escape written as one.
fn escaped(text: &str) -> String {
    let mut parts = text.split('~');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |done, rest| {
        let escape = if rest.starts_with(['0', '1']) { "~" } else { "~0" };
        done + escape + rest
    })
}

fn path_equals(
    written: &WrittenPathEquals,
    at: &str,
    found: &mut Findings,
) -> Option<RequirementLeaf> {
    let WrittenPathEquals { path, identity, claim } = written;
    let variable = path.clone();
    match (identity, claim) {
        (Some(field), None) => Some(RequirementLeaf::PathIsIdentity { variable, field: *field }),
        (None, Some(claim)) => {
            let claim = if claim.starts_with('/') {
                pointer_place(claim, &format!("{at}/equals/claim"), found)?
            } else {
                ValuePlace::of_name(claim)
            };
            Some(RequirementLeaf::PathIsClaim { variable, claim })
        }
        // The schema asks for exactly one.
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn source_of(word: &str) -> Option<CredentialSource> {
    match word {
        "header" => Some(CredentialSource::Header),
        "cookie" => Some(CredentialSource::Cookie),
        "query" => Some(CredentialSource::Query),
        "websocket_protocol" => Some(CredentialSource::WebsocketProtocol),
        _ => None,
    }
}
