//! The readings of a method. Methods are case-sensitive (RFC 9110 section 9.1), but many
//! frameworks turn them into upper case before they choose a handler.

use crate::model::DenyReason;

/// The method as sent, and in upper case where that differs.
pub(super) struct Readings<'a> {
    sent: &'a [u8],
    upper: Option<Vec<u8>>,
}

impl Readings<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.sent).chain(self.upper.as_deref())
    }
}

/// The readings of a method; a denial where it is no method (RFC 9110 section 5.6.2).
pub(super) fn readings(sent: &[u8]) -> Result<Readings<'_>, DenyReason> {
    if sent.is_empty() {
        return Err(DenyReason::MethodMissing);
    }
    if !sent.iter().all(|&byte| is_token(byte)) {
        return Err(DenyReason::MethodRefused);
    }
    let lower = sent.iter().any(u8::is_ascii_lowercase);
    Ok(Readings { sent, upper: lower.then(|| sent.to_ascii_uppercase()) })
}

/// A character of a token. All others part or end a request line, or become another letter in
/// upper case (`ſ`).
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}
