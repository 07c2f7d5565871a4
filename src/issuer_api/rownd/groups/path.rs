//! The paths of groups, members and invites in Rownd's API.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::issuer_api::{
    administration::groups::{GroupEntry, GroupList, ListPart},
    error::ApiError,
    rownd::user_id::segment,
};

/// The path of a list.
pub(super) fn list(app: &str, list: GroupList<'_>) -> Result<String, ApiError> {
    let groups = format!("/applications/{}/groups", segment(app)?);
    Ok(match list {
        GroupList::Groups => groups,
        GroupList::Members(group) => format!("{groups}/{}/members", segment(group)?),
        GroupList::Invites(group) => format!("{groups}/{}/invites", segment(group)?),
    })
}

/// The path of one entry.
pub(super) fn entry(app: &str, entry: GroupEntry<'_>) -> Result<String, ApiError> {
    let of = match entry {
        GroupEntry::Group(_) => GroupList::Groups,
        GroupEntry::Member(group, _) => GroupList::Members(group),
        GroupEntry::Invite(group, _) => GroupList::Invites(group),
    };
    Ok(format!("{}/{}", list(app, of)?, segment(entry.id())?))
}

/// The path of a part of a list, with its query.
pub(super) fn part(app: &str, of: GroupList<'_>, part: ListPart<'_>) -> Result<String, ApiError> {
    let mut path = format!("{}?page_size={}", list(app, of)?, asked_size(part));
    let lookup = (!part.lookup.is_empty()).then(|| part.lookup.join(","));
    let texts = [
        ("after", part.after),
        ("lookup_filter", lookup.as_deref()),
        ("ensured_user_id", part.ensured_user),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            path.push_str(&format!("&{name}={}", utf8_percent_encode(text, NON_ALPHANUMERIC)));
        }
    }
    Ok(path)
}

/// The path at which the user of a token accepts an invite.
pub(super) fn acceptance(group: &str, invite: &str) -> Result<String, ApiError> {
    Ok(format!("/me/groups/{}/invites/{}/accept", segment(group)?, segment(invite)?))
}

/// The most entries that Rownd may be asked for at once.
const MAX_SIZE: usize = 100;

/// The number of entries to ask for. Rownd does not say whether the entry that `after` names is one of
/// the answer: where it may be, one more is asked for, so that each part has a new entry.
pub(super) fn asked_size(part: ListPart<'_>) -> usize {
    let more = usize::from(part.after.is_some());
    part.size.saturating_add(more).min(MAX_SIZE)
}

#[cfg(test)]
mod tests {
    use super::{GroupEntry, GroupList, ListPart};

    #[test]
    fn ids_are_segments() {
        let path = |entry| super::entry("app_1", entry).ok();
        for (entry, expected) in [
            (GroupEntry::Group("g 1"), Some("/applications/app_1/groups/g%201")),
            (GroupEntry::Member("g", "m?x"), Some("/applications/app_1/groups/g/members/m%3Fx")),
            (
                GroupEntry::Invite("g", "\u{e9}"),
                Some("/applications/app_1/groups/g/invites/%C3%A9"),
            ),
            (GroupEntry::Group(".."), None),
            (GroupEntry::Member("", "m"), None),
            (GroupEntry::Member("g", "%2e%2e"), None),
            (GroupEntry::Invite("g", "__sample__"), None),
        ] {
            assert_eq!(path(entry).as_deref(), expected, "{entry:?}");
        }
        let accepted = super::acceptance("g/1", "i").ok();
        assert_eq!(accepted.as_deref(), Some("/me/groups/g%2F1/invites/i/accept"));
    }

    #[test]
    fn a_part_asks_for_what_it_needs() {
        let lookup = ["a&b=c".to_owned(), "d".to_owned()];
        for (part, expected) in [
            (ListPart { size: 5, ..ListPart::default() }, "?page_size=5"),
            (ListPart { size: 5, after: Some("g"), ..ListPart::default() }, "?page_size=6&after=g"),
            (
                ListPart { size: 100, after: Some("g&x=#"), ..ListPart::default() },
                "?page_size=100&after=g%26x%3D%23",
            ),
            (
                ListPart { size: 1, lookup: &lookup, ensured_user: Some("u/1"), after: None },
                "?page_size=1&lookup_filter=a%26b%3Dc%2Cd&ensured_user_id=u%2F1",
            ),
        ] {
            let path = super::part("a", GroupList::Groups, part).unwrap();
            assert_eq!(path, format!("/applications/a/groups{expected}"));
        }
    }
}
