//! The parts of a path that have a name: the variables of a rule's template, or the named groups of
//! its regular expression.
//!
//! In: a template or an expression, and the reading of a path that it matches. Out: the bytes of each
//! variable in that reading. Nothing is read unless a condition of the rule needs it.

/// The variables of a path. Two readings of one path may have different ones, and then both count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PathVariables {
    variables: Vec<(Box<str>, Box<[u8]>)>,
}

impl PathVariables {
    /// These names and values.
    pub(super) fn of(variables: Vec<(&str, &[u8])>) -> Self {
        let owned = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: owned.collect() }
    }

    /// The variable of this name, as bytes of the reading that the rule matched.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut variables = self.variables.iter();
        variables.find(|(known, _)| **known == *name).map(|(_, value)| &**value)
    }
}
