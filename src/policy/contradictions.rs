//! Conditions of one rule that exclude each other, so that no request can meet them together.
//!
//! In: the tree of a requirement, with where each condition stands. Out: the pairs that exclude each
//! other, wherever both have to hold. Only what is sure by the text is found: a pair that is not
//! found may still exclude each other, and one that is found always does.

use std::cmp::Ordering;

use serde_json::Number;

use crate::{
    config::{RequirementLeaf, RequirementNode, Scalar, Texts, ValueTest},
    model::AuthLevel,
};

/// The most conditions that are held against each other in one place.
const MOST: usize = 64;

/// Two conditions that exclude each other; or one that excludes itself, twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contradiction {
    /// The place of the condition that comes first.
    pub(super) first: String,
    /// The place of the other.
    pub(super) second: String,
    /// Why no request meets both.
    pub(super) cause: &'static str,
}

/// A condition, and whether it has to hold or must not.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldCondition<'a> {
    pub(super) leaf: &'a RequirementLeaf,
    pub(super) place: &'a str,
    pub(super) holds: bool,
}

/// The contradictions of a requirement. `places` are those of its conditions, in their order;
/// `beside` are conditions of the rule that stand outside of it.
pub(super) fn contradictions<'a>(
    root: &'a RequirementNode,
    places: &'a [String],
    beside: &[HeldCondition<'a>],
) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let form = form(root, &mut places.iter());
    visit(&form, beside, &mut found);
    found
}

/// The tree with the place of each condition.
pub(super) enum Form<'a> {
    Never,
    All(Vec<Self>),
    Any(Vec<Self>),
    NoneOf(Vec<Self>),
    Leaf(&'a RequirementLeaf, &'a str),
}

/// The tree of a requirement. `places` are those of its conditions, in their order.
pub(super) fn form<'a>(
    node: &'a RequirementNode,
    places: &mut std::slice::Iter<'a, String>,
) -> Form<'a> {
    let mut list = |nodes: &'a [RequirementNode]| nodes.iter().map(|it| form(it, places)).collect();
    match node {
        RequirementNode::Never => Form::Never,
        RequirementNode::All(nodes) => Form::All(list(nodes)),
        RequirementNode::Any(nodes) => Form::Any(list(nodes)),
        RequirementNode::NoneOf(nodes) => Form::NoneOf(list(nodes)),
        RequirementNode::Leaf(leaf) => {
            Form::Leaf(leaf, places.next().map(String::as_str).unwrap_or_default())
        }
    }
}

/// Finds the contradictions of a part, which has to hold together with `around`.
fn visit<'a>(part: &Form<'a>, around: &[HeldCondition<'a>], found: &mut Vec<Contradiction>) {
    let mut together = around.to_vec();
    let mut choices = Vec::new();
    gather(part, &mut together, &mut choices, found);
    let before = found.len();
    for (index, second) in together.iter().enumerate().skip(around.len()).take(MOST) {
        let earlier = together.iter().take(index + 1).take(MOST);
        let conflict = earlier.filter_map(|first| Some((first, cause(first, second)?))).next();
        found.extend(conflict.map(|(first, cause)| Contradiction {
            first: first.place.to_owned(),
            second: second.place.to_owned(),
            cause,
        }));
    }
    // A choice beside a contradiction never matters.
    if found.len() == before {
        choices.iter().for_each(|choice| visit(choice, &together, found));
    }
}

/// The conditions that all have to hold where a part does; the choices of `any` are set aside.
fn gather<'f, 'a>(
    part: &'f Form<'a>,
    together: &mut Vec<HeldCondition<'a>>,
    choices: &mut Vec<&'f Form<'a>>,
    found: &mut Vec<Contradiction>,
) {
    match part {
        Form::Never => {}
        Form::Leaf(leaf, place) => together.push(HeldCondition { leaf, place, holds: true }),
        Form::All(parts) => parts.iter().for_each(|it| gather(it, together, choices, found)),
        Form::Any(parts) => choices.extend(parts),
        Form::NoneOf(parts) => {
            for part in parts {
                match part {
                    Form::Leaf(leaf, place) => {
                        visit(part, &[], found);
                        found.extend(never_false(leaf).map(|cause| Contradiction {
                            first: (*place).to_owned(),
                            second: (*place).to_owned(),
                            cause,
                        }));
                        together.push(HeldCondition { leaf, place, holds: false });
                    }
                    // It excludes nobody if it can never be met itself.
                    Form::Never | Form::All(_) | Form::Any(_) | Form::NoneOf(_) => {
                        visit(part, &[], found);
                    }
                }
            }
        }
    }
}

