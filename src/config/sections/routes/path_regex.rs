//! A regular expression over the whole path, compiled when the configuration is read.
//!
//! In: the text of a rule. Out: the expression, or what to write instead.

use std::error::Error as _;

use regex_automata::{
    nfa::thompson::{self, NFA, pikevm::PikeVM},
    util::{primitives::PatternID, syntax},
};
use regex_syntax::ParserBuilder;
use serde::{Serialize, Serializer};

use super::{path_text, regex_reach};
use crate::expression::pattern_problem;

/// A compiled regular expression may take this much memory.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A regular expression over the whole path, anchored at both ends.
#[derive(Debug, Clone)]
pub struct PathRegex {
    /// The text in the configuration.
    written: String,
    /// The smallest form in which it can be asked: a configuration may have thousands.
    program: NFA,
}

impl PathRegex {
    /// Compiles the text of a rule.
    ///
    /// # Errors
    ///
    /// The reason and what to write instead, if it does not compile or no path can match it.
    pub(in crate::config) fn parse(written: &str) -> Result<Self, String> {
        // It has to be whole by itself, or it could close the group that anchors it.
        let alone = ParserBuilder::new().utf8(false).build().parse(written);
        alone.map_err(|error| pattern_problem(&error))?;
        // Between the anchors it could comment out the second.
        let program = compile(&anchored(written))?;
        path_text::check_regex(written)?;
        if !regex_reach::can_match(&program) {
            return Err(format!(
                "`{written}` matches no path: something follows a `$`, stands before a `^`, or a class \
                 such as [a&&b] is empty; correct it"
            ));
        }
        Ok(Self { written: written.to_owned(), program })
    }

    /// The text in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The text between its anchors.
    #[must_use]
    pub fn anchored(&self) -> String {
        anchored(&self.written)
    }

    /// The compiled expression, which matches whole paths only.
    #[must_use]
    pub const fn program(&self) -> &NFA {
        &self.program
    }

    /// The names of its named groups.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.program.group_info().pattern_names(PatternID::ZERO).flatten()
    }

    /// The expression matches this path. For checks of the configuration: requests have faster ways.
    #[must_use]
    pub(in crate::config) fn is_match(&self, path: &[u8]) -> bool {
        PikeVM::new_from_nfa(self.program.clone())
            .is_ok_and(|machine| machine.is_match(&mut machine.create_cache(), path))
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

/// A pattern as an expression over the whole path.
fn anchored(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

fn compile(pattern: &str) -> Result<NFA, String> {
    let limits = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_REGEX_BYTES));
    thompson::Compiler::new()
        .syntax(syntax::Config::new().utf8(false))
        .configure(limits)
        .build(pattern)
        .map_err(|error| {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            pattern_problem(&cause)
        })
}

#[cfg(test)]
mod tests {
    use super::{PathRegex, path_text::check_literal};

    #[test]
    fn a_pattern_is_judged_in_the_form_it_is_used_in() {
        assert!(PathRegex::parse("/a|/b").is_ok_and(|regex| !regex.is_match(b"/ab")));
        // The comment swallows the closing anchor, the class is too large, the group is closed.
        for pattern in ["(?x)/a # comment", r"/\w{1,5000}", "/a)|(?:/b"] {
            assert!(PathRegex::parse(pattern).is_err(), "{pattern}");
        }
    }

    /// The suggested value covers the intended one.
    #[test]
    fn a_cure_covers_what_lies_below_a_prefix() {
        for text in
            ["/users/:id", "/users/{id}", "/users/<int:id>", "/users/:id/*", "/users/[0-9]+"]
        {
            let error = check_literal(text, true).expect_err(text);
            let pattern = error.split('\'').nth(1).unwrap();
            let regex = PathRegex::parse(pattern).unwrap();
            for path in ["/users/1", "/users/1/", "/users/1/orders", "/users/1/orders/2"] {
                assert!(regex.is_match(path.as_bytes()), "{text} {pattern} {path}");
            }
            assert!(!regex.is_match(b"/users") && !regex.is_match(b"/userss/1"), "{pattern}");
        }
    }

    #[test]
    fn an_expression_that_no_path_satisfies_is_refused() {
        for pattern in [
            "",
            "a^",
            "adm/.*",
            "admin",
            "^x",
            "(a|b)/c",
            "[a-z]+",
            "/adm/*",
            "/*",
            "/admin?x=1",
            "(?:)",
            "/a$b",
            "/[a&&b]",
            "/(a$|b$)c",
            "/(a^|b)(^c)",
            r"/a\z/b",
        ] {
            assert!(PathRegex::parse(pattern).is_err(), "{pattern}");
        }
        for pattern in [
            "/admin",
            "^/admin$",
            "/admin(/.*)?",
            ".*",
            ".*\\.png",
            "(/a|/b)",
            "(a|/b)",
            "/v[0-9]+/users",
            "[/]x",
            "/?",
            "(?i)/admin",
            "(?s).+",
            "/colou?r",
            "[^a]+",
            r"\S+",
            "^/a|/b$",
            "/(a$|b)",
            "(^/a|/b)",
            r"/a\b",
            "(?m)^/a$",
            "/[a&&b]?",
        ] {
            assert!(PathRegex::parse(pattern).is_ok(), "{pattern}");
        }
    }
}
