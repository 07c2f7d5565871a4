//! A regular expression over whole paths, in one of two forms: the first few of a policy in a fast one
//! that needs some 10 KiB, the others in a small one.
//!
//! In: a compiled expression, then a path. Out: whether it matches, and the text of its named groups.

use regex::bytes::{Regex, RegexBuilder};
use regex_automata::{
    Anchored, Input,
    hybrid::dfa::DFA,
    nfa::thompson::{NFA, backtrack::BoundedBacktracker, pikevm::PikeVM},
    util::captures::Captures,
};

use crate::config::PathRegex;

/// Paths up to this length are matched by the method that needs nothing prepared.
const SHORT: usize = 256;

/// A regular expression over whole paths.
#[derive(Debug)]
pub(in crate::policy) struct PathProgram {
    pattern: String,
    small: NFA,
    fast: Option<Regex>,
}

impl PathProgram {
    /// The small form.
    pub(in crate::policy) fn of(regex: &PathRegex) -> Self {
        // The copy shares the compiled program.
        Self { pattern: regex.anchored(), small: regex.program().clone(), fast: None }
    }

    /// Compiles the fast form as well.
    pub(in crate::policy) fn speed_up(&mut self) {
        self.fast = RegexBuilder::new(&self.pattern).build().ok();
    }

    /// The text of the expression, with its anchors.
    pub(in crate::policy) fn as_str(&self) -> &str {
        &self.pattern
    }

    /// The expression matches this path.
    pub(in crate::policy) fn is_match(&self, path: &[u8]) -> bool {
        if let Some(fast) = &self.fast {
            return fast.is_match(path);
        }
        let fit = if path.len() <= SHORT { self.backtrack(path) } else { self.scan(path) };
        fit.unwrap_or_else(|| {
            PikeVM::new_from_nfa(self.small.clone())
                .is_ok_and(|machine| machine.is_match(&mut machine.create_cache(), path))
        })
    }

    /// The named groups that take part in the match of this path.
    pub(in crate::policy) fn variables<'a>(&'a self, path: &'a [u8]) -> Vec<(&'a str, &'a [u8])> {
        let groups = self.groups(path);
        let named = |(index, name): (usize, Option<&'a str>)| {
            let group = groups.as_ref()?.get_group(index)?;
            Some((name?, path.get(group.range())?))
        };
        let names = self.small.group_info().pattern_names(regex_automata::PatternID::ZERO);
        names.enumerate().filter_map(named).collect()
    }

    /// In time that grows with the path, by steps that are made for it: `None` if it does not know.
    fn scan(&self, path: &[u8]) -> Option<bool> {
        let automaton = DFA::builder().build_from_nfa(self.small.clone()).ok()?;
        let whole = Input::new(path).anchored(Anchored::Yes).earliest(true);
        let end = automaton.try_search_fwd(&mut automaton.create_cache(), &whole).ok()?;
        Some(end.is_some())
    }

    /// In a few steps for each byte: `None` if the path is too long.
    fn backtrack(&self, path: &[u8]) -> Option<bool> {
        let machine = BoundedBacktracker::new_from_nfa(self.small.clone()).ok()?;
        let whole = Input::new(path).anchored(Anchored::Yes).earliest(true);
        machine.try_is_match(&mut machine.create_cache(), whole).ok()
    }

    fn groups(&self, path: &[u8]) -> Option<Captures> {
        let machine = PikeVM::new_from_nfa(self.small.clone()).ok()?;
        let mut groups = machine.create_captures();
        machine.captures(&mut machine.create_cache(), path, &mut groups);
        groups.is_match().then_some(groups)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::bytes::Regex;

    use super::PathProgram;
    use crate::config::{self, AppliesTo, PathMatch};

    /// The program of this expression; `None` if a configuration may not have it.
    fn program(pattern: &str) -> Option<PathProgram> {
        let yaml = format!("routes: [{{ id: a, match: {{ path: {{ regex: '{pattern}' }} }} }}]");
        let environment = [("ROWND_APP_ID".to_owned(), "app_test".to_owned())].into();
        let config = config::parse("test.yaml", &yaml, &environment).ok()?;
        let AppliesTo::Matching(parts) = &config.routes.first()?.applies_to else { return None };
        let Some(PathMatch::Regex(regex)) = &parts.path else { return None };
        Some(PathProgram::of(regex))
    }

    /// A path beyond the length up to which the small form goes back and forth.
    #[test]
    fn a_long_path_is_matched_like_a_short_one() {
        for times in [0, 1, super::SHORT] {
            let many = |piece: &str| piece.repeat(times);
            for (pattern, path, expected) in [
                ("/(a|b)*c", format!("/{}c", many("ab")), true),
                ("/(a|b)*c", format!("/{}d", many("ab")), false),
                ("/(a|b)*c", format!("/{}cc", many("ab")), false),
                ("/x[^/]*", format!("/x{}", many("y")), true),
                ("/x[^/]*", format!("/x{}/", many("y")), false),
                ("/x[^/]*", format!("x/x{}", many("y")), false),
                (r"/.*\.png", format!("{}/a.png", many("/b")), true),
            ] {
                let mut program = program(pattern).unwrap();
                assert_eq!(program.is_match(path.as_bytes()), expected, "{pattern} {times}");
                program.speed_up();
                assert_eq!(program.is_match(path.as_bytes()), expected, "{pattern} {times}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// On short paths and on long ones, with bytes that are no text.
        #[test]
        fn both_forms_say_the_same(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "/", "a", "[a-c]+", "/(?P<x>[^/]+)", "(?P<y>/b)?", ".*", "(?s:.)", r"\w*", r"\b", "(?i:ab)",
                "(a|/b)*", "x{2,3}",
            ]), 1..6),
            paths in prop::collection::vec(prop::collection::vec(
                prop::sample::select(b"/abxAB1\xff\xc3\xa9".to_vec()), 0..20), 1..8),
            times in prop::sample::select(vec![1, 1, 40]),
        ) {
            let Some(mut program) = program(&pieces.concat()) else { return Ok(()) };
            let known = Regex::new(program.as_str()).unwrap();
            let mut answers = Vec::new();
            for path in paths.iter().map(|path| path.repeat(times)) {
                let small = program.is_match(&path);
                prop_assert_eq!(small, known.is_match(&path), "{}", program.as_str());
                let groups = known.captures(&path);
                for (name, value) in program.variables(&path) {
                    let group = groups.as_ref().and_then(|it| it.name(name)).map(|it| it.as_bytes());
                    prop_assert_eq!(group, Some(value), "{}", name);
                }
                answers.push((path, small));
            }
            program.speed_up();
            for (path, small) in answers {
                prop_assert_eq!(program.is_match(&path), small);
            }
        }
    }
}
