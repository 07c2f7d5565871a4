//! The known name that somebody probably meant.
//!
//! In: a name that is unknown, and the known ones. Out: the nearest of them, if it is near enough to
//! be worth saying: a far-fetched suggestion sends a reader the wrong way.

/// The most edits (a letter more, less, changed or swapped) of a long name.
const MOST_EDITS: usize = 3;
/// One edit is allowed for each so many letters.
const LETTERS_OF_AN_EDIT: usize = 4;
/// A name of so many letters at most has to begin as the known one.
const SHORT: usize = 4;

/// The nearest of these names, if one is near.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.replace(['-', '_', '.', ' '], "").to_ascii_lowercase();
    let written = plain(name);
    let distance = |known: &'a str| {
        let wanted = plain(known);
        let distance = strsim::damerau_levenshtein(&wanted, &written);
        let letters = wanted.chars().count().max(written.chars().count());
        let edits = (letters / LETTERS_OF_AN_EDIT).clamp(1, MOST_EDITS);
        // A short name is near to many others.
        let may_be = letters > SHORT || wanted.chars().next() == written.chars().next();
        let is_near = may_be && letters > 2 && distance <= edits;
        is_near.then_some((distance, known))
    };
    known.into_iter().filter_map(distance).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_a_near_name_is_suggested() {
        const KNOWN: [&str; 8] =
            ["id", "key", "auth", "match", "timeout", "max_in_flight", "routes", "base_url"];
        for (written, expected) in [
            ("time_out", Some("timeout")),
            ("timout", Some("timeout")),
            ("Timeout", Some("timeout")),
            ("maxInFlight", Some("max_in_flight")),
            ("max-in-flight", Some("max_in_flight")),
            ("max_in_flihgt", Some("max_in_flight")),
            ("route", Some("routes")),
            ("baseurl", Some("base_url")),
            ("atuh", Some("auth")),
            ("matches", None),
            ("ids", Some("id")),
            // Two letters of three, or another word altogether.
            ("kid", None),
            ("ip", None),
            ("ttl", None),
            ("path", None),
            ("realm", None),
            ("jwks_url", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, KNOWN), expected, "{written}");
        }
    }
}
