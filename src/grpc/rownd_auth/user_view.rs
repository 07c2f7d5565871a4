//! A user as the services show it: by a read mask, and with an etag.
//!
//! In: a profile, and the fields that a caller asks for. Out: the message, and the names of what it
//! lacks.

use std::collections::HashSet;

use prost_types::FieldMask;
use serde_json::{Map, Value as Json, json};

use super::{convert, etag, fault::Fault, structure::Structures};
use crate::{
    grpc::pb::rownd::auth::v1::{User, UserState},
    model::{Cutoff, Profile},
};

/// The fields of `User` that a mask can name.
const FIELDS: [&str; 10] = [
    "id",
    "state",
    "auth_level",
    "data",
    "verified_data",
    "attributes",
    "memberships",
    "meta",
    "tokens_valid_since",
    "etag",
];
/// Those of them whose members a mask can name too: `data.email`.
const FIELDS_WITH_MEMBERS: [&str; 4] = ["data", "verified_data", "attributes", "meta"];
/// The path of all fields, and the member that is all members (AIP-157, AIP-161).
const ALL: &str = "*";
/// The most paths of a mask.
const MAX_PATHS: usize = 256;

/// The fault of a path that names no field. The message does not repeat it.
fn unknown_path(index: usize) -> Fault {
    let why = format!(
        "path {} is not a field; known fields: {}; a member is {}.NAME; `{ALL}` is all fields",
        index + 1,
        FIELDS.join(", "),
        FIELDS_WITH_MEMBERS.join(".NAME, "),
    );
    Fault::field("read_mask", why)
}

/// The fields of a user that the caller asks for; `None`: all.
#[derive(Debug)]
pub(super) struct UserMask(Option<HashSet<String>>);

impl UserMask {
    /// The mask of all fields.
    pub(super) const fn all() -> Self {
        Self(None)
    }

    /// The mask of a request; without paths, of all fields.
    ///
    /// # Errors
    ///
    /// Fails where a path is none.
    pub(super) fn of(mask: Option<FieldMask>) -> Result<Self, Fault> {
        let paths = mask.map(|mask| mask.paths).filter(|paths| !paths.is_empty());
        let Some(paths) = paths else { return Ok(Self(None)) };
        if paths.len() > MAX_PATHS {
            return Err(Fault::field("read_mask", format!("has more than {MAX_PATHS} paths")));
        }
        let mut asked = HashSet::with_capacity(paths.len());
        let mut all = false;
        for (index, path) in paths.into_iter().enumerate() {
            match path.split_once('.') {
                None if path == ALL => all = true,
                None if FIELDS.contains(&path.as_str()) => {
                    asked.insert(path);
                }
                Some((field, ALL)) if FIELDS_WITH_MEMBERS.contains(&field) => {
                    asked.insert(field.to_owned());
                }
                Some((field, member))
                    if FIELDS_WITH_MEMBERS.contains(&field) && !member.is_empty() =>
                {
                    asked.insert(path);
                }
                Some(_) | None => return Err(unknown_path(index)),
            }
        }
        Ok(Self((!all).then_some(asked)))
    }

    /// The members of `data` that are enough for these fields; `None`: all of them.
    pub(super) fn fields_of_data(&self) -> Option<Vec<String>> {
        let paths = self.0.as_ref().filter(|_| !self.has("data") && !self.has("etag"))?;
        let members = paths.iter().filter_map(|path| path.strip_prefix("data."));
        let mut members: Vec<String> = members.map(str::to_owned).collect();
        members.sort();
        Some(members)
    }

    fn has(&self, field: &str) -> bool {
        self.0.as_ref().is_none_or(|paths| paths.contains(field))
    }

    /// All of a field, or those of its members that the mask names.
    fn part(
        &self,
        field: &str,
        map: &Map<String, Json>,
        structures: &mut Structures,
    ) -> Option<prost_types::Struct> {
        if self.has(field) {
            return Some(structures.make(field, map));
        }
        let named = |member: &str| {
            self.0.as_ref().is_some_and(|paths| paths.contains(&format!("{field}.{member}")))
        };
        let asked = self
            .0
            .iter()
            .flatten()
            .any(|path| path.strip_prefix(field).is_some_and(|member| member.starts_with('.')));
        asked.then(|| structures.make(field, map.iter().filter(|(member, _)| named(member))))
    }

