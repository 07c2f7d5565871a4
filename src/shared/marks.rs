//! A mark in the store says that one replica does something that is done once. The store may lose it, as
//! one that is restarted empty, while that goes on: every replica that knows the mark puts it back.

use std::{convert::Infallible, time::Duration};

use tokio::time::sleep;

use super::{SharedError, SharedStore};

/// A mark is looked after this often.
const MARK_EVERY: Duration = Duration::from_millis(500);

/// Does the work, during which the mark is in the store.
pub async fn while_marked<T>(
    store: &dyn SharedStore,
    (name, mark): (&str, &[u8]),
    left: Duration,
    work: impl Future<Output = T>,
) -> T {
    let keep = async {
        loop {
            sleep(MARK_EVERY).await;
            // One that is there stays as it is. A store that does not answer is asked again.
            let _ = store.put_if_absent(name, mark, left).await;
        }
    };
    tokio::select! {
        biased;
        done = work => done,
        never = keep => { let never: Infallible = never; match never {} }
    }
}

/// Puts the answer in the place of the mark, or where it was if the store has lost it.
///
/// # Errors
///
/// [`SharedError`], if it is not known whether the store has it.
pub async fn put_answer(
    store: &dyn SharedStore,
    (name, mark): (&str, &[u8]),
    answer: &[u8],
    left: Duration,
) -> Result<(), SharedError> {
    if !store.replace(name, mark, answer, left).await? {
        store.put_if_absent(name, answer, left).await?;
    }
    Ok(())
}
