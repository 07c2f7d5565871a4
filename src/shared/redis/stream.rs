//! A Redis Stream that other programs read.
//!
//! In: the fields of an entry. Out: that Redis has it, or why it may not have it, in bounded time.

use std::{fmt, sync::Arc};

use super::{
    link::{Link, Question},
    route::Route,
};
use crate::{config::RedisAccess, shared::SharedError};

/// Appends to a stream.
pub struct RedisStream {
    link: Link,
    key: String,
    max_length: u64,
}

impl fmt::Debug for RedisStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStream").field("key", &self.key).finish_non_exhaustive()
    }
}

impl RedisStream {
    /// The stream of this key, which keeps about so many entries. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The reason, if the authorities cannot be read.
    pub fn build(access: &RedisAccess, key: &str, max_length: u64) -> Result<Self, String> {
        let route = Arc::new(Route::new(access, key)?);
        let link = Link::watching(route, access.timeout.get());
        Ok(Self { link, key: key.to_owned(), max_length })
    }

    /// Appends an entry with these fields.
    ///
    /// # Errors
    ///
    /// [`SharedError`]: Redis has not taken it, or, where there was no answer, it may have.
    pub async fn append(&self, fields: &[(&str, &[u8])]) -> Result<(), SharedError> {
        let question = |_| {
            let mut command = redis::cmd("XADD");
            command.arg(&self.key).arg("MAXLEN").arg("~").arg(self.max_length).arg("*");
            for (name, value) in fields {
                command.arg(*name).arg(*value);
            }
            Question::Command(command)
        };
        self.link.ask(question).await
    }
}
