//! Why something cannot be read or written.

use serde_json::{Map, Value};
use thiserror::Error;

/// Why something cannot be read or written. The routes turn it into the answer of the API that
/// was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum DataError {
    /// No app has the id.
    #[error("there is no app with that id")]
    NoSuchApp,
    /// No user of the app has the id.
    #[error("there is no user with that id")]
    NoSuchUser,
    /// The group, the member or the invite does not exist.
    #[error("there is no such group, member or invite")]
    NoSuchGroup,
    /// The magic link does not exist, or was evicted.
    #[error("there is no such link")]
    NoSuchLink,
    /// The link is past its end.
    #[error("the link has expired")]
    LinkExpired,
    /// Neither the app's schema nor Rownd knows the field.
    #[error("the app's schema has no such field")]
    NoSuchField,
    /// Fields of a profile have wrong values: the messages by field.
    #[error("the user could not be written")]
    Fields(Map<String, Value>),
    /// The text cannot be a user id.
    #[error("that cannot be a user id")]
    BadUserId,
    /// The app holds as many users as the emulator keeps.
    #[error("the emulator keeps at most {0} users per app")]
    TooManyUsers(usize),
    /// The app holds as many groups as the emulator keeps.
    #[error("the emulator keeps at most {0} groups per app")]
    TooManyGroups(usize),
    /// The group holds as many invites as the emulator keeps.
    #[error("the emulator keeps at most {0} invites per group")]
    TooManyInvites(usize),
    /// No OpenID client of the app has the id.
    #[error("there is no OpenID client with that id")]
    NoSuchClient,
    /// The client has no logo of that shade.
    #[error("the client has no such logo")]
    NoSuchLogo,
    /// A setting of an OpenID client cannot be used: what is wrong with it.
    #[error("{0}")]
    BadClient(String),
    /// The app holds as many OpenID clients as the emulator keeps.
    #[error("the emulator keeps at most {0} OpenID clients per app")]
    TooManyClients(usize),
    /// The files of the app are as large as the emulator keeps.
    #[error("the emulator keeps at most {0} bytes of files per app")]
    TooManyBytes(usize),
    /// The group is not open: an invite is needed.
    #[error("the group takes only users who are invited")]
    InviteNeeded,
    /// The user is a member of the group.
    #[error("the user is a member already")]
    AlreadyMember,
    /// The change would leave a group of members without an owner.
    #[error("a group has to keep an owner")]
    LastOwner,
    /// The invite names another user.
    #[error("the invite is for another user")]
    InviteForAnotherUser,
    /// The invite was accepted or rejected before.
    #[error("the invite has been accepted or rejected already")]
    InviteUsed,
}
