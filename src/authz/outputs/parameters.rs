//! The parameters of the query that a client sent under a name that is set or removed.
//!
//! In: the query as it was sent, and a name. Out: each other spelling of the name, to be removed too.
//! Envoy replaces and removes a parameter by its name as it was sent, but servers decode names, differ
//! on case, signs and brackets (see `model/parameter`), some part parameters at `;`, and some leave a `?`
//! at the beginning out.

use crate::model::{Query, is_parameter};

/// The names as sent of the parameters that some server takes for this one, its own name apart.
pub(super) fn other_spellings(query: Query<'_>, name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for pair in query.as_sent().split(|&b| b == b'&') {
        let sent = key(pair);
        if sent == name.as_bytes() {
            continue;
        }
        let named = pair.split(|&b| b == b';').any(|part| {
            let key = key(part);
            is_parameter(key.strip_prefix(b"?").unwrap_or(key), name.as_bytes())
        });
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
            ("[user_id]=1&user[id=2&user%5bid=3", &["[user_id]", "user[id", "user%5bid"]),
            ("!user_id=1&_user_id=2&]user_id=3", &["!user_id", "_user_id", "]user_id"]),
            ("user[id]=1", &[]),
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
