//! The faults of requests about groups.

use crate::{
    grpc::rownd_auth::{
        administration::{Request, Subject},
        fault::Fault,
        reason::ErrorReason,
    },
    issuer_api::administration::groups::{GroupError, GroupRefusal},
};

/// The fault of a request that changes nothing.
pub(super) fn read(error: GroupError) -> Fault {
    of(Request::Read(Subject::Group), error)
}

/// The fault of a change.
pub(super) fn change(error: GroupError) -> Fault {
    of(Request::Change(Subject::Group), error)
}

fn of(request: Request, error: GroupError) -> Fault {
    match error {
        GroupError::Api(error) => Fault::Administration(request, error),
        GroupError::Refused { refusal, status, code } => {
            let (reason, message) = meaning(refusal);
            let code = code.map(|code| ("upstream_code".to_owned(), code));
            let told = [("upstream_status".to_owned(), status.to_string())];
            Fault::Told(reason, message, told.into_iter().chain(code).collect())
        }
    }
}

const fn meaning(refusal: GroupRefusal) -> (ErrorReason, &'static str) {
    match refusal {
        GroupRefusal::NoGroup => (ErrorReason::GroupNotFound, "there is no such group"),
        GroupRefusal::NoMember => {
            (ErrorReason::GroupMemberNotFound, "the group has no such member")
        }
        GroupRefusal::NoInvite => {
            (ErrorReason::GroupInviteNotFound, "the group has no such invite")
        }
        GroupRefusal::NoUser => (ErrorReason::UserNotFound, "there is no such user"),
        GroupRefusal::LastOwner => (
            ErrorReason::LastOwner,
            "a group with members keeps an owner: make another member an owner first",
        ),
        GroupRefusal::MemberExists => {
            (ErrorReason::GroupMemberExists, "the user is a member of the group already")
        }
        GroupRefusal::Closed => {
            (ErrorReason::GroupNotOpen, "the group takes only users who are invited")
        }
        GroupRefusal::InviteUsed => {
            (ErrorReason::InviteUsed, "the invite has been accepted, rejected or withdrawn")
        }
        GroupRefusal::InviteForeign => {
            (ErrorReason::InviteForeign, "the invite is for another user")
        }
        GroupRefusal::UserDisabled => (ErrorReason::UserDisabled, "the account is disabled"),
        GroupRefusal::TokenRefused => {
            (ErrorReason::TokenRefused, "the issuer does not take the token of the user")
        }
        GroupRefusal::Unsaid => (ErrorReason::RequestRefused, "the issuer refused the request"),
    }
}
