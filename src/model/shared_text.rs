//! A text that is handed from room to room and copied by none.
//!
//! In: a word of this program, a text of the configuration, or one that was made for a check. Out: the
//! text. Two are equal if they read the same, wherever each comes from.

use std::{borrow::Borrow, fmt, ops::Deref, sync::Arc};

/// A text, and whose it is.
#[derive(Clone)]
pub enum SharedText {
    /// A word of this program.
    Fixed(&'static str),
    /// A text that others hold too: of the configuration, or of a cache.
    Shared(Arc<str>),
    /// A text of its own.
    Own(String),
}

impl SharedText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Shared(text) => text,
            Self::Own(text) => text,
        }
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for SharedText {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for SharedText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq for SharedText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for SharedText {}

impl PartialEq<str> for SharedText {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for SharedText {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialEq<String> for SharedText {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other.as_str()
    }
}

impl From<&'static str> for SharedText {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<Arc<str>> for SharedText {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl From<&Arc<str>> for SharedText {
    fn from(text: &Arc<str>) -> Self {
        Self::Shared(text.clone())
    }
}

impl From<String> for SharedText {
    fn from(text: String) -> Self {
        Self::Own(text)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::SharedText;

    #[test]
    fn texts_are_equal_if_they_read_the_same() {
        let shared: Arc<str> = "x-plan".into();
        let all: [SharedText; 4] =
            ["x-plan".into(), (&shared).into(), shared.into(), "x-plan".to_owned().into()];
        for one in &all {
            assert!(all.iter().all(|other| one == other));
            assert!(*one == *"x-plan" && *one == "x-plan" && *one == "x-plan".to_owned());
            assert_ne!(*one, SharedText::from("x-plans"));
            assert_eq!((one.len(), format!("{one} {one:?}")), (6, "x-plan \"x-plan\"".to_owned()));
        }
    }
}
