//! The query of a request, read only when somebody asks for it.
//!
//! In: path and query as they were sent. Out: the values of a parameter, as forms encode them.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// The query of a request: what stands between the first `?` and a `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    sent: &'a [u8],
}

impl<'a> Query<'a> {
    /// The query of this path and query; an empty one if there is no `?`.
    #[must_use]
    pub fn of(target: &'a [u8]) -> Self {
        // A fragment is no part of a request (RFC 9110 section 4.1), even one with a `?` in it.
        let target = target.split(|&b| b == b'#').next().unwrap_or_default();
        Self { sent: target.splitn(2, |&b| b == b'?').nth(1).unwrap_or_default() }
    }

    /// The query as it was sent, without the `?`.
    #[must_use]
    pub const fn as_sent(&self) -> &'a [u8] {
        self.sent
    }

    /// The values of each parameter of this name, in order. A parameter without `=` has an empty
    /// value. Escapes are decoded in names and values; a `+` stays a `+`.
    pub fn values(self, name: &str) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let pairs = self.sent.split(|&b| b == b'&');
        pairs.filter_map(move |pair| {
            let mut halves = pair.splitn(2, |&b| b == b'=');
            let is_named = percent_decode(halves.next()?).eq(name.bytes());
            is_named.then(|| percent_decode(halves.next().unwrap_or_default()).into())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    #[test]
    fn the_query_begins_at_the_first_mark_and_ends_before_a_fragment() {
        for (target, expected) in [
            ("/", ""),
            ("/?", ""),
            ("/a?b=c", "b=c"),
            ("/a?b?c", "b?c"),
            ("/a?b#c", "b"),
            ("/a#b?c", ""),
            ("", ""),
        ] {
            assert_eq!(Query::of(target.as_bytes()).as_sent(), expected.as_bytes(), "{target}");
        }
    }

    #[test]
    fn a_parameter_has_a_value_for_each_time_it_stands_there() {
        let query = Query::of(b"/?a=1&b&%61=%32+&a=3=4&aa=5&=6");
        let values = |name: &str| -> Vec<String> {
            let values = query.values(name);
            values.map(|value| String::from_utf8(value.into_owned()).unwrap()).collect()
        };
        assert_eq!(values("a"), ["1", "2+", "3=4"]);
        assert_eq!(values("b"), [""]);
        assert_eq!(values(""), ["6"]);
        assert!(values("c").is_empty());
    }
}
