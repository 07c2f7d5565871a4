//! The methods of `GroupService`.

use crate::{
    config::Right,
    grpc::rownd_auth::rpc::{Rpc, Service},
};

/// The most bytes of a request that names things by ids and filters.
const NAMES_BYTES: usize = 72 << 10;
/// The most bytes of a request with data of the app: `meta` of a group, and the group as it was read.
const GROUP_BYTES: usize = 1 << 20;

const READ: Rpc = Rpc {
    name: "",
    rights: &[Right::ReadGroups],
    max_request_bytes: NAMES_BYTES,
    asks_issuer: true,
    repeatable: true,
};
const WRITE: Rpc = Rpc { rights: &[Right::WriteGroups], repeatable: false, ..READ };

/// The service for groups.
pub(in crate::grpc::rownd_auth) const SERVICE: Service = Service {
    name: "GroupService",
    rpcs: &[
        Rpc { name: "ListGroups", ..READ },
        Rpc { name: "GetGroup", ..READ },
        Rpc { name: "CreateGroup", max_request_bytes: GROUP_BYTES, ..WRITE },
        Rpc { name: "UpdateGroup", max_request_bytes: GROUP_BYTES, ..WRITE },
        Rpc { name: "DeleteGroup", ..WRITE },
        Rpc { name: "ListGroupMembers", ..READ },
        Rpc { name: "GetGroupMember", ..READ },
        Rpc { name: "AddGroupMember", ..WRITE },
        // With the profile of the member as it was read.
        Rpc { name: "UpdateGroupMember", max_request_bytes: GROUP_BYTES, ..WRITE },
        Rpc { name: "RemoveGroupMember", ..WRITE },
        Rpc { name: "ListGroupInvites", ..READ },
        Rpc { name: "GetGroupInvite", ..READ },
        Rpc { name: "CreateGroupInvite", ..WRITE },
        Rpc { name: "UpdateGroupInvite", ..WRITE },
        Rpc { name: "DeleteGroupInvite", ..WRITE },
        Rpc { name: "AcceptGroupInvite", rights: &[Right::GetOwnUser], ..WRITE },
    ],
};
