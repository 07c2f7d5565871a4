//! How settings are printed that may hold a secret without being one.

use serde::{Serialize, Serializer};

use crate::config::REDACTED;

/// A URL without its query, which may hold a key.
pub(super) fn without_query<S: Serializer>(
    url: &Option<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    url.as_deref().map(shown).serialize(serializer)
}

/// As [`without_query`], for a list.
pub(super) fn without_queries<S: Serializer>(
    urls: &[String],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(urls.iter().map(|url| shown(url)))
}

fn shown(url: &str) -> String {
    match url.split_once('?') {
        Some((place, _)) => format!("{place}?{REDACTED}"),
        None => url.to_owned(),
    }
}
