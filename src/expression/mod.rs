//! Expressions of the Common Expression Language (CEL) over the request, the identity, the claims,
//! the profile and the variables of the path. Pure and synchronous.
//!
//! In: the text of an expression, when the configuration is read; later the [`Facts`] of a check.
//! Out: what is wrong with the text; later a value or `true`/`false`, or a [`Fault`], which never
//! allows. A text is bounded before it is parsed, and so is the work of an evaluation, so that no
//! token makes a check slow. The documentation is docs/policy-expressions.md.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod bounds;
mod budget;
mod compared;
mod evaluate;
mod fault;
mod node;
mod operators;
mod pattern;
mod place;
mod settled;
mod syntax;
#[cfg(test)]
mod tests;
mod types;
mod written;

use serde_json::Value;

use budget::Budget;
pub use budget::ExpressionWork;
pub use compared::{AskedMember, ComparedText};
use evaluate::Evaluation;
pub use evaluate::Facts;
pub use fault::{Fault, FaultKind};
use node::Node;
pub use pattern::pattern_problem;
pub use place::{IdentityPlace, Place, PlaceRoot, ProfilePlace, RequestPlace};
pub use settled::Settled;
use types::Type;

/// A parsed expression.
#[derive(Debug)]
pub struct Expression {
    written: Box<str>,
    tree: Node,
    places: Box<[Place]>,
}

impl Expression {
    /// Parses the text of a value.
    ///
    /// # Errors
    ///
    /// The mistake in the text, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        bounds::check(text)?;
        written::check(text)?;
        let parsed = syntax::parse(text)?;
        if parsed.places.is_empty() {
            return Err(format!("reads nothing of the request; use one of {}", PlaceRoot::names()));
        }
        Ok(Self { written: text.into(), tree: parsed.tree, places: parsed.places.into() })
    }

    /// Parses the text of a condition, which is `true` or `false`.
    ///
    /// # Errors
    ///
    /// The mistake in the text, and what to write instead.
    pub fn parse_condition(text: &str) -> Result<Self, String> {
        let parsed = Self::parse(text)?;
        let kind = types::type_of(&parsed.tree, &parsed.places);
        if parsed.tree.may_be_boolean() && kind.is_none_or(|kind| kind == Type::Bool) {
            Ok(parsed)
        } else {
            Err("is never `true` or `false`; write a comparison, such as claims.plan == \"pro\""
                .to_owned())
        }
    }

    /// The answer, if no request can change it.
    #[must_use]
    pub fn settled(&self) -> Option<Settled> {
        settled::settled(&self.tree, &self.places)
    }

    /// The texts that places are compared with.
    #[must_use]
    pub fn compared_texts(&self) -> Vec<ComparedText<'_>> {
        compared::texts(&self.tree, &self.places)
    }

    /// The texts that are looked for in the lists of places.
    #[must_use]
    pub fn asked_members(&self) -> Vec<AskedMember<'_>> {
        compared::members(&self.tree, &self.places)
    }

    /// The text in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The places that it may read, each once.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// It may read something of this root.
    #[must_use]
    pub fn reads(&self, root: PlaceRoot) -> bool {
        self.places.iter().any(|place| place.root() == root)
    }

    /// It may read the roles or permissions, whose sources may need more facts.
    #[must_use]
    pub fn reads_rights(&self) -> bool {
        let rights = [IdentityPlace::Roles, IdentityPlace::Permissions].map(Place::Identity);
        self.places.iter().any(|place| rights.contains(place))
    }

    /// The names of the claims that it may read, which an identity has to keep.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        self.places.iter().filter_map(|place| match place {
            Place::Claim(name) => Some(&**name),
            Place::Request(_)
            | Place::Header(_)
            | Place::Query(_)
            | Place::Identity(_)
            | Place::Profile(_)
            | Place::Path(_) => None,
        })
    }

    /// The names of the variables of the path that it may read.
    pub fn path_variables(&self) -> impl Iterator<Item = &str> {
        self.places.iter().filter_map(|place| match place {
            Place::Path(name) => Some(&**name),
            Place::Request(_)
            | Place::Header(_)
            | Place::Query(_)
            | Place::Identity(_)
            | Place::Profile(_)
            | Place::Claim(_) => None,
        })
    }

    /// The value by these facts.
    ///
    /// # Errors
    ///
    /// The fault, if it has none: something is missing or of the wrong type, or it is too much work.
    pub fn evaluate(&self, facts: &dyn Facts) -> Result<Value, Fault> {
        Evaluation::new(&self.places, facts, Budget::new()).value(&self.tree)
    }

    /// The answer by these facts, within the work that is left for a check.
    ///
    /// # Errors
    ///
    /// The fault, if the value is not `true` or `false`, or there is none. It is never an answer.
    pub fn ask(&self, facts: &dyn Facts, work: &ExpressionWork) -> Result<bool, Fault> {
        let budget = work.budget();
        let began = budget.left();
        let evaluation = Evaluation::new(&self.places, facts, budget);
        let value = evaluation.value(&self.tree);
        work.spend(began, evaluation.left());
        let value = value?;
        value.as_bool().ok_or_else(|| Fault::new(FaultKind::NotBoolean, "the expression"))
    }
}

/// The same text parses into the same expression.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Expression {}

impl serde::Serialize for Expression {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}
