//! The way to one claim of a token.
//!
//! In: names, from the outside to the inside. Out: the value that stands there, if there is one.

use std::fmt;

use serde_json::{Map, Value};

/// The name of a claim, or the names that lead to a member inside one: `["realm_access", "roles"]`
/// is the member `roles` of the claim `realm_access`. A name may hold any character, dots and
/// slashes too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimPath {
    claim: Box<str>,
    members: Box<[Box<str>]>,
}

impl ClaimPath {
    /// The claim of this name.
    #[must_use]
    pub fn new(claim: &str) -> Self {
        Self { claim: claim.into(), members: Box::default() }
    }

    /// The member of this name inside the value that `self` leads to.
    #[must_use]
    pub fn member(self, name: &str) -> Self {
        let mut members = self.members.into_vec();
        members.push(name.into());
        Self { claim: self.claim, members: members.into_boxed_slice() }
    }

    /// The name of the claim itself, without the members inside.
    #[must_use]
    pub fn claim(&self) -> &str {
        &self.claim
    }

    /// The value at the end of the path; `None` if a name on the way is missing, or leads into
    /// something that is no JSON object.
    #[must_use]
    pub fn find<'a>(&self, claims: &'a Map<String, Value>) -> Option<&'a Value> {
        let claim = claims.get(&*self.claim)?;
        self.members.iter().try_fold(claim, |value, name| value.as_object()?.get(&**name))
    }
}

/// The names with dots between them. A name may hold a dot itself, so this is for logs only.
impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.claim)?;
        self.members.iter().try_for_each(|name| write!(f, ".{name}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ClaimPath;

    #[test]
    fn a_path_leads_through_objects_only() {
        let claims = json!({
            "roles": ["admin"],
            "realm_access": { "roles": ["editor"] },
            "https://a.test/x.y": 1,
            "null": null,
        });
        let claims = claims.as_object().unwrap();
        for (path, expected) in [
            (ClaimPath::new("roles"), Some(json!(["admin"]))),
            (ClaimPath::new("realm_access").member("roles"), Some(json!(["editor"]))),
            (ClaimPath::new("https://a.test/x.y"), Some(json!(1))),
            (ClaimPath::new("null"), Some(json!(null))),
            (ClaimPath::new("null").member("x"), None),
            (ClaimPath::new("roles").member("0"), None),
            (ClaimPath::new("realm_access").member("roles").member("x"), None),
            (ClaimPath::new("realm_access.roles"), None),
            (ClaimPath::new("missing"), None),
        ] {
            assert_eq!(path.find(claims), expected.as_ref(), "{path}");
        }
    }

    #[test]
    fn a_path_is_written_with_dots() {
        let path = ClaimPath::new("a").member("b").member("c");
        assert_eq!((path.to_string(), path.claim()), ("a.b.c".to_owned(), "a"));
    }
}
