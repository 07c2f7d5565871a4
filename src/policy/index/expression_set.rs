//! Many regular expressions as a few automata: which of them match, in one pass over a path.
//!
//! In: the expressions of rules, then a path. Out: the positions of the rules whose expression matches.

use regex::bytes::{RegexSet, RegexSetBuilder};

use super::candidates::Candidates;

/// So few expressions are asked one after the other.
const FEW: usize = 16;
/// Expressions of one automaton.
const MANY: usize = 256;
/// Memory of one automaton. Of expressions that need more, each is asked alone.
const MAX_BYTES: usize = 2 << 20;

/// Expressions in automata.
#[derive(Debug, Default)]
pub(in crate::policy) struct ExpressionSets(Vec<ExpressionSet>);

#[derive(Debug)]
struct ExpressionSet {
    set: RegexSet,
    positions: Vec<u32>,
}

impl ExpressionSets {
    /// From expressions with the positions of their rules; and the positions of those that are better
    /// asked alone.
    pub(in crate::policy) fn build(patterns: &[(u32, &str)]) -> (Self, Vec<u32>) {
        let (mut sets, mut alone) = (Vec::new(), Vec::new());
        let mut waiting: Vec<&[(u32, &str)]> = patterns.chunks(MANY).collect();
        while let Some(part) = waiting.pop() {
            let positions = part.iter().map(|(position, _)| *position);
            if part.len() <= FEW {
                alone.extend(positions);
                continue;
            }
            let mut builder = RegexSetBuilder::new(part.iter().map(|(_, pattern)| pattern));
            match builder.size_limit(MAX_BYTES).dfa_size_limit(MAX_BYTES).build() {
                Ok(set) => sets.push(ExpressionSet { set, positions: positions.collect() }),
                Err(_too_large) => {
                    let (one, other) = part.split_at(part.len() / 2);
                    waiting.extend([one, other]);
                }
            }
        }
        (Self(sets), alone)
    }

    /// Adds the positions of the rules whose expression matches.
    pub(in crate::policy) fn find(&self, path: &[u8], found: &mut Candidates<'_>) {
        for ExpressionSet { set, positions } in &self.0 {
            let matches = set.matches(path);
            if matches.matched_any() {
                found.add_found(matches.iter().filter_map(|at| positions.get(at).copied()));
            }
        }
    }
}
