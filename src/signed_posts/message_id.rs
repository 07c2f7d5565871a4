//! The id of a message: the same for each time that it is sent, so that receivers drop repeats.

use std::fmt;

/// The most bytes of an id.
const MAX_BYTES: usize = 128;

/// The id of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// A new id.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("msg_{:032x}", rand::random::<u128>()))
    }

    /// The id of an earlier message; `None` if it cannot be signed: it is empty, longer than 128
    /// bytes, or has other characters than visible ASCII without the dot that parts it from the time.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let is_good = (1..=MAX_BYTES).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
        is_good.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::MessageId;

    #[test]
    fn an_id_can_be_signed_and_sent_as_a_header() {
        let long = "a".repeat(129);
        for (text, good) in [
            ("msg_1", true),
            (&long[..128], true),
            ("", false),
            ("a.b", false),
            ("a b", false),
            ("a\r\nx: 1", false),
            ("\u{e4}", false),
            (&long, false),
        ] {
            assert_eq!(MessageId::of(text).is_some(), good, "{text:?}");
        }
        let (one, other) = (MessageId::random(), MessageId::random());
        assert_ne!(one, other);
        assert_eq!(MessageId::of(one.as_str()), Some(one));
    }
}
