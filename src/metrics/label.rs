//! Labels whose values are the variants of an enum.
//!
//! In: an enum that derives `IntoStaticStr` and `VariantArray`. Out: one series for each variant,
//! found by the variant. The variants are written once, in the enum.

use std::marker::PhantomData;

use strum::VariantArray;

/// An enum whose variants are the values of one label.
pub trait Label: Copy + PartialEq + Into<&'static str> + VariantArray {
    /// The value as it stands in the metric, and in the log.
    fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<L: Copy + PartialEq + Into<&'static str> + VariantArray> Label for L {}

/// One series for each value of a label.
pub(super) struct ByLabel<L, S> {
    /// In the order of the variants.
    series: Vec<S>,
    label: PhantomData<L>,
}

impl<L: Label, S> ByLabel<L, S> {
    /// Makes the series of each value; `make` gets the value as it stands in the metric.
    pub(super) fn new(make: impl Fn(&'static str) -> S) -> Self {
        let series = L::VARIANTS.iter().map(|label| make(label.as_str())).collect();
        Self { series, label: PhantomData }
    }

    /// Every series.
    pub(super) fn all(&self) -> impl Iterator<Item = &S> {
        self.series.iter()
    }

    /// The series of this value. Every variant has one.
    pub(super) fn get(&self, label: L) -> Option<&S> {
        let index = L::VARIANTS.iter().position(|known| *known == label)?;
        self.series.get(index)
    }
}
