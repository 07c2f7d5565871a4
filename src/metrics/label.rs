//! Labels whose values are the variants of an enum. The enum stands in the room whose thing it
//! names, and this room does not know it.
//!
//! In: the values of a label, at the start. Out: one series for each value, found by the value's
//! index. The variants are written once, in the enum.

use std::any::TypeId;

use strum::VariantArray;

/// An enum whose variants are the values of one label. It derives `IntoStaticStr` and
/// `VariantArray` of `strum`.
pub trait Label: Copy + 'static {
    /// Every value, in the order of the enum.
    const ALL: &'static [Self];

    /// The place of this value in [`ALL`](Self::ALL).
    fn index(self) -> usize;

    /// The value as it stands in the metric, and in the log.
    fn as_str(self) -> &'static str;
}

impl<L: Copy + PartialEq + Into<&'static str> + VariantArray + 'static> Label for L {
    const ALL: &'static [Self] = L::VARIANTS;

    fn index(self) -> usize {
        // Every variant is among them.
        L::VARIANTS.iter().position(|known| *known == self).unwrap_or(L::VARIANTS.len())
    }

    fn as_str(self) -> &'static str {
        self.into()
    }
}

/// All values of one label, and the enum that they are of. Without any, there are no series.
#[derive(Debug, Clone, Default)]
pub struct LabelValues {
    words: Vec<&'static str>,
    of: Option<TypeId>,
}

/// One series for each value of a label.
#[derive(Debug)]
pub(super) struct ByLabel<S> {
    /// In the order of the variants.
    series: Vec<S>,
    of: Option<TypeId>,
}

impl LabelValues {
    /// The values of this enum.
    #[must_use]
    pub fn of<L: Label>() -> Self {
        let words = L::ALL.iter().map(|label| label.as_str()).collect();
        Self { words, of: Some(TypeId::of::<L>()) }
    }

    /// The place of a word among the values.
    pub(super) fn index_of(&self, word: &str) -> Option<usize> {
        self.words.iter().position(|known| *known == word)
    }
}

impl<S> ByLabel<S> {
    /// Makes the series of each value; `make` gets the value as it stands in the metric.
    pub(super) fn new(values: &LabelValues, make: impl Fn(&'static str) -> S) -> Self {
        Self { series: values.words.iter().copied().map(make).collect(), of: values.of }
    }

    /// The series of this value. `None` if there are none, or if they are of another enum, which is
    /// a fault of the caller.
    pub(super) fn get<L: Label>(&self, label: L) -> Option<&S> {
        let is_meant = self.of.is_none_or(|of| of == TypeId::of::<L>());
        debug_assert!(is_meant, "{} is no value of this label", label.as_str());
        if is_meant { self.at(label.index()) } else { None }
    }

    /// The series of the value at this place.
    pub(super) fn at(&self, index: usize) -> Option<&S> {
        self.series.get(index)
    }

    /// Every series.
    pub(super) fn all(&self) -> impl Iterator<Item = &S> {
        self.series.iter()
    }
}
