//! The readings of a method. Methods are case-sensitive (RFC 9110 section 9.1), but many
//! frameworks turn them into upper case before they choose a handler.
//!
//! In: the method as it was sent. Out: its one or two readings, or a denial.

use crate::model::DenyReason;

/// The method as sent, and in upper case where that differs.
pub(super) struct MethodReadings<'a> {
    sent: &'a [u8],
    upper: Option<Vec<u8>>,
}

impl MethodReadings<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(self.sent).chain(self.upper.as_deref())
    }
}

/// The readings of a method.
///
/// # Errors
///
/// The denial, if it is empty or no token (RFC 9110 section 5.6.2).
pub(super) fn readings(sent: &[u8]) -> Result<MethodReadings<'_>, DenyReason> {
    if sent.is_empty() {
        return Err(DenyReason::MethodMissing);
    }
    if !sent.iter().all(|&byte| is_token(byte)) {
        return Err(DenyReason::MethodRefused);
    }
    let lower = sent.iter().any(u8::is_ascii_lowercase);
    Ok(MethodReadings { sent, upper: lower.then(|| sent.to_ascii_uppercase()) })
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
