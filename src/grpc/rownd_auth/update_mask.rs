//! The fields that an update changes (AIP-134, AIP-161).
//!
//! In: the mask of a request, and the fields that can be changed. Out: whether a field is to be
//! written. Without a mask those are written that are set.

use std::collections::BTreeSet;

use prost_types::FieldMask;

use super::fault::Fault;

const FIELD: &str = "update_mask";
/// The most paths of a mask.
const MAX_PATHS: usize = 256;

/// The fields that an update changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UpdateMask(Option<BTreeSet<String>>);

/// The fields that a mask can name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Updatable {
    /// All of them.
    pub(super) fields: &'static [&'static str],
    /// Those of them whose members a mask can name too: `data.email`.
    pub(super) with_members: &'static [&'static str],
}

impl UpdateMask {
    /// The mask of a request.
    ///
    /// # Errors
    ///
    /// Fails where a path is none of these fields. `*` is none: it would replace the whole, and
    /// what an issuer does to the rest of a thing that is replaced is not documented.
    pub(super) fn of(mask: Option<FieldMask>, known: Updatable) -> Result<Self, Fault> {
        let Some(paths) = mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty()) else {
            return Ok(Self(None));
        };
        if paths.len() > MAX_PATHS {
            return Err(Fault::field(FIELD, format!("has more than {MAX_PATHS} paths")));
        }
        let is_known = |path: &str| match path.split_once('.') {
            None => known.fields.contains(&path),
            Some((field, member)) => {
                known.with_members.contains(&field) && !member.is_empty() && member != "*"
            }
        };
        if paths.iter().any(|path| path == "*") {
            let why = "`*` is refused, because it would replace what is not in the request; name \
                       the fields";
            return Err(Fault::field(FIELD, why));
        }
        match paths.iter().position(|path| !is_known(path)) {
            None => Ok(Self(Some(paths.into_iter().collect()))),
            Some(index) => Err(unknown(index, known)),
        }
    }

    /// Whether this field is written. `is_set`: the request has a value for it.
    pub(super) fn writes(&self, field: &str, is_set: bool) -> bool {
        self.0.as_ref().map_or(is_set, |paths| paths.contains(field))
    }

    /// The members of a field that the mask names one by one.
    pub(super) fn members<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a str> {
        let paths = self.0.iter().flatten();
        paths.filter_map(move |path| path.strip_prefix(field)?.strip_prefix('.'))
    }
}

/// The message does not repeat the path: it comes from the caller.
fn unknown(index: usize, known: Updatable) -> Fault {
    let members = match known.with_members {
        [] => String::new(),
        some => format!("; a member is {}.NAME", some.join(".NAME, ")),
    };
    let (number, fields) = (index + 1, known.fields.join(", "));
    let why = format!("path {number} is not a field that can be changed: {fields}{members}");
    Fault::field(FIELD, why)
}

#[cfg(test)]
mod tests {
    use prost_types::FieldMask;

    use super::{Updatable, UpdateMask};

    const KNOWN: Updatable = Updatable { fields: &["data", "name"], with_members: &["data"] };

    fn mask(paths: &[&str]) -> Result<UpdateMask, super::Fault> {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        UpdateMask::of(Some(FieldMask { paths }), KNOWN)
    }

    #[test]
    fn without_a_mask_the_fields_that_are_set_are_written() {
        for none in [UpdateMask::of(None, KNOWN).unwrap(), mask(&[]).unwrap()] {
            assert!(none.writes("name", true) && !none.writes("name", false));
            assert_eq!(none.members("data").count(), 0);
        }
    }

    #[test]
    fn a_mask_names_what_is_written() {
        let one = mask(&["name", "data.email", "data.a.b"]).unwrap();
        assert!(one.writes("name", false) && !one.writes("data", true));
        assert_eq!(one.members("data").collect::<Vec<_>>(), ["a.b", "email"]);
    }

    #[test]
    fn other_paths_are_refused() {
        for path in ["*", "id", "", "data.", "data.*", "name.first", ".name", "Name", "data*"] {
            assert!(mask(&["name", path]).is_err(), "{path}");
        }
        assert!(mask(&["name"; 257]).is_err());
    }
}
