//! Whether a match fits a request: in every reading of it, in some of them only, or in none.

/// How surely a match, or a part of one, fits a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) enum Fit {
    /// In no reading.
    No,
    /// In some readings: a header that is repeated, a parameter that is encoded without need.
    Possibly,
    /// In every reading.
    Surely,
}

impl Fit {
    /// In every reading or in none.
    pub(in crate::policy) const fn of(fits: bool) -> Self {
        if fits { Self::Surely } else { Self::No }
    }

    /// In every reading, or at least in one.
    pub(in crate::policy) const fn at_least_possibly(surely: bool) -> Self {
        if surely { Self::Surely } else { Self::Possibly }
    }

    /// The fit of a part that must not be there, from that of one that must.
    pub(in crate::policy) const fn reversed(self) -> Self {
        match self {
            Self::No => Self::Surely,
            Self::Possibly => Self::Possibly,
            Self::Surely => Self::No,
        }
    }
}

/// Servers do not agree on the value of a part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::policy) struct Unclear;
