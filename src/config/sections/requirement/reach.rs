//! The issuers whose tokens can reach a condition: those that the conditions `issuer` beside it and
//! around it leave.

use std::collections::BTreeSet;

use super::tree::{Requirement, RequirementLeaf, RequirementNode};

/// The configured names of issuers.
pub type IssuerNames<'a> = BTreeSet<&'a str>;

impl Requirement {
    /// Each condition, with those of these issuers whose tokens can reach it.
    #[must_use]
    pub fn reach<'a>(
        &'a self,
        issuers: &IssuerNames<'a>,
    ) -> Vec<(&'a RequirementLeaf, IssuerNames<'a>)> {
        let mut found = Vec::new();
        walk(self.root(), issuers, &mut found);
        found
    }

    /// Those of these issuers whose users can meet it, by its conditions `issuer` alone.
    #[must_use]
    pub fn issuers_left<'a>(&'a self, issuers: &IssuerNames<'a>) -> IssuerNames<'a> {
        let mut left = issuers.clone();
        if let Some(names) = issuers_of(self.root()) {
            left.retain(|known| names.contains(known));
        }
        left
    }
}

fn walk<'a>(
    node: &'a RequirementNode,
    reaching: &IssuerNames<'a>,
    found: &mut Vec<(&'a RequirementLeaf, IssuerNames<'a>)>,
) {
    match node {
        RequirementNode::Never => {}
        RequirementNode::All(nodes) => {
            let mut reaching = reaching.clone();
            for names in nodes.iter().filter_map(issuers_of) {
                reaching.retain(|known| names.contains(known));
            }
            nodes.iter().for_each(|node| walk(node, &reaching, found));
        }
        RequirementNode::Any(nodes) | RequirementNode::NoneOf(nodes) => {
            nodes.iter().for_each(|node| walk(node, reaching, found));
        }
        RequirementNode::Leaf(leaf) => found.push((leaf, reaching.clone())),
    }
}

/// The issuers outside of which a node does not hold; `None` where it says nothing about issuers.
fn issuers_of(node: &RequirementNode) -> Option<IssuerNames<'_>> {
    match node {
        RequirementNode::Leaf(RequirementLeaf::Issuer(names)) => Some(names.iter().collect()),
        RequirementNode::Leaf(_) | RequirementNode::Never | RequirementNode::NoneOf(_) => None,
        RequirementNode::All(nodes) => {
            let mut sets = nodes.iter().filter_map(issuers_of);
            let first = sets.next()?;
            Some(sets.fold(first, |all, set| all.intersection(&set).copied().collect()))
        }
        RequirementNode::Any(nodes) => {
            let sets: Option<Vec<IssuerNames<'_>>> = nodes.iter().map(issuers_of).collect();
            Some(sets?.into_iter().flatten().collect())
        }
    }
}
