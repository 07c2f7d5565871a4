//! The reason why Rownd refuses a request about groups.
//!
//! Rownd has published neither the statuses nor the codes of most of these refusals, so this module
//! alone reads them: the status first, then the words of the answer.

use crate::issuer_api::{
    administration::groups::{GroupEntry, GroupError, GroupList, GroupRefusal},
    error::ApiError,
    rejection::{Mentions, Rejection},
};

/// The purpose of a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum GroupWork<'a> {
    List(GroupList<'a>),
    Read(GroupEntry<'a>),
    /// Whether the request names a user by id, who may not exist.
    Create {
        list: GroupList<'a>,
        by_id: bool,
    },
    Update(GroupEntry<'a>),
    Delete(GroupEntry<'a>),
    /// By a user's token, an invite to this group.
    Accept(&'a str),
}

/// The meaning of a 404 if the group exists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Missing<'a> {
    pub(super) group: &'a str,
    pub(super) refusal: GroupRefusal,
}

impl<'a> GroupWork<'a> {
    /// The meaning of a 404 if the group exists. `None`: nothing but the group could be missing.
    pub(super) const fn missing(self) -> Option<Missing<'a>> {
        match self {
            Self::List(_)
            | Self::Create { list: GroupList::Groups, .. }
            | Self::Create { by_id: false, .. } => None,
            Self::Create {
                list: GroupList::Members(group) | GroupList::Invites(group), ..
            } => Some(Missing { group, refusal: GroupRefusal::NoUser }),
            Self::Read(entry) | Self::Update(entry) | Self::Delete(entry) => match entry {
                GroupEntry::Group(_) => None,
                GroupEntry::Member(group, _) => {
                    Some(Missing { group, refusal: GroupRefusal::NoMember })
                }
                GroupEntry::Invite(group, _) => {
                    Some(Missing { group, refusal: GroupRefusal::NoInvite })
                }
            },
            Self::Accept(group) => Some(Missing { group, refusal: GroupRefusal::NoInvite }),
        }
    }

    const fn has_group(self) -> bool {
        match self {
            Self::List(list) | Self::Create { list, .. } => list.group().is_some(),
            Self::Read(_) | Self::Update(_) | Self::Delete(_) | Self::Accept(_) => true,
        }
    }
}

/// The error of this request.
pub(super) fn of(work: GroupWork<'_>, error: ApiError) -> GroupError {
    let ApiError::Rejected(rejection) = error else { return error.into() };
    match refusal(work, &rejection) {
        Some(refusal) => {
            let Rejection { status, code, .. } = rejection;
            GroupError::Refused { refusal, status, code }
        }
        None => ApiError::KeyRefused(rejection.status).into(),
    }
}

/// The reason of a refusal. `None`: the key and secret of the app are refused.
fn refusal(work: GroupWork<'_>, rejection: &Rejection) -> Option<GroupRefusal> {
    let said = &rejection.mentions;
    match (work, rejection.status) {
        (GroupWork::Accept(_), status) => Some(of_acceptance(status, said)),
        (_, 404) if work.has_group() => Some(GroupRefusal::NoGroup),
        (_, 401 | 404) => None,
        (_, 403) if !(said.owner || said.member || said.invite) => None,
        (_, status) => Some(of_write(work, status, said)),
    }
}

fn of_write(work: GroupWork<'_>, status: u16, said: &Mentions) -> GroupRefusal {
    let before = said.before || status == 409;
    let adds = matches!(work, GroupWork::Create { list: GroupList::Members(_), .. });
    let invites = matches!(work, GroupWork::Create { list: GroupList::Invites(_), .. });
    let (of_member, of_invite) = match work {
        GroupWork::Update(entry) | GroupWork::Delete(entry) => {
            (matches!(entry, GroupEntry::Member(..)), matches!(entry, GroupEntry::Invite(..)))
        }
        GroupWork::List(_)
        | GroupWork::Read(_)
        | GroupWork::Create { .. }
        | GroupWork::Accept(_) => (false, false),
    };
    if (adds && status == 409) || ((adds || invites) && said.member && before) {
        GroupRefusal::MemberExists
    } else if (adds || invites || of_member || of_invite) && said.owner {
        GroupRefusal::LastOwner
    } else if adds && said.invite {
        GroupRefusal::Closed
    } else if of_invite && said.invite && before {
        GroupRefusal::InviteUsed
    } else {
        GroupRefusal::Unsaid
    }
}

fn of_acceptance(status: u16, said: &Mentions) -> GroupRefusal {
    match status {
        401 => GroupRefusal::TokenRefused,
        404 => GroupRefusal::NoGroup,
        _ if said.disabled => GroupRefusal::UserDisabled,
        _ if said.another => GroupRefusal::InviteForeign,
        _ if said.before && said.member && !said.invite => GroupRefusal::MemberExists,
        _ if said.before || matches!(status, 409 | 410) => GroupRefusal::InviteUsed,
        403 => GroupRefusal::InviteForeign,
        _ => GroupRefusal::Unsaid,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{GroupEntry, GroupError, GroupList, GroupRefusal, GroupWork, of};
    use crate::issuer_api::{error::ApiError, rejection::Rejection};

    const ADD: GroupWork<'_> = GroupWork::Create { list: GroupList::Members("g"), by_id: true };
    const INVITE: GroupWork<'_> = GroupWork::Create { list: GroupList::Invites("g"), by_id: false };
    const MEMBER: GroupEntry<'_> = GroupEntry::Member("g", "m");
    const INVITED: GroupEntry<'_> = GroupEntry::Invite("g", "i");

    /// The refusal, or the status of refused credentials.
    fn judged(work: GroupWork<'_>, status: u16, message: &str) -> Result<GroupRefusal, u16> {
        let body = json!({ "message": message });
        let rejection = Rejection::of_body(status, body.as_object().unwrap());
        match of(work, ApiError::Rejected(rejection)) {
            GroupError::Refused { refusal, status: kept, .. } => {
                assert_eq!(kept, status);
                Ok(refusal)
            }
            GroupError::Api(ApiError::KeyRefused(status)) => Err(status),
            GroupError::Api(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn a_refusal_has_one_reason() {
        for (work, status, message, expected) in [
            (ADD, 400, "the user is a member already", Ok(GroupRefusal::MemberExists)),
            (ADD, 409, "", Ok(GroupRefusal::MemberExists)),
            (ADD, 403, "the group takes only users who are invited", Ok(GroupRefusal::Closed)),
            (ADD, 404, "there is no user with that id", Ok(GroupRefusal::NoGroup)),
            (ADD, 400, "bad", Ok(GroupRefusal::Unsaid)),
            (ADD, 401, "the app key and secret do not fit", Err(401)),
            (ADD, 403, "the credentials belong to another app", Err(403)),
            (INVITE, 400, "the user is a member already", Ok(GroupRefusal::MemberExists)),
            (INVITE, 400, "a group has to keep an owner", Ok(GroupRefusal::LastOwner)),
            (INVITE, 409, "", Ok(GroupRefusal::Unsaid)),
            (GroupWork::Update(MEMBER), 400, "Last owner!", Ok(GroupRefusal::LastOwner)),
            (GroupWork::Delete(MEMBER), 403, "keep one owner", Ok(GroupRefusal::LastOwner)),
            (GroupWork::Delete(MEMBER), 412, "", Ok(GroupRefusal::Unsaid)),
            (GroupWork::Update(INVITED), 400, "invite was accepted", Ok(GroupRefusal::InviteUsed)),
            (GroupWork::Delete(INVITED), 409, "the invite is gone", Ok(GroupRefusal::InviteUsed)),
            (GroupWork::Update(GroupEntry::Group("g")), 400, "owner", Ok(GroupRefusal::Unsaid)),
            (GroupWork::List(GroupList::Groups), 404, "no such app", Err(404)),
            (GroupWork::List(GroupList::Members("g")), 404, "", Ok(GroupRefusal::NoGroup)),
            (GroupWork::Accept("g"), 401, "", Ok(GroupRefusal::TokenRefused)),
            (GroupWork::Accept("g"), 403, "for another user", Ok(GroupRefusal::InviteForeign)),
            (GroupWork::Accept("g"), 403, "", Ok(GroupRefusal::InviteForeign)),
            (GroupWork::Accept("g"), 403, "the user is disabled", Ok(GroupRefusal::UserDisabled)),
            (
                GroupWork::Accept("g"),
                400,
                "the invite has been accepted or rejected already",
                Ok(GroupRefusal::InviteUsed),
            ),
            (GroupWork::Accept("g"), 410, "", Ok(GroupRefusal::InviteUsed)),
            (GroupWork::Accept("g"), 400, "already a member", Ok(GroupRefusal::MemberExists)),
            (GroupWork::Accept("g"), 400, "no", Ok(GroupRefusal::Unsaid)),
        ] {
            assert_eq!(judged(work, status, message), expected, "{work:?} {status} {message}");
        }
    }

    #[test]
    fn a_missing_part_is_told_apart_from_a_missing_group() {
        let missing = |work: GroupWork<'_>| work.missing().map(|missing| missing.refusal);
        for (work, expected) in [
            (ADD, Some(GroupRefusal::NoUser)),
            (INVITE, None),
            (GroupWork::Create { list: GroupList::Groups, by_id: false }, None),
            (GroupWork::Read(MEMBER), Some(GroupRefusal::NoMember)),
            (GroupWork::Delete(INVITED), Some(GroupRefusal::NoInvite)),
            (GroupWork::Update(GroupEntry::Group("g")), None),
            (GroupWork::Accept("g"), Some(GroupRefusal::NoInvite)),
            (GroupWork::List(GroupList::Members("g")), None),
        ] {
            assert_eq!(missing(work), expected, "{work:?}");
        }
    }
}
