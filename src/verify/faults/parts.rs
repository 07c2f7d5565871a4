//! The faults of the form: what surrounds a token, its parts, and their base64url.

use base64::{
    DecodeError, Engine as _, alphabet,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD,
    },
};

use crate::verify::token::MAX_SIGNATURE;

/// Reads base64url whose last character holds bits that are not used.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// The faults around and between the parts: quotes, words and blanks that were copied along.
pub(super) fn surroundings(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if text.is_empty() {
        faults.push("it is empty".to_owned());
    }
    let begins = text.chars().next().filter(|first| is_quote(*first));
    let ends = text.chars().next_back().filter(|last| is_quote(*last));
    if let Some(quote) = begins.or(ends) {
        let place = match (begins.is_some(), ends.is_some()) {
            (true, true) => "around",
            (true, false) => "before",
            (false, _) => "behind",
        };
        faults.push(format!("a quote ({quote}) stands {place} it: leave it out"));
    }
    let bare = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    for word in ["Authorization", "Bearer"] {
        if bare.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)) {
            faults.push(format!("`{word}` stands before it: that word is no part of the token"));
        }
    }
    if let Some((at, blank)) =
        text.char_indices().find(|(_, c)| c.is_whitespace() || c.is_control())
    {
        let name = match blank {
            '\n' | '\r' => "a line break",
            '\t' => "a tab",
            ' ' => "a blank",
            '\0' => "a zero byte",
            blank if blank.is_control() => "a control character",
            _ => "a blank that is not ASCII",
        };
        faults.push(format!("byte {} is {name}: a token has none", at + 1));
    } else if let Some((at, _)) = text.char_indices().find(|(_, c)| !c.is_ascii() && !is_quote(*c))
    {
        faults.push(not_ascii(at));
    }
    faults
}

/// The byte at this index is no part of a token.
pub(super) fn not_ascii(at: usize) -> String {
    format!("byte {} is not ASCII: a token has letters, digits, - _ and .", at + 1)
}

const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}')
}

/// The text is another thing than a token: JSON, or a cookie that holds one.
pub(super) fn another_thing(text: &str) -> Option<String> {
    let begin = text.trim_start_matches(|c: char| c.is_whitespace() || is_quote(c));
    let is_encoded = begin.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("%7b"));
    if !is_encoded && !begin.starts_with(['{', '[']) {
        return None;
    }
    let form = if is_encoded { "it is URI-encoded JSON" } else { "it is JSON" };
    Some(if begin.contains("accessToken") {
        format!(
            "{form}, as in the cookie of Rownd's server-side rendering, which `credentials: \
             [{{cookie: rownd-session, format: rownd}}]` reads: the token is the text of `accessToken`"
        )
    } else {
        format!("{form}: a token in compact form is three parts with dots between them")
    })
}

/// Another number of parts than three, or an empty one.
pub(super) fn count(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('.').collect();
    let said = match parts.len() {
        3 => {
            let names = ["the header", "the claims", "the signature"];
            let empty = names.iter().zip(&parts).filter(|(_, part)| part.is_empty());
            return empty.map(|(name, _)| format!("{name} {}", why_empty(name))).collect();
        }
        1 => "it has no dot: an opaque token, or the first part of a JWT".to_owned(),
        2 => "it has 2 parts: the signature is missing, with the dot before it".to_owned(),
        5 => "it has 5 parts: an encrypted token (JWE), which cannot be read here".to_owned(),
        many => format!("it has {many} parts: a signed token has 3"),
    };
    vec![said]
}

fn why_empty(name: &str) -> &'static str {
    match name {
        "the signature" => "is empty: the token is not signed",
        "the claims" => "are empty: a token with detached claims cannot be verified here",
        _ => "is empty",
    }
}

/// The bytes of a part; or the fault of its base64url, without the part itself.
pub(super) fn decoded(name: &str, part: &str) -> Result<Vec<u8>, String> {
    let verb = if name.ends_with('s') { "are" } else { "is" };
    let have = if name.ends_with('s') { "have" } else { "has" };
    if part.ends_with('=') {
        return Err(format!("{name} {have} padding (=), which JWTs leave out"));
    }
    if part.contains(['+', '/']) {
        return Err(format!(
            "{name} {verb} in base64 with + and /: JWTs are in base64url, with - and _"
        ));
    }
    match URL_SAFE_NO_PAD.decode(part) {
        Ok(bytes) => Ok(bytes),
        Err(DecodeError::InvalidByte(at, byte)) => {
            let shown = char::from(byte).escape_debug();
            Err(format!("{name} {verb} not base64url: character {} is `{shown}`", at + 1))
        }
        Err(DecodeError::InvalidLength(length)) => Err(format!(
            "{name} {verb} cut off: {length} characters of base64url are no whole bytes"
        )),
        Err(DecodeError::InvalidLastSymbol(..)) if LENIENT.decode(part).is_ok() => Err(format!(
            "the last character of {name} holds bits that are not zero: it was changed, or the text \
             behind it is cut off"
        )),
        Err(DecodeError::InvalidLastSymbol(..) | DecodeError::InvalidPadding) => {
            Err(format!("{name} {verb} not base64url"))
        }
    }
}

/// A signature that no algorithm makes.
pub(super) fn long_signature(length: usize) -> Option<String> {
    (length > MAX_SIGNATURE)
        .then(|| format!("the signature has {length} bytes: {MAX_SIGNATURE} is the most"))
}
