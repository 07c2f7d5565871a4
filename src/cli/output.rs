//! The words of a command: its answer on standard output, everything else on standard error.
//!
//! A reader that has gone away (`config print | head -1`) has read enough: it ends nothing and is no
//! fault. An answer that cannot be written for another reason is one.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use super::Failure;

/// Prints the answer, with one line end behind it.
///
/// # Errors
///
/// Standard output cannot be written, for a full disk for example.
pub(super) fn answer(text: &(impl Display + ?Sized)) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::bad_input(format!("standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A text from outside, in which nothing controls a terminal or imitates a line end. Quotes and
/// backslashes stay as they are.
pub(super) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '"' | '\'' | '\\' => shown.push(sign),
            other => shown.extend(other.escape_debug()),
        }
    }
    shown
}

/// Says something beside the answer. Where standard error cannot be written, there is no place to
/// say so.
pub(super) fn tell(text: &(impl Display + ?Sized)) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn a_text_from_outside_is_shown_and_controls_nothing() {
        for (text, expected) in [
            ("plain", "plain"),
            (r#"an "own" 'quote' and a \"#, r#"an "own" 'quote' and a \"#),
            ("\u{1b}[31mred\n", r"\u{1b}[31mred\n"),
            ("\u{202e}abc", r"\u{202e}abc"),
            ("größe 漢字", "größe 漢字"),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }
}
