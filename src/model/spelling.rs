//! The names of headers as servers read them, whatever their spelling.

/// Some server reads the header `name` as `wanted`.
#[must_use]
pub fn is_spelling(name: &[u8], wanted: &[u8]) -> bool {
    name.len() == wanted.len()
        && name.iter().zip(wanted).all(|(byte, other)| spelled(*byte) == spelled(*other))
}

/// A byte of a name as servers that speak CGI see it: in lower case, and `-` for every byte that is
/// no letter or digit. Most turn `-` alone into `_`, some `.` too, and some (lighttpd) every such byte.
#[must_use]
pub const fn spelled(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}
