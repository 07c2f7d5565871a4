//! The groups of an app, their members and invites, as the API of an issuer lists and changes them.
//!
//! In: an app with its key and secret, a place among its groups, and members of a JSON document. Out:
//! the document of the issuer, whose id is that of the place; or why there is none.

use std::{fmt, time::Duration};

use serde_json::{Map, Value};

use crate::{
    config::Secret,
    issuer_api::{ApiError, AppCredentials, Asked},
};

/// The members of a JSON document.
pub type Members = Map<String, Value>;

/// A list of groups, or of parts of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupList<'a> {
    /// The groups of the app.
    Groups,
    /// The members of the group with this id.
    Members(&'a str),
    /// The invites of the group with this id.
    Invites(&'a str),
}

/// One group, or one part of a group. Each is named by ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupEntry<'a> {
    /// A group.
    Group(&'a str),
    /// A member: the group, and the membership.
    Member(&'a str, &'a str),
    /// An invite: the group, and the invite.
    Invite(&'a str, &'a str),
}

/// The part of a list that is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListPart<'a> {
    /// The most entries.
    pub size: usize,
    /// Only entries behind the one with this id.
    pub after: Option<&'a str>,
    /// Only entries that have one of these values. None of them has a comma.
    pub lookup: &'a [String],
    /// Only invites for this user.
    pub ensured_user: Option<&'a str>,
}

/// A document of the issuer. `Debug` shows none of it: it is about persons.
#[derive(Clone, PartialEq)]
pub struct GroupDocument {
    /// The id, which is never empty.
    pub id: String,
    /// All members.
    pub members: Members,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct GroupPage {
    /// The entries, in the order of the issuer.
    pub entries: Vec<GroupDocument>,
    /// There may be entries behind these.
    pub more: bool,
    /// The number of entries of the whole list, if the issuer says it.
    pub total: Option<u64>,
}

/// A new invite, and its link. `Debug` shows none of it: the link signs a user in.
#[derive(Clone)]
pub struct NewInvite {
    /// The invite.
    pub invite: GroupDocument,
    /// The link.
    pub link: Secret,
}

/// A change of a document.
#[derive(Debug, Clone, Copy)]
pub struct GroupChange<'a> {
    /// The document as it was read.
    pub known: &'a GroupDocument,
    /// The members that change, with their new values.
    pub changed: &'a Members,
}

/// Why nothing came of a request about groups.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The API gave no usable answer, or refused the app.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The API refused the request itself.
    #[error("{refusal:?} (HTTP {status})")]
    Refused {
        /// The reason, as far as the answer says it.
        refusal: GroupRefusal,
        /// The HTTP status of the answer.
        status: u16,
        /// The API's own code, if it sent one.
        code: Option<String>,
    },
}

/// Why an API refuses a request about groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupRefusal {
    /// There is no such group.
    NoGroup,
    /// The group has no such member.
    NoMember,
    /// The group has no such invite.
    NoInvite,
    /// There is no such user.
    NoUser,
    /// The group would have members and no owner.
    LastOwner,
    /// The user is a member already.
    MemberExists,
    /// The group takes only users who are invited.
    Closed,
    /// The invite was accepted, rejected or withdrawn before.
    InviteUsed,
    /// The invite is for another user.
    InviteForeign,
    /// The account of the user is disabled.
    UserDisabled,
    /// The issuer does not take the token of the user.
    TokenRefused,
    /// The answer does not say why.
    Unsaid,
}

/// Lists, reads and changes groups, members and invites.
pub trait GroupAdministration: fmt::Debug + Send + Sync {
    /// A part of a list.
    fn list<'a>(
        &'a self,
        app: AppCredentials<'a>,
        list: GroupList<'a>,
        part: ListPart<'a>,
        timeout: Duration,
    ) -> Asked<'a, GroupPage, GroupError>;

    /// One entry.
    fn read<'a>(
        &'a self,
        app: AppCredentials<'a>,
        entry: GroupEntry<'a>,
        timeout: Duration,
    ) -> Asked<'a, GroupDocument, GroupError>;

    /// A new group or member.
    fn create<'a>(
        &'a self,
        app: AppCredentials<'a>,
        list: GroupList<'a>,
        members: Members,
        timeout: Duration,
    ) -> Asked<'a, GroupDocument, GroupError>;

    /// A new invite to a group.
    fn invite<'a>(
        &'a self,
        app: AppCredentials<'a>,
        group: &'a str,
        members: Members,
        timeout: Duration,
    ) -> Asked<'a, NewInvite, GroupError>;

    /// The entry after this change.
    fn update<'a>(
        &'a self,
        app: AppCredentials<'a>,
        entry: GroupEntry<'a>,
        change: GroupChange<'a>,
        timeout: Duration,
    ) -> Asked<'a, GroupDocument, GroupError>;

    /// Deletes an entry.
    fn delete<'a>(
        &'a self,
        app: AppCredentials<'a>,
        entry: GroupEntry<'a>,
        timeout: Duration,
    ) -> Asked<'a, (), GroupError>;

    /// Accepts an invite as the user of this token, and returns the group. With the credentials of
    /// the app, an invite that is not there can be told from a group that is not there.
    fn accept<'a>(
        &'a self,
        app: Option<AppCredentials<'a>>,
        token: &'a Secret,
        invite: (&'a str, &'a str),
        timeout: Duration,
    ) -> Asked<'a, AcceptedInvite, GroupError>;
}

/// The answer to an accepted invite.
#[derive(Debug, Clone)]
pub struct AcceptedInvite {
    /// The group.
    pub group: GroupDocument,
    /// The id of the user who has accepted, if the issuer says it.
    pub by: Option<String>,
}

impl fmt::Debug for GroupDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupDocument").finish_non_exhaustive()
    }
}

impl fmt::Debug for NewInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewInvite").finish_non_exhaustive()
    }
}

impl<'a> GroupList<'a> {
    /// The group that the list is a part of.
    #[must_use]
    pub const fn group(self) -> Option<&'a str> {
        match self {
            Self::Groups => None,
            Self::Members(group) | Self::Invites(group) => Some(group),
        }
    }
}

impl<'a> GroupEntry<'a> {
    /// The group that the entry is, or is a part of.
    #[must_use]
    pub const fn group(self) -> &'a str {
        match self {
            Self::Group(group) | Self::Member(group, _) | Self::Invite(group, _) => group,
        }
    }

    /// Its own id.
    #[must_use]
    pub const fn id(self) -> &'a str {
        match self {
            Self::Group(id) | Self::Member(_, id) | Self::Invite(_, id) => id,
        }
    }
}
