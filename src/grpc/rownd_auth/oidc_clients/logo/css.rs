//! Whether style leads out of a drawing: the text of `style`, and attributes that are read as style.
//!
//! Nothing is taken out before the check, not even comments: everything that a browser could read
//! stands in the text, as long as there are no escapes.

use super::reference::stays_inside;

/// Why style is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::grpc::rownd_auth::oidc_clients) enum StyleProblem {
    /// A `\`, which can write any other word.
    #[error("has a `\\`, which can hide any other word")]
    Escape,
    /// A `<`, which ends the style where the drawing is pasted into HTML.
    #[error("has a `<`")]
    Markup,
    /// A rule such as `@import`.
    #[error("has an `@` rule that is not one of a drawing, such as `@import`")]
    AtRule,
    /// A `url()` that leads out of the drawing.
    #[error(
        "has a `url()` that leads out of the drawing; only `#id` and `data:` with a raster image \
         are allowed"
    )]
    Url,
    /// Another way to load or to run something.
    #[error("loads or runs something, by `image-set()`, `src()`, `expression()` or such")]
    Loading,
}

/// The rules that load nothing by themselves.
const AT_RULES: [&str; 10] = [
    "media",
    "supports",
    "keyframes",
    "-webkit-keyframes",
    "-moz-keyframes",
    "font-face",
    "layer",
    "container",
    "property",
    "page",
];
/// Words that load or run something, each without blanks and in lower case.
const LOADING: [&str; 10] = [
    "image(",
    "image-set(",
    "src(",
    "cross-fade(",
    "expression(",
    "behavior:",
    "-moz-binding",
    "javascript:",
    "vbscript:",
    "paint(",
];

/// Checks the text of a `style` element or attribute.
///
/// # Errors
///
/// [`StyleProblem`], if the style leads out of the drawing, or could.
pub(super) fn check_style(text: &str) -> Result<(), StyleProblem> {
    if text.contains('\\') {
        return Err(StyleProblem::Escape);
    }
    if text.contains('<') {
        return Err(StyleProblem::Markup);
    }
    let lower = text.to_ascii_lowercase();
    for (_, rest) in lower.match_indices('@').map(|(at, sign)| (at, lower.get(at + sign.len()..))) {
        let rest = rest.unwrap_or_default();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if !AT_RULES.contains(&name) {
            return Err(StyleProblem::AtRule);
        }
    }
    check_value(text)
}

/// Checks a value that may be read as style, such as that of `fill`.
///
/// # Errors
///
/// [`StyleProblem`], if it leads out of the drawing, or could.
pub(super) fn check_value(text: &str) -> Result<(), StyleProblem> {
    if text.contains('\\') {
        return Err(StyleProblem::Escape);
    }
    let lower = text.to_ascii_lowercase();
    for (at, word) in lower.match_indices("url(") {
        // Lower case in ASCII keeps every place.
        let inner = text.get(at + word.len()..).unwrap_or_default();
        if !is_inside(inner) {
            return Err(StyleProblem::Url);
        }
    }
    let dense: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    if LOADING.iter().any(|word| dense.contains(word)) {
        return Err(StyleProblem::Loading);
    }
    Ok(())
}

/// Whether the argument of a `url(` stays within the drawing.
fn is_inside(inner: &str) -> bool {
    let inner = inner.trim_start();
    let (quote, inner) = match inner.chars().next() {
        Some(quote @ ('"' | '\'')) => (Some(quote), inner.get(1..).unwrap_or_default()),
        _ => (None, inner),
    };
    let end = inner.find(|c: char| quote.map_or(c == ')', |quote| c == quote));
    let Some((address, rest)) = end.and_then(|end| inner.split_at_checked(end)) else {
        return false;
    };
    let closed = match quote {
        Some(quote) => {
            rest.strip_prefix(quote).is_some_and(|rest| rest.trim_start().starts_with(')'))
        }
        None => true,
    };
    closed && stays_inside(address.trim_end())
}
