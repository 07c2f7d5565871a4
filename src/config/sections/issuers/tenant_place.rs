//! The place of the tenant in an address: one `{tenant}`, which is one whole segment of the path.
//!
//! In: an address as it is written. Out: whether it has the place, or what to write; and the address
//! of one tenant.

/// The place of the tenant in an address.
const PLACEHOLDER: &str = "{tenant}";
/// The advice where the place is wrong or missing.
pub(super) const EXAMPLE: &str = "write `{tenant}` once, as one whole segment of the path: \
                       https://login.example.com/{tenant}/v2.0";

/// The text with this tenant in its place.
pub(super) fn put_tenant(text: &str, tenant: &str) -> String {
    text.replace(PLACEHOLDER, tenant)
}

/// Whether a tenant has a place in this address.
pub(super) fn has_place(address: &str) -> Result<bool, String> {
    let mut parts = address.split(PLACEHOLDER);
    let (before, after, more) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let braces = |text: &str| text.contains(['{', '}']);
    if more.is_some() {
        return Err(format!("has `{{tenant}}` twice; {EXAMPLE}"));
    }
    if braces(before) || after.is_some_and(braces) {
        return Err(format!("has a brace, and the only placeholder is `{{tenant}}`; {EXAMPLE}"));
    }
    let Some(after) = after else { return Ok(false) };
    let in_path = before.split_once("://").is_some_and(|(_, rest)| {
        rest.contains('/') && rest.ends_with('/') && !rest.contains(['?', '#'])
    });
    if has_dot_segment(before) || has_dot_segment(after) {
        return Err(format!(
            "has a segment `.` or `..`, which would lead out of the tenant's place; {EXAMPLE}"
        ));
    }
    let is_whole = after.is_empty() || after.starts_with(['/', '?']);
    if in_path && is_whole {
        Ok(true)
    } else {
        Err(format!("has `{{tenant}}` in another place; {EXAMPLE}"))
    }
}

/// A segment that clients and servers resolve away (RFC 3986 section 5.2.4), escaped or not.
fn has_dot_segment(text: &str) -> bool {
    let plain =
        text.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
    plain.split(['/', '\\', '?', '#']).any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::{EXAMPLE, has_place};

    #[test]
    fn a_tenant_has_its_place_as_one_whole_segment_of_the_path() {
        for (address, expected) in [
            ("https://id.test", Ok(false)),
            ("urn:partner", Ok(false)),
            ("https://id.test/{tenant}", Ok(true)),
            ("https://id.test/{tenant}/v2.0", Ok(true)),
            ("https://id.test/realms/{tenant}", Ok(true)),
            ("https://id.test/{tenant}?v=2", Ok(true)),
            ("https://id.test/{tenant}/../keys", Err("lead out")),
            ("https://id.test/{tenant}/%2E%2e/keys", Err("lead out")),
            ("https://id.test/{tenant}/..%2fkeys", Err("lead out")),
            ("https://id.test/{tenant}/a/..\\keys", Err("lead out")),
            ("https://id.test/a/./{tenant}", Err("lead out")),
            ("https://id.test/{tenant}/..", Err("lead out")),
            ("https://id.test/{tenant}/...", Ok(true)),
            ("https://id.test/{tenant}/a/{tenant}", Err("twice")),
            ("https://id.test/{tenant}{tenant}", Err("twice")),
            ("https://{tenant}", Err("another place")),
            ("https://{tenant}/", Err("another place")),
            ("https://{tenant}.id.test/v2.0", Err("another place")),
            ("https://id.test:{tenant}/", Err("another place")),
            ("https://id.test/a{tenant}", Err("another place")),
            ("https://id.test/{tenant}b/", Err("another place")),
            ("https://id.test/?t={tenant}", Err("another place")),
            ("https://id.test/?t=/{tenant}", Err("another place")),
            ("https://id.test/#/{tenant}", Err("another place")),
            ("https://id.test/{tenant}#a", Err("another place")),
            ("{tenant}", Err("another place")),
            ("urn:{tenant}", Err("another place")),
            ("https://id.test/{tenantid}", Err("brace")),
            ("https://id.test/{Tenant}", Err("brace")),
            ("https://id.test/{realm}/{tenant}", Err("brace")),
            ("https://id.test/{{tenant}}", Err("brace")),
            ("https://id.test/{tenant}/}", Err("brace")),
        ] {
            match (has_place(address), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{address}"),
                (Err(message), Err(part)) => {
                    assert!(
                        message.contains(part) && message.contains(EXAMPLE),
                        "{address}: {message}"
                    );
                }
                (found, _) => panic!("{address}: {found:?}"),
            }
        }
    }
}
