//! Open question: does a page of a list begin after the id in `after`, or with it?
//!
//! In: the setting, the number of rows that are wanted. Out: the number to ask for. With either
//! setting, a row that repeats the id of `after` is left out of the page.

use crate::config::AfterBound;

/// The number of rows to ask for, so that this many new ones can come; and the most that the API
/// gives.
pub(in crate::issuer_api::rownd) fn rows_to_ask(
    bound: AfterBound,
    after: Option<&str>,
    wanted: usize,
    most: usize,
) -> usize {
    match (bound, after) {
        (AfterBound::Inclusive, Some(_)) => wanted.saturating_add(1).min(most),
        (AfterBound::Inclusive, None) | (AfterBound::Exclusive, _) => wanted.min(most),
    }
}

#[cfg(test)]
mod tests {
    use super::rows_to_ask;
    use crate::config::AfterBound::{Exclusive, Inclusive};

    #[test]
    fn one_row_more_is_asked_for_where_one_is_repeated() {
        for (bound, after, wanted, asked) in [
            (Exclusive, None, 10, 10),
            (Exclusive, Some("ann"), 10, 10),
            (Exclusive, Some("ann"), 1_000, 1_000),
            (Inclusive, None, 10, 10),
            (Inclusive, Some("ann"), 1, 2),
            (Inclusive, Some("ann"), 999, 1_000),
            (Inclusive, Some("ann"), 1_000, 1_000),
        ] {
            assert_eq!(rows_to_ask(bound, after, wanted, 1_000), asked, "{bound:?} {wanted}");
        }
    }
}
