//! Three-valued logic for conditions: a condition holds, does not hold, or cannot be judged.
//!
//! In: the truths of conditions. Out: the truth of them together (Kleene's strong logic), with one
//! more value for what only the user's profile can tell. Only [`Truth::True`] ever allows.

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be judged: a fact is absent, or has another type. Its opposite is unknown too, so
    /// that no `not` turns missing data into an allow.
    Unknown,
    /// The user's profile has to be read first. Judged again with the profile, it is one of the
    /// others.
    NeedsProfile,
}

impl Truth {
    /// The truth of a fact that is known.
    pub(super) const fn of(fact: bool) -> Self {
        if fact { Self::True } else { Self::False }
    }

    /// All of them hold; `True` if there are none. One that does not hold decides, whatever the
    /// others are.
    pub(super) fn all(truths: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::True;
        for truth in truths {
            match (all, truth) {
                (_, Self::False) => return Self::False,
                (Self::NeedsProfile, _) | (_, Self::True) => {}
                (_, Self::NeedsProfile | Self::Unknown) => all = truth,
            }
        }
        all
    }

    /// One of them holds; `False` if there are none. One that holds decides, whatever the others
    /// are.
    pub(super) fn any(truths: impl IntoIterator<Item = Self>) -> Self {
        !Self::all(truths.into_iter().map(|truth| !truth))
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::NeedsProfile => Self::NeedsProfile,
        }
    }
}
