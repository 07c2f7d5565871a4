//! Fields that only the issuer sets, in the message of a request. A caller who gives one means
//! something that would not be done, so it is refused; but a message that was read may be sent back.
//!
//! In: the fields of a request, and of the thing as it is now. Out: the fault of the first that differs.

use super::fault::Fault;

/// Checks that a new thing has none of these fields.
///
/// # Errors
///
/// Fails for the first that is set.
pub(super) fn check_unset(fields: &[(&'static str, bool)]) -> Result<(), Fault> {
    match fields.iter().find(|(_, is_set)| *is_set) {
        Some((field, _)) => Err(Fault::field(field, "cannot be given: Rownd sets it")),
        None => Ok(()),
    }
}

/// Checks that a field of an update is left out, or is what it is now.
///
/// # Errors
///
/// Fails where it would change.
pub(super) fn check_kept<T: PartialEq + Default>(
    field: &'static str,
    given: &T,
    now: &T,
) -> Result<(), Fault> {
    if given == now || *given == T::default() {
        return Ok(());
    }
    Err(Fault::field(field, "is not what it is now, and an update cannot change it: leave it out"))
}

#[cfg(test)]
mod tests {
    use super::{check_kept, check_unset};

    #[test]
    fn a_field_of_the_issuer_is_left_out_or_as_it_is() {
        assert!(check_unset(&[("a", false), ("b", false)]).is_ok());
        assert!(check_unset(&[("a", false), ("b", true)]).is_err());
        for (given, now, good) in [("", "x", true), ("x", "x", true), ("y", "x", false)] {
            let [given, now] = [given, now].map(str::to_owned);
            assert_eq!(check_kept("a", &given, &now).is_ok(), good, "{given} {now}");
        }
        assert!(
            check_kept("a", &Some(1), &None).is_err() && check_kept("a", &None, &Some(1)).is_ok()
        );
    }
}