    /// The fields of this user that are asked for. `id` is the id where the profile names none.
    pub(super) fn user(&self, profile: &Profile, id: &str, structures: &mut Structures) -> User {
        let state = if profile.enabled() { UserState::Enabled } else { UserState::Disabled };
        let level = profile.auth_level.map_or(0, |level| convert::wire_level(level).into());
        let id = profile.user_id.as_deref().unwrap_or(id);
        let cutoff = match profile.tokens_valid_since {
            Cutoff::At(nanos) => timestamp(nanos),
            Cutoff::None | Cutoff::Unreadable => None,
        };
        let has = |field| self.has(field);
        let mut part = |field, map| self.part(field, map, structures);
        User {
            id: if has("id") { id.to_owned() } else { String::new() },
            state: if has("state") { state.into() } else { 0 },
            auth_level: if has("auth_level") { level } else { 0 },
            data: part("data", &profile.data),
            verified_data: part("verified_data", &profile.verified_data),
            attributes: part("attributes", &profile.attributes),
            memberships: if has("memberships") {
                profile.groups.iter().map(convert::wire_membership).collect()
            } else {
                Vec::new()
            },
            meta: part("meta", &profile.meta),
            tokens_valid_since: cutoff.filter(|_| has("tokens_valid_since")),
            etag: if has("etag") { etag_of(profile) } else { String::new() },
        }
    }
}

fn timestamp(nanos: i128) -> Option<prost_types::Timestamp> {
    const SECOND: i128 = 1_000_000_000;
    let seconds = i64::try_from(nanos.div_euclid(SECOND)).ok()?;
    let nanos = i32::try_from(nanos.rem_euclid(SECOND)).ok()?;
    Some(prost_types::Timestamp { seconds, nanos })
}

/// The etag of a user: of the parts that a backend writes and of what follows from them. Times of
/// sign-ins are not in it, because they change without a write.
pub(super) fn etag_of(profile: &Profile) -> String {
    let mut data = profile.data.clone();
    // The id may stand elsewhere, and an answer to a write leaves it out there.
    data.remove("user_id");
    etag::of_json(&json!({
        "state": profile.state.as_deref().unwrap_or("enabled"),
        "data": data,
        "verified_data": profile.verified_data,
        "attributes": profile.attributes,
    }))
}

#[cfg(test)]
mod tests {
    use prost_types::FieldMask;
    use serde_json::json;

    use super::{UserMask, etag_of};
    use crate::model::{Cutoff, OddParts, Profile};

    fn profile() -> Profile {
        let object = |value: serde_json::Value| value.as_object().cloned().unwrap();
        Profile {
            user_id: Some("ann".to_owned()),
            state: None,
            auth_level: None,
            data: object(json!({ "user_id": "ann", "email": "ann@example.com" })),
            verified_data: object(json!({ "email": "ann@example.com" })),
            attributes: object(json!({ "shop:tags": ["vip"] })),
            groups: Vec::new(),
            meta: object(json!({ "created": "2025-02-01T00:00:00Z" })),
            tokens_valid_since: Cutoff::None,
            odd: OddParts::default(),
        }
    }

    #[test]
    fn an_etag_changes_with_what_a_backend_writes() {
        let etag = etag_of(&profile());
        let mut same = profile();
        same.user_id = None;
        same.state = Some("enabled".to_owned());
        same.data.remove("user_id");
        same.meta.insert("last_active".to_owned(), json!("now"));
        assert_eq!(etag_of(&same), etag);
        type Change = fn(&mut Profile);
        let changes: [(&str, Change); 4] = [
            ("state", |user| user.state = Some("disabled".to_owned())),
            ("data", |user| drop(user.data.insert("plan".to_owned(), json!("pro")))),
            ("verified_data", |user| user.verified_data.clear()),
            ("attributes", |user| drop(user.attributes.insert("a:b".to_owned(), json!([])))),
        ];
        for (name, change) in changes {
            let mut other = profile();
            change(&mut other);
            assert_ne!(etag_of(&other), etag, "{name}");
        }
    }

    #[test]
    fn a_mask_says_which_members_of_data_are_enough() {
        let members = |paths: &[&str]| {
            let paths = paths.iter().map(|path| (*path).to_owned()).collect();
            UserMask::of(Some(FieldMask { paths })).unwrap().fields_of_data()
        };
        for (paths, expected) in [
            (&[][..], None),
            (&["*"], None),
            (&["data"], None),
            (&["data.*"], None),
            (&["data.email", "data"], None),
            (&["etag", "data.email"], None),
            (&["id"], Some(vec![])),
            (&["data.plan", "id", "data.email", "meta.x"], Some(vec!["email", "plan"])),
        ] {
            let expected: Option<Vec<String>> =
                expected.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(members(paths), expected, "{paths:?}");
        }
    }
}
