//! The fields that an update changes (AIP-134, AIP-161).
//!
//! In: the mask of a request, and the fields that can be changed. Out: whether a field is to be
//! written. Without a mask those are written that are set.

use std::collections::BTreeSet;

use prost_types::FieldMask;
use serde_json::{Map, Value};

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

/// Whether members of a field have names with dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DottedNames {
    /// Often, such as `https://shop.example/plan`: a path with one clears the member of this name, unless
    /// a member that the request has is its beginning.
    Usual,
    /// Hardly ever: a path with one that the request does not have leads into a member.
    Rare,
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

    /// Whether there is no mask: what is set is written.
    pub(super) const fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// Checks that no path leads into a member, of which nothing would be written: `data.address.city`.
    /// `given`: the members that the request has.
    ///
    /// # Errors
    ///
    /// Fails where a path does.
    pub(super) fn check_whole(
        &self,
        field: &str,
        given: &Map<String, Value>,
        names: DottedNames,
    ) -> Result<(), Fault> {
        let begins = |name: &str| {
            let mut beginnings = name.match_indices('.').filter_map(|(at, _)| name.get(..at));
            beginnings.any(|beginning| given.contains_key(beginning))
        };
        let leads_into = |name: &str| match names {
            _ if given.contains_key(name) => false,
            DottedNames::Usual => begins(name),
            DottedNames::Rare => name.contains('.'),
        };
        if self.members(field).any(leads_into) {
            let why = format!(
                "has a path into a member of `{field}`: a member is written and cleared as a whole, \
                 by the path {field}.NAME"
            );
            return Err(Fault::field(FIELD, why));
        }
        Ok(())
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

    use serde_json::json;

    use super::{DottedNames, Updatable, UpdateMask};

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
    fn a_path_into_a_member_is_refused() {
        let given = json!({ "a": { "b": 1 }, "c.d": 2, "https://x.y/z": 3 });
        let given = given.as_object().unwrap();
        for (path, rare, usual) in [
            ("data.a", true, true),
            ("data.a.b", false, false),
            ("data.a.", false, false),
            ("data.c.d", true, true),
            ("data.c.d.e", false, false),
            ("data.e", true, true),
            ("data.e.f", false, true),
            ("data.https://x.y/z", true, true),
        ] {
            let mask = mask(&["name", path]).unwrap();
            for (names, good) in [(DottedNames::Rare, rare), (DottedNames::Usual, usual)] {
                assert_eq!(
                    mask.check_whole("data", given, names).is_ok(),
                    good,
                    "{path} {names:?}"
                );
            }
        }
    }

    #[test]
    fn other_paths_are_refused() {
        for path in ["*", "id", "", "data.", "data.*", "name.first", ".name", "Name", "data*"] {
            assert!(mask(&["name", path]).is_err(), "{path}");
        }
        assert!(mask(&["name"; 257]).is_err());
    }
}
