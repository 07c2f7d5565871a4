//! The reasons why a key of a document is not used: one list for `/status`, the metric and
//! `config check`.

use serde::{Serialize, Serializer};

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
    Secret => "secret", "a private or symmetric key";
    Use => "use", "not a signature key (use)";
    KeyOps => "key_ops", "not a verification key (key_ops)";
    OtherType => "other_type", "not a key type this issuer signs with";
    Algorithm => "algorithm", "alg does not fit the key type";
    Malformed => "malformed", "the public key is missing, or not in the form of its type";
    WeakPoint => "weak_point", "a small-order or non-canonical point";
    WeakRsa => "weak_rsa", "an RSA key below 2048 or above 8192 bits, of an unsafe exponent, or of a known weak kind";
    Ambiguous => "ambiguous", "two different keys have this kid";
}

impl std::fmt::Display for KeyRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for KeyRefusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}
