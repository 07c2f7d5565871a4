//! Many regular expressions by a text that every path they match holds: one pass over a path finds the
//! few that may match. An automaton of the expressions themselves would take seconds for a path that was
//! made for it; this one takes a step or two for each byte.
//!
//! In: the expressions of rules, then a path. Out: the positions of the rules whose expression may
//! match.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::{
    ParserBuilder,
    hir::{Hir, HirKind},
};

use super::candidates::Candidates;

/// So few expressions are asked one after the other.
const FEW: usize = 16;
/// Texts of which one has to be there. More would find little.
const MANY: usize = 16;

/// Texts of which every path that an expression matches holds at least one.
type Texts = Vec<Vec<u8>>;

/// Expressions by their texts.
#[derive(Debug, Default)]
pub(in crate::policy) struct RequiredTexts {
    automaton: Option<AhoCorasick>,
    /// The positions of the rules of each text, in ascending order.
    positions: Vec<Vec<u32>>,
}

impl RequiredTexts {
    /// From expressions with the positions of their rules, in ascending order; and the positions of
    /// those that are asked alone: they are few, or every path may match them.
    pub(in crate::policy) fn build(patterns: &[(u32, &str)]) -> (Self, Vec<u32>) {
        let all = || patterns.iter().map(|(position, _)| *position).collect();
        if patterns.len() <= FEW {
            return (Self::default(), all());
        }
        let choices: Vec<Vec<Texts>> = patterns.iter().map(|(_, pattern)| texts(pattern)).collect();
        let mut frequency: HashMap<&[u8], usize> = HashMap::new();
        for text in choices.iter().flatten().flatten() {
            *frequency.entry(text).or_default() += 1;
        }
        let mut by_text: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
        let mut alone = Vec::new();
        for ((position, _), choices) in patterns.iter().zip(&choices) {
            // The rarest says most.
            let cost = |texts: &&Texts| -> usize {
                texts.iter().filter_map(|text| frequency.get(text.as_slice())).sum()
            };
            match choices.iter().min_by_key(cost) {
                Some(texts) => {
                    texts.iter().for_each(|text| by_text.entry(text).or_default().push(*position));
                }
                None => alone.push(*position),
            }
        }
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        match AhoCorasick::builder().kind(kind).build(by_text.keys()) {
            Ok(automaton) => {
                // An alternation may have a text twice.
                let distinct = by_text.into_values().map(|mut positions| {
                    positions.dedup();
                    positions
                });
                (Self { automaton: Some(automaton), positions: distinct.collect() }, alone)
            }
            Err(_too_large) => (Self::default(), all()),
        }
    }

    /// Adds the positions of the rules whose text the path holds.
    pub(in crate::policy) fn find<'a>(&'a self, path: &[u8], found: &mut Candidates<'a>) {
        let Some(automaton) = &self.automaton else { return };
        let mut seen = Vec::new();
        for hit in automaton.find_overlapping_iter(path) {
            let text = hit.pattern().as_usize();
            seen.resize(self.positions.len(), false);
            let is_new = seen.get_mut(text).is_some_and(|seen| !std::mem::replace(seen, true));
            if let Some(positions) = self.positions.get(text).filter(|_| is_new) {
                found.add(positions);
            }
        }
    }
}

/// The texts of an expression: of each choice, every path that it matches holds one.
fn texts(pattern: &str) -> Vec<Texts> {
    let parsed = ParserBuilder::new().utf8(false).build().parse(pattern);
    parsed.map_or_else(|_| Vec::new(), |parsed| required(&parsed))
}

fn required(expression: &Hir) -> Vec<Texts> {
    match expression.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => Vec::new(),
        HirKind::Literal(text) => vec![vec![text.0.to_vec()]],
        HirKind::Repetition(again) if again.min == 0 => Vec::new(),
        HirKind::Repetition(again) => required(&again.sub),
        HirKind::Capture(group) => required(&group.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(required).collect(),
        HirKind::Alternation(ways) => {
            // The longest text of each way.
            let longest = |way: &Hir| {
                let choices = required(way).into_iter();
                choices.max_by_key(|texts| texts.iter().map(Vec::len).min())
            };
            let each: Option<Vec<Texts>> = ways.iter().map(longest).collect();
            let together: Option<Texts> = each.map(|each| each.into_iter().flatten().collect());
            together.into_iter().filter(|texts| texts.len() <= MANY).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, RequiredTexts, texts};
    use crate::policy::index::candidates::Candidates;

    #[test]
    fn a_text_is_required_if_no_path_matches_without_it() {
        for (pattern, expected) in [
            ("/[a-z]+17/.*", &["/", "17/"][..]),
            (r".*\.png", &[".png"]),
            ("/.*/(new|old)/x", &["/", "/", "new|old", "/x"]),
            ("/(ab)+/c", &["/", "ab", "/c"]),
            ("/(ab)?c*", &["/"]),
            ("/(a|[0-9])", &["/"]),
            ("/(?i:a)b", &["/", "b"]),
            (".*", &[]),
        ] {
            let found = texts(&format!("^(?:{pattern})$"));
            let readable = found.iter().map(|texts| {
                let all = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned());
                all.collect::<Vec<_>>().join("|")
            });
            assert_eq!(readable.collect::<Vec<_>>(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_rule_is_found_once_though_its_text_is_there_twice() {
        let pattern = |n: u32| format!("^(?:.*(new{n}x|new{n}x))$");
        let written: Vec<(u32, String)> = (0..=20).map(|n| (n, pattern(n))).collect();
        assert!(written.len() > FEW);
        let patterns: Vec<(u32, &str)> = written.iter().map(|(n, text)| (*n, &**text)).collect();
        let (texts, alone) = RequiredTexts::build(&patterns);
        assert_eq!(alone, [] as [u32; 0]);
        for (path, expected) in [
            ("/new7x", &[7][..]),
            ("/new7x/new7x", &[7]),
            ("/new20x/new7x", &[7, 20]),
            ("/new7", &[]),
        ] {
            let mut found = Candidates::default();
            texts.find(path.as_bytes(), &mut found);
            assert_eq!(found.collect::<Vec<_>>(), expected, "{path}");
        }
    }
}
