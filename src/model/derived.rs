//! A value that a higher room computes from an identity, kept for as long as that identity.
//!
//! In: a function that computes the value. Out: the value, shared. The identity knows neither its
//! type nor its content. Because the value hangs from the identity that it was computed from, it
//! cannot be used for another one.

use std::{
    any::Any,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Room for one value, kept from the second request for it on.
///
/// Most tokens of a client that takes a new one for each request are seen once, and what is written
/// for those alone only pushes out of the processor's caches what other checks need.
#[derive(Default)]
pub struct Derived {
    asked: AtomicBool,
    kept: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Derived {
    /// Room in which nothing is kept.
    #[must_use]
    pub const fn new() -> Self {
        Self { asked: AtomicBool::new(false), kept: OnceLock::new() }
    }

    /// The kept value, or the one that `make` computes now. There is room for values of one type:
    /// one of another type is computed each time.
    ///
    /// # Errors
    ///
    /// Returns the value of `make`, and keeps nothing.
    pub fn get_or_make<T: Any + Send + Sync, E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some(kept) = self.kept.get()
            && let Ok(kept) = kept.clone().downcast()
        {
            return Ok(kept);
        }
        let made = Arc::new(make()?);
        if self.asked.swap(true, Ordering::Relaxed) {
            // Another check may have kept an equal value meanwhile; either will do.
            let _ = self.kept.set(made.clone());
        }
        Ok(made)
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Derived").field("kept", &self.kept.get().is_some()).finish()
    }
}

/// The value follows from the identity: a copy of the identity computes its own.
impl Clone for Derived {
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// The value follows from the identity: no two identities differ by it alone.
impl PartialEq for Derived {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Derived {}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::Arc};

    use super::Derived;

    fn get(derived: &Derived, value: &str) -> Arc<String> {
        derived.get_or_make(|| Ok::<_, Infallible>(value.to_owned())).unwrap()
    }

    #[test]
    fn a_value_is_kept_from_the_second_request_on() {
        let derived = Derived::new();
        let values = ["one", "two", "three"].map(|value| get(&derived, value));
        assert_eq!(values.map(|value| (*value).clone()), ["one", "two", "two"]);
    }

    #[test]
    fn an_error_is_not_kept() {
        let derived = Derived::new();
        get(&derived, "one");
        assert_eq!(derived.get_or_make(|| Err::<String, _>("no")), Err("no"));
        assert_eq!(*get(&derived, "two"), "two");
        assert_eq!(*get(&derived, "three"), "two");
    }

    #[test]
    fn a_copy_keeps_nothing_and_a_value_of_another_type_is_computed_each_time() {
        let derived = Derived::new();
        get(&derived, "one");
        get(&derived, "two");
        assert_eq!(*get(&derived.clone(), "three"), "three");
        let number = |number: u8| *derived.get_or_make(|| Ok::<_, Infallible>(number)).unwrap();
        assert_eq!([number(1), number(2), number(3)], [1, 2, 3]);
        assert_eq!(*get(&derived, "three"), "two");
    }
}
