//! The patterns of `matches`, compiled when the configuration is read.
//!
//! In: a pattern. Out: the compiled one, or what to write instead. CEL's `matches` looks anywhere in
//! a text, and a policy that forgets an anchor lets pass what it never meant. So both anchors have
//! to be written.

use regex::{Regex, RegexBuilder};
use regex_syntax::hir::Look;

/// A compiled pattern may take this much memory.
const MAX_PATTERN_BYTES: usize = 1 << 18;

/// Compiles a pattern with both anchors.
///
/// # Errors
///
/// The mistake in it, and what to write instead.
pub(super) fn compile(written: &str) -> Result<Regex, String> {
    let wrong = |error: &dyn std::fmt::Display| {
        format!("the pattern of `matches` is not a regular expression: {error}")
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
