//! Expressions whose answer no request can change.
//!
//! In: a tree. Out: the answer that it gives whatever is asked, or nothing. A part that reads nothing
//! is evaluated once, with the evaluation of checks; `&&`, `||` and `?` are settled by a part that
//! decides.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    budget::Budget,
    evaluate::{Evaluation, Facts},
    fault::Fault,
    node::{Loop, Node},
    place::Place,
    types::{Type, always_fails, type_of},
};

/// The answer of a condition that no request can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is always `true`.
    True,
    /// It is always `false`.
    False,
    /// It always fails, which denies.
    Fails,
}

/// The part of the answer that is known before any request.
enum Outcome {
    Open,
    Value(Value),
    Fails,
    /// It is `false`, or it fails.
    NeverTrue,
}

/// The facts of a part that reads nothing.
struct NoFacts;

impl Facts for NoFacts {
    fn value(&self, _: &Place) -> Result<Option<Cow<'_, Value>>, Fault> {
        Ok(None)
    }
}

/// The answer of this condition, if no request can change it. `places` are those that it reads.
pub(super) fn settled(tree: &Node, places: &[Place]) -> Option<Settled> {
    match outcome(tree, places) {
        Outcome::Open => None,
        Outcome::Value(Value::Bool(true)) => Some(Settled::True),
        Outcome::Value(Value::Bool(false)) | Outcome::NeverTrue => Some(Settled::False),
        Outcome::Value(_) | Outcome::Fails => Some(Settled::Fails),
    }
}

fn outcome(node: &Node, places: &[Place]) -> Outcome {
    if is_closed(node, 0) {
        let evaluation = Evaluation::new(&[], &NoFacts, Budget::new());
        return evaluation.value(node).map_or(Outcome::Fails, Outcome::Value);
    }
    if always_fails(node, places) {
        return Outcome::Fails;
    }
    match node {
        Node::Literal(_) | Node::Read(_) | Node::IsThere(_) | Node::Variable(_) => Outcome::Open,
        Node::Not(part) => match outcome(part, places) {
            Outcome::Value(Value::Bool(answer)) => Outcome::Value((!answer).into()),
            Outcome::Value(_) | Outcome::Fails => Outcome::Fails,
            Outcome::Open | Outcome::NeverTrue => Outcome::Open,
        },
        Node::And(parts) => both(parts, places),
        Node::Or(parts) => either(parts, places),
        Node::Choose(parts) => {
            let [question, yes, no] = &**parts;
            match outcome(question, places) {
                Outcome::Value(Value::Bool(true)) => outcome(yes, places),
                Outcome::Value(Value::Bool(false)) => outcome(no, places),
                Outcome::Value(_) | Outcome::Fails => Outcome::Fails,
                Outcome::Open | Outcome::NeverTrue => all_fail([yes, no], places),
            }
        }
        Node::Negate(part) | Node::Matches(part, _) => one_fails([&**part], places),
        Node::Field(of, _) | Node::HasField(of, _) => one_fails([&**of], places),
        Node::Index(parts) | Node::Operator(_, parts) => one_fails(parts.iter(), places),
        Node::Call(_, parts) | Node::List(parts) => one_fails(parts.iter(), places),
        Node::Map(entries) => {
            one_fails(entries.iter().flat_map(|(name, value)| [name, value]), places)
        }
        Node::Loop(walk) => one_fails([&walk.range], places),
    }
}

/// `&&`: a side that is `false` decides, whatever the other is, and one that fails leaves nothing but
/// `false`.
fn both(parts: &[Node; 2], places: &[Place]) -> Outcome {
    let sides = parts.each_ref().map(|part| outcome(part, places));
    if sides.iter().any(|side| is(side, false)) {
        return Outcome::Value(false.into());
    }
    let no_truth = parts.iter().zip(&sides).any(|(part, side)| is_no_truth(part, side, places));
    if no_truth { Outcome::NeverTrue } else { Outcome::Open }
}

/// `||`: a side that is `true` decides, whatever the other is.
fn either(parts: &[Node; 2], places: &[Place]) -> Outcome {
    let sides = parts.each_ref().map(|part| outcome(part, places));
    if sides.iter().any(|side| is(side, true)) {
        return Outcome::Value(true.into());
    }
    let no_truth = parts
        .iter()
        .zip(&sides)
        .all(|(part, side)| is(side, false) || is_no_truth(part, side, places));
    if no_truth { Outcome::NeverTrue } else { Outcome::Open }
}

fn is(side: &Outcome, answer: bool) -> bool {
    matches!(side, Outcome::Value(Value::Bool(known)) if *known == answer)
}

/// Whether a side of `&&` or `||` is never `true`: it fails, or has another type.
fn is_no_truth(part: &Node, side: &Outcome, places: &[Place]) -> bool {
    match side {
        Outcome::Fails | Outcome::NeverTrue => true,
        Outcome::Value(value) => !value.is_boolean(),
        Outcome::Open => type_of(part, places).is_some_and(|kind| kind != Type::Bool),
    }
}

/// A value that needs all of these parts.
fn one_fails<'n>(parts: impl IntoIterator<Item = &'n Node>, places: &[Place]) -> Outcome {
    let fails = parts.into_iter().any(|part| matches!(outcome(part, places), Outcome::Fails));
    if fails { Outcome::Fails } else { Outcome::Open }
}

fn all_fail<'n>(parts: impl IntoIterator<Item = &'n Node>, places: &[Place]) -> Outcome {
    let fail = parts.into_iter().all(|part| matches!(outcome(part, places), Outcome::Fails));
    if fail { Outcome::Fails } else { Outcome::Open }
}

/// The part reads nothing of the request. `loops` is the number of loops around it within the whole
/// part.
fn is_closed(node: &Node, loops: usize) -> bool {
    let closed = |part: &Node| is_closed(part, loops);
    match node {
        Node::Literal(_) => true,
        Node::Read(_) | Node::IsThere(_) => false,
        Node::Variable(out) => *out < loops,
        Node::Field(part, _)
        | Node::HasField(part, _)
        | Node::Not(part)
        | Node::Negate(part)
        | Node::Matches(part, _) => closed(part),
        Node::Index(parts) | Node::And(parts) | Node::Or(parts) | Node::Operator(_, parts) => {
            parts.iter().all(closed)
        }
        Node::Choose(parts) => parts.iter().all(closed),
        Node::Call(_, parts) | Node::List(parts) => parts.iter().all(closed),
        Node::Map(entries) => entries.iter().all(|(name, value)| closed(name) && closed(value)),
        Node::Loop(walk) => {
            let Loop { kind: _, range, condition, result } = &**walk;
            let inner = |part: &Node| is_closed(part, loops + 1);
            closed(range)
                && condition.as_ref().is_none_or(inner)
                && result.as_ref().is_none_or(inner)
        }
    }
}
