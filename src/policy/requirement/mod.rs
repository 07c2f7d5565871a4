//! The conditions of a rule beside a credential, compiled: a tree of conditions with three truth values.
//!
//! In: a requirement of the configuration, then the evidence of a check. Out: its [`Truth`], and where
//! it does not hold the [`Unmet`] condition that the client is told.

mod facts;
mod leaf;
mod value;

use std::{collections::BTreeSet, sync::Arc};

pub(super) use facts::FactSources;
use leaf::Leaf;

use super::{
    evidence::{Evidence, Needs},
    truth::Truth,
    unmet::{Cause, ConditionState, Unmet},
};
use crate::config::{Requirement, RequirementNode};

/// The most bytes of the text that says what was asked.
const MAX_TEXT: usize = 200;

/// A requirement, compiled.
#[derive(Debug)]
pub(super) struct CompiledRequirement {
    root: Node,
    needs: Needs,
    reads_identity: bool,
}

#[derive(Debug)]
enum Node {
    Never,
    All(Vec<Self>),
    Any(Vec<Self>),
    NoneOf(Vec<Self>),
    Leaf(Leaf),
}

impl CompiledRequirement {
    /// From the configuration, with the sources of facts of each issuer.
    pub(super) fn build(requirement: &Requirement, sources: &Arc<FactSources>) -> Self {
        let mut root = Node::build(requirement.root(), sources);
        root.tell_all_scopes(&BTreeSet::new());
        let mut needs = Needs::default();
        root.add_needs(&mut needs);
        let reads_identity = requirement.leaves().any(|leaf| leaf.reads_identity());
        Self { root, needs, reads_identity }
    }

    /// The facts that it needs.
    pub(super) const fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Some condition is about an identity.
    pub(super) const fn reads_identity(&self) -> bool {
        self.reads_identity
    }

    /// It does not hold, whatever the facts are that are not known.
    pub(super) fn is_out_of_reach(&self, evidence: &Evidence<'_>) -> bool {
        self.root.ask(evidence) == Truth::False
    }

    /// Whether it holds, and if not, what the client is told.
    pub(super) fn ask(&self, evidence: &Evidence<'_>) -> ConditionState {
        match self.root.ask(evidence) {
            Truth::True => ConditionState::Met,
            Truth::NeedsProfile => ConditionState::NeedsProfile,
            // Nothing is known of a caller without a credential, so that is what is missing.
            Truth::False | Truth::Unknown if evidence.identity.is_none() && self.reads_identity => {
                ConditionState::Unmet(Cause::Credential.into())
            }
            Truth::False | Truth::Unknown => ConditionState::Unmet(self.root.unmet(evidence)),
        }
    }
}

impl Node {
    fn build(node: &RequirementNode, sources: &Arc<FactSources>) -> Self {
        let below = |nodes: &[RequirementNode]| {
            nodes.iter().map(|node| Self::build(node, sources)).collect()
        };
        match node {
            RequirementNode::Never => Self::Never,
            RequirementNode::All(nodes) => Self::All(below(nodes)),
            RequirementNode::Any(nodes) => Self::Any(below(nodes)),
            RequirementNode::NoneOf(nodes) => Self::NoneOf(below(nodes)),
            RequirementNode::Leaf(leaf) => Self::Leaf(Leaf::build(leaf, sources)),
        }
    }

    /// Lets each condition on a scope tell the scopes of all that have to hold beside it: a client that asked
    /// for those of one alone would lack the others the next time (RFC 6750 section 3).
    fn tell_all_scopes(&mut self, beside: &BTreeSet<Box<str>>) {
        match self {
            Self::Never | Self::NoneOf(_) => {}
            Self::Leaf(leaf) => leaf.tell_scopes_too(beside),
            Self::Any(nodes) => nodes.iter_mut().for_each(|node| node.tell_all_scopes(beside)),
            Self::All(nodes) => {
                let own = nodes.iter().filter_map(|node| match node {
                    Self::Leaf(leaf) => Some(leaf.scopes()),
                    Self::Never | Self::All(_) | Self::Any(_) | Self::NoneOf(_) => None,
                });
                let all: BTreeSet<_> = own.flatten().chain(beside).cloned().collect();
                nodes.iter_mut().for_each(|node| node.tell_all_scopes(&all));
            }
        }
    }

    fn add_needs(&self, needs: &mut Needs) {
        match self {
            Self::Never => {}
            Self::All(nodes) | Self::Any(nodes) | Self::NoneOf(nodes) => {
                nodes.iter().for_each(|node| node.add_needs(needs));
            }
            Self::Leaf(leaf) => leaf.add_needs(needs),
        }
    }

    fn ask(&self, evidence: &Evidence<'_>) -> Truth {
        match self {
            Self::Never => Truth::False,
            Self::All(nodes) => Truth::all(nodes.iter().map(|node| node.ask(evidence))),
            Self::Any(nodes) => Truth::any(nodes.iter().map(|node| node.ask(evidence))),
            Self::NoneOf(nodes) => !Truth::any(nodes.iter().map(|node| node.ask(evidence))),
            Self::Leaf(leaf) => leaf.ask(evidence),
        }
    }

    /// The cause that the client is told where a node does not hold: of several conditions that all have to
    /// hold, the one that it can do least about; of several of which one would do, the one that it can
    /// do most about.
    fn unmet(&self, evidence: &Evidence<'_>) -> Unmet {
        let unmet = |node: &Self| match node.ask(evidence) {
            Truth::True | Truth::NeedsProfile => None,
            Truth::False | Truth::Unknown => Some(node.unmet(evidence)),
        };
        let worst = match self {
            Self::Never => None,
            Self::All(nodes) => nodes.iter().filter_map(unmet).reduce(Unmet::and),
            Self::Any(nodes) => nodes.iter().filter_map(unmet).min(),
            Self::NoneOf(_) => {
                let cause = match self.ask(evidence) {
                    Truth::Unknown => Cause::Unknown,
                    Truth::False | Truth::True | Truth::NeedsProfile => Cause::Refused,
                };
                Some(Unmet::new(cause, self.text()))
            }
            Self::Leaf(leaf) => Some(leaf.unmet(evidence)),
        };
        worst.unwrap_or_else(|| Unmet::new(Cause::Refused, self.text()))
    }

    /// The node in the words of the configuration.
    fn text(&self) -> Arc<str> {
        let mut text = String::new();
        self.write(&mut text);
        if text.len() > MAX_TEXT {
            let end = (0..=MAX_TEXT).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            text.truncate(end);
            text.push_str("...");
        }
        text.into()
    }

    fn write(&self, text: &mut String) {
        let mut list = |name: &str, nodes: &[Self]| {
            text.push_str(name);
            text.push_str(": [");
            for (index, node) in nodes.iter().enumerate() {
                if text.len() > MAX_TEXT {
                    break;
                }
                if index > 0 {
                    text.push_str(", ");
                }
                node.write(text);
            }
            text.push(']');
        };
        match self {
            Self::Never => text.push_str("never"),
            Self::All(nodes) => list("all", nodes),
            Self::Any(nodes) => list("any", nodes),
            Self::NoneOf(nodes) => list("not", nodes),
            Self::Leaf(leaf) => text.push_str(leaf.text()),
        }
    }
}
