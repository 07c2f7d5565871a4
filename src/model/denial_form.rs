//! The forms that denials have for browsers, beside the JSON that every other client gets.
//!
//! In: settings that were checked. Out: the parts from which the room `response` makes a page or a
//! redirect. Nothing here comes from a request.

use std::fmt;

/// The forms of the denials of one rule, or of the whole configuration. A client that is no browser,
/// or prefers JSON, gets JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DenialForm {
    /// The page for clients that prefer HTML.
    pub page: Option<DenialPage>,
    /// The page where a user signs in: browsers that navigate without a good credential are sent to
    /// it.
    pub sign_in: Option<SignInPage>,
}

/// The looks of the page that tells a denial in HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialPage {
    /// The name of the site, not escaped.
    pub title: String,
    /// The colour of the line above it.
    pub accent: AccentColor,
}

/// A colour, which has no form but `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccentColor([u8; 3]);

impl AccentColor {
    /// Reads `#rrggbb`; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        // `from_str_radix` would take a sign.
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([r, g, b]))
    }
}

impl fmt::Display for AccentColor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([r, g, b]) = self;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// The page where a user signs in, which gets the path to come back to as a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInPage {
    url: String,
    parameter: String,
}

impl SignInPage {
    /// A page at this URL, which has no fragment and is visible ASCII, as a URL parser writes it; the
    /// name of the parameter needs no encoding in a query.
    #[must_use]
    pub const fn new(url: String, parameter: String) -> Self {
        Self { url, parameter }
    }

    /// The URL, without the parameter.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the parameter.
    #[must_use]
    pub fn parameter(&self) -> &str {
        &self.parameter
    }
}

#[cfg(test)]
mod tests {
    use super::AccentColor;

    #[test]
    fn a_colour_is_a_hash_and_six_digits() {
        for (text, expected) in [
            ("#1a56db", Some("#1a56db")),
            ("#FFFFFF", Some("#ffffff")),
            ("#000", None),
            ("1a56db", None),
            ("#+1a56d", None),
            ("#1a56d\u{e4}", None),
            ("#1a56db;", None),
            ("red", None),
            ("", None),
        ] {
            let found = AccentColor::parse(text).map(|colour| colour.to_string());
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
    }
}
