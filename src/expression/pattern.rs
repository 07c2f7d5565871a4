//! The patterns of `matches`, compiled when the configuration is read.
//!
//! In: a pattern. Out: the compiled one, or what to write instead. CEL's `matches` looks anywhere in
//! a text, and a policy that forgets an anchor lets pass what it never meant. So both anchors have
//! to be written.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::Look;

/// A compiled pattern may take this much memory.
const MAX_PATTERN_BYTES: usize = 1 << 18;

/// The problem of a pattern that does not compile, in one line: the libraries draw the place below it.
#[must_use]
pub fn pattern_problem(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let cause = text.lines().find_map(|line| line.trim().strip_prefix("error: "));
    let whole = || text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cause = cause.map_or_else(whole, str::to_owned);
    format!(
        "is not a regular expression: {cause}; correct it, or write \\ before a sign that is meant as \
         it stands"
    )
}

/// Compiles a pattern with both anchors.
///
/// # Errors
///
/// The mistake in it, and what to write instead.
pub(super) fn compile(written: &str) -> Result<Regex, String> {
    let wrong = |error: &dyn std::fmt::Display| {
        format!("the pattern of `matches` {}", pattern_problem(error))
    };
    let form = regex_syntax::parse(written).map_err(|error| wrong(&error))?;
    let looks = form.properties();
    if !looks.look_set_prefix().contains(Look::Start)
        || !looks.look_set_suffix().contains(Look::End)
    {
        return Err(format!(
            "the pattern of `matches` has to begin with ^ and to end with $, because `matches` looks \
             anywhere in a text; write \"^(?:{written})$\""
        ));
    }
    RegexBuilder::new(written).size_limit(MAX_PATTERN_BYTES).build().map_err(|error| wrong(&error))
}
