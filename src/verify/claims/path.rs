//! Where a claim is found: its name, or the names on the way to a claim inside another.

use crate::{
    config::ClaimPlace,
    verify::json::{Json, Object},
};

/// The way to a claim. The setting decides what it is, never the token.
#[derive(Debug)]
pub(in crate::verify) struct ClaimPath {
    steps: Vec<String>,
    /// A step may be the index of an item in a list (RFC 6901 section 4).
    indexes: bool,
}

impl ClaimPath {
    pub(in crate::verify) fn new(place: ClaimPlace<'_>) -> Self {
        Self { steps: place.steps(), indexes: matches!(place, ClaimPlace::Pointer(_)) }
    }

    /// The place that a plain text means: a name, or a pointer where it begins with a slash.
    pub(in crate::verify) fn of_text(text: &str) -> Self {
        Self::new(ClaimPlace::of_text(text))
    }

    /// It is this claim, and not one inside another.
    pub(in crate::verify) fn is(&self, name: &str) -> bool {
        matches!(self.steps.as_slice(), [only] if only == name)
    }

    /// The claim of the token that it is, or is inside of.
    pub(in crate::verify) fn first(&self) -> &str {
        self.steps.first().map_or("", String::as_str)
    }

    /// The way leads through a value that has no members: whether the claim is there cannot be told.
    pub(in crate::verify) fn is_blocked(&self, claims: &Object<'_>) -> bool {
        let Some((first, rest)) = self.steps.split_first() else { return false };
        let mut value = claims.get(first);
        for step in rest {
            value = match value {
                None | Some(Json::Null) => return false,
                Some(Json::Object(object)) => object.get(step),
                Some(Json::List(items)) if self.indexes => match index(step) {
                    Some(at) => items.get(at),
                    None => return true,
                },
                Some(
                    Json::Bool(_)
                    | Json::Unsigned(_)
                    | Json::Negative(_)
                    | Json::Float(_)
                    | Json::Text(_)
                    | Json::List(_),
                ) => return true,
            };
        }
        false
    }

    /// The claim; `null` counts as absent.
    pub(in crate::verify) fn find<'a, 'b>(&self, claims: &'a Object<'b>) -> Option<&'a Json<'b>> {
        self.stated(claims).filter(|value| **value != Json::Null)
    }

    /// The claim, also one that is `null`.
    pub(in crate::verify) fn stated<'a, 'b>(&self, claims: &'a Object<'b>) -> Option<&'a Json<'b>> {
        let (first, rest) = self.steps.split_first()?;
        let mut value = claims.get(first)?;
        for step in rest {
            value = match (value.object(), value.list()) {
                (Some(object), _) => object.get(step)?,
                (None, Some(items)) if self.indexes => items.get(index(step)?)?,
                (None, _) => return None,
            };
        }
        Some(value)
    }
}

/// An index as RFC 6901 writes it: decimal digits, none in front that says nothing.
fn index(step: &str) -> Option<usize> {
    let digits = step.bytes().all(|byte| byte.is_ascii_digit());
    let plain = step == "0" || !step.starts_with('0');
    if digits && plain { step.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::ClaimPath;
    use crate::{
        config::ClaimPlace::{self, Name, Path, Pointer},
        verify::json::{Json, Object},
    };

    /// A token that has a claim for each of the three ways to read a text.
    const CLAIMS: &str = r#"{
        "a.b": "dotted name", "a": { "b": "inside", "0": "a member", "": "empty" }, "/a/b": "slashed name",
        "https://x.test/roles": "url", "m~n": { "a/b": "escaped" }, "~1": "tilde one", "/": "slash",
        "list": ["zero", "one", { "b": "deep" }, null], "none": null, "text": "t", "urn:x:y.z": "urn"
    }"#;

    #[test]
    fn the_setting_decides_what_a_text_means() {
        let claims: Json<'_> = serde_json::from_str(CLAIMS).unwrap();
        let claims: &Object<'_> = claims.object().unwrap();
        #[rustfmt::skip] // one case a line
        let cases: [(ClaimPlace<'_>, Option<&str>); 33] = [
            (ClaimPlace::of_text("a.b"), Some("dotted name")),
            (ClaimPlace::of_text("/a/b"), Some("inside")),
            (ClaimPlace::of_text("https://x.test/roles"), Some("url")),
            (ClaimPlace::of_text("urn:x:y.z"), Some("urn")),
            (Name("a.b"), Some("dotted name")),
            (Name("/a/b"), Some("slashed name")),
            (Path("a.b"), Some("inside")),
            (Path("text"), Some("t")),
            (Pointer("/a/b"), Some("inside")),
            (Pointer("/a.b"), Some("dotted name")),
            (Pointer("/~1a~1b"), Some("slashed name")),
            (Pointer("/m~0n/a~1b"), Some("escaped")),
            (Pointer("/~01"), Some("tilde one")),
            (Pointer("/~1"), Some("slash")),
            (Pointer("/https:~1~1x.test~1roles"), Some("url")),
            // Items of a list, by pointers alone.
            (Pointer("/list/0"), Some("zero")),
            (Pointer("/list/1"), Some("one")),
            (Pointer("/list/2/b"), Some("deep")),
            (Pointer("/list/3"), None),
            (Pointer("/list/4"), None),
            (Pointer("/list/01"), None),
            (Pointer("/list/+1"), None),
            (Pointer("/list/-1"), None),
            (Pointer("/list/-"), None),
            (Pointer("/list/18446744073709551616"), None),
            (Pointer("/list/b"), None),
            (Pointer("/a/0"), Some("a member")),
            (Path("list.0"), None),
            (Path("a.0"), Some("a member")),
            // No way on from a text, and none through what is absent.
            (Path("text.b"), None),
            (Pointer("/none"), None),
            (Pointer("/none/a"), None),
            (Pointer("/absent/b"), None),
        ];
        for (place, expected) in cases {
            let found = ClaimPath::new(place).find(claims);
            assert_eq!(found.and_then(Json::text), expected, "{place:?}");
            assert!(found.is_none() || !ClaimPath::new(place).is_blocked(claims), "{place:?}");
        }
    }

    #[test]
    fn a_way_through_a_value_without_members_is_blocked() {
        let claims: Json<'_> = serde_json::from_str(CLAIMS).unwrap();
        let claims: &Object<'_> = claims.object().unwrap();
        for (place, expected) in [
            (Name("text"), false),
            (Path("text"), false),
            (Path("text.b"), true),
            (Pointer("/text/b/c"), true),
            (Path("list.0"), true),
            (Pointer("/list/0"), false),
            (Pointer("/list/0/a"), true),
            (Pointer("/list/b"), true),
            (Pointer("/list/9"), false),
            (Pointer("/list/9/b"), false),
            (Pointer("/list/3/b"), false),
            (Pointer("/none/a"), false),
            (Pointer("/absent/b"), false),
            (Pointer("/a/absent/c"), false),
            (Pointer("/a/b/c"), true),
        ] {
            assert_eq!(ClaimPath::new(place).is_blocked(claims), expected, "{place:?}");
        }
    }
}
