//! The reasons why a key of a document is not used: one list for `/status`, the metric, the log and
//! `config check`.

use serde::{Serialize, Serializer};

use crate::model::visible;

macro_rules! refusals {
    ($( $variant:ident => $code:literal, $text:literal; )+) => {
        /// The reason why a key is not used.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum KeyRefusal {
            $( #[doc = $text] $variant, )+
        }

        impl KeyRefusal {
            /// Every reason, in the order of the metric's index.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The stable word, for the metric.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $( Self::$variant => $code, )+ }
            }

            /// The reason in words, for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }
        }
    };
}

refusals! {
    NotStrict => "not_strict", "not an object of strict JSON";
    WrongType => "wrong_type", "a member has the wrong type";
    Missing => "missing", "a member that the key type needs is missing or empty";
    NotBase64url => "not_base64url", "a number or point is not base64url";
    Secret => "secret", "a private or symmetric key";
    Use => "use", "not a signature key (use)";
    KeyOps => "key_ops", "not a verification key (key_ops)";
    UnsupportedType => "unsupported_type", "a key type or curve (kty, crv) that is not supported";
    OtherType => "other_type", "not a key type this issuer signs with: none of its algorithms fits";
    Algorithm => "algorithm", "alg does not fit the key type";
    UnsupportedAlgorithm => "unsupported_algorithm", "alg is no signature algorithm that is supported";
    OtherAlgorithm => "other_algorithm", "alg is not among the algorithms of this issuer";
    Length => "length", "a point or coordinate does not have the length of its curve";
    Malformed => "malformed", "the numbers are no public key of its type";
    WeakPoint => "weak_point", "a small-order or non-canonical point";
    WeakRsa => "weak_rsa", "an RSA modulus below 2048 or above 8192 bits";
    RsaExponent => "rsa_exponent", "an RSA exponent that is even, 1, or longer than 4 bytes";
    UnsafeModulus => "unsafe_modulus", "an RSA modulus that is even, or of a kind that can be factored (CVE-2017-15361)";
    Ambiguous => "ambiguous", "two different keys have this kid";
    Unnamed => "unnamed", "it has no kid, and too many keys fit a token without one";
}

impl std::fmt::Display for KeyRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

/// The most bytes of a `kid` that are shown.
const MAX_SHOWN: usize = 64;

/// The most refused keys that one message names.
const MAX_NAMED: usize = 8;

/// A key that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedKey {
    /// The beginning of its name as visible text; `None` where it has none that can be read.
    pub kid: Option<String>,
    /// The reason why it is not used.
    pub reason: KeyRefusal,
}

impl RefusedKey {
    /// The refusal of the key of this name.
    pub(super) fn new(kid: Option<&str>, reason: KeyRefusal) -> Self {
        Self { kid: kid.map(shown), reason }
    }
}

/// The beginning of a name, on one line of visible ASCII.
fn shown(kid: &str) -> String {
    let mut text = String::new();
    for character in kid.chars() {
        let mut utf8 = [0; 4];
        let next = visible(character.encode_utf8(&mut utf8));
        if text.len() + next.len() > MAX_SHOWN {
            break;
        }
        text.push_str(&next);
    }
    text
}

impl std::fmt::Display for RefusedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "{} (kid {kid})", self.reason),
            None => write!(f, "{} (no kid)", self.reason),
        }
    }
}

impl Serialize for RefusedKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The refused keys of a set in one line, a few of them by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::verify) struct RefusedKeys(pub(in crate::verify) Vec<RefusedKey>);

impl std::fmt::Display for RefusedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(all) = self;
        for (index, refused) in all.iter().take(MAX_NAMED).enumerate() {
            write!(f, "{}{refused}", if index == 0 { "" } else { "; " })?;
        }
        match all.len().saturating_sub(MAX_NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
