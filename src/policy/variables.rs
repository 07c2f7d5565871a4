//! The parts of a path that have a name: the named groups of a rule's regular expression.
//!
//! In: a regular expression and the reading of a path that it matches. Out: the text of each named
//! group. Nothing is read unless a condition of the rule needs it.

use regex::bytes::Regex;

/// The variables of a path. Two readings of one path may have different ones, and then both count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PathVariables {
    variables: Vec<(Box<str>, Box<[u8]>)>,
}

impl PathVariables {
    /// The named groups of `regex` that take part in its match of `path`.
    pub(super) fn read(regex: &Regex, path: &[u8]) -> Self {
        let Some(captures) = regex.captures(path) else { return Self::default() };
        let named = regex.capture_names().flatten();
        let variable = |name: &str| Some((name.into(), captures.name(name)?.as_bytes().into()));
        Self { variables: named.filter_map(variable).collect() }
    }

    /// The variable of this name, as bytes of the reading that the rule matched.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut variables = self.variables.iter();
        variables.find(|(known, _)| **known == *name).map(|(_, value)| &**value)
    }
}
