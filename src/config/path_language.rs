//! Whether every path of one match is a path of another, where one of them is a regular expression.
//!
//! In: two matches of paths. Out: `true` only where it is sure. Both become automata, which read every text
//! together; a pair that takes too many steps is not sure.

use std::collections::{HashMap, HashSet};

use regex_automata::{
    Anchored, MatchKind,
    hybrid::{
        LazyStateID,
        dfa::{Cache, DFA},
    },
    util::start,
};
use regex_syntax::hir::literal::Extractor;

use super::sections::{PathMatch, PathRegex, TemplateSegment};

/// Bytes that all automata of one configuration read together.
const MOST_STEPS: usize = 1 << 22;
/// Automata of one configuration.
const MOST_AUTOMATA: usize = 512;
/// Bytes of one automaton.
const CAPACITY: usize = 128 << 10;

/// The automata of the rules of one configuration, by the places of the rules.
#[derive(Debug)]
pub(super) struct PathLanguages {
    /// By the rule, and whether it is the match that covers another one.
    known: HashMap<(usize, bool), Option<Automaton>>,
    steps: usize,
}

impl Default for PathLanguages {
    fn default() -> Self {
        Self { known: HashMap::new(), steps: MOST_STEPS }
    }
}

impl PathLanguages {
    /// Every path that `path` matches is one that `by` matches.
    pub(super) fn covers(
        &mut self,
        (by_rule, by): (usize, &PathMatch),
        (rule, path): (usize, &PathMatch),
    ) -> bool {
        let Some(mut wide) = self.take(by_rule, true, by) else { return false };
        let covered = self.take(rule, false, path).is_some_and(|mut narrow| {
            let covered = narrow.is_within(&mut wide, &mut self.steps) == Some(true);
            self.known.insert((rule, false), Some(narrow));
            covered
        });
        self.known.insert((by_rule, true), Some(wide));
        covered
    }

    /// An automaton, which the caller gives back.
    fn take(&mut self, rule: usize, covers: bool, path: &PathMatch) -> Option<Automaton> {
        if let Some(known) = self.known.get_mut(&(rule, covers)) {
            return known.take();
        }
        if self.known.len() >= MOST_AUTOMATA || self.steps == 0 {
            return None;
        }
        let made = Automaton::of(path, covers);
        self.known.insert((rule, covers), None);
        made
    }
}

/// The text with which every path of an expression begins.
pub(super) fn lead_of_regex(regex: &PathRegex) -> String {
    let parsed = regex_syntax::parse(regex.as_str()).ok();
    let literals = parsed.map(|parsed| Extractor::new().extract(&parsed));
    let common = literals.as_ref().and_then(|literals| literals.longest_common_prefix());
    let common = common.unwrap_or_default();
    let whole = common.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    if whole.is_empty() { "/".to_owned() } else { whole.to_owned() }
}

#[derive(Debug)]
struct Automaton {
    program: DFA,
    cache: Cache,
}

impl Automaton {
    /// `covers`: it reads every path that the match has. Otherwise, of paths below a prefix or a variable,
    /// those of valid text in one line, as `.` of an expression does.
    fn of(path: &PathMatch, covers: bool) -> Option<Self> {
        let pattern = match path {
            PathMatch::Regex(regex) => regex.anchored(),
            PathMatch::Exact(text) => format!("^{}$", regex::escape(text)),
            PathMatch::Prefix(prefix) => {
                let any = if covers { "(?s-u:.)*" } else { ".*" };
                let text = regex::escape(prefix);
                if prefix.ends_with('/') {
                    format!("^{text}{any}$")
                } else {
                    format!("^{text}(?:/{any})?$")
                }
            }
            // It may read more paths than the template has.
            PathMatch::Template(_) if covers => return None,
            PathMatch::Template(template) => {
                let segments = template.segments().iter().map(|segment| match segment {
                    TemplateSegment::Literal(text) => format!("/{}", regex::escape(text)),
                    TemplateSegment::Variable(_) => r"/[^/\n]+".to_owned(),
                    TemplateSegment::Rest(_) => "/.+".to_owned(),
                });
                format!("^{}$", segments.collect::<String>())
            }
        };
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CAPACITY)
            // The names of states are good as long as no memory is used again.
            .minimum_cache_clear_count(Some(0));
        let syntax = regex_automata::util::syntax::Config::new().utf8(false);
        let thompson =
            regex_automata::nfa::thompson::Config::new().utf8(false).nfa_size_limit(Some(CAPACITY));
        let program = DFA::builder()
            .configure(config)
            .syntax(syntax)
            .thompson(thompson)
            .build(&pattern)
            .ok()?;
        let cache = program.create_cache();
        Some(Self { program, cache })
    }

    /// Every text that it matches is one that `other` matches; `None`: it is not known.
    fn is_within(&mut self, other: &mut Self, steps: &mut usize) -> Option<bool> {
        let first = (self.start()?, other.start()?);
        let mut known = HashSet::from([first]);
        let mut open = vec![first];
        while let Some((own, others)) = open.pop() {
            if self.ends_here(own)? && !other.ends_here(others)? {
                return Some(false);
            }
            *steps = steps.checked_sub(256)?;
            for byte in 0..=u8::MAX {
                let next = self.after(own, byte)?;
                if next.is_dead() {
                    continue;
                }
                let pair = (next, other.after(others, byte)?);
                if known.insert(pair) {
                    open.push(pair);
                }
            }
        }
        Some(true)
    }

    fn start(&mut self) -> Option<LazyStateID> {
        let start = start::Config::new().anchored(Anchored::Yes);
        self.program.start_state(&mut self.cache, &start).ok()
    }

    fn after(&mut self, state: LazyStateID, byte: u8) -> Option<LazyStateID> {
        let next = self.program.next_state(&mut self.cache, state, byte).ok()?;
        (!next.is_quit()).then_some(next)
    }

    fn ends_here(&mut self, state: LazyStateID) -> Option<bool> {
        Some(self.program.next_eoi_state(&mut self.cache, state).ok()?.is_match())
    }
}
