//! Ids in the forms in which Rownd makes them.

use std::fmt::Write as _;

/// A new id, if the word is one of Rownd's that asks for one, such as `__uuid__`, in any case of
/// letters.
pub(crate) fn generate(word: &str) -> Option<String> {
    match word.to_ascii_lowercase().as_str() {
        "__default__" | "__rowndid__" => Some(rownd("user")),
        "__uuid__" => Some(uuid_v4()),
        "__objectid__" => Some(random_hex(12)),
        _ => None,
    }
}

/// Whether the text can be a user id. `.` and `..` cannot: proxies resolve them in a path. Words
/// between double underscores cannot: Rownd keeps them for itself.
pub(crate) fn writable(id: &str) -> bool {
    let own = id.starts_with("__") && id.ends_with("__");
    !(own || matches!(id, "." | "..") || id.trim().is_empty() || id.contains(char::is_control))
}

/// `PREFIX_` and 24 characters, the form of Rownd's newer ids.
pub(crate) fn rownd(prefix: &str) -> String {
    const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let random: [u8; 24] = rand::random();
    let letter = |byte: &u8| {
        // 256 is not a multiple of 36, so some letters are slightly more frequent.
        let at = usize::from(*byte) % ALPHABET.len();
        ALPHABET.get(at).copied().map_or('0', char::from)
    };
    format!("{prefix}_{}", random.iter().map(letter).collect::<String>())
}

/// A random UUID (RFC 9562 section 5.4), the form of Rownd's `jti`.
pub(crate) fn uuid_v4() -> String {
    uuid_of(rand::random())
}

/// The UUID with these bits, except those of version and variant.
pub(crate) fn uuid_of(number: u128) -> String {
    let fixed = (number & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{fixed:032x}");
    // Hexadecimal digits are one byte each, so the pieces fall on character borders.
    let piece = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32)].join("-")
}

/// This number of random bytes in hexadecimal, at most 32.
pub(crate) fn random_hex(bytes: usize) -> String {
    let random: [u8; 32] = rand::random();
    random.iter().take(bytes).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
