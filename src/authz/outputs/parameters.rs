//! The parameters of the query that a client sent under a name that is set or removed.
//!
//! In: the query as it was sent, and a name. Out: each other spelling of the name, to be removed too.
//! Envoy replaces and removes a parameter by its name as it was sent, but servers decode names, differ
//! on case, take any sign for another (`a.b` is `a_b` to PHP) and a name with brackets for a list
//! (`a[]`), some part parameters at `;`, and some leave a `?` at the beginning out.

use percent_encoding::percent_decode;

use crate::model::Query;

/// Layers of encoding that are looked behind.
const MAX_DECODES: usize = 3;

/// The names as sent of the parameters that some server takes for this one, its own name apart.
pub(super) fn other_spellings(query: Query<'_>, name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for pair in query.as_sent().split(|&b| b == b'&') {
        let sent = key(pair);
        if sent == name.as_bytes() {
            continue;
        }
        let named = pair.split(|&b| b == b';').any(|part| is_name(key(part), name.as_bytes()));
        let sent = String::from_utf8_lossy(sent);
        if named && !found.iter().any(|known| *known == sent) {
            found.push(sent.into_owned());
        }
    }
    found
}

fn key(pair: &[u8]) -> &[u8] {
    pair.split(|&b| b == b'=').next().unwrap_or_default()
}

fn is_name(sent: &[u8], wanted: &[u8]) -> bool {
    let sent = sent.strip_prefix(b"?").unwrap_or(sent);
    let same = |(sent, wanted): (&u8, &u8)| {
        sent.eq_ignore_ascii_case(wanted)
            || !sent.is_ascii_alphanumeric() && !wanted.is_ascii_alphanumeric()
    };
    let mut form = sent.to_vec();
    for _ in 0..=MAX_DECODES {
        // PHP cuts blanks in front, and every server takes `+` for one.
        let blank = |byte: u8| matches!(byte, b'+' | b' ' | b'\t');
        let start = form.iter().position(|&byte| !blank(byte)).unwrap_or(form.len());
        let text = form.get(start..).unwrap_or_default();
        let text = text.split(|b| b"[\0".contains(b)).next().unwrap_or_default();
        let end = text.iter().rposition(|&byte| !blank(byte)).map_or(0, |last| last + 1);
        let text = text.get(..end).unwrap_or_default();
        if text.len() == wanted.len() && text.iter().zip(wanted).all(same) {
            return true;
        }
        if !form.contains(&b'%') {
            return false;
        }
        form = percent_decode(&form).collect();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{Query, other_spellings};

    #[test]
    fn each_spelling_that_a_server_reads_is_found() {
        for (query, expected) in [
            ("user_id=1", &[][..]),
            ("a=1&b", &[]),
            ("user%5fid=1&user%5Fid=2", &["user%5fid", "user%5Fid"]),
            ("user%255fid=1", &["user%255fid"]),
            ("USER_ID=1&User-Id=2", &["USER_ID", "User-Id"]),
            ("user.id=1&user+id=2&user%20id=3", &["user.id", "user+id", "user%20id"]),
            (
                "user_id[]=1&user_id%5B0%5D=2&user_id%00x=3",
                &["user_id[]", "user_id%5B0%5D", "user_id%00x"],
            ),
            ("+user_id=1&%20user_id=2", &["+user_id", "%20user_id"]),
            ("a=1;user_id=2", &["a"]),
            ("user_id2=1&xuser_id=2&user=3", &[]),
            ("%75ser_id=1&%75ser_id=2", &["%75ser_id"]),
            ("?user_id=1", &["?user_id"]),
            ("?%75ser_id=1&a", &["?%75ser_id"]),
        ] {
            let target = format!("/?{query}");
            assert_eq!(
                other_spellings(Query::of(target.as_bytes()), "user_id"),
                expected,
                "{query}"
            );
        }
    }
}
