//! The place of an issuer in the configuration.

/// The place of an issuer in the configuration. Each list with one entry for each issuer has the
/// same order, so this finds the issuer's entry in any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IssuerIndex(usize);

impl IssuerIndex {
    /// The place that `issuers[place]` has in the configuration.
    #[must_use]
    pub const fn new(place: usize) -> Self {
        Self(place)
    }

    /// The number of the place, for messages.
    #[must_use]
    pub const fn place(self) -> usize {
        self.0
    }

    /// The entry of this issuer.
    #[must_use]
    pub fn of<T>(self, entries: &[T]) -> Option<&T> {
        entries.get(self.0)
    }
}