/// Why no request meets both; `None` if one may. A condition excludes itself if no value passes it.
fn cause(first: &HeldCondition<'_>, second: &HeldCondition<'_>) -> Option<&'static str> {
    match (first.holds, second.holds) {
        (true, true) => of_both(first.leaf, second.leaf),
        (true, false) => of_opposites(first.leaf, second.leaf),
        (false, true) => of_opposites(second.leaf, first.leaf),
        (false, false) => None,
    }
}

/// Both have to hold.
fn of_both(first: &RequirementLeaf, second: &RequirementLeaf) -> Option<&'static str> {
    use RequirementLeaf as Leaf;
    const ONE_VALUE: &str = "a token has only one, and no value is in both";
    match (first, second) {
        (Leaf::App(one), Leaf::App(other))
        | (Leaf::AppVariant(one), Leaf::AppVariant(other))
        | (Leaf::Tenant(one), Leaf::Tenant(other))
        | (Leaf::User(one), Leaf::User(other)) => are_disjoint(one, other).then_some(ONE_VALUE),
        (Leaf::Source(one), Leaf::Source(other)) => {
            let shared = one.iter().any(|source| other.contains(source));
            (!shared).then_some("a credential is found in one place only")
        }
        (Leaf::Anonymous(one), Leaf::Anonymous(other)) => {
            (one != other).then_some("a user is a guest or is none")
        }
        (Leaf::Anonymous(true), Leaf::AuthLevel(level))
        | (Leaf::AuthLevel(level), Leaf::Anonymous(true)) => (*level > AuthLevel::Guest)
            .then_some("an anonymous user has the auth level `guest` at most"),
        (Leaf::Claim(place, one), Leaf::Claim(other_place, other))
        | (Leaf::Attribute(place, one), Leaf::Attribute(other_place, other))
            if place == other_place =>
        {
            of_tests(&one.iter().chain(other).collect::<Vec<_>>())
        }
        _ => None,
    }
}

/// The first has to hold, and the second must not.
fn of_opposites(held: &RequirementLeaf, denied: &RequirementLeaf) -> Option<&'static str> {
    use RequirementLeaf as Leaf;
    const EXCLUDED: &str = "`not` excludes every value that is asked for";
    let excluded = match (held, denied) {
        (Leaf::Issuer(held), Leaf::Issuer(denied))
        | (Leaf::App(held), Leaf::App(denied))
        | (Leaf::AppVariant(held), Leaf::AppVariant(denied))
        | (Leaf::Tenant(held), Leaf::Tenant(denied))
        | (Leaf::User(held), Leaf::User(denied))
        | (Leaf::Verified(held), Leaf::Verified(denied))
        | (Leaf::Scope(held), Leaf::Scope(denied))
        | (Leaf::Role(held), Leaf::Role(denied))
        | (Leaf::Permission(held), Leaf::Permission(denied))
        | (Leaf::Group(held), Leaf::Group(denied)) => held.iter().all(|text| denied.contains(text)),
        (Leaf::Source(held), Leaf::Source(denied)) => held.iter().all(|it| denied.contains(it)),
        (Leaf::AuthLevel(held), Leaf::AuthLevel(denied)) => held >= denied,
        (Leaf::MaxAge(held), Leaf::MaxAge(denied))
        | (Leaf::TokenMaxAge(held), Leaf::TokenMaxAge(denied)) => held <= denied,
        // A value that passes another test is there.
        (Leaf::Claim(place, held), Leaf::Claim(denied_place, denied))
        | (Leaf::Attribute(place, held), Leaf::Attribute(denied_place, denied)) => {
            let exists = matches!(denied.as_slice(), [ValueTest::Exists(true)]);
            let asks_for_one = held.iter().any(|test| !matches!(test, ValueTest::Exists(false)));
            place == denied_place && (held == denied || exists && asks_for_one)
        }
        (held, denied) => held == denied,
    };
    excluded.then_some(EXCLUDED)
}

/// Why a condition is false for no value, so that `not` never holds.
#[expect(clippy::wildcard_enum_match_arm, reason = "a warning decides nothing")]
fn never_false(leaf: &RequirementLeaf) -> Option<&'static str> {
    let (RequirementLeaf::Claim(_, tests) | RequirementLeaf::Attribute(_, tests)) = leaf else {
        return None;
    };
    let is_mixed = |test: &ValueTest| match test {
        ValueTest::OneOf(_) => kind(test).is_some_and(|kinds| kinds.count_ones() > 1),
        _ => false,
    };
    // One test that is false makes all of them false.
    tests.iter().all(is_mixed).then_some(
        "its values are of several types, and a value of one type is not known to differ from one of \
         another, so that `not` never holds",
    )
}

