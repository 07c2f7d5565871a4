//! Conditions under `any` of which one always holds, so that the whole asks for nothing.
//!
//! In: the tree of a requirement, with where each condition stands. Out: the pairs that leave no value
//! out. Of a user whose value is unknown neither holds; everybody else passes.

use super::contradictions::{Form, are_disjoint};
use crate::{
    config::{RequirementLeaf, Texts},
    model::AuthLevel,
};

/// The most conditions of one `any` that are held against each other.
const MOST: usize = 64;

/// A condition of `any`, and whether it has to hold or must not.
type Choice<'a> = (&'a RequirementLeaf, &'a str, bool);

/// The places of two conditions of one `any` of which one always holds; twice the same of one that always
/// does.
pub(super) fn always_met<'a>(part: &Form<'a>, found: &mut Vec<(&'a str, &'a str)>) {
    let (Form::All(parts) | Form::Any(parts) | Form::NoneOf(parts)) = part else { return };
    parts.iter().for_each(|part| always_met(part, found));
    let Form::Any(parts) = part else { return };
    let choices: Vec<Choice<'a>> = parts.iter().filter_map(choice).take(MOST).collect();
    let pair = choices.iter().enumerate().find_map(|(index, second)| {
        let earlier = choices.iter().take(index + 1);
        let first = earlier.into_iter().find(|first| leave_nothing(first, second))?;
        Some((first.1, second.1))
    });
    found.extend(pair);
}

/// A part that is one condition, or `not` of one.
fn choice<'a>(part: &Form<'a>) -> Option<Choice<'a>> {
    match part {
        Form::Leaf(leaf, place) => Some((leaf, place, true)),
        Form::NoneOf(parts) => match parts.as_slice() {
            [Form::Leaf(leaf, place)] => Some((leaf, place, false)),
            _ => None,
        },
        Form::Never | Form::All(_) | Form::Any(_) => None,
    }
}

/// Every value meets one of both.
fn leave_nothing(first: &Choice<'_>, second: &Choice<'_>) -> bool {
    match ((first.0, first.2), (second.0, second.2)) {
        ((RequirementLeaf::AuthLevel(level), true), _) if *level == AuthLevel::Instant => true,
        ((held, true), (denied, false)) | ((denied, false), (held, true)) => covers(held, denied),
        ((one, false), (other, false)) => exclude_each_other(one, other),
        ((_, true), (_, true)) => false,
    }
}

/// Every value that meets the second meets the first.
fn covers(held: &RequirementLeaf, denied: &RequirementLeaf) -> bool {
    use RequirementLeaf as Leaf;
    match (held, denied) {
        (Leaf::Issuer(held), Leaf::Issuer(denied))
        | (Leaf::App(held), Leaf::App(denied))
        | (Leaf::AppVariant(held), Leaf::AppVariant(denied))
        | (Leaf::Tenant(held), Leaf::Tenant(denied))
        | (Leaf::User(held), Leaf::User(denied))
        | (Leaf::Scope(held), Leaf::Scope(denied))
        | (Leaf::Role(held), Leaf::Role(denied))
        | (Leaf::Permission(held), Leaf::Permission(denied))
        | (Leaf::Group(held), Leaf::Group(denied)) => denied.iter().all(|it| held.contains(it)),
        (Leaf::AuthLevel(held), Leaf::AuthLevel(denied)) => held <= denied,
        _ => false,
    }
}

/// No user meets both.
fn exclude_each_other(one: &RequirementLeaf, other: &RequirementLeaf) -> bool {
    use RequirementLeaf as Leaf;
    let apart = |one: &Texts, other: &Texts| are_disjoint(one, other);
    match (one, other) {
        (Leaf::Issuer(one), Leaf::Issuer(other))
        | (Leaf::App(one), Leaf::App(other))
        | (Leaf::AppVariant(one), Leaf::AppVariant(other))
        | (Leaf::Tenant(one), Leaf::Tenant(other))
        | (Leaf::User(one), Leaf::User(other)) => apart(one, other),
        _ => false,
    }
}
