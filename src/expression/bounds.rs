//! The bounds of an expression's text, judged before the parser sees it.
//!
//! In: the text. Out: nothing, or what is too much. A parser calls itself for each level of
//! nesting, so a text without bounds could overflow the stack, and no error could be reported then.

/// The longest expression, in bytes.
const MAX_BYTES: usize = 4096;
/// The most of each of these, wherever they stand. A condition (`a ? b : c`) and a bracket may each
/// stand inside the one before.
const MOST: [(char, usize); 4] = [('?', 32), ('(', 128), ('[', 128), ('{', 128)];

/// Judges a text.
///
/// # Errors
///
/// The excess, and the bound.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.len() > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes; write several conditions"));
    }
    if text.trim().is_empty() {
        return Err("is empty; write an expression such as claims.plan == \"pro\"".to_owned());
    }
    for (sign, most) in MOST {
        if text.matches(sign).count() > most {
            return Err(format!("has more than {most} times `{sign}`; write several conditions"));
        }
    }
    Ok(())
}
