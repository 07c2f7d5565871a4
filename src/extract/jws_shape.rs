//! The shape of a signed token (RFC 7515 section 3.1), by which one is noticed where it stands
//! without the word that announces it.

/// Shorter first parts hold no header: `{"alg":""}` alone has 14 letters.
const MIN_HEADER: usize = 8;

/// The text has the shape of a JWS or JWE in compact form: at least three parts, and the first one
/// begins as the encoding of a JSON object does. Both alphabets of base64 count, with padding too.
pub(super) fn is_jws(text: &[u8]) -> bool {
    let dots = text.iter().filter(|&&byte| byte == b'.').count();
    let header = text.split(|&byte| byte == b'.').next().unwrap_or_default();
    // `{` and a quote or a blank; `{` and a line break or a tab.
    (header.starts_with(b"ey") || header.starts_with(b"ew"))
        && header.len() >= MIN_HEADER
        && dots >= 2
        && text.iter().all(|&byte| is_token_byte(byte))
}

/// The byte may stand in a token, or in one that was encoded by the wrong alphabet.
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/' | b'=')
}
