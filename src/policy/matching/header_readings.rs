//! The readings of one request header.
//!
//! In: the headers of a request and a name. Out: how surely the header has a value, or is there at
//! all. Servers differ in these: the names that they take for one (CGI knows no `_` or `.` in a name,
//! only `-`), which of several lines counts, and whether a comma parts values. The value is the one
//! asked for in every reading only if the header stands there once, in its own spelling.

use super::fit::{Fit, Unclear};
use crate::{
    config::PartValue,
    model::{Headers, is_spelling},
};

/// The lines of a header that are looked at. Of more, any may hold the value.
const MAX_LINES: usize = 16;

/// The lines of a request that some server takes for one header.
#[derive(Debug, Default)]
pub(in crate::policy) struct HeaderReadings<'a> {
    lines: Vec<&'a [u8]>,
    /// More lines than are kept.
    crowded: bool,
    /// At least one line has the name in its own spelling.
    own_name: bool,
    /// At least one line has it in another.
    other_name: bool,
    /// No line is empty.
    filled: bool,
}

impl<'a> HeaderReadings<'a> {
    /// The lines of this name, which is in lower case.
    pub(in crate::policy) fn of(headers: &'a Headers, name: &str) -> Self {
        let mut found = Self { filled: true, ..Self::default() };
        for (sent, value) in headers.iter().filter(|(sent, _)| is_spelling(sent, name.as_bytes())) {
            let own = sent.as_ref() == name.as_bytes();
            found.own_name |= own;
            found.other_name |= !own;
            found.filled &= !parts(value).all(<[u8]>::is_empty);
            if found.lines.len() < MAX_LINES {
                found.lines.push(value);
            } else {
                found.crowded = true;
            }
        }
        found
    }

    /// How surely the header has this value.
    pub(in crate::policy) fn fit(&self, value: &PartValue) -> Fit {
        match value {
            PartValue::Exact(text) => self.equal(text.as_bytes()),
            PartValue::Present => self.present(),
            PartValue::Absent => self.present().reversed(),
        }
    }

    /// The one value of the header, as every server reads it; `None` if it is not there.
    ///
    /// # Errors
    ///
    /// [`Unclear`], if it stands there several times, or in another spelling.
    pub(in crate::policy) fn only(&self) -> Result<Option<&'a [u8]>, Unclear> {
        match self.lines.as_slice() {
            [] => Ok(None),
            [only] if self.own_name => Ok(Some(only)),
            _ => Err(Unclear),
        }
    }

    fn present(&self) -> Fit {
        if self.lines.is_empty() {
            return Fit::No;
        }
        Fit::at_least_possibly(self.own_name && self.filled)
    }

    fn equal(&self, wanted: &[u8]) -> Fit {
        let has = |line: &&[u8]| parts(line).any(|part| part == wanted);
        match self.lines.as_slice() {
            [only] if !self.other_name && only.trim_ascii() == wanted => Fit::Surely,
            _ if self.crowded || self.lines.iter().any(has) => Fit::Possibly,
            _ => Fit::No,
        }
    }
}

/// The values of a line for servers that split it, and so for those that join lines.
fn parts(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|&b| b == b',').map(<[u8]>::trim_ascii)
}
