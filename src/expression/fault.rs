//! Why an expression has no value. It never holds a value of the request or the identity.

use std::borrow::Cow;

use strum::{IntoStaticStr, VariantArray};

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// Something that is read is not there.
    Missing,
    /// The token has the claim that is read, and its value is at another server.
    Elsewhere,
    /// A value is of a type that the operator or function does not take.
    WrongType,
    /// A place can be read in several ways: a repeated header, a text that is not UTF-8.
    Unclear,
    /// The user's profile has to be read first.
    ProfileUnread,
    /// A result is no number: too large, or a division by zero; or a text is none.
    NotANumber,
    /// The value is not `true` or `false` where that is asked for.
    NotBoolean,
    /// The work is more than one expression may do.
    TooMuchWork,
}

/// An expression has no value: the kind of the fault, and the place in the expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    place: Cow<'static, str>,
}

impl Fault {
    /// A fault of this kind; `place` is an operator, a function, or a name as the expression
    /// writes it.
    #[must_use]
    pub fn new(kind: FaultKind, place: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, place: place.into() }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The operator, the function or the name at which the expression failed. It is a part of the
    /// configuration, never of a request.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Of two faults, the one that decides: work without end before everything, then a profile
    /// that may still settle the matter.
    pub(super) fn or(self, other: Self) -> Self {
        let rank = |fault: &Self| match fault.kind {
            FaultKind::TooMuchWork => 2,
            FaultKind::ProfileUnread => 1,
            FaultKind::Missing
            | FaultKind::Elsewhere
            | FaultKind::WrongType
            | FaultKind::Unclear
            | FaultKind::NotANumber
            | FaultKind::NotBoolean => 0,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}
