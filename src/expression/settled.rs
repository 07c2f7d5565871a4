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
}

/// The facts of a part that reads nothing.
struct NoFacts;

impl Facts for NoFacts {
    fn value(&self, _: &Place) -> Result<Option<Cow<'_, Value>>, Fault> {
        Ok(None)
    }
}

/// The answer of this condition, if no request can change it.
pub(super) fn settled(tree: &Node) -> Option<Settled> {
    match outcome(tree) {
        Outcome::Open => None,
        Outcome::Value(Value::Bool(true)) => Some(Settled::True),
        Outcome::Value(Value::Bool(false)) => Some(Settled::False),
        Outcome::Value(_) | Outcome::Fails => Some(Settled::Fails),
    }
}

fn outcome(node: &Node) -> Outcome {
    if is_closed(node, 0) {
        let evaluation = Evaluation::new(&[], &NoFacts, Budget::new());
        return evaluation.value(node).map_or(Outcome::Fails, Outcome::Value);
    }
    match node {
        Node::Literal(_) | Node::Read(_) | Node::IsThere(_) | Node::Variable(_) => Outcome::Open,
        Node::Not(part) => match outcome(part) {
            Outcome::Value(Value::Bool(answer)) => Outcome::Value((!answer).into()),
            Outcome::Value(_) | Outcome::Fails => Outcome::Fails,
            Outcome::Open => Outcome::Open,
        },
        Node::And(parts) => either(parts, false),
        Node::Or(parts) => either(parts, true),
        Node::Choose(parts) => {
            let [question, yes, no] = &**parts;
            match outcome(question) {
                Outcome::Value(Value::Bool(true)) => outcome(yes),
                Outcome::Value(Value::Bool(false)) => outcome(no),
                Outcome::Value(_) | Outcome::Fails => Outcome::Fails,
                Outcome::Open => all_fail([yes, no]),
            }
        }
        Node::Negate(part) | Node::Matches(part, _) => one_fails([&**part]),
        Node::Field(of, _) | Node::HasField(of, _) => one_fails([&**of]),
        Node::Index(parts) | Node::Operator(_, parts) => one_fails(parts.iter()),
        Node::Call(_, parts) | Node::List(parts) => one_fails(parts.iter()),
        Node::Map(entries) => one_fails(entries.iter().flat_map(|(name, value)| [name, value])),
        Node::Loop(walk) => one_fails([&walk.range]),
    }
}

/// `&&` and `||`: a side that is `decides` decides, whatever the other is.
fn either(parts: &[Node; 2], decides: bool) -> Outcome {
    let decided = |part: &Node| matches!(outcome(part), Outcome::Value(Value::Bool(answer)) if answer == decides);
    if parts.iter().any(decided) { Outcome::Value(decides.into()) } else { Outcome::Open }
}

/// A value that needs all of these parts.
fn one_fails<'n>(parts: impl IntoIterator<Item = &'n Node>) -> Outcome {
    let fails = parts.into_iter().any(|part| matches!(outcome(part), Outcome::Fails));
    if fails { Outcome::Fails } else { Outcome::Open }
}

fn all_fail<'n>(parts: impl IntoIterator<Item = &'n Node>) -> Outcome {
    let fail = parts.into_iter().all(|part| matches!(outcome(part), Outcome::Fails));
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
