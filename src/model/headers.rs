//! The headers of a request.
//!
//! In: names and values from a door. Out: the values of a name, and how often it stands there.

use bytes::Bytes;

/// Request headers: lower-case names in order of arrival. A name may stand several times.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    entries: Vec<(Bytes, Bytes)>,
    joined: bool,
}

/// How often a header stands in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence<'a> {
    /// Not at all.
    Absent,
    /// Once, with this value.
    Once(&'a Bytes),
    /// Several times.
    Repeated,
}

impl<'a> Occurrence<'a> {
    /// The value, if it stands there once.
    const fn once(self) -> Option<&'a Bytes> {
        match self {
            Self::Once(value) => Some(value),
            Self::Absent | Self::Repeated => None,
        }
    }
}

impl Headers {
    /// From names and values. `joined`: the proxy has joined the values of a repeated name with ",".
    #[must_use]
    pub const fn new(entries: Vec<(Bytes, Bytes)>, joined: bool) -> Self {
        Self { entries, joined }
    }

    /// The proxy has joined the values of a repeated name, so a comma may stand between two lines.
    #[must_use]
    pub const fn joined(&self) -> bool {
        self.joined
    }

    /// All values of a lower-case name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> + 'a {
        self.entries
            .iter()
            .filter(move |(key, _)| key.as_ref() == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// How often a lower-case name stands there, with its value if that is once.
    #[must_use]
    pub fn occurrence<'a>(&'a self, name: &'a str) -> Occurrence<'a> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (None, _) => Occurrence::Absent,
            (Some(value), None) => Occurrence::Once(value),
            (Some(_), Some(_)) => Occurrence::Repeated,
        }
    }

    /// The value of a lower-case name that stands exactly once.
    #[must_use]
    pub fn single<'a>(&'a self, name: &'a str) -> Option<&'a Bytes> {
        self.occurrence(name).once()
    }

    /// The values of several lower-case names, each of which stands exactly once, found in one pass.
    #[must_use]
    pub fn singles<const N: usize>(&self, names: [&str; N]) -> [Option<&Bytes>; N] {
        let mut found = names.map(|name| (name.as_bytes(), Occurrence::Absent));
        for (key, value) in &self.entries {
            for (_, known) in found.iter_mut().filter(|(name, _)| key.as_ref() == *name) {
                *known = match known {
                    Occurrence::Absent => Occurrence::Once(value),
                    Occurrence::Once(_) | Occurrence::Repeated => Occurrence::Repeated,
                };
            }
        }
        found.map(|(_, known)| known.once())
    }

    /// Every name with its value.
    pub fn iter(&self) -> impl Iterator<Item = &(Bytes, Bytes)> {
        self.entries.iter()
    }

    /// The number of headers, each time that a name stands there counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There are no headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Headers, Occurrence};
    use bytes::Bytes;

    #[test]
    fn single_refuses_a_repeated_name() {
        let entry = |k: &'static str, v: &'static str| (Bytes::from(k), Bytes::from(v));
        let headers = Headers::new(vec![entry("a", "1"), entry("b", "2"), entry("a", "3")], false);
        assert!(headers.single("a").is_none());
        assert_eq!(headers.single("b").map(Bytes::as_ref), Some(b"2".as_ref()));
        assert_eq!(headers.all("a").count(), 2);
        assert_eq!(headers.occurrence("a"), Occurrence::Repeated);
        assert_eq!(headers.occurrence("b"), Occurrence::Once(&Bytes::from("2")));
        assert_eq!(headers.occurrence("c"), Occurrence::Absent);
        for names in [["a", "b", "c", "b"], ["b", "c", "a", "a"]] {
            assert_eq!(headers.singles(names), names.map(|name| headers.single(name)), "{names:?}");
        }
    }
}
