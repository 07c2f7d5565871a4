//! Where a claim is found: its name, or the names on the way to a claim inside another.

use crate::verify::json::{Json, Object};

/// A claim's name, or a JSON pointer (RFC 6901) where the text starts with a slash.
#[derive(Debug)]
pub(in crate::verify) struct ClaimPath(Vec<String>);

impl ClaimPath {
    pub(in crate::verify) fn new(text: &str) -> Self {
        Self(match text.strip_prefix('/') {
            None => vec![text.to_owned()],
            Some(path) => {
                let unescaped = |name: &str| name.replace("~1", "/").replace("~0", "~");
                path.split('/').map(unescaped).collect()
            }
        })
    }

    /// It is this claim, and not one inside another.
    pub(in crate::verify) fn is(&self, name: &str) -> bool {
        matches!(self.0.as_slice(), [only] if only == name)
    }

    /// The claim; `null` counts as absent.
    pub(in crate::verify) fn find<'a, 'b>(&self, claims: &'a Object<'b>) -> Option<&'a Json<'b>> {
        let (last, way) = self.0.split_last()?;
        let mut object = claims;
        for name in way {
            object = object.get(name)?.object()?;
        }
        object.get(last).filter(|value| **value != Json::Null)
    }
}