pub(super) fn are_disjoint(one: &Texts, other: &Texts) -> bool {
    !one.iter().any(|text| other.contains(text))
}

/// Why no value passes all of these tests.
fn of_tests(tests: &[&ValueTest]) -> Option<&'static str> {
    const KINDS: &str = "they ask for values of different kinds";
    let absent = tests.iter().any(|test| matches!(test, ValueTest::Exists(false)));
    if absent && tests.iter().any(|test| !matches!(test, ValueTest::Exists(false))) {
        return Some("a value that is absent passes no other test");
    }
    let kinds = tests.iter().filter_map(|test| kind(test));
    let shared = kinds.reduce(|all, own| all & own);
    if shared == Some(0) {
        return Some(KINDS);
    }
    let limits = |pick: fn(&ValueTest) -> Option<&Number>| {
        tests.iter().filter_map(move |test| pick(test)).collect::<Vec<_>>()
    };
    let above = limits(|test| if let ValueTest::Above(limit) = test { Some(limit) } else { None });
    let below = limits(|test| if let ValueTest::Below(limit) = test { Some(limit) } else { None });
    if above.iter().any(|low| below.iter().any(|high| !is_below(low, high))) {
        return Some("no number is above `gt` and below `lt`");
    }
    let mut lists = tests.iter().filter_map(|test| match test {
        ValueTest::OneOf(values) => Some(values),
        ValueTest::Matches(_)
        | ValueTest::Contains(_)
        | ValueTest::Exists(_)
        | ValueTest::Above(_)
        | ValueTest::Below(_) => None,
    });
    let first = lists.next()?;
    let passes = |value: &&Scalar| tests.iter().all(|test| may_pass(value, test));
    (!first.iter().any(|value| passes(&value))).then_some("no value passes every test")
}

/// The kinds of values that may pass a test, as bits: text, number, truth value, list. `None` if any
/// may.
fn kind(test: &ValueTest) -> Option<u8> {
    const TEXT: u8 = 1;
    const NUMBER: u8 = 2;
    const TRUTH: u8 = 4;
    const LIST: u8 = 8;
    let of = |value: &Scalar| match value {
        Scalar::Text(_) => TEXT,
        Scalar::Number(_) => NUMBER,
        Scalar::Bool(_) => TRUTH,
    };
    match test {
        ValueTest::OneOf(values) => Some(values.iter().map(of).fold(0, |all, own| all | own)),
        ValueTest::Matches(_) => Some(TEXT),
        ValueTest::Contains(_) => Some(LIST),
        ValueTest::Above(_) | ValueTest::Below(_) => Some(NUMBER),
        ValueTest::Exists(_) => None,
    }
}

fn may_pass(value: &Scalar, test: &ValueTest) -> bool {
    match (test, value) {
        (ValueTest::OneOf(values), _) => values.iter().any(|other| are_equal(value, other)),
        (ValueTest::Matches(regex), Scalar::Text(text)) => regex.is_match(text),
        (ValueTest::Above(limit), Scalar::Number(number)) => is_below(limit, number),
        (ValueTest::Below(limit), Scalar::Number(number)) => is_below(number, limit),
        (ValueTest::Exists(exists), _) => *exists,
        (ValueTest::Matches(_), Scalar::Number(_) | Scalar::Bool(_))
        | (ValueTest::Above(_) | ValueTest::Below(_), Scalar::Text(_) | Scalar::Bool(_))
        | (ValueTest::Contains(_), Scalar::Text(_) | Scalar::Number(_) | Scalar::Bool(_)) => false,
    }
}

fn are_equal(one: &Scalar, other: &Scalar) -> bool {
    match (one, other) {
        (Scalar::Text(one), Scalar::Text(other)) => one == other,
        (Scalar::Bool(one), Scalar::Bool(other)) => one == other,
        (Scalar::Number(one), Scalar::Number(other)) => {
            compare(one, other) == Some(Ordering::Equal)
        }
        (Scalar::Text(_) | Scalar::Bool(_) | Scalar::Number(_), _) => false,
    }
}

/// Two numbers that cannot be compared exactly count as below each other: nothing is sure then.
fn is_below(one: &Number, other: &Number) -> bool {
    compare(one, other).is_none_or(Ordering::is_lt)
}

fn compare(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i128(), other.as_i128()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}
