//! The problems of a seed file: where each is, and what to write instead.

use std::fmt;

/// One problem of a seed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file and the line, `seed.yaml:12`; the file alone where the line is not known.
    pub place: String,
    /// The field, `apps[0].users`; empty where the problem is about the whole file.
    pub field: String,
    /// The problem, and what to write instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Every problem of a seed file: at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One problem that is about the whole file.
    pub(super) fn one(place: String, message: String) -> Self {
        Self(vec![Problem { place, field: String::new(), message }])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        let count = self.0.len();
        write!(f, "{count} problem{} in the seed file", if count == 1 { "" } else { "s" })
    }
}
