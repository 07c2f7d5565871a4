//! SHA-256, in the one form that the program uses it: bytes in, 32 bytes out.
//!
//! In: bytes, or the parts of a longer text one after the other. Out: the digest, or its first
//! bytes as hexadecimal digits.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256, digest};

/// A SHA-256 digest.
pub type Sha256 = [u8; 32];

/// The digest of these bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Sha256 {
    to_array(digest(&SHA256, bytes))
}

/// The digest of these parts, one after the other. Where a part may have any length, put its
/// length before it: otherwise two lists of parts can have the same digest.
#[must_use]
pub fn sha256_of_parts<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Sha256 {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part.as_ref());
    }
    to_array(context.finish())
}

/// Lower-case hexadecimal digits, two for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn to_array(digest: aws_lc_rs::digest::Digest) -> Sha256 {
    let mut array = [0; 32];
    array.copy_from_slice(digest.as_ref());
    array
}

#[cfg(test)]
mod tests {
    use super::{hex, sha256, sha256_of_parts};

    /// FIPS 180-2 appendix B.1.
    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_published_example_has_the_published_digest() {
        assert_eq!(hex(&sha256(b"abc")), OF_ABC);
    }

    #[test]
    fn parts_have_the_digest_of_the_whole() {
        assert_eq!(hex(&sha256_of_parts(["a", "", "bc"])), OF_ABC);
    }
}
