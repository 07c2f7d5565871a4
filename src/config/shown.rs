//! How settings are printed that may hold a secret without being one.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::secret::REDACTED;

/// A URL without user, password and query, each of which may be a secret.
pub(super) fn without_query<S: Serializer>(
    url: &Option<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    url.as_deref().map(without_secrets).serialize(serializer)
}

/// Works like [`without_query`], for a URL that has to be there.
pub(super) fn without_query_of<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    without_secrets(url).serialize(serializer)
}

/// Works like [`without_query`], for a list.
pub(super) fn without_queries<S: Serializer>(
    urls: &[String],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(urls.iter().map(|url| without_secrets(url)))
}

/// A key set, unless a private or symmetric key is in it.
pub(super) fn public_keys<S: Serializer>(
    set: &Option<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let printed = set.as_deref().map(|set| if holds_secret_key(set) { REDACTED } else { set });
    printed.serialize(serializer)
}

/// The text of a URL without user, password and query.
pub(super) fn without_secrets(url: &str) -> String {
    let (place, query) = match url.split_once('?') {
        Some((place, _)) => (place, format!("?{REDACTED}")),
        None => (url, String::new()),
    };
    let place = match place.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            match rest.get(..end).and_then(|authority| authority.rfind('@')) {
                Some(at) => {
                    format!("{scheme}://{REDACTED}{}", rest.get(at..).unwrap_or_default())
                }
                None => place.to_owned(),
            }
        }
        None => place.to_owned(),
    };
    format!("{place}{query}")
}

/// A key set in JSON or PEM holds a key that nobody but its owner may have: a private one (RFC 7518
/// sections 6.2.2 and 6.3.2, RFC 8037 section 2) or a symmetric one (section 6.4). Text in neither
/// form may be anything.
fn holds_secret_key(set: &str) -> bool {
    if !set.trim_start().starts_with('{') {
        return !set.contains("-----BEGIN ") || set.contains("PRIVATE KEY");
    }
    match serde_json::from_str::<Value>(set) {
        Ok(document) => secret_within(&document),
        Err(_) => true,
    }
}

fn secret_within(value: &Value) -> bool {
    const MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    match value {
        Value::Object(map) => {
            MEMBERS.iter().any(|member| map.contains_key(*member))
                || map.values().any(secret_within)
        }
        Value::Array(items) => items.iter().any(secret_within),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{holds_secret_key, without_secrets};

    #[test]
    fn a_url_is_shown_without_what_may_be_secret() {
        for (url, expected) in [
            ("https://a.test/keys", "https://a.test/keys"),
            ("https://a.test/keys?key=s", "https://a.test/keys?<redacted>"),
            ("https://u:p@a.test/keys", "https://<redacted>@a.test/keys"),
            ("https://u@p@a.test?s?t", "https://<redacted>@a.test?<redacted>"),
            ("https://a.test/@scope/x", "https://a.test/@scope/x"),
            ("partner@example", "partner@example"),
        ] {
            assert_eq!(without_secrets(url), expected, "{url}");
        }
    }

    #[test]
    fn only_public_keys_are_shown() {
        for (set, secret) in [
            (r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}"#, false),
            (r#"{"keys":[{"kty":"OKP","x":"AA"},{"kty":"OKP","x":"AA","d":"AA"}]}"#, true),
            (r#"{"keys":[{"kty":"oct","k":"AA"}]}"#, true),
            (r#"{"keys":"#, true),
            ("-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----", false),
            ("-----BEGIN EC PRIVATE KEY-----\nAA\n-----END EC PRIVATE KEY-----", true),
            ("something else", true),
        ] {
            assert_eq!(holds_secret_key(set), secret, "{set}");
        }
    }
}
