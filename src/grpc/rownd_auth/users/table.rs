//! The methods of `UserService`.

use crate::{
    config::Right,
    grpc::rownd_auth::rpc::{Rpc, Service},
};

/// The most bytes of a request that names users.
const NAMES: usize = 64 << 10;
/// The most bytes of a request with one profile: as many as a profile may have that is read.
const PROFILE: usize = 1 << 20;
/// The most bytes of a request with the profiles or the ids of up to 1000 users.
const BATCH: usize = 4 << 20;
/// The most bytes of a request with a file, which has at most 5 000 000.
const FILE: usize = 5_000_000 + (16 << 10);

/// A method that reads something.
const READ: Rpc = Rpc {
    name: "",
    rights: &[Right::ReadUsers],
    max_request_bytes: NAMES,
    asks_issuer: true,
    repeatable: true,
};
/// A method that changes something. A change whose outcome is unknown is not to be repeated blindly.
const CHANGE: Rpc = Rpc { rights: &[Right::WriteUsers], repeatable: false, ..READ };

/// The service for the users of an app.
pub(in crate::grpc::rownd_auth) const USER_SERVICE: Service = Service {
    name: "UserService",
    rpcs: &[
        Rpc { name: "ListUsers", ..READ },
        Rpc { name: "CreateUser", max_request_bytes: PROFILE, ..CHANGE },
        Rpc { name: "UpdateUser", max_request_bytes: PROFILE, ..CHANGE },
        Rpc { name: "DeleteUser", rights: &[Right::DeleteUsers], ..CHANGE },
        Rpc { name: "EnableUser", repeatable: true, ..CHANGE },
        Rpc { name: "DisableUser", repeatable: true, ..CHANGE },
        Rpc { name: "SignOutUser", rights: &[Right::SignOutUsers], repeatable: true, ..CHANGE },
        Rpc { name: "BatchUpsertUsers", max_request_bytes: BATCH, ..CHANGE },
        Rpc {
            name: "BatchDeleteUsers",
            rights: &[Right::DeleteUsers],
            max_request_bytes: BATCH,
            ..CHANGE
        },
        Rpc { name: "GetUserFile", ..READ },
        Rpc { name: "UpdateUserFile", max_request_bytes: FILE, repeatable: true, ..CHANGE },
        Rpc {
            name: "CreateSignInLink",
            rights: &[Right::CreateSignInLinks],
            max_request_bytes: PROFILE,
            ..CHANGE
        },
    ],
};
