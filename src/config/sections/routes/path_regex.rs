//! A regular expression over the whole path, compiled when the configuration is read.
//!
//! In: the text of a rule. Out: the expression, or what to write instead.

use regex::bytes::{Regex, RegexBuilder};
use serde::{Serialize, Serializer};

use super::path_text;

/// A compiled regular expression may take this much memory.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A regular expression over the whole path, anchored at both ends.
#[derive(Debug, Clone)]
pub struct PathRegex {
    /// The text in the configuration.
    written: String,
    whole: Regex,
}

impl PathRegex {
    /// Compiles the text of a rule.
    ///
    /// # Errors
    ///
    /// The reason and what to write instead, if it does not compile or no path can match it.
    pub(in crate::config) fn parse(written: &str) -> Result<Self, String> {
        let whole =
            whole(written).map_err(|error| format!("is not a regular expression: {error}"))?;
        path_text::check_regex(written)?;
        Ok(Self { written: written.to_owned(), whole })
    }

    /// The text in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The compiled expression, which matches whole paths only.
    #[must_use]
    pub const fn whole(&self) -> &Regex {
        &self.whole
    }
}

/// The same text compiles into the same expression.
impl PartialEq for PathRegex {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for PathRegex {}

impl Serialize for PathRegex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

/// A pattern as an expression over the whole path. It has to compile alone, or it could close
/// the group that anchors it; and between the anchors, or it could comment out the second.
fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(pattern)?;
    RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(MAX_REGEX_BYTES).build()
}

#[cfg(test)]
mod tests {
    use super::PathRegex;

    #[test]
    fn a_pattern_is_judged_in_the_form_it_is_used_in() {
        assert!(PathRegex::parse("/a|/b").is_ok_and(|regex| !regex.whole().is_match(b"/ab")));
        // The comment swallows the closing anchor, the class is too large, the group is closed.
        for pattern in ["(?x)/a # comment", r"/\w{1,5000}", "/a)|(?:/b"] {
            assert!(PathRegex::parse(pattern).is_err(), "{pattern}");
        }
    }
}
