//! User ids in the paths of Rownd's API.
//!
//! In: an id, which may be any text. Out: the id as one segment of a path, or the reason why it
//! must not be one: a request with it would ask for something else than this user.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::issuer_api::error::ApiError;

/// All bytes but the unreserved ones of RFC 3986 section 2.3: an id may hold any character.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Around each word of Rownd's API that stands in the place of an id.
const WORD_MARK: &[u8] = b"__";

/// Why a text is not used as the id of a user. Percent-encodings of any depth are undone first: a
/// server on the way may decode what the last one does not expect to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserIdProblem {
    /// There is no text.
    #[error("is empty")]
    Empty,
    /// A segment of the path is empty, `.` or `..`, which lead to another path.
    #[error(
        "leads to another path: a segment of it is empty, `.` or `..`, perhaps percent-encoded"
    )]
    Directions,
    /// A word of Rownd's API: `__sample__` reads an invented user, `__uuid__` asks for a new id.
    #[error(
        "is a word of Rownd's API, such as `__sample__` or `__uuid__`, and not the id of a user"
    )]
    Word,
    /// It is more than one segment of a path, for a server that decodes `%2F` early.
    #[error("has a `/` or `\\`, perhaps percent-encoded, which begins another segment of the path")]
    Separator,
    /// It has control characters, or white space around it.
    #[error("has control characters, or white space at its beginning or end")]
    Blank,
}

/// Why this text must not be sent as the id of a user that a caller has named. `None`: it may.
#[must_use]
pub fn user_id_problem(id: &str) -> Option<UserIdProblem> {
    let plain = decoded(id);
    let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    if plain.is_empty() {
        return Some(UserIdProblem::Empty);
    }
    if let Some(problem) = plain.split(is_separator).find_map(segment_problem) {
        return Some(problem);
    }
    if plain.iter().any(is_separator) {
        return Some(UserIdProblem::Separator);
    }
    let blank = plain.trim_ascii().len() < plain.len()
        || plain.iter().any(u8::is_ascii_control)
        || id.trim().len() < id.len();
    blank.then_some(UserIdProblem::Blank)
}

/// An id as one segment of a path. One that leads to another path is refused; the other ids are
/// percent-encoded, because the issuer that signed them may have chosen any text.
pub(super) fn segment(id: &str) -> Result<String, ApiError> {
    match user_id_problem(id) {
        Some(UserIdProblem::Empty | UserIdProblem::Directions | UserIdProblem::Word) => {
            Err(ApiError::Id)
        }
        Some(UserIdProblem::Separator | UserIdProblem::Blank) | None => {
            Ok(utf8_percent_encode(id, SEGMENT).to_string())
        }
    }
}

fn segment_problem(segment: &[u8]) -> Option<UserIdProblem> {
    // Some servers cut parameters off a segment: `..;x` (RFC 3986 section 3.3).
    let name = segment.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if matches!(name, b"" | b"." | b"..") {
        return Some(UserIdProblem::Directions);
    }
    let inner = name.strip_prefix(WORD_MARK).and_then(|rest| rest.strip_suffix(WORD_MARK));
    inner.is_some_and(|word| !word.is_empty()).then_some(UserIdProblem::Word)
}

/// The text with every percent-encoding undone, also one that only another one makes (`%252e`).
fn decoded(id: &str) -> Cow<'_, [u8]> {
    if !id.contains('%') {
        return Cow::Borrowed(id.as_bytes());
    }
    let mut plain = Vec::with_capacity(id.len());
    for byte in id.bytes() {
        plain.push(byte);
        while let [rest @ .., b'%', high, low] = plain.as_slice()
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            let kept = rest.len();
            plain.truncate(kept);
            plain.push(high << 4 | low);
        }
    }
    Cow::Owned(plain)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::{UserIdProblem, segment, user_id_problem};

    #[test]
    fn an_id_that_asks_for_something_else_is_named() {
        for (id, problem) in [
            ("", Some(UserIdProblem::Empty)),
            (".", Some(UserIdProblem::Directions)),
            ("..", Some(UserIdProblem::Directions)),
            ("%2e%2E", Some(UserIdProblem::Directions)),
            ("%252e%25252e", Some(UserIdProblem::Directions)),
            ("%%32%65.", Some(UserIdProblem::Directions)),
            ("..;x", Some(UserIdProblem::Directions)),
            (" .. ", Some(UserIdProblem::Directions)),
            ("/", Some(UserIdProblem::Directions)),
            ("ann/", Some(UserIdProblem::Directions)),
            ("ann/../bob", Some(UserIdProblem::Directions)),
            ("ann%2f..%5Cbob", Some(UserIdProblem::Directions)),
            ("__sample__", Some(UserIdProblem::Word)),
            ("__SAMPLE__", Some(UserIdProblem::Word)),
            ("__default__", Some(UserIdProblem::Word)),
            ("__UUID__", Some(UserIdProblem::Word)),
            ("__uuid__", Some(UserIdProblem::Word)),
            ("__objectid__", Some(UserIdProblem::Word)),
            ("__rowndid__", Some(UserIdProblem::Word)),
            ("__a word of tomorrow__", Some(UserIdProblem::Word)),
            (" __sample__", Some(UserIdProblem::Word)),
            ("%5f_sample_%255F", Some(UserIdProblem::Word)),
            ("x/__sample__", Some(UserIdProblem::Word)),
            ("__sample__;x", Some(UserIdProblem::Word)),
            ("a/b", Some(UserIdProblem::Separator)),
            ("a\\b", Some(UserIdProblem::Separator)),
            ("a%2fb", Some(UserIdProblem::Separator)),
            ("a%255Cb", Some(UserIdProblem::Separator)),
            ("ann\n", Some(UserIdProblem::Blank)),
            (" ann", Some(UserIdProblem::Blank)),
            ("ann%00", Some(UserIdProblem::Blank)),
            ("ann\u{a0}", Some(UserIdProblem::Blank)),
        ] {
            assert_eq!(user_id_problem(id), problem, "{id:?}");
        }
        for id in [
            "ann",
            "google-oauth2|1",
            "a b?c#d",
            "...",
            ".a",
            "a..b",
            "100%",
            "%zz",
            "\u{e9}",
            "__",
            "____",
            "__a",
            "a__",
            "_a_",
            "a;b",
            "ann@example.com",
            "AbC+/=".trim_end_matches("/="),
        ] {
            assert_eq!(user_id_problem(id), None, "{id:?}");
        }
    }

    /// The id of a token is the issuer's: it is encoded, as long as it stays one segment.
    #[test]
    fn an_id_that_leads_elsewhere_is_no_segment() {
        for (id, sent) in [
            ("a/b", Some("a%2Fb")),
            ("a%2Fb", Some("a%252Fb")),
            ("a\tb\\c", Some("a%09b%5Cc")),
            ("../x", None),
            ("%2e%2e", None),
            ("__sample__", None),
            ("", None),
        ] {
            assert_eq!(segment(id).ok().as_deref(), sent, "{id:?}");
        }
    }

    /// A long chain of encodings costs no more than its length.
    #[test]
    fn encodings_of_encodings_are_undone_in_one_pass() {
        let chain = format!("%{}2e.", "25".repeat(1 << 20));
        assert_eq!(user_id_problem(&chain), Some(UserIdProblem::Directions));
    }
}
